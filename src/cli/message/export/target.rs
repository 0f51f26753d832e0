//! The files of an export: nothing is written over, nothing half written stays under its name, and
//! what an earlier run wrote is known again.

use crate::cli::message::export::FileFormat;
use crate::mime::mbox;
use crate::model::flags::{Flag, Flags};
use crate::model::message::MessageRow;
use crate::stdx::atomic_file::{PRIVATE_DIR_MODE, open_new};
use crate::stdx::clock::UnixSeconds;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// Messages of one installation that may have the same name in a Maildir: those of other
/// installations with the same number and time.
const NAMESAKES_LIMIT: u32 = 100;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It has a file now.
    New,
    /// A file of an earlier run has just these bytes.
    AlreadyThere,
}

/// Where messages are written.
pub enum FileTarget {
    /// A directory with a file for each.
    Eml(PathBuf),
    /// One file for all.
    Mbox(MboxFile),
    /// A Maildir.
    Maildir {
        /// The directory.
        dir: PathBuf,
        /// What lies in it by name without flags.
        there: BTreeMap<String, PathBuf>,
    },
}

impl FileTarget {
    /// Makes the directories or begins the file.
    ///
    /// # Errors
    /// What the file system says; a mailbox file that is there already.
    pub fn open(path: &Path, format: FileFormat) -> io::Result<Self> {
        let private_dir =
            |path: &Path| fs::DirBuilder::new().recursive(true).mode(PRIVATE_DIR_MODE).create(path);
        match format {
            FileFormat::Eml => private_dir(path).map(|()| Self::Eml(path.to_owned())),
            FileFormat::Mbox => MboxFile::begin(path).map(Self::Mbox),
            FileFormat::Maildir => {
                for part in ["cur", "new", "tmp"] {
                    private_dir(&path.join(part))?;
                }
                Ok(Self::Maildir { dir: path.to_owned(), there: in_maildir(path)? })
            }
        }
    }

    /// Writes a message. Files say by their time when it arrived, names in a Maildir which flags it
    /// has.
    ///
    /// # Errors
    /// What the file system says; another file of the same name.
    pub fn write(&mut self, row: &MessageRow, bytes: &[u8]) -> io::Result<Written> {
        match self {
            Self::Eml(dir) => {
                let path = dir.join(format!("{}.eml", row.id));
                if path.symlink_metadata().is_ok() && fs::read(&path)? == bytes {
                    return Ok(Written::AlreadyThere);
                }
                write_new(&part_of(&path), &path, bytes, row.received_at)?;
            }
            Self::Mbox(mbox) => mbox.file.write_all(&mbox::entry(bytes, row.received_at))?,
            Self::Maildir { dir, there } => {
                let Some(name) = free_name(row, bytes, there)? else {
                    return Ok(Written::AlreadyThere);
                };
                let path = dir.join(place(&name, row.flags));
                write_new(&dir.join("tmp").join(&name), &path, bytes, row.received_at)?;
                there.insert(name, path);
            }
        }
        Ok(Written::New)
    }

    /// Ends it: from here on a mailbox file has its name.
    ///
    /// # Errors
    /// What the file system says.
    pub fn finish(self) -> io::Result<()> {
        match self {
            Self::Eml(_) | Self::Maildir { .. } => Ok(()),
            Self::Mbox(file) => file.finish(),
        }
    }
}

/// A mailbox file that gets its name when it is whole, and is removed when it never is.
pub struct MboxFile {
    file: BufWriter<File>,
    part: PathBuf,
    path: PathBuf,
}

impl MboxFile {
    fn begin(path: &Path) -> io::Result<Self> {
        refuse_existing(path)?;
        let part = part_of(path);
        let file = BufWriter::new(open_new(&part)?);
        Ok(Self { file, part, path: path.to_owned() })
    }

    fn finish(mut self) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        publish(&self.part, &self.path)
    }
}

impl Drop for MboxFile {
    fn drop(&mut self) {
        // A whole one has been renamed.
        let _gone = fs::remove_file(&self.part);
    }
}

/// A name beside `path` that no other process uses.
fn part_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}

fn refuse_existing(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(_there) => Err(exists(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn exists(path: &Path) -> io::Error {
    let what = format!("there is a {} already, and nothing is written over", path.display());
    io::Error::new(io::ErrorKind::AlreadyExists, what)
}

fn publish(part: &Path, path: &Path) -> io::Result<()> {
    refuse_existing(path)?;
    fs::rename(part, path)
}

fn write_new(part: &Path, path: &Path, bytes: &[u8], received_at: UnixSeconds) -> io::Result<()> {
    let written = || {
        let mut file = open_new(part)?;
        file.write_all(bytes)?;
        let since = u64::try_from(received_at.0).unwrap_or(0);
        file.set_modified(UNIX_EPOCH + Duration::from_secs(since))?;
        publish(part, path)
    };
    written().inspect_err(|_error| {
        // What cannot be written whole, such as to a full disk, leaves nothing.
        let _gone = fs::remove_file(part);
    })
}

/// The messages of a Maildir by name without flags.
fn in_maildir(dir: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let mut there = BTreeMap::new();
    for part in ["cur", "new"] {
        for entry in fs::read_dir(dir.join(part))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let name = name.split_once(":2,").map_or(name.as_str(), |(name, _flags)| name);
            there.insert(name.to_owned(), entry.path());
        }
    }
    Ok(there)
}

/// A name for a message that no other one has; `None` when it is there already.
fn free_name(
    row: &MessageRow,
    bytes: &[u8],
    there: &BTreeMap<String, PathBuf>,
) -> io::Result<Option<String>> {
    let (time, id) = (row.received_at.0.max(0), row.id);
    for namesake in 0..NAMESAKES_LIMIT {
        let name = format!("{time}.M{id}Q{namesake}.posthaste");
        match there.get(&name) {
            None => return Ok(Some(name)),
            Some(path) if fs::read(path)? == bytes => return Ok(None),
            Some(_other) => {}
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "too many messages have the same name"))
}

/// Where a message of these flags lies in a Maildir (cr.yp.to/proto/maildir.html): letters in ASCII
/// order behind `:2,` in `cur`, or without any in `new`.
fn place(name: &str, flags: Flags) -> PathBuf {
    let mut letters: Vec<char> = flags.iter().filter_map(maildir_letter).collect();
    letters.sort_unstable();
    if letters.is_empty() {
        return Path::new("new").join(name);
    }
    Path::new("cur").join(format!("{name}:2,{}", String::from_iter(letters)))
}

fn maildir_letter(flag: Flag) -> Option<char> {
    match flag {
        Flag::Seen => Some('S'),
        Flag::Answered => Some('R'),
        Flag::Flagged => Some('F'),
        Flag::Draft => Some('D'),
        Flag::Forwarded => Some('P'),
        // A message that is only marked is still there.
        Flag::Deleted => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::message::export::FileFormat;
    use crate::cli::message::export::target::{FileTarget, place};
    use crate::model::flags::Flag;
    use std::fs;
    use std::path::Path;

    #[test]
    fn a_maildir_name_says_the_flags() {
        #[track_caller]
        fn check(flags: &[Flag], expected: &str) {
            let path = place("1.a", flags.iter().copied().collect());
            assert_eq!(path, Path::new(expected));
        }
        check(&[], "new/1.a");
        check(&[Flag::Deleted], "new/1.a");
        check(&[Flag::Seen, Flag::Flagged, Flag::Answered], "cur/1.a:2,FRS");
    }

    #[test]
    fn a_mailbox_file_that_is_not_finished_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mail.mbox");
        let files = || fs::read_dir(dir.path()).unwrap().count();
        let target = FileTarget::open(&path, FileFormat::Mbox).unwrap();
        assert_eq!(files(), 1);
        drop(target);
        assert_eq!(files(), 0);
        FileTarget::open(&path, FileFormat::Mbox).unwrap().finish().unwrap();
        assert_eq!((files(), path.is_file()), (1, true));
        assert!(FileTarget::open(&path, FileFormat::Mbox).is_err(), "it is there");
    }
}
