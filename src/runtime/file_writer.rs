//! Writes the files a person asks for, away from the loop: a disk may be slow.

use crate::app::msg::Msg;
use crate::stdx::atomic_file::create_private;
use std::io;
use std::path::{Path, PathBuf};
use tokio::task::JoinSet;

/// The files being written.
#[derive(Debug, Default)]
pub struct FileWriter {
    writes: JoinSet<Msg>,
}

impl FileWriter {
    /// Starts to write `bytes` into the new file `file` with mode 0600; [`Self::finished`] tells
    /// how that ended. `~/` at the start is the home directory.
    pub fn write_new(&mut self, file: String, bytes: Vec<u8>) {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        self.writes.spawn_blocking(move || {
            let written =
                path_of(&file, home.as_deref()).and_then(|path| create_private(&path, &bytes));
            match written {
                Ok(()) => Msg::FileWritten(file),
                Err(error) => {
                    tracing::warn!(%error, "the file was not written");
                    Msg::FileNotWritten(error.kind())
                }
            }
        });
    }

    /// How the next write ended; `None` when there is none under way.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn finished(&mut self) -> Option<Msg> {
        let ended = self.writes.join_next().await?;
        Some(ended.unwrap_or_else(|error| {
            tracing::error!(%error, "a write did not end");
            Msg::FileNotWritten(io::ErrorKind::Other)
        }))
    }
}

fn path_of(file: &str, home: Option<&Path>) -> io::Result<PathBuf> {
    match (file.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => Ok(home.join(rest)),
        (Some(_rest), None) => Err(io::ErrorKind::NotFound.into()),
        (None, _) => Ok(PathBuf::from(file)),
    }
}

#[cfg(test)]
mod tests {
    use crate::app::msg::Msg;
    use crate::runtime::file_writer::{FileWriter, path_of};
    use std::fs;
    use std::io::ErrorKind;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    #[tokio::test]
    async fn a_file_is_new_and_private() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("accounts.age");
        let file = path.to_str().unwrap().to_owned();
        let mut files = FileWriter::default();
        assert!(files.finished().await.is_none());
        files.write_new(file.clone(), b"one".to_vec());
        let ended = files.finished().await;
        assert!(matches!(&ended, Some(Msg::FileWritten(told)) if *told == file), "{ended:?}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        files.write_new(file, b"two".to_vec());
        let ended = files.finished().await;
        assert!(matches!(ended, Some(Msg::FileNotWritten(ErrorKind::AlreadyExists))), "{ended:?}");
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }

    #[test]
    fn a_tilde_is_the_home_directory() {
        #[track_caller]
        fn check(file: &str, home: Option<&str>, expected: Option<&str>) {
            let path = path_of(file, home.map(Path::new)).ok();
            assert_eq!(path.as_deref(), expected.map(Path::new), "{file}");
        }
        check("~/a.age", Some("/home/ada"), Some("/home/ada/a.age"));
        check("/tmp/a.age", Some("/home/ada"), Some("/tmp/a.age"));
        check("a.age", None, Some("a.age"));
        check("~/a.age", None, None);
    }
}
