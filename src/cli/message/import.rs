//! `message import`: messages from files into a folder, going on where an earlier run stopped.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::folder::AccountArgs;
use crate::cli::message::act::say;
use crate::cli::running::with_session;
use crate::cli::session::acting::Acted;
use crate::cli::session::{Session, unexpected};
use crate::cli::status_line::StatusLine;
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::mime::{mbox, parse};
use crate::model::acting::{Deed, UndoStep};
use crate::model::envelope::Envelope;
use crate::model::flags::{Flag, Flags};
use crate::model::folder::Folder;
use crate::model::ids::UndoId;
use crate::stdx::atomic_file::{create_private_dir, write_private};
use crate::stdx::clock::{Clock, UnixSeconds};
use clap::Args;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// A message is stored this soon after the one before it was written down, in seconds.
const NEXT_WITHIN_S: i64 = 60;

/// Bytes at the start of a file that are looked at to tell mail from other files: more than the
/// headers of any message in use.
const HEADERS_LIMIT_BYTES: u64 = 256 * 1024;
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

/// How far an import has come; kept until it is through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Resume {
    /// Messages that are stored.
    done: usize,
    /// The step to take back that they belong to; before the first is stored, the last action there
    /// was.
    step: i64,
    /// How many more messages than [`Self::done`] the step has, for those of other files; `None`
    /// before the first is stored.
    #[serde(default)]
    ahead: Option<i64>,
    /// When this was written, Unix seconds.
    at: i64,
}

impl Resume {
    /// With what was stored just before the end of a run that could not write it down any more.
    fn completed(self, folder: &str, steps: &[UndoStep]) -> Self {
        let imports = || {
            let into = |step: &&UndoStep| matches!(&step.deed, Deed::Import { to } if to == folder);
            steps.iter().filter(into)
        };
        let Some(ahead) = self.ahead else { return self.begun(imports()) };
        let own = imports().find(|step| step.id.0 == self.step);
        let stored = own.and_then(|step| usize::try_from(i64::from(step.messages) - ahead).ok());
        // A step that was taken back, or is too old to be, tells nothing.
        Self { done: stored.unwrap_or(0).max(self.done), ..self }
    }

    /// As [`Self::completed`] before the first message was noted as stored: its step is the one
    /// import into the folder that began behind [`Self::step`], at about that time.
    fn begun<'a>(self, imports: impl Iterator<Item = &'a UndoStep>) -> Self {
        let mut own = imports.filter(|step| {
            let after_s = step.done_at.since(UnixSeconds(self.at));
            self.step < step.id.0 && (0..=NEXT_WITHIN_S).contains(&after_s) && step.messages == 1
        });
        match (own.next(), own.next()) {
            (Some(step), None) => Self { done: 1, step: step.id.0, ahead: Some(0), ..self },
            // Several are those of another import: rather twice than never.
            (None | Some(_), _) => self,
        }
    }

    /// The step that the next message joins, if there is one.
    fn own_step(&self) -> Option<UndoId> {
        self.ahead.map(|_ahead| UndoId(self.step))
    }
}

/// What an import has stored so far.
#[derive(Default)]
struct Stored {
    messages: u32,
    /// What takes it back: one step, unless that was taken back meanwhile.
    steps: Vec<UndoStep>,
}

impl Stored {
    fn note(&mut self, step: UndoStep) {
        self.steps.retain(|known| known.id != step.id);
        self.steps.push(step);
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
        let (mut stored, mut through) = (Stored::default(), Vec::new());
        for path in &args.paths {
            let path = path.canonicalize().unwrap_or_else(|_unreadable| path.clone());
            let key = format!("{}\0{}\0{}", account.name, folder.name, path.display());
            let name = format!("{:x}.json", Sha256::digest(key.as_bytes()));
            let progress = resume_dir.join(name);
            if args.restart {
                forget(&progress).map_err(unkept)?;
            }
            import(session, &folder, &path, &progress, &mut stored).await?;
            through.push(progress);
        }
        let Stored { messages, steps } = stored;
        let steps = steps.into_iter().map(|step| (0, Some(step.id.0)));
        let filed = session.replay(steps.collect()).await;
        // Only now: a run that is cut while it waits for the server must not begin anew either.
        through.iter().try_for_each(|progress| forget(progress)).map_err(unkept)?;
        say(context.output, &Acted { messages, ..filed? })
    })
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
    progress: &Path,
    stored: &mut Stored,
) -> Result<(), CliError> {
    let unread = |error: io::Error| {
        let what = format!("{} cannot be read", path.display());
        CliError::system("import-failed", &what, &error)
    };
    let clock = Clock::system();
    let steps = session.undo_steps().await?;
    let mut resume = match (earlier(progress), stored.steps.last()) {
        (Some(resume), _) => resume.completed(&folder.name, &steps),
        (None, Some(step)) => {
            let ahead = Some(i64::from(step.messages));
            Resume { done: 0, step: step.id.0, ahead, at: clock.now().0 }
        }
        (None, None) => {
            let step = steps.first().map_or(0, |newest| newest.id.0);
            Resume { done: 0, step, ahead: None, at: clock.now().0 }
        }
    };
    let own = steps.into_iter().find(|step| resume.own_step() == Some(step.id));
    own.into_iter().for_each(|step| stored.note(step));
    keep(progress, &resume).map_err(unkept)?;
    for (at, found) in messages(path).map_err(unread)?.enumerate().skip(resume.done) {
        let Found { bytes, flags, received_at } = found.map_err(unread)?;
        let (folder, step) = (folder.id, resume.own_step());
        let import = |id| EngineCommand::Import { id, folder, bytes, flags, received_at, step };
        let step = match session.ask(import).await? {
            EngineEvent::Acted { undo: Some(step), .. } => step,
            other => return Err(unexpected(&other)),
        };
        let done = at + 1;
        let ahead = i64::from(step.messages) - i64::try_from(done).unwrap_or(i64::MAX);
        resume = Resume { done, step: step.id.0, ahead: Some(ahead), at: clock.now().0 };
        keep(progress, &resume).map_err(unkept)?;
        stored.messages += 1;
        stored.note(step);
    }
    Ok(())
}

fn forget(progress: &Path) -> io::Result<()> {
    match fs::remove_file(progress) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn earlier(progress: &Path) -> Option<Resume> {
    let bytes = fs::read(progress).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn keep(progress: &Path, resume: &Resume) -> io::Result<()> {
    if let Some(dir) = progress.parent() {
        create_private_dir(dir)?;
    }
    write_private(progress, &serde_json::to_vec(resume)?)
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
    use crate::cli::message::import::{Resume, maildir_flags};
    use crate::model::acting::{Deed, UndoStep};
    use crate::model::flags::{Flag, Flags};
    use crate::model::ids::UndoId;
    use crate::stdx::clock::UnixSeconds;
    use std::path::Path;

    #[test]
    fn a_message_that_was_stored_but_not_written_down_is_not_stored_again() {
        let step = |id, to: &str, messages, at| UndoStep {
            id: UndoId(id),
            deed: Deed::Import { to: to.to_owned() },
            messages,
            done_at: UnixSeconds(at),
        };
        #[track_caller]
        fn check(done: usize, ahead: Option<i64>, steps: &[UndoStep], expected: usize) {
            let resume = Resume { done, step: 7, ahead, at: 1_000 };
            assert_eq!(resume.completed("Old", steps).done, expected, "{steps:?}");
        }
        // Before the first was written down.
        check(0, None, &[], 0);
        check(0, None, &[step(8, "Old", 1, 1_000), step(7, "Old", 3, 1_000)], 1);
        check(0, None, &[step(8, "Other", 1, 1_000)], 0);
        check(0, None, &[step(8, "Old", 1, 2_000)], 0);
        check(0, None, &[step(9, "Old", 1, 1_001), step(8, "Old", 1, 1_000)], 0);
        // The step counts for us.
        check(3, Some(0), &[step(7, "Old", 4, 900)], 4);
        check(3, Some(10), &[step(7, "Old", 13, 900)], 3);
        check(3, Some(-2), &[step(7, "Old", 2, 900)], 4);
        // It was taken back.
        check(3, Some(0), &[step(8, "Old", 9, 900)], 3);
    }

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
