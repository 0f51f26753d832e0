//! `message import`: messages from files into a folder, going on where an earlier run stopped.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::folder::AccountArgs;
use crate::cli::message::act::say;
use crate::cli::message::resume::{Begin, Record, Resume, Run};
use crate::cli::output::Format;
use crate::cli::running::with_session;
use crate::cli::session::acting::Acted;
use crate::cli::session::{Session, unexpected};
use crate::cli::status_line::StatusLine;
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::mime::{mbox, parse};
use crate::model::acting::UndoStep;
use crate::model::envelope::Envelope;
use crate::model::flags::{Flag, Flags};
use crate::model::folder::Folder;
use crate::stdx::clock::{Clock, UnixSeconds};
use clap::Args;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Bytes at the start of a file that are looked at to tell mail from other files: more than the
/// headers of any message in use.
const HEADERS_LIMIT_BYTES: u64 = 256 * 1024;
/// What is said when an earlier run of the same import was cut between its last message and its
/// last word: whether anybody has read that is not known.
const FILED_BEFORE: &str = "Nothing was filed now: an earlier run that was cut at its end had filed \
                            all of it. Run the same again to file it once more.";
/// How a mailbox file begins.
const MBOX_START: &[u8] = b"From ";

/// Arguments of `message import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Message files (.eml) or directories of them, mailbox files (mbox) and Maildir directories
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Into which folder: its name, or what it is for
    #[arg(long, value_name = "FOLDER")]
    pub to: String,
    /// Of which account
    #[command(flatten)]
    pub account: AccountArgs,
    /// Begin anew instead of going on where an earlier run of the same import stopped
    #[arg(long)]
    pub restart: bool,
}

/// A message to file.
struct Found {
    bytes: Vec<u8>,
    flags: Flags,
    received_at: Option<UnixSeconds>,
}

/// What an import has stored so far.
#[derive(Default)]
struct Stored {
    messages: u32,
    /// What takes it back: one step, unless that was taken back meanwhile.
    steps: Vec<UndoStep>,
    /// The step that a path joins of which nothing is stored yet: that of this command, since two
    /// paths of one step that both go on could not tell whose its messages are.
    joined: Option<UndoStep>,
}

impl Stored {
    fn note(&mut self, step: UndoStep) {
        self.steps.retain(|known| known.id != step.id);
        self.steps.push(step.clone());
        self.joined = Some(step);
    }

    /// The step of what an earlier run has stored.
    fn note_earlier(&mut self, step: UndoStep, began: Begin) {
        let joined = match began {
            Begin::WhereItStopped => Some(step.clone()),
            Begin::Anew => self.joined.take(),
        };
        self.note(step);
        self.joined = joined;
    }
}

/// Imports them.
///
/// # Errors
/// Its problem; what was filed before stays, and the next run goes on behind it.
pub fn run(context: &Context, args: &ImportArgs) -> Result<(), CliError> {
    let resume_dir = context.paths()?.data_dir.join("imports");
    // Before anything is filed of the others.
    args.paths.iter().try_for_each(|path| refuse_other_files(path))?;
    with_session(context, async |session| {
        let account = session.account(args.account.account.as_deref())?;
        let folder = session.folder(account.id, &args.to).await?;
        let paths: Vec<_> = args.paths.iter().map(|path| absolute(path)).collect();
        let key = |path: &PathBuf| format!("{}\0{}\0{}", account.name, folder.name, path.display());
        let keys: Vec<_> = paths.iter().map(key).collect();
        let begin = if args.restart { Begin::Anew } else { Begin::WhereItStopped };
        let run = Run::begin(&resume_dir, &keys, begin).map_err(unkept)?;
        let mut stored = Stored::default();
        for (path, record) in paths.iter().zip(run.records()) {
            import(session, &folder, path, record, run.began(), &mut stored).await?;
        }
        let Stored { messages, steps, joined: _ } = stored;
        let was_through = messages == 0 && run.began() == Begin::WhereItStopped;
        let steps = steps.into_iter().map(|step| (0, Some(step.id.0)));
        match session.replay(steps.collect()).await {
            // Told before it is forgotten: one of whose end nobody has heard must not begin anew.
            Ok(filed) => {
                let filed = Acted { messages, ..filed };
                match (context.output.format(), was_through) {
                    (Format::Human, true) => context.output.line(FILED_BEFORE)?,
                    (Format::Human | Format::Json, _) => say(context.output, &filed)?,
                }
                run.end().map_err(unkept)
            }
            Err(refused) => {
                run.end().map_err(unkept)?;
                Err(refused)
            }
        }
    })
}

fn absolute(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_unreadable| path.to_owned())
}

/// Refuses a file that is neither mail nor a mailbox: it would be filed as a message of nobody.
fn refuse_other_files(path: &Path) -> Result<(), CliError> {
    let is_mail = || {
        if path.is_dir() {
            return Ok(true);
        }
        let mut start = Vec::new();
        File::open(path)?.take(HEADERS_LIMIT_BYTES).read_to_end(&mut start)?;
        Ok(start.starts_with(MBOX_START) || is_message(&start))
    };
    let failed = |error: io::Error| {
        let what = format!("{} cannot be imported", path.display());
        CliError::system("import-failed", &what, &error)
    };
    if is_mail().map_err(failed)? {
        return Ok(());
    }
    let what = "it is neither a message nor a mailbox file (mbox)";
    Err(failed(io::Error::new(io::ErrorKind::InvalidInput, what)))
}

/// Whether there is any header that says what a message is.
fn is_message(start: &[u8]) -> bool {
    let Envelope { from, to, subject, message_id, .. } = parse::envelope(start);
    !(from.is_empty() && to.is_empty() && subject.is_empty() && message_id.is_empty())
}

fn unkept(error: io::Error) -> CliError {
    CliError::system("import-failed", "How far the import came cannot be kept", &error)
}

async fn import(
    session: &mut Session,
    folder: &Folder,
    path: &Path,
    record: &Record,
    began: Begin,
    stored: &mut Stored,
) -> Result<(), CliError> {
    let unread = |error: io::Error| {
        let what = format!("{} cannot be read", path.display());
        CliError::system("import-failed", &what, &error)
    };
    let clock = Clock::system();
    let steps = session.undo_steps().await?;
    let earlier = record.earlier();
    let through = earlier.clone().filter(|earlier| earlier.through);
    let known = earlier.map(|earlier| earlier.completed(&folder.name, &steps, clock.now()));
    let own = through.as_ref().or(known.as_ref()).and_then(Resume::own_step);
    let own = steps.iter().find(|step| Some(step.id) == own);
    own.into_iter().for_each(|step| stored.note_earlier(step.clone(), began));
    let mut resume = match (known, &stored.joined) {
        (Some(known), _) => known,
        (None, Some(step)) => Resume::within(step, 0, clock.now()),
        (None, None) => Resume::behind(&steps, clock.now()),
    };
    let mut found = messages(path).map_err(unread)?.enumerate().skip(resume.done).peekable();
    if let Some(through) = through
        && found.peek().is_none()
    {
        return record.keep(&through).map_err(unkept);
    }
    record.keep(&resume).map_err(unkept)?;
    for (at, found) in found {
        let Found { bytes, flags, received_at } = found.map_err(unread)?;
        let (folder, step) = (folder.id, resume.own_step());
        let import = |id| EngineCommand::Import { id, folder, bytes, flags, received_at, step };
        let step = match session.ask(import).await? {
            EngineEvent::Acted { undo: Some(step), .. } => step,
            other => return Err(unexpected(&other)),
        };
        resume = Resume::within(&step, at + 1, clock.now());
        record.keep(&resume).map_err(unkept)?;
        stored.messages += 1;
        stored.note(step);
    }
    resume.through = true;
    record.keep(&resume).map_err(unkept)
}

type Messages = Box<dyn Iterator<Item = io::Result<Found>>>;

/// The messages of a file or Maildir, always in the same order; a terminal is shown how many.
fn messages(path: &Path) -> io::Result<Messages> {
    let (mut status, mut count) = (StatusLine::new(), 0_usize);
    let shown = found_in(path)?.inspect(move |_message| {
        count += 1;
        status.show(&format!("imported {count}"));
    });
    Ok(Box::new(shown))
}

fn found_in(path: &Path) -> io::Result<Messages> {
    if path.is_dir() {
        let is_maildir = path.join("cur").is_dir() && path.join("new").is_dir();
        return if is_maildir { maildir(path) } else { eml_files(path) };
    }
    let mut file = BufReader::new(File::open(path)?);
    let mut start = Vec::new();
    file.by_ref().take(MBOX_START.len() as u64).read_to_end(&mut start)?;
    let is_mbox = start == MBOX_START;
    let mut file = io::Cursor::new(start).chain(file);
    if is_mbox {
        let found = |bytes| Found { bytes, flags: Flags::default(), received_at: None };
        return Ok(Box::new(mbox::messages(file).map(move |bytes| bytes.map(found))));
    }
    let mut bytes = Vec::new();
    file.by_ref().take(mbox::MESSAGE_LIMIT_BYTES as u64).read_to_end(&mut bytes)?;
    if !file.fill_buf()?.is_empty() {
        let what = format!("it is longer than {} bytes", mbox::MESSAGE_LIMIT_BYTES);
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    let found = Found { bytes, flags: Flags::default(), received_at: modified(path) };
    Ok(Box::new(std::iter::once(Ok(found))))
}

fn maildir(path: &Path) -> io::Result<Messages> {
    let mut files = Vec::new();
    for part in ["cur", "new"] {
        for entry in fs::read_dir(path.join(part))? {
            files.push(entry?.path());
        }
    }
    Ok(in_order(files))
}

/// A directory as `message export --format eml` makes it.
fn eml_files(path: &Path) -> io::Result<Messages> {
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("eml")) {
            files.push(file);
        }
    }
    if files.is_empty() {
        let what = format!("{} is neither a Maildir nor holds .eml files", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    Ok(in_order(files))
}

fn in_order(mut files: Vec<PathBuf>) -> Messages {
    files.sort();
    let found = |path: PathBuf| {
        let bytes = fs::read(&path)?;
        Ok(Found { bytes, flags: maildir_flags(&path), received_at: modified(&path) })
    };
    Box::new(files.into_iter().map(found))
}

fn modified(path: &Path) -> Option<UnixSeconds> {
    let since = fs::metadata(path).ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok().map(UnixSeconds)
}

/// Flags behind `:2,` of a file name (cr.yp.to/proto/maildir.html).
fn maildir_flags(path: &Path) -> Flags {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let Some((_base, letters)) = name.rsplit_once(":2,") else { return Flags::default() };
    let flag = |letter| match letter {
        'S' => Some(Flag::Seen),
        'R' => Some(Flag::Answered),
        'F' => Some(Flag::Flagged),
        'D' => Some(Flag::Draft),
        'P' => Some(Flag::Forwarded),
        _unknown => None,
    };
    letters.chars().filter_map(flag).collect()
}

#[cfg(test)]
mod tests {
    use crate::cli::message::import::maildir_flags;
    use crate::model::flags::{Flag, Flags};
    use std::path::Path;

    #[test]
    fn a_maildir_name_says_its_flags() {
        #[track_caller]
        fn check(name: &str, flags: &[Flag]) {
            let expected: Flags = flags.iter().copied().collect();
            assert_eq!(maildir_flags(Path::new(name)), expected, "{name}");
        }
        check("cur/1.a:2,FS", &[Flag::Flagged, Flag::Seen]);
        check("cur/1.a:2,", &[]);
        check("new/1.a", &[]);
        check("cur/1.a:2,XRT", &[Flag::Answered]);
    }
}
