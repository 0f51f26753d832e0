//! The text of a message, from an argument or from standard input.

use crate::cli::error::CliError;
use std::io::{self, Read};

/// Largest message taken from standard input, in bytes: Exchange Online takes at most 150 MB.
const MESSAGE_LIMIT_BYTES: u64 = 150 * 1024 * 1024;

/// What `--body` means: `-` is all of standard input.
///
/// # Errors
/// When standard input cannot be read or is not UTF-8.
pub fn text(argument: &str) -> Result<String, CliError> {
    if argument != "-" {
        return Ok(argument.to_owned());
    }
    String::from_utf8(standard_input()?).map_err(|_error| {
        let why = "A message in another encoding can be sent whole with --eml.";
        CliError::usage("body-encoding", "The text on standard input is not UTF-8", why)
    })
}

/// All of standard input.
///
/// # Errors
/// When it cannot be read or is larger than any server takes.
pub fn standard_input() -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let mut input = io::stdin().lock().take(MESSAGE_LIMIT_BYTES + 1);
    let read = input
        .read_to_end(&mut bytes)
        .map_err(|error| CliError::system("input-failed", "The input cannot be read", &error))?;
    if MESSAGE_LIMIT_BYTES < u64::try_from(read).unwrap_or(u64::MAX) {
        return Err(CliError::usage(
            "message-too-large",
            "The message is larger than any server takes",
            "The limit is 150 MB.",
        ));
    }
    Ok(bytes)
}
