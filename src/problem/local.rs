//! Failures that no server caused: what was asked for is not there, or cannot be done now.

use crate::problem::{Problem, ProblemKind, Remedy};

/// The code of a question that met a damaged cache. The engine reports what became of it by itself.
pub const CACHE_REMADE: &str = "store-remade";

impl Problem {
    /// An account was named that is not linked.
    #[must_use]
    pub fn no_such_account() -> Self {
        Self::new(
            ProblemKind::Usage,
            "no-such-account",
            "There is no such account",
            "It may have been removed. `posthaste account list` shows what is linked.",
            Remedy::EditSettings,
        )
    }

    /// A folder was named that the account does not have.
    #[must_use]
    pub fn no_such_folder() -> Self {
        Self::new(
            ProblemKind::Failed,
            "no-such-folder",
            "There is no such folder",
            "It may have been renamed or removed by another program.",
            Remedy::Retry,
        )
    }

    /// A message is to be filed by what a folder is for, before the folders were ever listed.
    #[must_use]
    pub fn folders_not_listed() -> Self {
        Self::new(
            ProblemKind::Network,
            "folders-not-listed",
            "The folders of this account are not known yet",
            "They are being listed for the first time.",
            Remedy::Retry,
        )
    }

    /// A search is to be kept under no name.
    #[must_use]
    pub fn search_without_name() -> Self {
        Self::new(
            ProblemKind::Usage,
            "search-without-name",
            "The search has no name",
            "A search is kept under a name, such as `unread from Ada`.",
            Remedy::Retry,
        )
    }

    /// A message is asked for that is gone.
    #[must_use]
    pub fn message_gone() -> Self {
        Self::new(
            ProblemKind::Failed,
            "message-gone",
            "This message is no longer here",
            "Another program or the server has moved or deleted it.",
            Remedy::Retry,
        )
    }

    /// What was done here in a folder cannot be repeated there.
    #[must_use]
    pub fn change_overtaken(folder: &str) -> Self {
        Self::new(
            ProblemKind::Failed,
            "change-overtaken",
            &format!("A change in {folder} came too late"),
            "The folder or its messages were removed, moved or numbered anew by another program \
             or the server meanwhile. What is shown is how the server has it.",
            Remedy::Nothing,
        )
    }

    /// A decision about a change that is not, or no longer, refused.
    #[must_use]
    pub fn not_refused() -> Self {
        Self::new(
            ProblemKind::Usage,
            "not-refused",
            "No server has refused this change",
            "It has been done, taken back or sent again meanwhile, or it still waits. \
             `posthaste changes list` shows how each stands.",
            Remedy::Nothing,
        )
    }

    /// The same problem for a message that was to be filed: its bytes are kept.
    #[must_use]
    pub fn with_upload_kept(self) -> Self {
        let kept = "The message is kept among the changes that wait, where it can be sent again or \
                    thrown away.";
        let why =
            if self.why.is_empty() { kept.to_owned() } else { format!("{} {kept}", self.why) };
        Self { why, ..self }
    }

    /// What happened and what the server said, as a list tells it.
    #[must_use]
    pub fn in_one_line(&self) -> String {
        match self.details.trim() {
            "" => self.what.clone(),
            said if self.what.contains(said) => self.what.clone(),
            said => format!("{}: {said}", self.what),
        }
    }

    /// A folder that was made here is to be removed again, and is in use.
    #[must_use]
    pub fn folder_in_use(folder: &str) -> Self {
        Self::new(
            ProblemKind::Failed,
            "folder-in-use",
            &format!("{folder} is not empty and stays"),
            "Messages came into the folder since it was made.",
            Remedy::Nothing,
        )
    }

    /// A message that the parser cannot get through.
    #[must_use]
    pub fn message_unreadable() -> Self {
        Self::new(
            ProblemKind::Failed,
            "message-unreadable",
            "This message cannot be shown",
            "It is built in a way this program cannot read. Its raw form can still be saved.",
            Remedy::Nothing,
        )
    }

    /// The account has no folder for sent mail.
    #[must_use]
    pub fn no_sent_folder() -> Self {
        Self::new(
            ProblemKind::Failed,
            "no-sent-folder",
            "The message was sent, but there is no folder for sent mail",
            "The server marks no folder as Sent and none has a known name.",
            Remedy::EditSettings,
        )
    }

    /// An account cannot be removed while messages wait to be sent.
    #[must_use]
    pub fn outbox_not_empty() -> Self {
        Self::new(
            ProblemKind::Failed,
            "outbox-not-empty",
            "Messages of this account are still in the outbox",
            "Removing the account would lose them. Send them or take them back first.",
            Remedy::Retry,
        )
    }

    /// An outbox entry cannot be sent or taken back in the state it is in.
    #[must_use]
    pub fn outbox_busy() -> Self {
        Self::new(
            ProblemKind::Failed,
            "outbox-busy",
            "This message cannot be changed now",
            "It is being sent, has been accepted, or was not written here.",
            Remedy::Retry,
        )
    }

    /// The program was told to end while it was about to send or file a message.
    #[must_use]
    pub fn stopped_before_sending() -> Self {
        Self::new(
            ProblemKind::Failed,
            "stopped-before-sending",
            "Posthaste ended before this was done",
            "The message is safe in the outbox.",
            Remedy::Retry,
        )
    }

    /// Another process holds the sender lock.
    #[must_use]
    pub fn sending_elsewhere() -> Self {
        Self::new(
            ProblemKind::Failed,
            "sending-elsewhere",
            "Another Posthaste is sending for this account",
            "The message is safe in the outbox and goes out next.",
            Remedy::Retry,
        )
    }

    /// A file to attach cannot be used.
    #[must_use]
    pub fn attachment_unusable(name: &str, reason: &str) -> Self {
        Self::new(
            ProblemKind::Failed,
            "attachment-unusable",
            &format!("{name} cannot be attached"),
            reason,
            Remedy::EditMessage,
        )
    }

    /// A message cannot be sent as it is written.
    #[must_use]
    pub fn unsendable(reason: &str) -> Self {
        Self::new(
            ProblemKind::Usage,
            "unsendable",
            "The message cannot be sent as it is",
            reason,
            Remedy::EditMessage,
        )
    }

    /// This machine's clock is `skew_s` seconds ahead of the sign-in server's; behind when negative.
    #[must_use]
    pub fn clock_wrong(skew_s: i64) -> Self {
        let direction = if skew_s < 0 { "behind" } else { "ahead" };
        Self::new(
            ProblemKind::Failed,
            "clock-wrong",
            &format!("This computer's clock is {} minutes {direction}", skew_s.abs() / 60),
            "Sign-ins are only good for a certain time, so a wrong clock makes them fail. Set it, \
             or let it be set over the network.",
            Remedy::Retry,
        )
    }

    /// A secret that a sign-in needs is not stored any more.
    #[must_use]
    pub fn secret_not_stored() -> Self {
        Self::new(
            ProblemKind::SignInNeeded,
            "secret-missing",
            "What this account signs in with is not stored here",
            "It has been removed from the place where secrets are kept. Enter it anew by choosing \
             the way to sign in again.",
            Remedy::StartOver,
        )
    }

    /// A sign-in whose checks failed was kept for an answer that did not come.
    #[must_use]
    pub fn sign_in_forgotten() -> Self {
        Self::new(
            ProblemKind::SignInNeeded,
            "sign-in-forgotten",
            "The sign-in has been forgotten",
            "A sign-in whose checks failed is kept in memory for a quarter of an hour, and nothing \
             was saved.",
            Remedy::StartOver,
        )
    }

    /// Another way to sign in needs something the account does not have.
    #[must_use]
    pub fn sign_in_lacks(what: &str) -> Self {
        Self::new(
            ProblemKind::Usage,
            "sign-in-incomplete",
            "This way to sign in needs something more",
            what,
            Remedy::EditSettings,
        )
    }

    /// An exported file cannot be used.
    #[must_use]
    pub fn bundle_unusable(reason: &str) -> Self {
        Self::new(
            ProblemKind::Failed,
            "bundle-unusable",
            "The exported file cannot be used",
            reason,
            Remedy::Nothing,
        )
    }

    /// A token is asked for, and the account has only a password.
    #[must_use]
    pub fn no_token_for_password() -> Self {
        Self::new(
            ProblemKind::Failed,
            "no-token",
            "This account signs in with a password",
            "Only accounts linked through a sign-in page have tokens.",
            Remedy::EditSettings,
        )
    }

    /// The sign-in did not grant what mail needs.
    #[must_use]
    pub fn scopes_missing(missing: &str) -> Self {
        Self::new(
            ProblemKind::SignInNeeded,
            "scopes-missing",
            "The sign-in does not allow mail",
            "The app registration or your organisation left out a permission. It needs \
             IMAP.AccessAsUser.All and SMTP.Send of Exchange Online.",
            Remedy::AskAdministrator,
        )
        .with_details(missing)
    }
}
