//! A message that is too large for one request: a draft on the server, filled piece by piece
//! (Microsoft: "Attach large files to Outlook messages or events"). Needs `Mail.ReadWrite`.

use crate::mime::detach::DetachedFile;
use crate::model::address::EmailAddress;
use crate::transport::error::TransportError;
use crate::transport::graph::answer::Answer;
use crate::transport::graph::client::{
    Caller, Content, GraphClient, Request, checked_url, may_pass,
};
use crate::transport::graph::in_mailbox;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde::Deserialize;
use serde_json::json;
use url::Url;

/// Largest file added in one request, in bytes: 4 MiB hold its base64 form and what stands around
/// it. Upload sessions begin at 3 MB.
const ONE_REQUEST_LIMIT_BYTES: usize = 3_100_000;
/// What one request of an upload session carries, in bytes: less than 4 MB and a multiple of
/// 320 KiB.
const PIECE_BYTES: usize = 10 * 320 * 1024;

/// A draft in the mailbox that sends.
pub struct Draft<'a> {
    client: &'a GraphClient,
    mailbox: Option<&'a EmailAddress>,
    id: String,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UploadSession {
    upload_url: String,
}

impl<'a> Draft<'a> {
    /// Writes a draft from a MIME message, which keeps its header fields.
    ///
    /// # Errors
    /// [`TransportError`]; nothing can have been sent.
    pub async fn create(
        client: &'a GraphClient,
        mailbox: Option<&'a EmailAddress>,
        mime: Vec<u8>,
    ) -> Result<Self, TransportError> {
        let url = client.url(&in_mailbox(mailbox, &["messages"]));
        let request = named(Method::POST, url, Content::Mime(mime));
        let answer = client.ask_patiently(&request, may_pass).await?;
        let Created { id } = read(&expected(client, answer)?)?;
        Ok(Self { client, mailbox, id })
    }

    /// Adds a file.
    ///
    /// # Errors
    /// [`TransportError`]; nothing can have been sent.
    pub async fn attach(&self, file: &DetachedFile) -> Result<(), TransportError> {
        if file.bytes.len() <= ONE_REQUEST_LIMIT_BYTES {
            let content = Content::Json(json!({
                "@odata.type": "#microsoft.graph.fileAttachment",
                "name": file.name,
                "contentType": file.content_type,
                "contentBytes": STANDARD.encode(&file.bytes),
            }));
            let request = named(Method::POST, self.url(&["attachments"]), content);
            let answer = self.client.ask_patiently(&request, may_pass).await?;
            return expected(self.client, answer).map(drop);
        }
        let content = Content::Json(json!({ "AttachmentItem": {
            "attachmentType": "file",
            "name": file.name,
            "contentType": file.content_type,
            "size": file.bytes.len(),
        } }));
        let url = self.url(&["attachments", "createUploadSession"]);
        let request = named(Method::POST, url, content);
        let answer = self.client.ask_patiently(&request, may_pass).await?;
        let UploadSession { upload_url } = read(&expected(self.client, answer)?)?;
        self.upload(&checked_url(&upload_url)?, &file.bytes).await
    }

    /// Pieces in order, one at a time.
    async fn upload(&self, url: &Url, bytes: &[u8]) -> Result<(), TransportError> {
        let mut from = 0;
        for piece in bytes.chunks(PIECE_BYTES) {
            let content = Content::Piece { bytes: piece.to_vec(), from, total: bytes.len() };
            let request = Request {
                method: Method::PUT,
                url: url.clone(),
                // The address carries its own permission; it belongs to another service.
                caller: Caller::Nameless,
                content,
            };
            let answer = self.client.ask_patiently(&request, may_pass).await?;
            expected(self.client, answer)?;
            from += piece.len();
        }
        Ok(())
    }

    /// The request that sends it.
    #[must_use]
    pub fn sending(&self) -> Request {
        named(Method::POST, self.url(&["send"]), Content::Nothing)
    }

    /// Takes it away again; a draft that stays behind is a nuisance and no failure.
    pub async fn discard(&self) {
        let request = named(Method::DELETE, self.url(&[]), Content::Nothing);
        match self.client.ask(&request).await {
            Ok(answer) if answer.is_success() => {}
            Ok(answer) => tracing::debug!(status = answer.status, "a draft stays with Graph"),
            Err(unanswered) => tracing::debug!(?unanswered, "a draft stays with Graph"),
        }
    }

    fn url(&self, rest: &[&str]) -> Url {
        let mut path = in_mailbox(self.mailbox, &["messages", &self.id]);
        path.extend(rest);
        self.client.url(&path)
    }
}

fn named(method: Method, url: Url, content: Content) -> Request {
    Request { method, url, caller: Caller::Named, content }
}

fn expected(client: &GraphClient, answer: Answer) -> Result<Answer, TransportError> {
    if answer.is_success() { Ok(answer) } else { Err(answer.refusal(&client.server())) }
}

fn read<T: for<'de> Deserialize<'de>>(answer: &Answer) -> Result<T, TransportError> {
    serde_json::from_slice(&answer.body)
        .map_err(|_error| TransportError::Protocol("an answer of Graph that is none".to_owned()))
}
