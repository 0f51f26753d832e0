//! `message save`: attached files of a message into a directory.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::{Format, Output};
use crate::cli::running::with_session;
use crate::mime::{parse, sanitise};
use crate::model::ids::MessageId;
use crate::model::message::Attachment;
use crate::stdx::atomic_file::create_private;
use clap::Args;
use serde::Serialize;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Files of one name that may lie in a directory before another one is refused.
const NAMESAKES_LIMIT: u32 = 1_000;

/// Arguments of `message save`.
#[derive(Debug, Args)]
pub struct SaveArgs {
    /// Id of the message, as `message list` gives it
    #[arg(value_name = "ID")]
    pub id: i64,
    /// Only this file, as `message read` numbers it under parts; may be given again
    #[arg(long, value_name = "INDEX")]
    pub part: Vec<usize>,
    /// Into which directory
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub to: PathBuf,
}

#[derive(Serialize)]
struct Saved<'a> {
    index: usize,
    path: &'a Path,
    content_type: &'a str,
    size: usize,
}

/// Saves them; a file that is there already keeps its name, and the new one gets a number.
///
/// # Errors
/// Its problem; a part that the message does not have.
pub fn run(context: &Context, args: &SaveArgs) -> Result<(), CliError> {
    let message = MessageId(args.id);
    let (_row, bytes) = with_session(context, async |session| {
        session.known(vec![message]).await?;
        session.raw(message).await
    })?;
    let mut files = parse::readable(&bytes).attachments;
    if let Some(missing) = args.part.iter().find(|part| files.iter().all(|f| f.index != **part)) {
        let indices: Vec<String> = files.iter().map(|file| file.index.to_string()).collect();
        let why = match indices.as_slice() {
            [] => "It has no attached files.".to_owned(),
            some => format!("Its files are: {}.", some.join(", ")),
        };
        let what = format!("Message {message} has no file {missing}");
        return Err(CliError::usage("unknown-part", &what, &why));
    }
    files.retain(|file| args.part.is_empty() || args.part.contains(&file.index));
    let failed = |error: io::Error| {
        let what = format!("A file cannot be written into {}", args.to.display());
        CliError::system("save-failed", &what, &error)
    };
    fs::create_dir_all(&args.to).map_err(failed)?;
    for file in &files {
        // The parts are those of the same bytes.
        let content = parse::attachment(&bytes, file.index).unwrap_or_default();
        let path = write(&args.to, &name_of(file), &content).map_err(failed)?;
        say(context.output, file, &path, content.len())?;
    }
    Ok(())
}

fn say(output: Output, file: &Attachment, path: &Path, size: usize) -> Result<(), CliError> {
    let Attachment { index, content_type, .. } = file;
    match output.format() {
        Format::Json => output.json(&Saved { index: *index, path, content_type, size }),
        Format::Human => output.line(&format!("{} ({size} bytes)", path.display())),
    }
}

fn name_of(file: &Attachment) -> String {
    let name = sanitise::file_name(&file.file_name);
    if name.is_empty() { format!("part-{}", file.index) } else { name }
}

fn write(dir: &Path, name: &str, content: &[u8]) -> io::Result<PathBuf> {
    for namesake in 1..=NAMESAKES_LIMIT {
        let path = dir.join(numbered(name, namesake));
        match create_private(&path, content) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "too many files have the same name"))
}

/// `notes.txt`, then `notes (2).txt`.
fn numbered(name: &str, namesake: u32) -> String {
    match (namesake, name.rsplit_once('.')) {
        (1, _) => name.to_owned(),
        (_, Some((stem, ending))) if !stem.is_empty() => format!("{stem} ({namesake}).{ending}"),
        (_, Some(_) | None) => format!("{name} ({namesake})"),
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::message::save::numbered;

    #[test]
    fn a_name_that_is_taken_gets_a_number_before_its_ending() {
        #[track_caller]
        fn check(name: &str, namesake: u32, expected: &str) {
            assert_eq!(numbered(name, namesake), expected);
        }
        check("notes.txt", 1, "notes.txt");
        check("notes.txt", 2, "notes (2).txt");
        check("notes", 3, "notes (3)");
        check(".notes", 2, ".notes (2)");
    }
}
