//! The log: a private file of bounded size, on request.
//!
//! Logs carry ids and counts. The targets of the protocol crates are off for good, because their
//! traces hold tokens and whole messages.

use crate::stdx::atomic_file::{PRIVATE_FILE_MODE, create_private_dir};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Mutex;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Directive;

/// The environment variable that sets the level: `error`, `warn`, `info`, `debug` or `trace`.
pub const LEVEL_VARIABLE: &str = "POSTHASTE_LOG";
/// Level when the variable is not set.
const DEFAULT_LEVEL: LevelFilter = LevelFilter::WARN;
/// The log starts anew beyond this size.
const SIZE_LIMIT_BYTES: u64 = 1024 * 1024;
/// Crates whose logs hold credentials or mail, or drown everything else.
const SILENCED: [&str; 7] = [
    "async_imap=off",
    "imap_proto=off",
    "h2=info",
    "hyper=info",
    "rustls=info",
    "lettre=off",
    "zbus=off",
];

/// Writes logs to `posthaste.log` in `state_dir` from now on.
///
/// # Errors
/// What the file system answers; nothing is logged then.
pub fn start(state_dir: &Path) -> io::Result<()> {
    create_private_dir(state_dir)?;
    let file = open_log(&state_dir.join("posthaste.log"))?;
    let level = std::env::var(LEVEL_VARIABLE).unwrap_or_default();
    tracing_subscriber::fmt()
        .with_env_filter(filter(&level))
        .with_ansi(false)
        .with_writer(Mutex::new(EscapingWriter(file)))
        .try_init()
        .map_err(io::Error::other)
}

/// Whether the environment names a level: then a command writes the log too, not only the screen.
#[must_use]
pub fn is_asked_for() -> bool {
    std::env::var(LEVEL_VARIABLE).is_ok_and(|level| !level.trim().is_empty())
}

fn open_log(path: &Path) -> io::Result<File> {
    // O_NOFOLLOW: a planted link must not lead the log into another file.
    let no_follow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(PRIVATE_FILE_MODE)
        .custom_flags(no_follow)
        .open(path)?;
    file.set_permissions(std::fs::Permissions::from_mode(PRIVATE_FILE_MODE))?;
    if SIZE_LIMIT_BYTES < file.metadata()?.len() {
        file.set_len(0)?;
    }
    Ok(file)
}

/// A level and nothing more: directives from outside could switch the silenced targets on again.
fn filter(level: &str) -> EnvFilter {
    let word = level.trim();
    let named = Some(word).filter(|word| !word.is_empty()).and_then(|word| word.parse().ok());
    let base = named.unwrap_or(DEFAULT_LEVEL).to_string();
    SILENCED
        .iter()
        .filter_map(|text| text.parse::<Directive>().ok())
        .fold(EnvFilter::new(base), EnvFilter::add_directive)
}

/// Escapes control characters, so that reading the log in a terminal is harmless.
struct EscapingWriter<W>(W);

impl<W: Write> Write for EscapingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut escaped = Vec::with_capacity(bytes.len());
        for byte in bytes {
            match byte {
                b'\n' => escaped.push(b'\n'),
                0..=0x1f | 0x7f => write!(escaped, "\\x{byte:02x}")?,
                _ => escaped.push(*byte),
            }
        }
        self.0.write_all(&escaped)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use crate::runtime::logging::{EscapingWriter, SIZE_LIMIT_BYTES, filter, open_log};
    use std::fs;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn control_characters_are_escaped() {
        let mut bytes = Vec::new();
        EscapingWriter(&mut bytes).write_all("a\x1b[2J\x07\r\nb\u{e9}\n".as_bytes()).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), "a\\x1b[2J\\x07\\x0d\nb\u{e9}\n");
    }

    #[test]
    fn the_protocol_crates_stay_silent_whatever_is_asked_for() {
        #[track_caller]
        fn check(level: &str, expected_base: &str) {
            let filter = filter(level).to_string();
            assert!(filter.contains("async_imap=off"), "{level}: {filter}");
            assert!(filter.contains("lettre=off"), "{level}: {filter}");
            assert!(filter.split(',').any(|part| part == expected_base), "{level}: {filter}");
        }
        check("trace", "trace");
        check("", "warn");
        check("async_imap=trace", "warn");
    }

    #[test]
    fn the_log_is_private_and_starts_anew_when_large() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("log");
        fs::write(&path, "old\n").unwrap();
        open_log(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::File::options().write(true).open(&path).unwrap().set_len(SIZE_LIMIT_BYTES + 1).unwrap();
        open_log(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 0);
    }

    #[test]
    fn a_planted_link_is_not_followed() {
        let home = tempfile::tempdir().unwrap();
        let victim = home.path().join("victim");
        fs::write(&victim, "keep").unwrap();
        std::os::unix::fs::symlink(&victim, home.path().join("log")).unwrap();
        assert!(open_log(&home.path().join("log")).is_err());
    }
}
