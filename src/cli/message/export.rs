//! `message export`: messages into files, byte for byte.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::message::chosen::ChosenArgs;
use crate::cli::output::{Format, Output};
use crate::cli::running::with_session;
use crate::cli::session::{Session, unexpected};
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::mime::mbox;
use crate::model::flags::{Flag, Flags};
use crate::model::ids::MessageId;
use crate::model::message::MessageRow;
use crate::stdx::clock::{Clock, UnixSeconds};
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// What is written is somebody's mail: nobody else's to read.
const FILE_MODE: u32 = 0o600;
/// As [`FILE_MODE`], for directories.
const DIR_MODE: u32 = 0o700;

/// The form of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    /// One file per message, named by its id
    Eml,
    /// One file of all messages (mboxrd)
    Mbox,
    /// A Maildir
    Maildir,
}

/// Arguments of `message export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Which messages
    #[command(flatten)]
    pub chosen: ChosenArgs,
    /// The form of the files
    #[arg(long, value_enum, default_value_t = FileFormat::Eml)]
    pub format: FileFormat,
    /// A directory for eml and maildir, a new file for mbox
    #[arg(long, value_name = "PATH")]
    pub output: PathBuf,
}

#[derive(Serialize)]
struct Exported<'a> {
    messages: usize,
    path: &'a Path,
}

/// Writes them. What stands there already is never written over.
///
/// # Errors
/// Its problem; what was written before stays.
pub fn run(context: &Context, args: &ExportArgs) -> Result<(), CliError> {
    with_session(context, async |session| {
        let messages = args.chosen.messages(session).await?;
        if args.chosen.dry_run {
            return say(context.output, messages.len(), &args.output);
        }
        let mut target =
            FileTarget::open(args).map_err(|error| not_written(&args.output, &error))?;
        for message in &messages {
            let (row, bytes) = raw(session, *message).await?;
            target.write(&row, &bytes).map_err(|error| not_written(&args.output, &error))?;
        }
        target.finish().map_err(|error| not_written(&args.output, &error))?;
        say(context.output, messages.len(), &args.output)
    })
}

async fn raw(
    session: &mut Session,
    message: MessageId,
) -> Result<(Box<MessageRow>, Vec<u8>), CliError> {
    match session.ask(|id| EngineCommand::LoadRaw { id, message }).await? {
        EngineEvent::RawLoaded { row, bytes, .. } => Ok((row, bytes)),
        other => Err(unexpected(&other)),
    }
}

fn say(output: Output, messages: usize, path: &Path) -> Result<(), CliError> {
    match output.format() {
        Format::Json => output.json(&Exported { messages, path }),
        Format::Human => output.line(&format!("{messages} messages: {}", path.display())),
    }
}

fn not_written(path: &Path, error: &io::Error) -> CliError {
    let what = format!("{} cannot be written", path.display());
    CliError::system("export-failed", &what, error)
}

/// Where messages are written.
enum FileTarget {
    Eml(PathBuf),
    Mbox(BufWriter<File>),
    Maildir { dir: PathBuf, now: UnixSeconds },
}

impl FileTarget {
    fn open(args: &ExportArgs) -> io::Result<Self> {
        let path = args.output.clone();
        let private_dir =
            |path: &Path| fs::DirBuilder::new().recursive(true).mode(DIR_MODE).create(path);
        match args.format {
            FileFormat::Eml => private_dir(&path).map(|()| Self::Eml(path)),
            FileFormat::Mbox => new_file(&path).map(BufWriter::new).map(Self::Mbox),
            FileFormat::Maildir => {
                for part in ["cur", "new", "tmp"] {
                    private_dir(&path.join(part))?;
                }
                let now = Clock::system().now();
                Ok(Self::Maildir { dir: path, now })
            }
        }
    }

    /// Files say by their time when a message arrived, names in a Maildir which flags it has.
    fn write(&mut self, row: &MessageRow, bytes: &[u8]) -> io::Result<()> {
        let message = row.id;
        match self {
            Self::Eml(dir) => {
                write_new(&dir.join(format!("{message}.eml")), bytes, row.received_at)
            }
            Self::Mbox(file) => file.write_all(&mbox::entry(bytes, row.received_at)),
            Self::Maildir { dir, now } => {
                let name = format!("{}.P{}M{message}.posthaste", now.0, std::process::id());
                let written = dir.join("tmp").join(&name);
                write_new(&written, bytes, row.received_at)?;
                fs::rename(written, dir.join(in_maildir(&name, row.flags)))
            }
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Eml(_) | Self::Maildir { .. } => Ok(()),
            Self::Mbox(file) => {
                file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
            }
        }
    }
}

/// Where a message of these flags lies in a Maildir (cr.yp.to/proto/maildir.html): letters in ASCII
/// order behind `:2,` in `cur`, or without any in `new`.
fn in_maildir(name: &str, flags: Flags) -> PathBuf {
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

fn write_new(path: &Path, bytes: &[u8], received_at: UnixSeconds) -> io::Result<()> {
    let mut file = new_file(path)?;
    file.write_all(bytes)?;
    let since = u64::try_from(received_at.0).unwrap_or(0);
    file.set_modified(UNIX_EPOCH + Duration::from_secs(since))
}

fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)
}

#[cfg(test)]
mod tests {
    use crate::cli::message::export::in_maildir;
    use crate::model::flags::Flag;
    use std::path::Path;

    #[test]
    fn a_maildir_name_says_the_flags() {
        #[track_caller]
        fn check(flags: &[Flag], expected: &str) {
            let path = in_maildir("1.a", flags.iter().copied().collect());
            assert_eq!(path, Path::new(expected));
        }
        check(&[], "new/1.a");
        check(&[Flag::Deleted], "new/1.a");
        check(&[Flag::Seen, Flag::Flagged, Flag::Answered], "cur/1.a:2,FRS");
    }
}
