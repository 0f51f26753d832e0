//! Tells files that somebody else has put where only ours belong.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Why a file is not to be trusted. The words go behind its name and say what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Planted {
    /// It leads to a file that was not meant.
    #[error("is a symbolic link: remove it")]
    Link,
    /// A pipe, a socket or a device.
    #[error("is not a file: remove it")]
    NotAFile,
    /// Its owner can read and change it.
    #[error("belongs to somebody else: remove it")]
    Foreign,
    /// Writing it would write another file.
    #[error("has a second name (hard link): copy it and remove both")]
    SecondName,
}

/// A file that is not to be trusted, inside an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("{} {how}", path.display())]
struct PlantedFile {
    path: PathBuf,
    how: Planted,
}

impl Planted {
    /// As the error of whoever wanted to use `path`: [`io::ErrorKind::PermissionDenied`].
    #[must_use]
    pub fn at(self, path: &Path) -> io::Error {
        let found = PlantedFile { path: path.to_owned(), how: self };
        io::Error::new(io::ErrorKind::PermissionDenied, found)
    }
}

/// Whether an error tells of a planted file; its words then say which and what to do.
#[must_use]
pub fn is_told_by(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<PlantedFile>())
}

/// Judges a file by what is known of it: from the open file, or without following links.
///
/// # Errors
/// [`Planted`].
pub fn check_file(facts: &Metadata) -> Result<(), Planted> {
    if facts.is_symlink() {
        return Err(Planted::Link);
    }
    if !facts.is_file() {
        return Err(Planted::NotAFile);
    }
    if !is_ours(facts) {
        return Err(Planted::Foreign);
    }
    if facts.nlink() == 1 { Ok(()) } else { Err(Planted::SecondName) }
}

/// Judges a directory of ours and what lies right in it. A directory in it must be ours; what lies in
/// that one is judged when it is used.
///
/// # Errors
/// [`io::ErrorKind::PermissionDenied`] with the name of what is wrong, or what the file system
/// answers.
pub fn check_directory(dir: &Path) -> io::Result<()> {
    if !is_ours(&fs::metadata(dir)?) {
        return Err(Planted::Foreign.at(dir));
    }
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let judged = match fs::symlink_metadata(&path) {
            Ok(facts) if facts.is_dir() && is_ours(&facts) => Ok(()),
            Ok(facts) if facts.is_dir() => Err(Planted::Foreign),
            Ok(facts) => check_file(&facts),
            // Another process of ours has just replaced it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => return Err(error),
        };
        judged.map_err(|planted| planted.at(&path))?;
    }
    Ok(())
}

fn is_ours(facts: &Metadata) -> bool {
    facts.uid() == rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use crate::stdx::planted::{check_directory, is_told_by};
    use std::fs;
    use std::os::unix::fs::{chown, symlink};
    use std::path::Path;

    /// Somebody who is not us.
    const NOBODY: u32 = 65_534;

    #[track_caller]
    fn check(plant: impl Fn(&Path), expected: Option<&str>) {
        let home = tempfile::tempdir().unwrap();
        let (dir, elsewhere) = (home.path().join("dir"), home.path().join("elsewhere"));
        fs::create_dir(&dir).unwrap();
        fs::create_dir(dir.join("inner")).unwrap();
        fs::write(dir.join("file"), "ours").unwrap();
        fs::write(&elsewhere, "ours, too").unwrap();
        plant(&dir);
        let found = check_directory(&dir);
        assert!(found.as_ref().err().is_none_or(is_told_by), "{found:?}");
        let found = found.map_err(|error| error.to_string());
        match expected {
            Some(part) => assert!(found.as_ref().is_err_and(|why| why.contains(part)), "{found:?}"),
            None => assert_eq!(found, Ok(())),
        }
    }

    #[test]
    fn what_others_have_put_into_a_directory_is_found() {
        check(|_dir| {}, None);
        let link = |dir: &Path| symlink(dir.join("../elsewhere"), dir.join("new")).unwrap();
        check(link, Some("/dir/new is a symbolic link"));
        check(|dir| symlink("/nowhere", dir.join("new")).unwrap(), Some("symbolic link"));
        let second = |dir: &Path| fs::hard_link(dir.join("../elsewhere"), dir.join("new")).unwrap();
        check(second, Some("/dir/new has a second name"));
        let pipe = |dir: &Path| {
            let mode = rustix::fs::Mode::from_raw_mode(0o600);
            rustix::fs::mkfifoat(rustix::fs::CWD, dir.join("new"), mode).unwrap();
        };
        check(pipe, Some("/dir/new is not a file"));
        // Giving something away needs root; elsewhere there is nothing to see here.
        if rustix::process::geteuid().is_root() {
            let give = |name: &'static str| {
                move |dir: &Path| chown(dir.join(name), Some(NOBODY), None).unwrap()
            };
            check(give("file"), Some("/dir/file belongs to somebody else"));
            check(give("inner"), Some("/dir/inner belongs to somebody else"));
            check(give("."), Some("/dir belongs to somebody else"));
        }
    }
}
