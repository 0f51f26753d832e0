//! A question that is answered with yes or no before something is done.

use crate::model::ids::{AccountId, DraftId, OperationId, OutboxId};

/// What is done on yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Forget an account.
    RemoveAccount(AccountId),
    /// Send what the composer holds, although it has no subject.
    SendWithoutSubject,
    /// Throw away what the composer holds.
    DiscardMessage,
    /// Throw a stored draft away.
    DiscardDraft(DraftId),
    /// Throw away what a server refused to take.
    DiscardWaiting(OperationId),
    /// Keep an account although a check failed.
    SaveAnyway,
    /// Send what the composer holds under the address of the account that hands it over.
    SendRewritten,
    /// Send a message again that may have arrived.
    SendAgain(OutboxId),
    /// Do what was proposed to many messages.
    Many,
    /// Delete messages for good.
    DeleteForGood,
    /// Delete a folder.
    DeleteFolder,
    /// Delete the messages of a folder for good.
    EmptyFolder,
}

/// A question on screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What is done on yes.
    pub ask: Ask,
    /// The question, harmless to show.
    pub text: String,
    /// What yes means.
    pub meaning: &'static str,
}

impl Question {
    /// The question for `ask`; `about` names the account or message.
    #[must_use]
    pub fn new(ask: Ask, about: &str) -> Self {
        let (text, meaning) = match ask {
            Ask::RemoveAccount(_) => (
                format!("Remove the account {about}?"),
                "Its sign-in and the mail kept on this machine go; nothing on the server changes.",
            ),
            Ask::SendWithoutSubject => {
                ("Send without a subject?".to_owned(), "The message has no subject line.")
            }
            Ask::SaveAnyway => (
                "Save the account although not everything works?".to_owned(),
                "What failed stays broken until it is mended: mail may not come in or go out. The \
                 account board shows what, and tests it again.",
            ),
            Ask::SendRewritten => (
                about.to_owned(),
                "No linked account may send from the address above. Yes sends it this way; no goes \
                 back to the message.",
            ),
            Ask::DiscardMessage | Ask::DiscardDraft(_) => (
                "Throw this message away?".to_owned(),
                "What was written is gone for good; nothing is sent.",
            ),
            Ask::DiscardWaiting(_) => (
                "Throw this message away?".to_owned(),
                "The server has refused it, and what is kept of it here goes for good.",
            ),
            Ask::Many => (about.to_owned(), "z takes it back as one step."),
            Ask::DeleteForGood => {
                (about.to_owned(), "They go here and on the server, and nothing brings them back.")
            }
            Ask::DeleteFolder => (
                format!("Delete the folder {about}?"),
                "The folder and its messages go here and on the server, and nothing brings them \
                 back.",
            ),
            Ask::EmptyFolder => (
                format!("Empty {about} for good?"),
                "They go here and on the server, and nothing brings them back.",
            ),
            Ask::SendAgain(_) => (
                format!("Send {about} again?"),
                "It may already have arrived: look into the Sent folder first. Yes may deliver it twice.",
            ),
        };
        Self { ask, text, meaning }
    }
}
