//! Whether other processes have written to the databases.

use crate::store::Store;
use crate::store::error::StoreError;
use rusqlite::Connection;

/// How the databases stood when they were asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    user: i64,
    cache: i64,
}

/// What other processes have written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// `cache.db` alone: what servers told.
    Cache,
    /// `user.db`, and perhaps the cache too: what a person did.
    User,
}

impl Versions {
    /// What was written elsewhere since `before`; `None` for nothing.
    #[must_use]
    pub fn written_since(self, before: Self) -> Option<Written> {
        if self.user != before.user {
            Some(Written::User)
        } else if self.cache != before.cache {
            Some(Written::Cache)
        } else {
            None
        }
    }
}

impl Store {
    /// How the databases stand, told apart by what others wrote alone.
    ///
    /// The question is put to the connections that write: `PRAGMA data_version` counts the commits
    /// of every other connection (sqlite.org/pragma.html), so a reader's would count our own. It
    /// looks at a few bytes that are mapped into memory.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn versions(&self) -> Result<Versions, StoreError> {
        let version = |database: &Connection| -> Result<i64, StoreError> {
            let mut statement = database.prepare_cached("PRAGMA data_version")?;
            Ok(statement.query_row([], |row| row.get(0))?)
        };
        self.ask(move |databases| {
            Ok(Versions { user: version(&databases.user)?, cache: version(&databases.cache)? })
        })
        .await
    }

    /// Whether other processes can see these databases at all.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.data_dir.is_some()
    }
}

#[cfg(test)]
mod tests {
    use crate::model::folder::{FolderRole, ListedFolder};
    use crate::model::ids::AccountId;
    use crate::stdx::clock::Clock;
    use crate::store::Store;
    use crate::store::elsewhere::Written;

    #[tokio::test]
    async fn what_another_process_wrote_is_told_apart_from_our_own() {
        let home = tempfile::tempdir().unwrap();
        let here = Store::open(home.path(), home.path(), &Clock::system()).unwrap();
        let there = Store::open(home.path(), home.path(), &Clock::system()).unwrap();
        let mut seen = here.versions().await.unwrap();
        let mut since = async || {
            let before = std::mem::replace(&mut seen, here.versions().await.unwrap());
            seen.written_since(before)
        };
        assert_eq!(since().await, None);
        here.account_id(&"own".parse().unwrap()).await.unwrap();
        here.keep_own_addresses(AccountId(1), Vec::new()).await.unwrap();
        assert_eq!(since().await, None, "our own");
        there.account_id(&"other".parse().unwrap()).await.unwrap();
        assert_eq!(since().await, Some(Written::User));
        let inbox = ListedFolder {
            name: "INBOX".to_owned(),
            delimiter: Some('/'),
            role: FolderRole::Inbox,
            total: Some(1),
            unread: Some(1),
        };
        there.keep_folders(AccountId(1), vec![inbox]).await.unwrap();
        assert_eq!(since().await, Some(Written::Cache));
        assert_eq!(since().await, None, "told once");
        // A write of ours must not swallow what came just before it.
        there.account_id(&"third".parse().unwrap()).await.unwrap();
        here.account_id(&"fourth".parse().unwrap()).await.unwrap();
        assert_eq!(since().await, Some(Written::User));
    }
}
