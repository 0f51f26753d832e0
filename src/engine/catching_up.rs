//! How an account's task comes to know what its server has: everything when it connects, the watched
//! folder when that reports something, the others now and then.

use crate::engine::account_task::{AccountTask, Caught, NEWEST_BY_DEFAULT, Watched};
use crate::engine::background::BackgroundCommand;
use crate::engine::failure::Failure;
use crate::engine::first_look::Begun;
use crate::engine::session::INBOX;
use crate::engine_api::event::EngineEvent;
use crate::engine_api::status::Connection;
use crate::model::folder::{Folder, FolderRole};
use std::time::Duration;
use tokio::time::Instant;

/// How often the folders are listed beside listening: only the open one is announced.
const LIST_EVERY: Duration = Duration::from_secs(2 * 60);

impl AccountTask {
    /// Everything a live account keeps up to date, from the first connection on: the watched folder
    /// first, in as few round trips as there can be.
    pub(in crate::engine) async fn catch_up(&mut self) -> Result<(), Failure> {
        let context = self.context.clone();
        self.caught = Caught::Up;
        let (name, newest) = self.watched_name().await?;
        self.connection().await?;
        self.replay_first().await?;
        self.show(Connection::Syncing).await;
        match self.first_look().await? {
            Begun::No => {}
            Begun::Window => return Ok(()),
            Begun::Listed(folders) => return self.end_first_look(&folders).await,
        }
        // Whoever has asked by now asks for what comes next.
        let asked_before = self.commands.len();
        let session = self.connection().await?;
        let (folders, counts) = session.list_and_sync(&context, &name, newest).await?;
        let looked = session.open.map(|(folder, _state)| Watched { folder, newest });
        self.answered = looked.map(|looked| (looked, asked_before));
        let folders = self.with_counts(folders, counts).await?;
        self.end_catching_up(&folders).await
    }

    /// What follows the list of folders when an account is caught up with.
    pub(in crate::engine) async fn end_catching_up(
        &mut self,
        folders: &[Folder],
    ) -> Result<(), Failure> {
        self.list_at = Instant::now() + LIST_EVERY;
        if self.watched.is_none_or(|watched| folders.iter().all(|f| f.id != watched.folder)) {
            let inbox = folders.iter().find(|folder| folder.role == FolderRole::Inbox);
            self.watched =
                inbox.map(|inbox| Watched { folder: inbox.id, newest: NEWEST_BY_DEFAULT });
            if self.open_folder() != self.watched.map(|watched| watched.folder) {
                self.sync_watched().await?;
            }
        }
        self.replay().await?;
        self.ask_quota().await?;
        self.synced().await;
        self.tell_background(BackgroundCommand::Begin).await;
        Ok(())
    }

    /// What waits goes first: a server that has not heard of a move would show it undone.
    pub(in crate::engine) async fn replay_first(&mut self) -> Result<(), Failure> {
        let account = self.context.access.id;
        if self.context.store.next_operations(account).await?.is_empty() {
            return Ok(());
        }
        self.replay().await
    }

    /// The folder that is listened to reports something, or the time is up.
    pub(in crate::engine) async fn look_again(&mut self) -> Result<(), Failure> {
        if self.token_is_old() {
            self.disconnect().await;
            return self.catch_up().await;
        }
        self.sync_watched().await?;
        self.count_soon().await?;
        let account = self.context.access.id;
        self.context.reporter.event(EngineEvent::FoldersChanged { account }).await;
        self.replay().await?;
        self.synced().await;
        Ok(())
    }

    /// The other folders may have changed too.
    pub(in crate::engine) async fn list_again(&mut self) -> Result<(), Failure> {
        self.list_at = Instant::now() + LIST_EVERY;
        let context = self.context.clone();
        self.connection().await?.list(&context).await?;
        let account = context.access.id;
        context.reporter.event(EngineEvent::FoldersChanged { account }).await;
        self.synced().await;
        Ok(())
    }

    /// The folder to open first, by name, and how many of its newest messages must be known.
    pub(in crate::engine) async fn watched_name(&mut self) -> Result<(String, u32), Failure> {
        let Some(Watched { folder, newest }) = self.watched else {
            return Ok((INBOX.to_owned(), NEWEST_BY_DEFAULT));
        };
        let known = self.context.store.folder(folder).await?;
        Ok(known.map_or((INBOX.to_owned(), NEWEST_BY_DEFAULT), |folder| (folder.name, newest)))
    }
}
