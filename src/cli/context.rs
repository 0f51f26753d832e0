//! What every command starts from: where files lie and how to answer.

use crate::cli::error::CliError;
use crate::cli::output::{Format, Output};
use crate::config::ConfigFile;
use crate::config::paths::Paths;
use crate::runtime::logging;
use clap::Args;
use clap::builder::OsStringValueParser;
use std::ffi::OsString;
use std::path::PathBuf;

/// Arguments every command takes.
#[derive(Debug, Args)]
pub struct GlobalArgs {
    /// Keep configuration, data and cache under this one directory
    // An `OsString`, because a `PathBuf` argument refuses an empty POSTHASTE_HOME.
    #[arg(long, global = true, value_name = "DIR", env = "POSTHASTE_HOME", value_parser = OsStringValueParser::new())]
    pub home: Option<OsString>,
    /// Use this configuration file
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Answer in JSON: one object, or one per line
    #[arg(long, global = true)]
    pub json: bool,
}

/// Where files lie and how to answer.
#[derive(Debug)]
pub struct Context {
    home: Option<PathBuf>,
    config: Option<PathBuf>,
    /// Where to write.
    pub output: Output,
}

impl Context {
    /// What the global arguments say.
    #[must_use]
    pub fn new(args: GlobalArgs) -> Self {
        let format = if args.json { Format::Json } else { Format::Human };
        let home = args.home.filter(|home| !home.is_empty()).map(PathBuf::from);
        Self { home, config: args.config, output: Output::new(format) }
    }

    /// Where files lie.
    ///
    /// # Errors
    /// When the home directory is not known.
    pub fn paths(&self) -> Result<Paths, CliError> {
        Paths::resolve(self.home.clone(), self.config.clone())
            .map_err(|error| error.problem().into())
    }

    /// Writes the log from now on.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn log(&self) -> Result<(), CliError> {
        logging::start(&self.paths()?.state_dir)
            .map_err(|error| CliError::system("log-failed", "The log cannot be written", &error))
    }

    /// The same for a command, where the environment asks for it.
    ///
    /// # Errors
    /// As [`Self::log`].
    pub fn log_on_request(&self) -> Result<(), CliError> {
        if logging::is_asked_for() { self.log() } else { Ok(()) }
    }

    /// The configuration as the file says it now.
    ///
    /// # Errors
    /// When it cannot be read or understood.
    pub fn load_config(&self) -> Result<ConfigFile, CliError> {
        ConfigFile::load(self.paths()?.config_file).map_err(|error| error.problem().into())
    }
}
