//! Files that are either the old or the new version, never a part of one.

use crate::stdx::planted;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Mode of every file of ours: mail and tokens are nobody else's business.
pub const PRIVATE_FILE_MODE: u32 = 0o600;
/// Mode of every directory of ours.
pub const PRIVATE_DIR_MODE: u32 = 0o700;

/// Creates `dir` and its parents with mode 0700, whatever the umask; an existing `dir` is closed
/// to others, and what they may have put into it before is refused.
///
/// # Errors
/// What the file system answers, [`io::ErrorKind::NotADirectory`] when a file stands there, and
/// [`io::ErrorKind::PermissionDenied`] for a directory or files that are not ours alone
/// ([`planted::check_directory`]).
pub fn create_private_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(PRIVATE_DIR_MODE).create(dir)?;
    let mode = fs::metadata(dir)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        fs::set_permissions(dir, fs::Permissions::from_mode(PRIVATE_DIR_MODE))?;
    }
    planted::check_directory(dir)
}

/// Replaces `path` by `bytes` with mode 0600: written beside it, flushed to the disk, renamed over
/// it, and the directory flushed, so that a crash at any moment leaves a whole file.
///
/// # Errors
/// What the file system answers; the old file then stands unchanged.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = temporary_sibling(path);
    // A crash may have left one behind; `create_new` below refuses to follow a planted link.
    match fs::remove_file(&beside) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let written = write_new(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    if let Err(error) = written {
        // The first error is the one worth telling; the leftover is removed by the next write.
        let _leftover = fs::remove_file(&beside);
        return Err(error);
    }
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// Writes `bytes` into a new file with mode 0600. A file, or a link, that is there already is
/// never touched.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`], or what else the file system answers; no file is left then.
pub fn create_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = open_new(path)?;
    fill(file, bytes).inspect_err(|_error| {
        // The first error is the one worth telling.
        let _leftover = fs::remove_file(path);
    })
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fill(open_new(path)?, bytes)
}

/// Opens a new file with mode 0600. `O_EXCL`: neither an existing file nor a planted link is opened.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`], or what else the file system answers.
pub fn open_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE_MODE).open(path)
}

fn fill(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.set_permissions(fs::Permissions::from_mode(PRIVATE_FILE_MODE))?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn temporary_sibling(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use crate::stdx::atomic_file::{create_private, create_private_dir, write_private};
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_replaced_whole_and_private() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("a/b");
        create_private_dir(&dir).unwrap();
        assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
        let path = dir.join("file");
        write_private(&path, b"one").unwrap();
        write_private(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
    }

    #[test]
    fn a_new_file_is_private_and_never_over_another() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        create_private(&path, b"one").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let link = home.path().join("link");
        std::os::unix::fs::symlink(home.path().join("elsewhere"), &link).unwrap();
        for taken in [&path, &link] {
            let error = create_private(taken, b"two").unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
        }
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert!(!home.path().join("elsewhere").exists());
    }

    #[test]
    fn an_open_directory_is_closed_to_others() {
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
        create_private_dir(home.path()).unwrap();
        assert_eq!(fs::metadata(home.path()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_planted_link_is_not_followed() {
        let home = tempfile::tempdir().unwrap();
        let victim = home.path().join("victim");
        fs::write(&victim, "keep").unwrap();
        std::os::unix::fs::symlink(&victim, home.path().join("file.new")).unwrap();
        write_private(&home.path().join("file"), b"secret").unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "keep");
    }
}
