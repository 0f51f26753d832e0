//! The configuration file: typed reading, comment-preserving edits, and where files live.

pub mod paths;

use crate::model::account::{AccountName, AccountSettings};
use crate::problem::Problem;
use std::path::PathBuf;

/// What the configuration file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The accounts, in the order of the file.
    pub accounts: Vec<AccountSettings>,
    /// Client ids from the `[provider.NAME]` tables: provider name, client id.
    pub client_ids: Vec<(String, String)>,
    /// The command that edits messages; empty for `$VISUAL`, then `$EDITOR`.
    pub editor: String,
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read or written.
    #[error("{path} cannot be used")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file says something that is not understood.
    #[error("{path}, line {line}: {message}")]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1; 0 when not known.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// An account of this name is there already.
    #[error("there is already an account named {0}")]
    Duplicate(AccountName),
    /// The home directory is not known.
    #[error("the home directory is not known: set HOME or use --home")]
    NoHome,
}

impl ConfigError {
    /// The failure in plain words.
    #[must_use]
    pub fn problem(&self) -> Problem {
        todo!()
    }
}

/// The configuration file and what it says. Edits keep comments and order.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    path: Option<PathBuf>,
    text: String,
    config: Config,
}

impl ConfigFile {
    /// Reads `path`; a missing file is an empty configuration.
    ///
    /// # Errors
    /// [`ConfigError::Io`] and [`ConfigError::Invalid`].
    pub fn load(_path: PathBuf) -> Result<Self, ConfigError> {
        todo!()
    }

    /// A configuration that is never written: the demo and tests.
    #[must_use]
    pub fn in_memory() -> Self {
        todo!()
    }

    /// What it says.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Adds an account and writes the file.
    ///
    /// # Errors
    /// [`ConfigError::Duplicate`] and [`ConfigError::Io`]; the file is then as before.
    pub fn add_account(&mut self, _settings: &AccountSettings) -> Result<(), ConfigError> {
        todo!()
    }

    /// Removes an account and writes the file; it is no error when there is none.
    ///
    /// # Errors
    /// [`ConfigError::Io`]; the file is then as before.
    pub fn remove_account(&mut self, _name: &AccountName) -> Result<(), ConfigError> {
        todo!()
    }
}
