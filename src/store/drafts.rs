//! Unfinished messages.

use crate::model::ids::{AccountId, DraftId};
use crate::model::outgoing::{Draft, StoredDraft};
use crate::stdx::clock::UnixSeconds;
use crate::store::Store;
use crate::store::error::StoreError;
use rusqlite::params;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The form in `draft.content` and `outbox.draft`.
#[derive(Serialize, Deserialize)]
#[serde(default)]
struct StoredContent {
    from: String,
    to: String,
    cc: String,
    bcc: String,
    subject: String,
    body: String,
    attachments: Vec<PathBuf>,
    in_reply_to: String,
    references: Vec<String>,
}

impl Default for StoredContent {
    fn default() -> Self {
        Self::from(Draft::default())
    }
}

impl From<Draft> for StoredContent {
    fn from(draft: Draft) -> Self {
        let Draft { from, to, cc, bcc, subject, body, attachments, in_reply_to, references } =
            draft;
        Self { from, to, cc, bcc, subject, body, attachments, in_reply_to, references }
    }
}

impl From<StoredContent> for Draft {
    fn from(stored: StoredContent) -> Self {
        let StoredContent {
            from,
            to,
            cc,
            bcc,
            subject,
            body,
            attachments,
            in_reply_to,
            references,
        } = stored;
        Self { from, to, cc, bcc, subject, body, attachments, in_reply_to, references }
    }
}

pub(in crate::store) fn to_json(draft: Draft) -> Result<String, StoreError> {
    serde_json::to_string(&StoredContent::from(draft))
        .map_err(|error| StoreError::Corrupt(error.to_string()))
}

pub(in crate::store) fn from_json(content: &str) -> Result<Draft, StoreError> {
    serde_json::from_str::<StoredContent>(content)
        .map(Draft::from)
        .map_err(|error| StoreError::Corrupt(error.to_string()))
}

impl Store {
    /// Keeps an unfinished message, in place of `draft` where that is given and still there.
    ///
    /// # Errors
    /// [`StoreError`]; the old content then still stands.
    pub async fn save_draft(
        &self,
        draft: Option<DraftId>,
        account: AccountId,
        content: Draft,
    ) -> Result<DraftId, StoreError> {
        let now = self.clock.now();
        self.ask(move |databases| {
            let content = to_json(content)?;
            if let Some(id) = draft {
                let changed = databases.user.execute(
                    "UPDATE draft SET account_id = ?2, content = ?3, saved_at = ?4 WHERE id = ?1",
                    params![id.0, account.0, content, now.0],
                )?;
                if changed == 1 {
                    return Ok(id);
                }
            }
            databases.user.execute(
                "INSERT INTO draft (account_id, content, saved_at) VALUES (?1, ?2, ?3)",
                params![account.0, content, now.0],
            )?;
            Ok(DraftId(databases.user.last_insert_rowid()))
        })
        .await
    }

    /// Every unfinished message, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn drafts(&self) -> Result<Vec<StoredDraft>, StoreError> {
        self.ask(|databases| {
            let mut statement = databases.user.prepare_cached(
                "SELECT id, account_id, content, saved_at FROM draft ORDER BY saved_at DESC, id DESC",
            )?;
            let rows = statement
                .query_map([], |row| {
                    let content: String = row.get(2)?;
                    Ok((row.get(0)?, row.get(1)?, content, row.get(3)?))
                })?
                .collect::<Result<Vec<_>, _>>()?;
            rows.into_iter()
                .map(|(id, account, content, saved_at)| {
                    Ok(StoredDraft {
                        id: DraftId(id),
                        account: AccountId(account),
                        draft: from_json(&content)?,
                        saved_at: UnixSeconds(saved_at),
                    })
                })
                .collect()
        })
        .await
    }

    /// Throws an unfinished message away; it is no error when it is gone already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn discard_draft(&self, draft: DraftId) -> Result<(), StoreError> {
        self.ask(move |databases| {
            databases.user.execute("DELETE FROM draft WHERE id = ?1", [draft.0])?;
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use crate::model::outgoing::Draft;
    use crate::stdx::clock::Clock;
    use crate::store::Store;

    #[tokio::test]
    async fn a_draft_is_replaced_in_place_and_survives_whole() {
        let store = Store::in_memory(&Clock::system()).unwrap();
        let account = store.account_id(&"work".parse().unwrap()).await.unwrap();
        let first = Draft { subject: "half".to_owned(), ..Draft::default() };
        let id = store.save_draft(None, account, first).await.unwrap();
        let whole = Draft {
            from: "ada@example.net".to_owned(),
            to: "alan@example.org, ".to_owned(),
            cc: "not an address".to_owned(),
            bcc: "grace@example.org".to_owned(),
            subject: "whole".to_owned(),
            body: "line\n\u{1f600}\n".to_owned(),
            attachments: vec!["/tmp/a b".into()],
            in_reply_to: "x@y".to_owned(),
            references: vec!["w@y".to_owned(), "x@y".to_owned()],
        };
        assert_eq!(store.save_draft(Some(id), account, whole.clone()).await.unwrap(), id);
        let drafts = store.drafts().await.unwrap();
        assert_eq!(drafts.len(), 1);
        assert_eq!((drafts[0].id, &drafts[0].draft), (id, &whole));
        store.discard_draft(id).await.unwrap();
        assert_eq!(store.drafts().await.unwrap(), []);
        assert_ne!(store.save_draft(Some(id), account, whole).await.unwrap().0, 0);
    }
}
