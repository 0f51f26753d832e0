//! Where files live: the XDG directories, or everything under one `--home`.

use crate::config::ConfigError;
use std::path::PathBuf;

/// The files and directories of one installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The configuration file.
    pub config_file: PathBuf,
    /// Precious: `user.db`, the vault, locks.
    pub data_dir: PathBuf,
    /// Rebuildable: `cache.db`.
    pub cache_dir: PathBuf,
    /// Logs and messages that are open in an external editor.
    pub state_dir: PathBuf,
}

impl Paths {
    /// With `home`: `home/config.toml`, `home/data`, `home/cache`, `home/state`; otherwise the XDG
    /// directories (crate `directories`). `config` overrides the configuration file.
    ///
    /// # Errors
    /// [`ConfigError::NoHome`].
    pub fn resolve(_home: Option<PathBuf>, _config: Option<PathBuf>) -> Result<Self, ConfigError> {
        todo!()
    }
}
