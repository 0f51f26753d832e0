//! An account of which nothing is cached: the newest messages of its inbox come before all else, so
//! that there is something to read after a number of round trips and an amount of work on the server
//! that do not depend on how much there is.

use crate::engine::account_task::{AccountTask, Caught, NEWEST_BY_DEFAULT, Watched};
use crate::engine::failure::Failure;
use crate::engine::session::{Counts, FirstLook};
use crate::engine_api::event::EngineEvent;
use crate::model::folder::Folder;
use crate::model::ids::Uid;
use std::time::Duration;
use tokio::time::Instant;

/// How soon after a change a folder is counted anew whose headers are still on their way.
const COUNT_WITHIN: Duration = Duration::from_secs(3);

/// How catching up goes on.
pub(in crate::engine) enum Begun {
    /// Something is known of the account, or its inbox cannot be opened: list and look.
    No,
    /// The newest messages show; [`AccountTask::go_on`] brings the rest once nobody asks for more.
    Window,
    /// The folders are listed as well.
    Listed(Vec<Folder>),
}

impl AccountTask {
    /// Shows the newest messages of the inbox if nothing at all is known of the account.
    ///
    /// # Errors
    /// [`Failure`].
    pub(in crate::engine) async fn first_look(&mut self) -> Result<Begun, Failure> {
        let context = self.context.clone();
        let account = context.access.id;
        // What waits for the server may be about folders that have to be listed first.
        if !context.store.folders(account).await?.is_empty()
            || !context.store.next_operations(account).await?.is_empty()
        {
            return Ok(Begun::No);
        }
        let asked_before = self.commands.len();
        let looked = self.connection().await?.first_look(&context, NEWEST_BY_DEFAULT).await?;
        let (inbox, begun) = match looked {
            None => return Ok(Begun::No),
            Some(FirstLook::Window { inbox }) => {
                self.caught = Caught::FirstWindow;
                context.access.listed.send_replace(false);
                context.reporter.event(EngineEvent::FoldersChanged { account }).await;
                (inbox, Begun::Window)
            }
            Some(FirstLook::WithFolders { inbox, folders, counts }) => {
                let folders = self.with_counts(folders, counts).await?;
                (inbox, Begun::Listed(folders))
            }
        };
        let watched = Watched { folder: inbox, newest: NEWEST_BY_DEFAULT };
        self.answered = Some((watched, asked_before));
        Ok(begun)
    }

    /// Brings what the first look left out: the folders, and the sizes of what it showed.
    ///
    /// # Errors
    /// [`Failure`].
    pub(in crate::engine) async fn go_on(&mut self) -> Result<(), Failure> {
        self.caught = Caught::Up;
        let context = self.context.clone();
        let (folders, counts) = self.connection().await?.list_lightly(&context).await?;
        let folders = self.with_counts(folders, counts).await?;
        self.connection().await?.complete(&context).await?;
        self.end_first_look(&folders).await
    }

    /// The inbox was open for reading only: it is opened as every folder is.
    ///
    /// # Errors
    /// [`Failure`].
    pub(in crate::engine) async fn end_first_look(
        &mut self,
        folders: &[Folder],
    ) -> Result<(), Failure> {
        if self.watched.is_some() {
            self.sync_watched().await?;
        }
        self.end_catching_up(folders).await
    }

    /// Tells of folders that were just listed, and asks for counts where they did not come along.
    ///
    /// # Errors
    /// [`Failure`].
    pub(in crate::engine) async fn with_counts(
        &mut self,
        folders: Vec<Folder>,
        counts: Counts,
    ) -> Result<Vec<Folder>, Failure> {
        let context = self.context.clone();
        let account = context.access.id;
        context.access.listed.send_replace(true);
        context.reporter.event(EngineEvent::FoldersChanged { account }).await;
        match counts {
            Counts::There => Ok(folders),
            Counts::Missing(listed) => {
                let folders = self.connection().await?.count(&context, listed).await?;
                context.reporter.event(EngineEvent::FoldersChanged { account }).await;
                Ok(folders)
            }
        }
    }

    /// As long as its headers come, only the server can count a folder: it is asked again soon, once
    /// for many changes.
    ///
    /// # Errors
    /// [`Failure`].
    pub(in crate::engine) async fn count_soon(&mut self) -> Result<(), Failure> {
        let Some(watched) = self.watched else { return Ok(()) };
        let marked = self.context.store.mark(watched.folder).await?;
        if marked.is_some_and(|marked| marked.mark.complete_from != Uid::new(1)) {
            self.list_at = self.list_at.min(Instant::now() + COUNT_WITHIN);
        }
        Ok(())
    }
}
