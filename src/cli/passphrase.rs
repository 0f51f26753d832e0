//! The passphrase of a vault: from the terminal, or from a file that a script names.

use crate::cli::error::CliError;
use crate::config::Config;
use crate::config::paths::Paths;
use crate::model::account::SecretsKind;
use crate::secrets::SecretPlaces;
use secrecy::{ExposeSecret, SecretString};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Names the file, or the number of an open file descriptor, whose first line is the passphrase.
pub const FILE_VARIABLE: &str = "POSTHASTE_VAULT_PASSPHRASE_FILE";
/// Longest passphrase in bytes.
const LENGTH_LIMIT_BYTES: u64 = 4096;
/// Name of the vault's file in the data directory.
const VAULT_FILE: &str = "vault.age";

/// Whether the vault is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Vault {
    New,
    Existing,
}

/// Opens the vault for this run when one of the accounts needs its passphrase.
///
/// # Errors
/// When no passphrase can be had, or it is the wrong one.
pub async fn unlock_if_needed(
    config: &Config,
    places: &SecretPlaces,
    paths: &Paths,
) -> Result<(), CliError> {
    let locked = |kind| kind == SecretsKind::VaultPassphrase;
    if !config.accounts.iter().any(|account| locked(account.secrets)) {
        return Ok(());
    }
    let passphrase = ask(paths)?;
    places.unlock(passphrase).await.map_err(|error| error.problem().into())
}

/// The passphrase; a new one is asked for twice.
///
/// # Errors
/// When there is no terminal and no file, or nothing is typed.
pub fn ask(paths: &Paths) -> Result<SecretString, CliError> {
    let passphrase = match std::env::var(FILE_VARIABLE) {
        Ok(name) if !name.is_empty() => read_file(&source(&name)).map_err(|error| {
            CliError::system("passphrase-file", "The passphrase cannot be read", &error)
        })?,
        Ok(_) | Err(_) => ask_person(vault(&paths.data_dir))?,
    };
    if passphrase.expose_secret().is_empty() {
        return Err(CliError::usage("passphrase-empty", "The passphrase is empty", ""));
    }
    Ok(passphrase)
}

fn vault(data_dir: &Path) -> Vault {
    if data_dir.join(VAULT_FILE).exists() { Vault::Existing } else { Vault::New }
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

fn ask_person(vault: Vault) -> Result<SecretString, CliError> {
    match vault {
        Vault::Existing => prompt("Passphrase of the vault: "),
        Vault::New => {
            let first = prompt("New passphrase for the vault: ")?;
            let second = prompt("The same again: ")?;
            if first.expose_secret() == second.expose_secret() {
                Ok(first)
            } else {
                Err(CliError::usage("passphrase-differs", "The two passphrases differ", ""))
            }
        }
    }
}

fn prompt(question: &str) -> Result<SecretString, CliError> {
    rpassword::prompt_password(question).map(SecretString::from).map_err(|error| {
        CliError::usage(
            "passphrase-needed",
            "The vault needs its passphrase and nobody can be asked",
            &format!("{FILE_VARIABLE} may name a file or descriptor that holds it ({error})."),
        )
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
