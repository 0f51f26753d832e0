//! Commands of the person's own that keep secrets, such as those of a password manager.

/// Stands in the arguments for the name of the entry.
const ENTRY: &str = "{entry}";
/// What `pass` and `gopass` say of an entry that is not there.
const ABSENT: &str = "not in the password store";

/// How secrets are read, written and deleted by other programs. Each command is a program with its
/// arguments, run without a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretCommands {
    read: Vec<String>,
    write: Vec<String>,
    delete: Vec<String>,
    absent: String,
}

/// A command that cannot keep secrets apart, or is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretCommandsError {
    /// It names no program.
    #[error("the key {0} names no program")]
    NoProgram(&'static str),
    /// Every secret would go to the same place.
    #[error("no argument of {0} holds {ENTRY}, which stands for the name of the secret")]
    NoEntry(&'static str),
}

/// What a command is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretVerb {
    /// Print the secret.
    Read,
    /// Take the secret from standard input and keep it in place of the old one.
    Write,
    /// Forget it.
    Delete,
}

impl SecretVerb {
    /// The word, which is also the key in the configuration file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
        }
    }
}

impl SecretCommands {
    /// Checked commands. `absent` is part of what they complain of when there is no such entry; the
    /// words of `pass` where it is `None`.
    ///
    /// # Errors
    /// [`SecretCommandsError`].
    pub fn new(
        read: Vec<String>,
        write: Vec<String>,
        delete: Vec<String>,
        absent: Option<String>,
    ) -> Result<Self, SecretCommandsError> {
        let absent = absent.unwrap_or_else(|| ABSENT.to_owned());
        let commands = Self { read, write, delete, absent };
        for verb in [SecretVerb::Read, SecretVerb::Write, SecretVerb::Delete] {
            let (program, arguments) = commands
                .words(verb)
                .split_first()
                .map_or(("", [].as_slice()), |(program, rest)| (program.as_str(), rest));
            if program.trim().is_empty() {
                return Err(SecretCommandsError::NoProgram(verb.as_str()));
            }
            if !arguments.iter().any(|argument| argument.contains(ENTRY)) {
                return Err(SecretCommandsError::NoEntry(verb.as_str()));
            }
        }
        Ok(commands)
    }

    /// The program and its arguments for one entry.
    #[must_use]
    pub fn argv(&self, verb: SecretVerb, entry: &str) -> Vec<String> {
        let words = self.words(verb).iter().enumerate();
        let filled = words.map(|(at, word)| match at {
            0 => word.clone(),
            _ => word.replace(ENTRY, entry),
        });
        filled.collect()
    }

    /// Whether a complaint says that there is no such entry.
    #[must_use]
    pub fn says_absent(&self, complaint: &str) -> bool {
        !self.absent.is_empty() && complaint.contains(&self.absent)
    }

    fn words(&self, verb: SecretVerb) -> &[String] {
        match verb {
            SecretVerb::Read => &self.read,
            SecretVerb::Write => &self.write,
            SecretVerb::Delete => &self.delete,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::secret_commands::{SecretCommands, SecretCommandsError, SecretVerb};

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn commands_name_a_program_and_where_the_entry_goes() {
        #[track_caller]
        fn check(read: &str, write: &str, delete: &str, expected: Result<(), SecretCommandsError>) {
            let made = SecretCommands::new(words(read), words(write), words(delete), None);
            assert_eq!(made.map(|_| ()), expected);
        }
        let (no_program, no_entry) =
            (SecretCommandsError::NoProgram("read"), SecretCommandsError::NoEntry("delete"));
        check("p show {entry}", "p insert mail/{entry}", "p rm {entry}", Ok(()));
        check("", "p {entry}", "p {entry}", Err(no_program));
        check("p {entry}", "p {entry}", "p rm", Err(no_entry));
        // The program itself is never made of an entry's name.
        check("p {entry}", "p {entry}", "{entry}", Err(no_entry));
    }

    #[test]
    fn an_entry_is_one_argument_or_a_part_of_one() {
        let commands = SecretCommands::new(
            words("{entry} show mail/{entry}"),
            words("p x={entry};y"),
            words("p {entry} {entry}"),
            Some("gone".to_owned()),
        )
        .unwrap();
        let argv = |verb| commands.argv(verb, "work/a b").join("|");
        assert_eq!(argv(SecretVerb::Read), "{entry}|show|mail/work/a b");
        assert_eq!(argv(SecretVerb::Write), "p|x=work/a b;y");
        assert_eq!(argv(SecretVerb::Delete), "p|work/a b|work/a b");
        assert!(commands.says_absent("p: it is gone") && !commands.says_absent("p: locked"));
    }
}
