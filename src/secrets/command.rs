//! Secrets kept by commands of the person's own: `pass`, `secret-tool` and the like.
//!
//! Each runs without a shell and without a terminal to ask on, for a bounded time. A secret goes in
//! through standard input and comes out through standard output; it is never an argument, and never
//! part of an error.
//!
//! Programs tell "there is none" in ways of their own: `secret-tool` fails without a word, `pass`
//! with words that the configuration knows. A command that fails in any other way has failed, so a
//! locked store is not taken for an empty one.

use crate::model::account::SecretsKind;
use crate::model::secret_commands::{SecretCommands, SecretVerb};
use crate::secrets::{SecretError, SecretKey, SecretStore};
use crate::stdx::child::{self, Ended, Limits};
use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// A person may have to unlock the store first; output is one secret, and those of Entra ID have up
/// to 4 kB.
const LIMITS: Limits = Limits { time: Duration::from_secs(60), output_bytes: 64 * 1024 };
/// Longest first line of its complaints that is shown, in characters.
const COMPLAINT_LIMIT_CHARS: usize = 500;
/// Entry that is never written: reading it shows whether the commands work.
const PROBE: &str = "probe/none";

/// Secrets that other programs keep.
#[derive(Debug)]
pub(crate) struct CommandStore {
    commands: SecretCommands,
}

/// What came of a command that ran as it should.
enum Answer {
    /// It did what was asked; what it printed.
    Done(Ended),
    /// It says that there is no such entry.
    Absent,
}

impl CommandStore {
    /// A place kept by these commands; nothing is run yet.
    pub(crate) fn new(commands: SecretCommands) -> Self {
        Self { commands }
    }

    /// Whether the command that reads runs and answers. Writing is not tried: password managers keep
    /// a history.
    ///
    /// # Errors
    /// [`SecretError::Command`].
    pub(crate) async fn probe(&self) -> Result<(), SecretError> {
        self.read(PROBE).await.map(|_none| ())
    }

    async fn read(&self, entry: &str) -> Result<Option<SecretString>, SecretError> {
        let ended = match self.run(SecretVerb::Read, entry, "").await? {
            Answer::Done(ended) => ended,
            Answer::Absent => return Ok(None),
        };
        let wrong = |how: &str| Err(failed(SecretVerb::Read, how, ""));
        if !ended.output.is_whole {
            return wrong(&format!("it printed more than {} bytes", LIMITS.output_bytes));
        }
        let Ok(secret) = std::str::from_utf8(&ended.output.bytes) else {
            return wrong("what it printed is not text");
        };
        // Most programs end what they print with a line end that is no part of the secret.
        let secret = secret.strip_suffix('\n').unwrap_or(secret);
        let secret = secret.strip_suffix('\r').unwrap_or(secret);
        Ok((!secret.is_empty()).then(|| secret.into()))
    }

    async fn run(&self, verb: SecretVerb, entry: &str, input: &str) -> Result<Answer, SecretError> {
        let argv = self.commands.argv(verb, entry);
        let ended = child::run(&argv, input.as_bytes(), LIMITS).await;
        let ended = ended.map_err(|error| failed(verb, &error.to_string(), ""))?;
        if ended.status.success() {
            return Ok(Answer::Done(ended));
        }
        let silent = ended.complaints.bytes.is_empty() && ended.status.code().is_some();
        let said = String::from_utf8_lossy(&ended.complaints.bytes);
        if silent || self.commands.says_absent(&said) {
            return Ok(Answer::Absent);
        }
        // A careless program may complain of what it was given.
        let quotes_it = !input.is_empty() && said.contains(input);
        let complaint = if quotes_it { "" } else { ended.complaints.first_line() };
        Err(failed(verb, &child::in_words(ended.status), complaint))
    }
}

#[async_trait]
impl SecretStore for CommandStore {
    fn kind(&self) -> SecretsKind {
        SecretsKind::Command
    }

    async fn get(&self, key: &SecretKey) -> Result<Option<SecretString>, SecretError> {
        self.read(&key.to_string()).await
    }

    async fn put(&self, key: &SecretKey, secret: &SecretString) -> Result<(), SecretError> {
        let entry = key.to_string();
        match self.run(SecretVerb::Write, &entry, secret.expose_secret()).await? {
            Answer::Done(_ended) => Ok(()),
            Answer::Absent => Err(failed(SecretVerb::Write, "it failed without a word", "")),
        }
    }

    async fn delete(&self, key: &SecretKey) -> Result<(), SecretError> {
        let entry = key.to_string();
        match self.run(SecretVerb::Delete, &entry, "").await? {
            Answer::Done(_ended) => Ok(()),
            // Failing without a word may mean anything: what counts is that it is gone.
            Answer::Absent => match self.read(&entry).await? {
                None => Ok(()),
                Some(_still_there) => {
                    Err(failed(SecretVerb::Delete, "the secret is still there", ""))
                }
            },
        }
    }
}

fn failed(verb: SecretVerb, how: &str, complaint: &str) -> SecretError {
    let shown = complaint.chars().filter(|c| !c.is_control()).take(COMPLAINT_LIMIT_CHARS);
    let complaint: String = shown.collect();
    SecretError::Command { verb: verb.as_str(), how: how.to_owned(), complaint: complaint.into() }
}

#[cfg(test)]
mod tests;
