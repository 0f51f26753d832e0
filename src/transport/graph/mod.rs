//! Submission through Microsoft Graph, for mailboxes whose SMTP is switched off.
//!
//! A message goes out as the MIME it was frozen as, so that threads, signatures and attachments
//! survive: the JSON form can set no In-Reply-To (Microsoft: "Use custom headers": only `x-` names).
//! What is too large for one request becomes a draft, again from MIME, to which the largest
//! attachments are added before it is sent. [`message`] decides which, [`answer`] judges what Graph
//! says, [`client`] moves the bytes.
//!
//! Graph answers 202 once it has taken a message, and files the copy in Sent Items itself.

pub mod answer;
pub mod client;
pub mod draft;
pub mod message;

use crate::model::address::EmailAddress;
use crate::model::outgoing::FrozenMessage;
use crate::transport::error::TransportError;
use crate::transport::graph::client::{
    Caller, Content, GraphClient, Request, Unanswered, is_throttled, may_pass,
};
use crate::transport::graph::draft::Draft;
use crate::transport::graph::message::{Plan, plan};
use crate::transport::unquoted::Unquoted;
use crate::transport::{Submission, SubmissionJournal};
use async_trait::async_trait;
use http::Method;
use secrecy::SecretString;
use serde::Deserialize;
use std::sync::Arc;

/// What a submission through Graph needs.
#[derive(Clone)]
pub struct GraphRequest {
    /// Root of Graph, such as `https://graph.microsoft.com`; no trailing slash.
    pub root: String,
    /// Trust, made by [`crate::transport::tls::client_config`].
    pub tls: Arc<rustls::ClientConfig>,
    /// Access token for Graph.
    pub token: SecretString,
    /// The mailbox that sends: `None` for that of the token's owner, otherwise a shared one.
    pub mailbox: Option<EmailAddress>,
}

/// Reaches Graph and shows it the token; nothing is sent yet.
///
/// What Graph says about the person is of no interest here, and a token of an app has none: only a
/// refusal of the token itself counts. Found now, it is found before a message can be in doubt.
///
/// # Errors
/// [`TransportError::AuthRefused`] when the token was not accepted, [`TransportError::Refused`] when
/// Graph is busy, and those of the way there.
pub async fn connect(request: &GraphRequest) -> Result<Box<dyn Submission>, TransportError> {
    let connected = open(request).await;
    connected.map_err(|error| Unquoted::of_token(&request.token).in_error(error))
}

async fn open(request: &GraphRequest) -> Result<Box<dyn Submission>, TransportError> {
    let client = GraphClient::new(request)?;
    let answer = client.ask_patiently(&who(&client), may_pass).await?;
    match answer.status {
        401 | 408 | 429 | 500..=599 => Err(answer.refusal(&client.server())),
        _ => {
            let (mailbox, unquoted) = (request.mailbox.clone(), Unquoted::of_token(&request.token));
            Ok(Box::new(GraphSubmission { client, mailbox, unquoted }))
        }
    }
}

/// Asks whom the token is for: the address of the mailbox, or the sign-in name where there is none.
/// Needs `User.Read`; a token of an app is refused.
///
/// # Errors
/// [`TransportError::AuthRefused`] when the token was not accepted, and every other
/// [`TransportError`].
pub async fn probe(request: &GraphRequest) -> Result<String, TransportError> {
    let found = owner(request).await;
    found.map_err(|error| Unquoted::of_token(&request.token).in_error(error))
}

async fn owner(request: &GraphRequest) -> Result<String, TransportError> {
    let client = GraphClient::new(request)?;
    let answer = client.ask_patiently(&who(&client), may_pass).await?;
    if answer.status != 200 {
        return Err(answer.refusal(&client.server()));
    }
    let person: Person = serde_json::from_slice(&answer.body)
        .map_err(|_error| TransportError::Protocol("an answer of Graph that is none".to_owned()))?;
    Ok(person.mail.or(person.user_principal_name).unwrap_or_default())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    mail: Option<String>,
    user_principal_name: Option<String>,
}

fn who(client: &GraphClient) -> Request {
    let mut url = client.url(&["me"]);
    url.set_query(Some("$select=mail,userPrincipalName"));
    Request { method: Method::GET, url, caller: Caller::Named, content: Content::Nothing }
}

/// A token that has been shown and not refused.
struct GraphSubmission {
    client: GraphClient,
    mailbox: Option<EmailAddress>,
    unquoted: Unquoted,
}

#[async_trait]
impl Submission for GraphSubmission {
    async fn submit(
        &mut self,
        message: &FrozenMessage,
        journal: &mut dyn SubmissionJournal,
    ) -> Result<(), TransportError> {
        let sent = self.hand_over(message, journal).await;
        sent.map_err(|error| self.unquoted.in_error(error))
    }

    async fn close(self: Box<Self>) {}
}

impl GraphSubmission {
    async fn hand_over(
        &self,
        message: &FrozenMessage,
        journal: &mut dyn SubmissionJournal,
    ) -> Result<(), TransportError> {
        match plan(message)? {
            Plan::Whole(mime) => {
                let request = Request {
                    method: Method::POST,
                    url: self.client.url(&in_mailbox(self.mailbox.as_ref(), &["sendMail"])),
                    caller: Caller::Named,
                    content: Content::Mime(mime),
                };
                journal.before_final_dot().await?;
                send(&self.client, &request).await
            }
            Plan::Draft { mime, files } => {
                let draft = Draft::create(&self.client, self.mailbox.as_ref(), mime).await?;
                let sent = async {
                    for file in &files {
                        draft.attach(file).await?;
                    }
                    journal.before_final_dot().await?;
                    send(&self.client, &draft.sending()).await
                }
                .await;
                match &sent {
                    // It may be on its way: a draft taken away then could be the message itself.
                    Ok(()) | Err(TransportError::InDoubt) => {}
                    Err(_refused) => draft.discard().await,
                }
                sent
            }
        }
    }
}

/// The path of something in the mailbox that sends.
fn in_mailbox<'a>(mailbox: Option<&'a EmailAddress>, rest: &[&'a str]) -> Vec<&'a str> {
    let mut path = match mailbox {
        None => vec!["me"],
        Some(address) => vec!["users", address.as_str()],
    };
    path.extend(rest);
    path
}

/// Asks what makes the message leave. From its first byte on only a clear answer counts; a request
/// that Graph turned away for being one too many is asked again, because nothing was done.
async fn send(client: &GraphClient, request: &Request) -> Result<(), TransportError> {
    match client.ask_patiently(request, is_throttled).await {
        Ok(answer) => answer.accepted(&client.server()),
        Err(Unanswered::NotSent(error)) => Err(error),
        Err(Unanswered::Sent(error)) => {
            tracing::warn!(%error, "Graph did not say whether it took a message");
            Err(TransportError::InDoubt)
        }
    }
}

#[cfg(test)]
mod tests;
