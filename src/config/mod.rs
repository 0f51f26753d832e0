//! The configuration file: typed reading, comment-preserving edits, and where files live.

mod edit;
pub mod paths;
mod read;

use crate::model::account::{AccountName, AccountSettings};
use crate::problem::{Problem, ProblemKind, Remedy};
use crate::stdx::atomic_file;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What the configuration file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The accounts, in the order of the file.
    pub accounts: Vec<AccountSettings>,
    /// Client ids from the `[provider.NAME]` tables: provider name, client id.
    pub client_ids: Vec<(String, String)>,
    /// The command that edits messages; empty for `$VISUAL`, then `$EDITOR`.
    pub editor: String,
    /// The account that hands over mail from addresses nothing else serves.
    pub fallback_submission: Option<AccountName>,
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
        let what = self.to_string();
        let problem = |kind, code, why: &str, remedy| Problem::new(kind, code, &what, why, remedy);
        match self {
            Self::Io { path: _, source } => {
                problem(ProblemKind::Failed, "config-file", &source.to_string(), Remedy::CheckDisk)
            }
            Self::Invalid { .. } => problem(
                ProblemKind::Usage,
                "config-invalid",
                "The configuration file has to be corrected before it can be used.",
                Remedy::EditSettings,
            ),
            Self::Duplicate(_) => problem(
                ProblemKind::Usage,
                "account-exists",
                "Each account needs a name of its own.",
                Remedy::EditSettings,
            ),
            Self::NoHome => problem(ProblemKind::Usage, "no-home", "", Remedy::Nothing),
        }
    }
}

/// The configuration file and what it says. Edits keep comments and order, and start from what the
/// file says at that moment: somebody may have it open in an editor.
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
    pub fn load(path: PathBuf) -> Result<Self, ConfigError> {
        let mut file = Self { path: Some(path), ..Self::in_memory() };
        let text = file.current_text()?;
        file.config = file.read(&text)?;
        file.text = text;
        Ok(file)
    }

    /// A configuration that is never written: the demo and tests.
    #[must_use]
    pub fn in_memory() -> Self {
        Self { path: None, text: String::new(), config: Config::default() }
    }

    /// What it says.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Adds an account and writes the file.
    ///
    /// # Errors
    /// [`ConfigError::Duplicate`], [`ConfigError::Io`], and [`ConfigError::Invalid`] when the file
    /// was changed meanwhile and is not understood; the file is then as before.
    pub fn add_account(&mut self, settings: &AccountSettings) -> Result<(), ConfigError> {
        let text = self.current_text()?;
        let config = self.read(&text)?;
        if config.accounts.iter().any(|account| account.name == settings.name) {
            return Err(ConfigError::Duplicate(settings.name.clone()));
        }
        // A relative name was meant from where the person stands, not from where the file lies.
        let ca_file = settings.ca_file.as_ref().map(std::path::absolute).transpose();
        let ca_file = ca_file.map_err(|source| self.io_error(source))?;
        let settings = AccountSettings { ca_file, ..settings.clone() };
        self.write(edit::with_account(&text, &settings))
    }

    /// Removes an account and writes the file; it is no error when there is none.
    ///
    /// # Errors
    /// [`ConfigError::Io`], and [`ConfigError::Invalid`] when the file was changed meanwhile and is
    /// not understood; the file is then as before.
    pub fn remove_account(&mut self, name: &AccountName) -> Result<(), ConfigError> {
        let text = self.current_text()?;
        let edited = edit::without_account(&text, name)
            .map_err(|error| self.invalid(0, error.message().to_owned()))?;
        self.write(edited)
    }

    fn current_text(&self) -> Result<String, ConfigError> {
        let Some(path) = &self.path else {
            return Ok(self.text.clone());
        };
        match fs::read_to_string(path) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(self.io_error(error)),
        }
    }

    /// Takes over `text`, after it has been read back and has reached the disk.
    fn write(&mut self, text: String) -> Result<(), ConfigError> {
        let config = self.read(&text)?;
        if let Some(path) = &self.path {
            write_file(path, &text).map_err(|source| self.io_error(source))?;
        }
        self.config = config;
        self.text = text;
        Ok(())
    }

    fn read(&self, text: &str) -> Result<Config, ConfigError> {
        let dir = self.path.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        read::config(text, dir).map_err(|mistake| self.invalid(mistake.line, mistake.message))
    }

    fn invalid(&self, line: usize, message: String) -> ConfigError {
        ConfigError::Invalid { path: self.path.clone().unwrap_or_default(), line, message }
    }

    fn io_error(&self, source: io::Error) -> ConfigError {
        ConfigError::Io { path: self.path.clone().unwrap_or_default(), source }
    }
}

fn write_file(path: &Path, text: &str) -> io::Result<()> {
    // Someone may keep the file elsewhere and link it here: the link stays.
    let target = match fs::canonicalize(path) {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_path_buf(),
        Err(error) => return Err(error),
    };
    // A directory that is there already may be shared: its mode is not ours to change.
    if let Some(dir) = target.parent().filter(|dir| !dir.as_os_str().is_empty() && !dir.exists()) {
        atomic_file::create_private_dir(dir)?;
    }
    atomic_file::write_private(&target, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use crate::config::{ConfigError, ConfigFile};
    use crate::model::account::{
        AccountSettings, OAuthApp, Resources, SecretsKind, SentCopy, SignInMethod, SubmissionRoute,
    };
    use crate::model::endpoint::{Endpoint, Security};
    use crate::problem::ProblemKind;
    use std::fs;
    use std::path::PathBuf;

    fn settings(name: &str) -> AccountSettings {
        AccountSettings {
            name: name.parse().unwrap(),
            address: "ada@example.org".parse().unwrap(),
            login: "a.lovelace@example.org".parse().unwrap(),
            display_name: "Ada \"L\" \\ \u{1f9ee}".to_owned(),
            provider: "custom".to_owned(),
            method: SignInMethod::DeviceCode,
            oauth: OAuthApp {
                authority: "https://localhost:1".to_owned(),
                tenant: "t".to_owned(),
                client_id: "c".to_owned(),
            },
            imap: Endpoint { at: "[::1]:10993".parse().unwrap(), security: Security::StartTls },
            submission: Endpoint { at: "localhost:465".parse().unwrap(), security: Security::Tls },
            sent_copy: SentCopy::Append,
            ca_file: Some(PathBuf::from("/etc/ca.pem")),
            secrets: SecretsKind::VaultPassphrase,
            route: SubmissionRoute::Auto,
            resources: Resources::default(),
            token_command: Vec::new(),
            shared_via: None,
            secret_expires: None,
            identities: Vec::new(),
        }
    }

    #[test]
    fn an_added_account_reads_back_equal_beside_untouched_comments() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("new/config.toml");
        let mut file = ConfigFile::load(path.clone()).unwrap();
        file.add_account(&settings("work")).unwrap();
        let first = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("# mine\neditor = 'ed' # why not\n{first}")).unwrap();
        file.add_account(&settings("home")).unwrap();
        let again = ConfigFile::load(path.clone()).unwrap();
        assert_eq!(again.config(), file.config());
        assert_eq!(again.config().accounts, [settings("work"), settings("home")]);
        assert_eq!(again.config().editor, "ed");
        file.remove_account(&"work".parse().unwrap()).unwrap();
        file.remove_account(&"nobody".parse().unwrap()).unwrap();
        assert_eq!(file.config().accounts, [settings("home")]);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# mine\neditor = 'ed' # why not\n"), "{text}");
    }

    #[test]
    fn a_second_account_of_one_name_changes_nothing() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("config.toml");
        let mut file = ConfigFile::load(path.clone()).unwrap();
        file.add_account(&settings("work")).unwrap();
        let before = fs::read(&path).unwrap();
        let error = file.add_account(&settings("work")).unwrap_err();
        assert!(matches!(error, ConfigError::Duplicate(_)), "{error:?}");
        assert_eq!(error.problem().kind, ProblemKind::Usage);
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_linked_file_stays_a_link() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("dotfiles.toml");
        fs::write(&target, "").unwrap();
        let path = home.path().join("config.toml");
        std::os::unix::fs::symlink(&target, &path).unwrap();
        ConfigFile::load(path.clone()).unwrap().add_account(&settings("work")).unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
        assert!(fs::read_to_string(&target).unwrap().contains("[[account]]"));
    }

    #[test]
    fn a_configuration_in_memory_is_edited_like_a_file() {
        let mut file = ConfigFile::in_memory();
        let demo = AccountSettings { secrets: SecretsKind::Memory, ..settings("demo") };
        file.add_account(&demo).unwrap();
        assert_eq!(file.config().accounts, [demo]);
        file.remove_account(&"demo".parse().unwrap()).unwrap();
        assert!(file.config().accounts.is_empty());
    }

    #[test]
    fn a_broken_file_is_named_with_its_line_and_never_overwritten() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("config.toml");
        let mut file = ConfigFile::load(path.clone()).unwrap();
        fs::write(&path, "\n[[account]\n").unwrap();
        assert!(file.add_account(&settings("work")).is_err());
        assert!(file.remove_account(&"work".parse().unwrap()).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "\n[[account]\n");
        let error = ConfigFile::load(path).unwrap_err();
        assert!(matches!(error, ConfigError::Invalid { line: 2, .. }), "{error:?}");
    }
}
