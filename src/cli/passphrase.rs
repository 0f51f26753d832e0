//! Passphrases of the vault and of exported accounts: from the terminal, or from a file that a
//! script names.

use crate::cli::error::CliError;
use crate::cli::hidden_prompt;
use crate::config::Config;
use crate::config::paths::Paths;
use crate::model::account::SecretsKind;
use crate::secrets::SecretPlaces;
use secrecy::{ExposeSecret, SecretString};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Something a passphrase opens.
#[derive(Debug)]
pub struct Purpose {
    /// Names the file, or the number of an open file descriptor, whose first line it is.
    pub variable: &'static str,
    /// Asks for one that is in use.
    ask: &'static str,
    /// Asks for a new one.
    ask_new: &'static str,
    /// What happened when nobody can be asked.
    needed: &'static str,
}

/// The vault of secrets.
pub const VAULT: Purpose = Purpose {
    variable: "POSTHASTE_VAULT_PASSPHRASE_FILE",
    ask: "Passphrase of the vault: ",
    ask_new: "New passphrase for the vault: ",
    needed: "The vault needs its passphrase and nobody can be asked",
};
/// The vault, when its passphrase is changed.
pub const NEW_VAULT: Purpose = Purpose { variable: "POSTHASTE_NEW_VAULT_PASSPHRASE_FILE", ..VAULT };
/// A file of exported accounts.
pub const BUNDLE: Purpose = Purpose {
    variable: "POSTHASTE_BUNDLE_PASSPHRASE_FILE",
    ask: "Passphrase of the exported file: ",
    ask_new: "Passphrase for the exported file: ",
    needed: "The exported file needs a passphrase and nobody can be asked",
};

/// Longest passphrase in bytes.
const LENGTH_LIMIT_BYTES: u64 = 4096;

/// Whether the passphrase is in use already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// It opens something that is there: asked once.
    Existing,
    /// It is chosen now: asked twice.
    New,
}

/// Whether a person may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlock {
    /// The vault must be open.
    Required,
    /// It is opened when a script gives the passphrase, and stays locked otherwise.
    WhenGiven,
}

/// Opens the vault for this run when one of the accounts needs its passphrase.
///
/// # Errors
/// When no passphrase can be had though it is required, or it is the wrong one.
pub async fn unlock_if_needed(
    config: &Config,
    places: &SecretPlaces,
    paths: &Paths,
    unlock: Unlock,
) -> Result<(), CliError> {
    let locked = |kind| kind == SecretsKind::VaultPassphrase;
    if !config.accounts.iter().any(|account| locked(account.secrets)) {
        return Ok(());
    }
    if unlock == Unlock::WhenGiven && file_of(&VAULT).is_none() {
        return Ok(());
    }
    let passphrase = ask_for_vault(paths)?;
    places.unlock(passphrase).await.map_err(|error| error.problem().into())
}

/// The passphrase of the vault; a new one when there is no vault yet.
///
/// # Errors
/// As [`ask`].
pub fn ask_for_vault(paths: &Paths) -> Result<SecretString, CliError> {
    let exists = SecretPlaces::on_disk(paths.data_dir.clone()).has_passphrase();
    ask(&VAULT, if exists { Use::Existing } else { Use::New })
}

/// Gives the vault another passphrase; both are asked for.
///
/// # Errors
/// As [`ask`], and why the old one still holds.
pub async fn change(paths: &Paths) -> Result<(), CliError> {
    let old = ask(&VAULT, Use::Existing)?;
    let new = ask(&NEW_VAULT, Use::New)?;
    let places = SecretPlaces::on_disk(paths.data_dir.clone());
    places.change_passphrase(old, new).await.map_err(|error| error.problem().into())
}

/// A passphrase; a new one is asked for twice.
///
/// # Errors
/// When there is no terminal and no file, or nothing is typed.
pub fn ask(purpose: &Purpose, used: Use) -> Result<SecretString, CliError> {
    let passphrase = match file_of(purpose) {
        Some(path) => read_file(&path).map_err(|error| {
            CliError::system("passphrase-file", "The passphrase cannot be read", &error)
        })?,
        None => ask_person(purpose, used)?,
    };
    if passphrase.expose_secret().is_empty() {
        return Err(CliError::usage("passphrase-empty", "The passphrase is empty", ""));
    }
    Ok(passphrase)
}

fn file_of(purpose: &Purpose) -> Option<PathBuf> {
    let name = std::env::var(purpose.variable).ok()?;
    (!name.is_empty()).then(|| source(&name))
}

/// A number is an open file descriptor, so that the passphrase need not lie in any file.
fn source(name: &str) -> PathBuf {
    match name.parse::<u16>() {
        Ok(descriptor) => PathBuf::from(format!("/dev/fd/{descriptor}")),
        Err(_) => PathBuf::from(name),
    }
}

fn read_file(path: &Path) -> io::Result<SecretString> {
    let mut line = String::new();
    BufReader::new(File::open(path)?.take(LENGTH_LIMIT_BYTES)).read_line(&mut line)?;
    while line.ends_with(['\n', '\r']) {
        line.pop();
    }
    Ok(SecretString::from(line))
}

fn ask_person(purpose: &Purpose, used: Use) -> Result<SecretString, CliError> {
    match used {
        Use::Existing => prompt(purpose, purpose.ask),
        Use::New => {
            let first = prompt(purpose, purpose.ask_new)?;
            let second = prompt(purpose, "The same again: ")?;
            if first.expose_secret() == second.expose_secret() {
                Ok(first)
            } else {
                Err(CliError::usage("passphrase-differs", "The two passphrases differ", ""))
            }
        }
    }
}

fn prompt(purpose: &Purpose, question: &str) -> Result<SecretString, CliError> {
    hidden_prompt::ask(question).map_err(|error| {
        let why =
            format!("{} may name a file or descriptor that holds it ({error}).", purpose.variable);
        CliError::usage("passphrase-needed", purpose.needed, &why)
    })
}

#[cfg(test)]
mod tests {
    use crate::cli::passphrase::{read_file, source};
    use secrecy::ExposeSecret;
    use std::path::PathBuf;

    #[test]
    fn the_first_line_of_a_file_is_the_passphrase() {
        #[track_caller]
        fn check(content: &str, expected: &str) {
            let home = tempfile::tempdir().unwrap();
            let path = home.path().join("passphrase");
            std::fs::write(&path, content).unwrap();
            assert_eq!(read_file(&path).unwrap().expose_secret(), expected, "{content:?}");
        }
        check("correct horse\n", "correct horse");
        check("correct horse", "correct horse");
        check(" blanks stay \r\nsecond line\n", " blanks stay ");
        check("", "");
    }

    #[test]
    fn a_number_is_a_descriptor() {
        assert_eq!(source("3"), PathBuf::from("/dev/fd/3"));
        assert_eq!(source("secret.txt"), PathBuf::from("secret.txt"));
    }
}
