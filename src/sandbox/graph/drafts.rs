//! Drafts made through Graph, and the files added to them.

use crate::sandbox::graph::answers::{Answer, Refusal, json, nothing, refuse};
use crate::sandbox::graph::send::Caller;
use crate::sandbox::headers::value;
use crate::sandbox::tokens::random_text;
use crate::sandbox::world::World;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::json;
use std::collections::HashMap;

/// Smallest file an upload session is for, in bytes.
const SESSION_FROM_BYTES: usize = 3 * 1024 * 1024;
/// Width of base64 lines (RFC 2045, section 6.8).
const LINE_WIDTH: usize = 76;

/// A file of a draft.
#[derive(Clone, Debug)]
struct File {
    name: String,
    content_type: String,
    bytes: Vec<u8>,
}

/// A file on its way.
#[derive(Clone, Debug)]
struct Upload {
    draft: String,
    file: File,
    size: usize,
}

#[derive(Clone, Debug)]
struct Draft {
    mime: Vec<u8>,
    files: Vec<File>,
}

/// Every draft that was made and not sent.
#[derive(Debug, Default)]
pub struct Drafts {
    drafts: HashMap<String, Draft>,
    uploads: HashMap<String, Upload>,
}

impl Drafts {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.drafts.len()
    }
}

/// Makes a draft of a MIME message.
pub fn create(
    world: &World,
    caller: &Caller,
    mailbox: &str,
    mime: Vec<u8>,
) -> Result<Answer, Refusal> {
    caller.needs("Mail.ReadWrite")?;
    caller.mailbox(world, mailbox)?;
    let id = random_text("AAMkAD", 24);
    let draft = Draft { mime, files: Vec::new() };
    world.change(|state| state.drafts.drafts.insert(id.clone(), draft));
    Ok(json(StatusCode::CREATED, &json!({ "id": id, "isDraft": true })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileAttachment {
    name: String,
    content_type: String,
    content_bytes: String,
}

/// Adds a file that is small enough for one request.
pub fn add_file(world: &World, caller: &Caller, id: &str, body: &[u8]) -> Result<Answer, Refusal> {
    caller.needs("Mail.ReadWrite")?;
    let attachment: FileAttachment =
        serde_json::from_slice(body).map_err(|_error| Refusal::UNKNOWN_PATH)?;
    let bytes = STANDARD.decode(attachment.content_bytes);
    let file = File {
        name: attachment.name,
        content_type: attachment.content_type,
        bytes: bytes.map_err(|_error| Refusal::NO_BASE64)?,
    };
    world.change(|state| {
        let draft = state.drafts.drafts.get_mut(id).ok_or(Refusal::NO_SUCH_ITEM)?;
        draft.files.push(file);
        Ok(nothing(StatusCode::CREATED))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SessionRequest {
    attachment_item: AttachmentItem,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AttachmentItem {
    name: String,
    content_type: String,
    size: usize,
}

/// Opens an upload session.
pub fn begin(world: &World, caller: &Caller, id: &str, body: &[u8]) -> Result<Answer, Refusal> {
    caller.needs("Mail.ReadWrite")?;
    let SessionRequest { attachment_item: item } =
        serde_json::from_slice(body).map_err(|_error| Refusal::UNKNOWN_PATH)?;
    if item.size < SESSION_FROM_BYTES {
        return Err(Refusal::TOO_SMALL);
    }
    let key = random_text("", 24);
    let upload_url = format!("{}/upload/{key}", world.graph_root());
    world.change(|state| {
        if !state.drafts.drafts.contains_key(id) {
            return Err(Refusal::NO_SUCH_ITEM);
        }
        let file = File { name: item.name, content_type: item.content_type, bytes: Vec::new() };
        let upload = Upload { draft: id.to_owned(), file, size: item.size };
        state.drafts.uploads.insert(key, upload);
        let answer = json!({ "uploadUrl": upload_url, "nextExpectedRanges": ["0-"] });
        Ok(json(StatusCode::CREATED, &answer))
    })
}

/// Takes the next piece of a file; the file joins its draft with the last one.
pub fn take_piece(world: &World, key: &str, range: &str, body: &[u8]) -> Answer {
    let taken = world.change(|state| {
        let drafts = &mut state.drafts;
        let upload = drafts.uploads.get_mut(key).ok_or(Refusal::NO_SUCH_ITEM)?;
        let from = upload.file.bytes.len();
        let behind = from + body.len();
        let expected = format!("bytes {from}-{}/{}", behind.saturating_sub(1), upload.size);
        if range != expected || upload.size < behind || body.is_empty() {
            return Err(Refusal::BAD_PIECE);
        }
        upload.file.bytes.extend_from_slice(body);
        if behind < upload.size {
            return Ok(json(
                StatusCode::OK,
                &json!({ "nextExpectedRanges": [behind.to_string()] }),
            ));
        }
        if let Some(done) = drafts.uploads.remove(key) {
            let draft = drafts.drafts.get_mut(&done.draft).ok_or(Refusal::NO_SUCH_ITEM)?;
            draft.files.push(done.file);
        }
        Ok(nothing(StatusCode::CREATED))
    });
    taken.unwrap_or_else(|refusal| refuse(&refusal))
}

/// The message a draft has become, its files put in before the end of its `multipart/mixed`.
pub fn whole(world: &World, id: &str) -> Result<Vec<u8>, Refusal> {
    let draft = world.read(|state| state.drafts.drafts.get(id).cloned());
    let Draft { mime, files } = draft.ok_or(Refusal::NO_SUCH_ITEM)?;
    if files.is_empty() {
        return Ok(mime);
    }
    let content_type = value(&mime, "Content-Type").unwrap_or_default();
    let (_type, behind) = content_type.split_once("boundary=").ok_or(Refusal::UNKNOWN_PATH)?;
    let boundary = behind.split(';').next().unwrap_or_default().trim().trim_matches('"');
    let closing = format!("--{boundary}--");
    let at = mime.windows(closing.len()).rposition(|window| window == closing.as_bytes());
    let (before, after) =
        at.and_then(|at| mime.split_at_checked(at)).ok_or(Refusal::UNKNOWN_PATH)?;
    let mut message = before.to_vec();
    for File { name, content_type, bytes } in files {
        let encoded = STANDARD.encode(bytes);
        let head = format!(
            "--{boundary}\r\nContent-Type: {content_type}; name=\"{name}\"\r\n\
             Content-Disposition: attachment; filename=\"{name}\"\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n"
        );
        message.extend_from_slice(head.as_bytes());
        for line in encoded.as_bytes().chunks(LINE_WIDTH) {
            message.extend_from_slice(line);
            message.extend_from_slice(b"\r\n");
        }
    }
    message.extend_from_slice(after);
    Ok(message)
}

/// Drops a draft.
pub fn forget(world: &World, id: &str) {
    world.change(|state| state.drafts.drafts.remove(id));
}
