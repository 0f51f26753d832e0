//! The external editor: a private file, a program run without a shell, the text back.
//!
//! The file outlives every failure that could lose what was written in it; it goes when its text
//! has come back, or when nothing was changed.

use crate::problem::{Problem, ProblemKind, Remedy};
use crate::stdx::atomic_file::{PRIVATE_DIR_MODE, create_private_dir, write_private};
use crate::stdx::words;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;
use tokio::process::{Child, Command};

/// Programs tried when nothing names an editor.
const FALLBACK_EDITORS: [&str; 2] = ["vi", "nano"];
/// Largest text that is taken back; nobody types more.
const TEXT_LIMIT_BYTES: u64 = 16 * 1024 * 1024;
/// How long an editor may take to rescue its buffer when the program has to end.
const HANG_UP_LIMIT: Duration = Duration::from_millis(300);

/// Which editor, and where its files lie.
#[derive(Clone, Debug)]
pub struct EditorSettings {
    /// The command of the configuration; empty for `$VISUAL`, then `$EDITOR`.
    pub configured: String,
    /// Where the text lies meanwhile.
    pub directory: EditorDirectory,
}

/// Where a text lies while an editor has it.
#[derive(Clone, Debug)]
pub enum EditorDirectory {
    /// In a directory of ours that stays.
    Kept(PathBuf),
    /// In a directory that is made for it and removed after it.
    Temporary,
}

/// Why a text could not be edited outside.
#[derive(Debug, thiserror::Error)]
pub enum EditorError {
    /// The command of an editor is no command line.
    #[error("the editor command {command:?} cannot be read")]
    BadCommand {
        /// The command.
        command: String,
    },
    /// Nothing names an editor and none of the usual ones is there.
    #[error("no editor was found")]
    NoEditor,
    /// The editor could not be started.
    #[error("the editor {program:?} cannot be started")]
    NotStarted {
        /// The program.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// The text could not be put into a file.
    #[error("the text cannot be put into a file")]
    Io(#[from] io::Error),
    /// The editor failed or was killed.
    #[error("the editor {program:?} ended with {status}")]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The file, where it holds something new.
        kept: Option<PathBuf>,
    },
    /// The text cannot be read back: gone, not UTF-8, too long.
    #[error("the edited text in {path} cannot be read")]
    Unreadable {
        /// The file, which is kept.
        path: PathBuf,
        /// What was wrong.
        source: io::Error,
    },
}

impl EditorError {
    /// The failure in plain words.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let (code, why, remedy) = match self {
            Self::BadCommand { .. } => {
                ("editor-command", "A quotation is not closed.".to_owned(), Remedy::EditSettings)
            }
            Self::NoEditor => (
                "editor-missing",
                "Set VISUAL or EDITOR, or editor in the configuration.".to_owned(),
                Remedy::EditSettings,
            ),
            Self::NotStarted { source, .. } => {
                ("editor-missing", source.to_string(), Remedy::EditSettings)
            }
            Self::Io(source) => ("editor-file", source.to_string(), Remedy::CheckDisk),
            Self::Failed { kept: Some(path), .. } => (
                "editor-failed",
                format!("The text is as before; what was written lies in {}.", path.display()),
                Remedy::Retry,
            ),
            Self::Failed { kept: None, .. } => {
                ("editor-failed", "The text is as before.".to_owned(), Remedy::Retry)
            }
            Self::Unreadable { source, .. } => {
                ("editor-file", format!("The file is kept ({source})."), Remedy::CheckDisk)
            }
        };
        Problem::new(ProblemKind::Failed, code, &capitalised(&self.to_string()), &why, remedy)
    }
}

/// Error texts begin in lower case, what people read does not.
fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters).collect()
}

/// An editor at work.
pub struct Editing {
    child: Child,
    program: String,
    path: PathBuf,
    original: String,
    directory: Option<TemporaryDirectory>,
}

impl Editing {
    /// Puts `text` into a private file and starts the editor on it. The terminal must have been
    /// left and nobody else may read it.
    ///
    /// # Errors
    /// [`EditorError`]; nothing is left behind then.
    pub fn start(text: String, settings: &EditorSettings) -> Result<Self, EditorError> {
        let command = command_line(&settings.configured, |name| std::env::var(name).ok())?;
        let (program, arguments) = command.split_first().ok_or(EditorError::NoEditor)?;
        let (place, directory) = match &settings.directory {
            EditorDirectory::Kept(path) => {
                create_private_dir(path)?;
                (path.clone(), None)
            }
            EditorDirectory::Temporary => {
                let made = TemporaryDirectory::create()?;
                (made.0.clone(), Some(made))
            }
        };
        let path = place.join(format!("message-{}.txt", random_word()?));
        write_private(&path, text.as_bytes())?;
        let started = Command::new(program).args(arguments).arg(&path).spawn();
        match started {
            Ok(child) => {
                Ok(Self { child, program: program.clone(), path, original: text, directory })
            }
            Err(source) => {
                remove(&path);
                Err(EditorError::NotStarted { program: program.clone(), source })
            }
        }
    }

    /// Waits until the editor has ended.
    ///
    /// # Errors
    /// What the system answers.
    ///
    /// # Cancel safety
    /// Cancel safe: the next call answers the same.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// The text as the editor left it.
    ///
    /// # Errors
    /// [`EditorError::Failed`] and [`EditorError::Unreadable`]; a file that holds something new is
    /// then kept, unless its directory is a temporary one.
    pub fn finish(self, status: io::Result<ExitStatus>) -> Result<String, EditorError> {
        let status = status?;
        let text = read_back(&self.path);
        if !status.success() {
            let changed = text.is_ok_and(|text| text != self.original);
            let kept = (changed && self.directory.is_none()).then(|| self.path.clone());
            if kept.is_none() {
                remove(&self.path);
            }
            return Err(EditorError::Failed { program: self.program, status, kept });
        }
        let text =
            text.map_err(|source| EditorError::Unreadable { path: self.path.clone(), source })?;
        remove(&self.path);
        Ok(text)
    }

    /// Tells the editor that its terminal is gone, so that it rescues what it holds; the file is
    /// kept, as the program that would take it back is ending.
    pub async fn hang_up(mut self) {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw)
            && let Err(error) = rustix::process::kill_process(pid, rustix::process::Signal::HUP)
        {
            tracing::debug!(%error, "the editor is gone already");
        }
        if tokio::time::timeout(HANG_UP_LIMIT, self.child.wait()).await.is_err() {
            tracing::info!("the editor goes on by itself");
        }
    }
}

/// The words of the editor's command: configured, `$VISUAL`, `$EDITOR`, or what is in `$PATH`.
fn command_line(
    configured: &str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Vec<String>, EditorError> {
    let named = [Some(configured.to_owned()), variable("VISUAL"), variable("EDITOR")];
    let command = named.into_iter().flatten().find(|command| !command.trim().is_empty());
    if let Some(command) = command {
        return words::split(&command).map_err(|_unclosed| EditorError::BadCommand { command });
    }
    let path = variable("PATH").unwrap_or_default();
    let installed = |program: &str| {
        std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
    };
    let found = FALLBACK_EDITORS.into_iter().find(|program| installed(program));
    found.map(|program| vec![program.to_owned()]).ok_or(EditorError::NoEditor)
}

fn read_back(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = File::open(path)?.take(TEXT_LIMIT_BYTES + 1).read_to_string(&mut text)?;
    if TEXT_LIMIT_BYTES < u64::try_from(read).unwrap_or(u64::MAX) {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(text.replace("\r\n", "\n"))
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(%error, "the file of the editor is left behind");
    }
}

fn random_word() -> io::Result<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(format!("{:016x}", u64::from_ne_bytes(bytes)))
}

/// A private directory that is removed with everything in it.
struct TemporaryDirectory(PathBuf);

impl TemporaryDirectory {
    fn create() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("posthaste-{}", random_word()?));
        // Not recursive: a directory that somebody else made there is refused.
        DirBuilder::new().mode(PRIVATE_DIR_MODE).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, "a temporary directory is left behind");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::runtime::editor::{
        Editing, EditorDirectory, EditorError, EditorSettings, command_line,
    };
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::{Path, PathBuf};

    /// An editor that is a shell script; the file is its first argument.
    fn script(home: &Path, body: &str) -> EditorSettings {
        let path = home.join("editor");
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        // `sh` reads the script, so that a test never runs into "text file busy".
        let configured = format!("sh '{}'", path.display());
        EditorSettings { configured, directory: EditorDirectory::Kept(home.join("state")) }
    }

    async fn edit(text: &str, settings: &EditorSettings) -> Result<String, EditorError> {
        let mut editing = Editing::start(text.to_owned(), settings)?;
        let status = editing.wait().await;
        editing.finish(status)
    }

    fn left_behind(home: &Path) -> Vec<PathBuf> {
        fs::read_dir(home.join("state")).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    #[tokio::test]
    async fn the_text_comes_back_and_the_file_goes() {
        let home = tempfile::tempdir().unwrap();
        let settings = script(home.path(), "stat -c %a \"$1\" >> \"$1\"");
        assert_eq!(edit("hello\n", &settings).await.unwrap(), "hello\n600\n");
        assert!(left_behind(home.path()).is_empty());
    }

    #[tokio::test]
    async fn an_editor_that_gives_up_changes_nothing_and_new_text_is_kept() {
        let home = tempfile::tempdir().unwrap();
        let error = edit("hello\n", &script(home.path(), "exit 1")).await.unwrap_err();
        assert!(matches!(error, EditorError::Failed { kept: None, .. }));
        assert!(left_behind(home.path()).is_empty());

        let error = edit("a\n", &script(home.path(), "echo b > \"$1\"; exit 1")).await.unwrap_err();
        let EditorError::Failed { kept: Some(path), .. } = error else { panic!("{error:?}") };
        assert_eq!(fs::read_to_string(path).unwrap(), "b\n");
    }

    #[tokio::test]
    async fn a_text_that_cannot_be_read_back_is_kept() {
        let home = tempfile::tempdir().unwrap();
        let settings = script(home.path(), "printf 'caf\\351' > \"$1\"");
        let error = edit("hello\n", &settings).await.unwrap_err();
        let EditorError::Unreadable { path, .. } = error else { panic!("{error:?}") };
        assert_eq!(fs::read(path).unwrap(), b"caf\xe9");
    }

    #[tokio::test]
    async fn a_temporary_directory_goes_with_its_editor() {
        let home = tempfile::tempdir().unwrap();
        let settings = EditorSettings {
            directory: EditorDirectory::Temporary,
            ..script(home.path(), "dirname \"$1\" > \"$1\"")
        };
        let directory = edit("", &settings).await.unwrap();
        assert!(!Path::new(directory.trim_end()).exists(), "{directory}");
    }

    #[tokio::test]
    async fn a_missing_editor_is_said_and_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let settings = EditorSettings {
            configured: home.path().join("nothing").display().to_string(),
            directory: EditorDirectory::Kept(home.path().join("state")),
        };
        let error = edit("hello\n", &settings).await.unwrap_err();
        assert!(matches!(error, EditorError::NotStarted { .. }));
        assert!(left_behind(home.path()).is_empty());
    }

    #[test]
    fn the_editor_is_found_in_the_documented_order() {
        #[track_caller]
        fn check(configured: &str, environment: &[(&str, &str)], expected: Option<&[&str]>) {
            let variable = |name: &str| {
                let found = environment.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            let words = command_line(configured, variable).ok();
            let expected: Option<Vec<String>> =
                expected.map(|words| words.iter().map(ToString::to_string).collect());
            assert_eq!(words, expected, "{configured:?} {environment:?}");
        }
        check("mine -x", &[("VISUAL", "v"), ("EDITOR", "e")], Some(&["mine", "-x"]));
        check("", &[("VISUAL", "v"), ("EDITOR", "e")], Some(&["v"]));
        check(" ", &[("VISUAL", ""), ("EDITOR", "e")], Some(&["e"]));
        check("", &[("PATH", "/nonexistent")], None);
        check("'x", &[], None);
    }
}
