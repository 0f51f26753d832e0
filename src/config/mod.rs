//! The configuration file: typed reading, comment-preserving edits, and where files live.

mod edit;
pub mod paths;
mod raw;
mod read;
mod table;
#[cfg(test)]
mod tests;

use crate::model::account::{AccountName, AccountSettings};
use crate::model::detection::Lookup;
use crate::model::secret_commands::SecretCommands;
use crate::problem::{Problem, ProblemKind, Remedy};
use crate::stdx::atomic_file;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
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
    /// Whether detection asks anything outside.
    pub detect: Lookup,
    /// The person's own commands that keep secrets, for accounts of
    /// [`crate::model::account::SecretsKind::Command`].
    pub secret_commands: Option<SecretCommands>,
}

impl Config {
    /// The account of this name.
    #[must_use]
    pub fn account(&self, name: &AccountName) -> Option<&AccountSettings> {
        self.accounts.iter().find(|account| account.name == *name)
    }

    /// What names this account: another account, or a key of the file; `None` when nothing does.
    #[must_use]
    pub fn needed_by(&self, name: &AccountName) -> Option<String> {
        let leans = |account: &&AccountSettings| {
            let mut submissions = account.identities.iter().map(|i| i.submission.as_ref());
            account.shared_via.as_ref() == Some(name) || submissions.any(|via| via == Some(name))
        };
        let others = self.accounts.iter().filter(|account| account.name != *name);
        let account = others.into_iter().find(leans).map(|account| account.name.to_string());
        let fallback = self.fallback_submission.as_ref().filter(|fallback| *fallback == name);
        account.or_else(|| fallback.map(|_named| "fallback-submission".to_owned()))
    }
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
    /// Others could have written the file, which names programs to run.
    #[error("{path} can be changed by others")]
    Unsafe {
        /// Which file.
        path: PathBuf,
        /// What to do about it.
        cure: String,
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
    /// There is no account of this name.
    #[error("there is no account named {0}")]
    Unknown(AccountName),
    /// Something else in the file leans on this account.
    #[error("{name} is still needed by {by}")]
    InUse {
        /// The account.
        name: AccountName,
        /// The other account, or the key, that names it.
        by: String,
    },
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
            Self::Unsafe { path: _, cure } => {
                let why = format!("It names programs that Posthaste runs for you. {cure}");
                problem(ProblemKind::Failed, "config-unsafe", &why, Remedy::CheckDisk)
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
            Self::Unknown(_) => problem(
                ProblemKind::Usage,
                "account-unknown",
                "The configuration file was changed meanwhile.",
                Remedy::EditSettings,
            ),
            Self::InUse { .. } => problem(
                ProblemKind::Usage,
                "account-in-use",
                "It lends its sign-in or its way of sending; change or remove the other one first.",
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

    /// Reads a configuration that is no file of its own, such as that inside an export.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`].
    pub fn parse(text: &str) -> Result<Config, ConfigError> {
        Self::in_memory().read(text)
    }

    /// It as text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
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
        if config.account(&settings.name).is_some() {
            return Err(ConfigError::Duplicate(settings.name.clone()));
        }
        let settings = self.with_whole_paths(settings)?;
        self.write(edit::with_account(&text, &settings))
    }

    /// Removes an account and writes the file; it is no error when there is none.
    ///
    /// # Errors
    /// [`ConfigError::InUse`] when something else names it, [`ConfigError::Io`], and
    /// [`ConfigError::Invalid`] when the file was changed meanwhile and is not understood; the file is
    /// then as before.
    pub fn remove_account(&mut self, name: &AccountName) -> Result<(), ConfigError> {
        let text = self.current_text()?;
        if let Some(by) = self.read(&text)?.needed_by(name) {
            return Err(ConfigError::InUse { name: name.clone(), by });
        }
        let edited = edit::without_account(&text, name);
        self.write(edited.map_err(|error| self.not_toml(&error))?)
    }

    /// Gives an account another name, wherever it is named, and writes the file.
    ///
    /// # Errors
    /// [`ConfigError::Unknown`], [`ConfigError::Duplicate`] when `new` is taken, and those of
    /// [`Self::remove_account`]; the file is then as before.
    pub fn rename_account(
        &mut self,
        old: &AccountName,
        new: &AccountName,
    ) -> Result<(), ConfigError> {
        let text = self.current_text()?;
        let config = self.read(&text)?;
        config.account(old).ok_or_else(|| ConfigError::Unknown(old.clone()))?;
        if old != new && config.account(new).is_some() {
            return Err(ConfigError::Duplicate(new.clone()));
        }
        let edited = edit::with_name(&text, old, new);
        self.write(edited.map_err(|error| self.not_toml(&error))?)
    }

    /// Makes the account of this name say what `settings` say and writes the file. Only keys whose
    /// meaning changes are touched.
    ///
    /// # Errors
    /// [`ConfigError::Unknown`], and those of [`Self::remove_account`]; the file is then as before.
    pub fn replace_account(&mut self, settings: &AccountSettings) -> Result<(), ConfigError> {
        let text = self.current_text()?;
        let config = self.read(&text)?;
        let unknown = || ConfigError::Unknown(settings.name.clone());
        let old = config.account(&settings.name).ok_or_else(unknown)?;
        let settings = self.with_whole_paths(settings)?;
        let edited = edit::with_settings(&text, old, &settings);
        self.write(edited.map_err(|error| self.not_toml(&error))?)
    }

    /// A relative name was meant from where the person stands, not from where the file lies.
    fn with_whole_paths(&self, settings: &AccountSettings) -> Result<AccountSettings, ConfigError> {
        let ca_file = settings.ca_file.as_ref().map(std::path::absolute).transpose();
        let ca_file = ca_file.map_err(|source| self.io_error(source))?;
        Ok(AccountSettings { ca_file, ..settings.clone() })
    }

    fn current_text(&self) -> Result<String, ConfigError> {
        let Some(path) = &self.path else {
            return Ok(self.text.clone());
        };
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
            Err(error) => return Err(self.io_error(error)),
        };
        let facts = file.metadata().map_err(|source| self.io_error(source))?;
        if let Some(cure) = cure_of_openness(&facts, path) {
            return Err(ConfigError::Unsafe { path: path.clone(), cure });
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|source| self.io_error(source))?;
        Ok(text)
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

    fn not_toml(&self, error: &toml_edit::TomlError) -> ConfigError {
        self.invalid(0, error.message().to_owned())
    }

    fn io_error(&self, source: io::Error) -> ConfigError {
        ConfigError::Io { path: self.path.clone().unwrap_or_default(), source }
    }
}

/// What makes a file that others could have written safe; `None` when only its owner, root, or the
/// group that a person has to themselves can. Links are fine: many keep their files elsewhere.
fn cure_of_openness(facts: &Metadata, path: &Path) -> Option<String> {
    let (person, group) = (rustix::process::geteuid(), rustix::process::getegid());
    let is_known = facts.uid() == person.as_raw() || facts.uid() == 0;
    let by_group = facts.mode() & 0o020 != 0 && facts.gid() != group.as_raw();
    if !is_known {
        Some("It belongs to somebody else: copy it, remove it, and put the copy there.".to_owned())
    } else if by_group || facts.mode() & 0o002 != 0 {
        Some(format!("Run chmod go-w '{}', and look through it.", path.display()))
    } else {
        None
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
