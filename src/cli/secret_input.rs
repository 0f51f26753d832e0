//! Secrets that a person or a script hands over: from standard input, a hidden prompt or a command,
//! never from an argument, which every process of the machine can read.

use crate::cli::error::CliError;
use crate::cli::hidden_prompt;
use crate::stdx::words;
use secrecy::{ExposeSecret, SecretString};
use std::io::{self, BufRead, IsTerminal, Read};
use zeroize::Zeroizing;

/// Longest secret in bytes; refresh tokens of Entra ID have about 1,600.
const LENGTH_LIMIT_BYTES: u64 = 64 * 1024;

/// A secret that may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A refresh token.
    RefreshToken,
    /// The password of a mailbox.
    Password,
    /// The client secret of an app registration.
    ClientSecret,
}

/// Where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The next line of standard input, because somebody said so.
    Stdin,
    /// A hidden prompt when standard input is a terminal, otherwise its next line.
    Anywhere,
}

impl Asked {
    fn name(self) -> &'static str {
        match self {
            Self::RefreshToken => "refresh token",
            Self::Password => "password",
            Self::ClientSecret => "client secret",
        }
    }

    fn prompt(self) -> &'static str {
        match self {
            Self::RefreshToken => "Refresh token (not shown): ",
            Self::Password => "Password (not shown): ",
            Self::ClientSecret => "Client secret (its value, not its id; not shown): ",
        }
    }
}

/// The secret.
///
/// # Errors
/// When it cannot be read, or is empty.
pub fn read(asked: Asked, from: From) -> Result<SecretString, CliError> {
    let prompted = from == From::Anywhere && io::stdin().is_terminal();
    let secret = if prompted {
        hidden_prompt::ask(asked.prompt())
    } else {
        line(&mut io::stdin().lock()).map(|line| SecretString::from(line.as_str()))
    };
    let secret = secret.map_err(|error| {
        let what = format!("The {} cannot be read", asked.name());
        CliError::usage("secret-unreadable", &what, &error.to_string())
    })?;
    if secret.expose_secret().is_empty() {
        let what = format!("The {} is empty", asked.name());
        let why = "It is read from a line of standard input, or asked for on a terminal.";
        return Err(CliError::usage("secret-empty", &what, why));
    }
    Ok(secret)
}

/// The next line without its end. Blanks stay: a password may have them.
fn line(input: &mut impl BufRead) -> io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::new());
    input.take(LENGTH_LIMIT_BYTES).read_line(&mut line)?;
    while line.ends_with(['\n', '\r']) {
        line.pop();
    }
    Ok(line)
}

/// The words of a command an argument names; it is run without a shell.
///
/// # Errors
/// When a quotation is not closed, or there is no word.
pub fn command(argument: &str, flag: &str) -> Result<Vec<String>, CliError> {
    let refused =
        |why: &str| Err(CliError::usage("bad-command", &format!("{flag} is not understood"), why));
    match words::split(argument) {
        Ok(words) if words.is_empty() => refused("It names no program."),
        Ok(words) => Ok(words),
        Err(error) => refused(&error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::secret_input::{command, line};

    #[test]
    fn each_line_is_one_secret() {
        let mut input = b"token\r\n pass word \nlast".as_slice();
        let mut next = || line(&mut input).unwrap().to_string();
        assert_eq!(next(), "token");
        assert_eq!(next(), " pass word ");
        assert_eq!(next(), "last");
        assert_eq!(next(), "");
    }

    #[test]
    fn a_command_is_words_and_at_least_one() {
        assert_eq!(command("pass 'show me'", "--x").unwrap(), ["pass", "show me"]);
        assert!(command("  ", "--x").is_err());
        assert!(command("pass 'show", "--x").is_err());
    }
}
