//! Reading files that must be nobody else's: a file that others can read, write or have planted is
//! refused with the command that puts it right.

use crate::secrets::SecretError;
use crate::stdx::planted::{self, Planted};
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use zeroize::Zeroizing;

/// Longest file in bytes. A hundred accounts need about 500 KiB.
const FILE_LIMIT_BYTES: u64 = 4 * 1024 * 1024;

/// The content of a private file, or `None` when there is none.
///
/// # Errors
/// [`SecretError::Unsafe`] for a link, a second hard link, another owner, something that is no
/// file, or permissions for others; [`SecretError::Damaged`] when it is far too long.
pub(crate) fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
    // What is checked is what is open: no link is followed, and a planted pipe does not block.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        // This is how `O_NOFOLLOW` speaks of a link.
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            return Err(refused(path, &Planted::Link.to_string()));
        }
        Err(error) => return Err(error.into()),
    };
    let facts = file.metadata()?;
    planted::check_file(&facts).map_err(|planted| refused(path, &planted.to_string()))?;
    if facts.mode() & 0o077 != 0 {
        let cure = format!("can be read by others: run chmod 600 '{}'", path.display());
        return Err(refused(path, &cure));
    }
    let mut content = Zeroizing::new(Vec::new());
    file.take(FILE_LIMIT_BYTES.saturating_add(1)).read_to_end(&mut content)?;
    if FILE_LIMIT_BYTES < u64::try_from(content.len()).unwrap_or(u64::MAX) {
        return Err(SecretError::Damaged(format!("{} is far too long", path.display())));
    }
    Ok(Some(content))
}

fn refused(path: &Path, why: &str) -> SecretError {
    SecretError::Unsafe(format!("{} {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use crate::secrets::SecretError;
    use crate::secrets::private_file::read;
    use crate::stdx::atomic_file::write_private;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, chown, symlink};
    use std::path::Path;

    #[track_caller]
    fn check(path: &Path, expected: Result<Option<&[u8]>, &str>) {
        match (read(path), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found.as_ref().map(|f| f.as_slice()), expected),
            (Err(SecretError::Unsafe(found)), Err(expected)) => {
                assert!(found.contains(expected), "{found:?}");
            }
            (found, _) => panic!("{found:?}"),
        }
    }

    #[test]
    fn only_a_plain_file_of_ours_that_others_cannot_read_is_taken() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        check(&path, Ok(None));
        write_private(&path, b"content").unwrap();
        check(&path, Ok(Some(b"content")));
        for mode in [0o604, 0o640, 0o660, 0o666, 0o601] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            check(&path, Err("run chmod 600 '/"));
        }
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let link = home.path().join("link");
        symlink(&path, &link).unwrap();
        check(&link, Err("symbolic link"));
        let second_name = home.path().join("second");
        fs::hard_link(&path, &second_name).unwrap();
        check(&path, Err("hard link"));
        fs::remove_file(&second_name).unwrap();
        check(home.path(), Err("is not a file"));
        // Giving a file away needs root; elsewhere there is nothing to see here.
        if rustix::process::geteuid().is_root() {
            chown(&path, Some(65_534), None).unwrap();
            check(&path, Err("somebody else"));
        }
    }

    #[test]
    fn a_planted_pipe_does_not_block() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode).unwrap();
        check(&path, Err("is not a file"));
    }
}
