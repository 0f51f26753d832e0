//! What is worked out of new messages before the store's thread takes them: that thread is the one
//! that everything waits for, so it is left with the databases alone.

use crate::model::address::Mailbox;
use crate::model::ids::AccountId;
use crate::store::error::StoreError;
use crate::store::messages::{FolderChanges, NewMessage};
use crate::store::search::Row;
use crate::store::threads::{Leads, Linkage};
use crate::store::views::rows::Shown;

/// What the cache keeps of a message beside what it says of itself.
pub(in crate::store) struct Details {
    /// JSON array of [name, address]: To, then Cc.
    pub recipients: String,
    /// What a list by sender sorts by.
    pub sender_key: String,
    /// What a list by subject sorts by.
    pub subject_key: String,
    /// Fingerprint of what is shown.
    pub seal: i64,
    /// What leads to its conversation.
    pub leads: Leads,
    /// Key of what it answers; 0 for none.
    pub parent_key: i64,
    /// What the search index takes.
    pub words: Row,
}

/// Works out the details of all new messages of `changes`, in their order, off the tasks that listen.
///
/// # Errors
/// [`StoreError::Corrupt`] when that broke, or a recipient is no text.
pub(in crate::store) async fn details(
    account: AccountId,
    changes: FolderChanges,
) -> Result<(FolderChanges, Vec<Details>), StoreError> {
    if changes.new.is_empty() {
        return Ok((changes, Vec::new()));
    }
    let read = move || {
        let details: Result<Vec<Details>, StoreError> =
            changes.new.iter().map(|message| Details::of(account, message)).collect();
        details.map(|details| (changes, details))
    };
    let read = tokio::task::spawn_blocking(read).await;
    read.map_err(|panicked| StoreError::Corrupt(panicked.to_string()))?
}

impl Details {
    fn of(account: AccountId, message: &NewMessage) -> Result<Self, StoreError> {
        let envelope = &message.envelope;
        let nobody = Mailbox::default();
        let from = envelope.from.first().unwrap_or(&nobody);
        let listed = envelope.to.iter().chain(&envelope.cc).map(|to| (&to.name, &to.address));
        let recipients = serde_json::to_string(&listed.collect::<Vec<_>>())
            .map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let shown = Shown {
            from_name: &from.name,
            from_address: &from.address,
            recipients: &recipients,
            subject: &envelope.subject,
            date: envelope.date.0,
            size_bytes: message.size_bytes,
        };
        let seal = shown.seal();
        let linkage = Linkage::of(envelope, message.received_at);
        let leads = Leads::of(account, &linkage);
        Ok(Self {
            recipients,
            sender_key: from.short().trim().to_lowercase(),
            seal,
            parent_key: leads.answers.last().copied().unwrap_or(0),
            leads,
            subject_key: linkage.subject,
            words: Row::of(envelope),
        })
    }
}
