//! Where files live: the XDG directories, or everything under one `--home`.

use crate::config::ConfigError;
use directories::ProjectDirs;
use std::path::PathBuf;

/// Name of the configuration file in its directory.
const CONFIG_FILE: &str = "config.toml";

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
    pub fn resolve(home: Option<PathBuf>, config: Option<PathBuf>) -> Result<Self, ConfigError> {
        let mut paths = match home {
            Some(home) => Self {
                config_file: home.join(CONFIG_FILE),
                data_dir: home.join("data"),
                cache_dir: home.join("cache"),
                state_dir: home.join("state"),
            },
            None => Self::xdg(&ProjectDirs::from("", "", "posthaste").ok_or(ConfigError::NoHome)?),
        };
        if let Some(config_file) = config {
            paths.config_file = config_file;
        }
        Ok(paths)
    }

    fn xdg(dirs: &ProjectDirs) -> Self {
        // Only Linux has a state directory of its own.
        let state_dir =
            dirs.state_dir().map_or_else(|| dirs.data_dir().join("state"), PathBuf::from);
        Self {
            config_file: dirs.config_dir().join(CONFIG_FILE),
            data_dir: dirs.data_dir().to_path_buf(),
            cache_dir: dirs.cache_dir().to_path_buf(),
            state_dir,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::paths::Paths;
    use std::path::PathBuf;

    #[test]
    fn everything_lies_under_one_home_but_a_named_configuration() {
        let home = Some(PathBuf::from("h"));
        let paths = Paths::resolve(home.clone(), None).unwrap();
        assert_eq!(paths.config_file, PathBuf::from("h/config.toml"));
        assert_eq!(paths.state_dir, PathBuf::from("h/state"));
        let paths = Paths::resolve(home, Some(PathBuf::from("other.toml"))).unwrap();
        assert_eq!(paths.config_file, PathBuf::from("other.toml"));
        assert_eq!(paths.data_dir, PathBuf::from("h/data"));
        assert_eq!(paths.cache_dir, PathBuf::from("h/cache"));
    }
}
