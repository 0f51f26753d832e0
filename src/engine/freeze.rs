//! Turns what a person wants to send into frozen bytes, reading the files to attach.

use crate::engine_api::command::Outgoing;
use crate::mime::compose::{ComposeContext, FileToAttach, freeze, freeze_raw};
use crate::mime::parse;
use crate::model::address::EmailAddress;
use crate::model::outgoing::{Draft, FrozenMessage};
use crate::problem::Problem;
use crate::stdx::clock::Clock;
use std::path::Path;

/// Largest sum of attached files in bytes: Exchange Online takes 35 MB unless an administrator
/// raised it, and base64 adds a third.
const ATTACHMENTS_LIMIT_BYTES: u64 = 25 * 1024 * 1024;

/// A frozen message with what the outbox keeps beside it.
#[derive(Debug)]
pub struct Frozen {
    /// The message.
    pub message: FrozenMessage,
    /// Its subject, for lists.
    pub subject: String,
    /// What it was made from; `None` for raw bytes.
    pub draft: Option<Draft>,
}

/// Who a message is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// From address and reverse path.
    pub address: EmailAddress,
    /// Display name; empty for none.
    pub display_name: String,
    /// Where answers go, when not to `address`.
    pub reply_to: Option<EmailAddress>,
}

/// Freezes `outgoing` for sending as `author`.
///
/// # Errors
/// A problem that names the recipient or file that is wrong; nothing has been changed.
pub async fn freeze_outgoing(
    outgoing: Outgoing,
    author: Author,
    clock: &Clock,
) -> Result<Frozen, Problem> {
    let mut unique = [0_u8; 16];
    getrandom::fill(&mut unique).map_err(|error| Problem::unsendable(&error.to_string()))?;
    let context = ComposeContext {
        from: author.address,
        display_name: author.display_name,
        reply_to: author.reply_to,
        now: clock.now(),
        unique,
    };
    let unsendable = |error: &dyn std::fmt::Display| Problem::unsendable(&error.to_string());
    match outgoing {
        Outgoing::Draft(draft) => {
            let files = read_files(&draft).await?;
            let message = freeze(&draft, &files, &context).map_err(|error| unsendable(&error))?;
            Ok(Frozen { message, subject: draft.subject.clone(), draft: Some(draft) })
        }
        Outgoing::Raw(bytes) => {
            let message = freeze_raw(&bytes, &context).map_err(|error| unsendable(&error))?;
            let subject = parse::envelope(&message.bytes).subject;
            Ok(Frozen { message, subject, draft: None })
        }
    }
}

async fn read_files(draft: &Draft) -> Result<Vec<FileToAttach>, Problem> {
    let mut files = Vec::new();
    let mut total_bytes = 0_u64;
    for path in &draft.attachments {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let unusable = |reason: &str| Problem::attachment_unusable(&name, reason);
        let bytes = read_regular(path).await.map_err(|error| unusable(&error.to_string()))?;
        total_bytes = total_bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if ATTACHMENTS_LIMIT_BYTES < total_bytes {
            return Err(unusable("All attachments together are larger than 25 MB."));
        }
        files.push(FileToAttach { name, bytes });
    }
    Ok(files)
}

/// A pipe or device would block or never end.
async fn read_regular(path: &Path) -> std::io::Result<Vec<u8>> {
    let kind = tokio::fs::metadata(path).await?;
    if !kind.is_file() {
        return Err(std::io::Error::other("It is not a regular file."));
    }
    if ATTACHMENTS_LIMIT_BYTES < kind.len() {
        return Err(std::io::Error::other("It is larger than 25 MB."));
    }
    tokio::fs::read(path).await
}
