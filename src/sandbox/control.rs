//! The hand that reaches into the servers: what a test does as the person in the browser, as another
//! mail client, as the administrator, or as plain bad luck; and what it may look at.

pub mod sign_in;

use crate::model::flags::{FlagChange, Flags};
use crate::sandbox::mailbox::{Content, Folder};
use crate::sandbox::people::{Person, person};
use crate::sandbox::service::{Power, Service, ServiceName};
use crate::sandbox::tokens::{Decision, Revocation};
use crate::sandbox::world::World;
use std::sync::Arc;

/// An answer of the token endpoint that replaces the honest one, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenFault {
    /// `slow_down` (RFC 8628, section 3.5).
    SlowDown,
    /// 503 with an HTML page, as a front end answers while the service behind it is away.
    Unavailable,
    /// The connection is closed without an answer.
    Dropped,
    /// 400 with this `error` and AADSTS number.
    Refused {
        /// The OAuth word, such as `invalid_grant`.
        error: &'static str,
        /// The number, such as 530036.
        code: u32,
    },
}

/// How IMAP greets a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImapGreeting {
    /// `* OK`.
    Ready,
    /// `* PREAUTH`, which a client must not take for its own mailbox.
    PreAuth,
    /// `* BYE` and the end.
    Bye,
}

/// Where in a submission something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpStage {
    /// The greeting.
    Greeting,
    /// The answer to EHLO, before and after TLS.
    Ehlo,
    /// The answer to STARTTLS.
    StartTls,
    /// The answer to AUTH, credentials good or not.
    Auth,
    /// The answer to MAIL.
    MailFrom,
    /// The answer to RCPT.
    Recipient,
    /// The answer to DATA.
    Data,
    /// The answer to the final dot.
    FinalDot,
}

/// What happens there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmtpFault {
    /// This reply instead, such as `451 4.7.0 Temporary server error. PRX4`. Nothing is delivered.
    Reply(String),
    /// The connection is cut before an answer. Nothing is delivered.
    Cut,
    /// The honest thing is done, and the connection is cut before its answer: at
    /// [`SmtpStage::FinalDot`] the message is delivered and the client cannot know.
    CutAfterwards,
}

/// What is asked of Graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphStage {
    /// Whose token it is (`/me`).
    Profile,
    /// What makes a message leave: `sendMail`, and `send` of a draft.
    Send,
    /// Making and filling a draft.
    Draft,
}

/// What happens there instead of the honest thing, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphFault {
    /// This answer; nothing is done.
    Answer {
        /// HTTP status.
        status: u16,
        /// Graph's code, such as `ErrorAccessDenied`; empty for an answer without an error object.
        code: &'static str,
        /// `Retry-After` in seconds.
        retry_after_s: Option<u32>,
    },
    /// The connection is cut before an answer. Nothing is done.
    Cut,
    /// The honest thing is done, and the connection is cut before its answer.
    CutAfterwards,
}

/// Whether SMTP takes sign-ins, with a token as well as with a password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SmtpAuth {
    /// It does.
    #[default]
    On,
    /// Switched off for everybody (`Set-TransportConfig -SmtpClientAuthenticationDisabled`).
    OffForTenant,
    /// Switched off for the mailbox (`Set-CASMailbox -SmtpClientAuthenticationDisabled`).
    OffForMailbox,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counter {
    /// Device codes asked for.
    CodesAsked,
    /// Questions to the token endpoint about a device code.
    CodePolls,
    /// Questions to the token endpoint with a refresh token.
    Refreshes,
    /// Sign-ins that a client has withdrawn.
    Withdrawals,
    /// IMAP connections.
    ImapConnections,
    /// Sign-ins IMAP accepted.
    ImapSignIns,
    /// IMAP commands.
    ImapCommands,
    /// SMTP connections.
    SmtpConnections,
    /// Requests to Graph.
    GraphRequests,
    /// Messages SMTP and Graph accepted.
    MessagesAccepted,
}

/// A message SMTP or Graph accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Reverse path; through Graph the mailbox that sent.
    pub sender: String,
    /// Forward paths, in the order given.
    pub recipients: Vec<String>,
    /// The message as received, dots unstuffed; through Graph without its Bcc field.
    pub bytes: Arc<[u8]>,
}

/// A message in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its UID.
    pub uid: u32,
    /// Its flags.
    pub flags: Flags,
    /// The message.
    pub bytes: Arc<[u8]>,
}

/// What was asked of the sandbox and cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// Nobody has that address here.
    #[error("nobody in the sandbox has the address {0}")]
    NoSuchPerson(String),
    /// No folder has that name.
    #[error("there is no folder {0:?}")]
    NoSuchFolder(String),
    /// No message of that folder has that UID.
    #[error("there is no message {0}")]
    NoSuchMessage(u32),
    /// The sign-in server shows an error instead of a page to sign in on.
    #[error("the sign-in page shows an error: {0}")]
    ErrorPage(String),
}

/// Reaches into one sandbox. Cheap to clone.
#[derive(Clone)]
pub struct Control {
    world: Arc<World>,
    services: Arc<[Service; 4]>,
}

impl Control {
    /// Made by [`crate::sandbox::Sandbox::control`].
    pub(in crate::sandbox) fn new(world: Arc<World>, services: Arc<[Service; 4]>) -> Self {
        Self { world, services }
    }

    /// Waits until `look` finds something; it is asked again after every change.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn wait_for<T>(&self, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let mut changed = self.world.subscribe();
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            // The sender lives in `self.world`, so waiting cannot fail.
            if changed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits for a device code and signs `address` in with it.
    ///
    /// # Errors
    /// [`ControlError::NoSuchPerson`].
    pub async fn approve(&self, address: &str) -> Result<(), ControlError> {
        let signed_in = known(address)?;
        self.decide(Decision::Approved(signed_in)).await;
        Ok(())
    }

    /// Waits for a device code and declines it.
    pub async fn decline(&self) {
        self.decide(Decision::Declined).await;
    }

    async fn decide(&self, decision: Decision) {
        self.wait_for(|control| control.world.decide(None, decision)).await;
    }

    /// Waits for a device code and ends it.
    pub async fn expire_code(&self) {
        let now = self.world.now();
        self.wait_for(|control| {
            control.world.read(|state| state.tokens.has_waiting_code(now).then_some(()))
        })
        .await;
        self.world.change(|state| state.tokens.expire_codes(now));
    }

    /// Ends every access token: the next use of one is refused, and open Exchange sessions end with
    /// `* BYE Session invalidated - AccessTokenExpired`.
    pub fn expire_access_tokens(&self) {
        self.world.change(|state| state.tokens.expire_access());
    }

    /// Ends every sign-in: refreshes answer `invalid_grant` with AADSTS50173.
    pub fn revoke_sign_ins(&self) {
        self.world.change(|state| state.tokens.revoke());
    }

    /// Lets clients withdraw their sign-in from now on (RFC 7009), and announces where.
    pub fn offer_revocation(&self) {
        self.world.change(|state| state.tokens.revocation = Revocation::Offered);
    }

    /// Leaves `scope` out of every grant from now on.
    pub fn withhold_scope(&self, scope: &str) {
        self.world.change(|state| state.tokens.withhold(scope));
    }

    /// Scripts the next answers of the token endpoint, in order.
    pub fn script_token(&self, faults: impl IntoIterator<Item = TokenFault>) {
        self.world.change(|state| state.faults.script_token(faults));
    }

    /// Scripts the greeting of the next IMAP connection.
    pub fn script_imap_greeting(&self, greeting: ImapGreeting) {
        self.world.change(|state| state.faults.script_greeting(greeting));
    }

    /// Scripts what happens when SMTP next comes to `stage`.
    pub fn script_smtp(&self, stage: SmtpStage, fault: SmtpFault) {
        self.world.change(|state| state.faults.script_smtp(stage, fault));
    }

    /// Scripts what happens when Graph is next asked for `stage`.
    pub fn script_graph(&self, stage: GraphStage, fault: GraphFault) {
        self.world.change(|state| state.faults.script_graph(stage, fault));
    }

    /// Lets SMTP take sign-ins or not, from now on.
    pub fn set_smtp_auth(&self, smtp_auth: SmtpAuth) {
        self.world.change(|state| state.smtp_auth = smtp_auth);
    }

    /// Lets `delegate` open the mailbox of `address` and send in its name, as an administrator's
    /// Full Access and Send As do.
    ///
    /// # Errors
    /// [`ControlError::NoSuchPerson`].
    pub fn share(&self, address: &str, delegate: &str) -> Result<(), ControlError> {
        let shared = (known(address)?, known(delegate)?);
        self.world.change(|state| state.shares.push(shared));
        Ok(())
    }

    /// Drafts made through Graph and neither sent nor taken away.
    #[must_use]
    pub fn graph_drafts(&self) -> usize {
        self.world.read(|state| state.drafts.len())
    }

    /// Switches a server off, cutting its connections, or on again at the same port.
    pub async fn switch(&self, name: ServiceName, power: Power) {
        let [entra, imap, smtp, graph] = &*self.services;
        let service = match name {
            ServiceName::Entra => entra,
            ServiceName::Imap => imap,
            ServiceName::Smtp => smtp,
            ServiceName::Graph => graph,
        };
        service.switch(power).await;
    }

    /// Puts a message into a folder, as if it had just arrived; its UID.
    ///
    /// # Errors
    /// [`ControlError::NoSuchPerson`], [`ControlError::NoSuchFolder`].
    pub fn deliver(&self, address: &str, folder: &str, bytes: &[u8]) -> Result<u32, ControlError> {
        let now = self.world.now();
        self.in_folder(address, folder, |folder| {
            Ok(folder.append(Content::Bytes(bytes.into()), Flags::default(), now))
        })
    }

    /// Changes a flag, as another client would.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn change_flag(
        &self,
        address: &str,
        folder: &str,
        uid: u32,
        change: FlagChange,
    ) -> Result<(), ControlError> {
        self.in_folder(address, folder, |folder| {
            folder.change_flag(uid, change).map(drop).ok_or(ControlError::NoSuchMessage(uid))
        })
    }

    /// Removes a message, as another client would.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn remove(&self, address: &str, folder: &str, uid: u32) -> Result<(), ControlError> {
        self.in_folder(address, folder, |folder| {
            let removed = folder.remove(|message| message.uid == uid);
            removed.first().map(drop).ok_or(ControlError::NoSuchMessage(uid))
        })
    }

    /// Gives a folder another UIDVALIDITY and its messages other UIDs.
    ///
    /// # Errors
    /// [`ControlError::NoSuchPerson`], [`ControlError::NoSuchFolder`].
    pub fn renumber(&self, address: &str, folder: &str) -> Result<(), ControlError> {
        self.in_folder(address, folder, |folder| {
            folder.renumber();
            Ok(())
        })
    }

    fn in_folder<T>(
        &self,
        address: &str,
        folder: &str,
        act: impl FnOnce(&mut Folder) -> Result<T, ControlError>,
    ) -> Result<T, ControlError> {
        self.world.change(|state| {
            let mailbox = state.mailbox_mut(address);
            let mailbox = mailbox.ok_or_else(|| ControlError::NoSuchPerson(address.to_owned()))?;
            let found = mailbox.folder_mut(folder);
            act(found.ok_or_else(|| ControlError::NoSuchFolder(folder.to_owned()))?)
        })
    }

    /// Every message of a folder, oldest first.
    ///
    /// # Errors
    /// [`ControlError::NoSuchPerson`], [`ControlError::NoSuchFolder`].
    pub fn messages(&self, address: &str, folder: &str) -> Result<Vec<Held>, ControlError> {
        self.world.read(|state| {
            let mailbox = state.mailbox(address);
            let mailbox = mailbox.ok_or_else(|| ControlError::NoSuchPerson(address.to_owned()))?;
            let found = mailbox.folder(folder);
            let found = found.ok_or_else(|| ControlError::NoSuchFolder(folder.to_owned()))?;
            let held = found.messages().iter().map(|message| Held {
                uid: message.uid,
                flags: message.flags,
                bytes: message.content.bytes(),
            });
            Ok(held.collect())
        })
    }

    /// Every message SMTP or Graph accepted, oldest first.
    #[must_use]
    pub fn submissions(&self) -> Vec<Submitted> {
        self.world.read(|state| state.submissions.clone())
    }

    /// How often something happened so far.
    #[must_use]
    pub fn count(&self, counter: Counter) -> u64 {
        self.world.read(|state| state.counted(counter))
    }
}

fn known(address: &str) -> Result<Person, ControlError> {
    person(address).ok_or_else(|| ControlError::NoSuchPerson(address.to_owned()))
}
