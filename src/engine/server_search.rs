//! Asking servers for what a search is to find and the cache does not have.
//!
//! A search has a connection of its own for as long as it takes, so that a person can go on reading
//! while a server looks through its mail; dropping the search drops the connection. It goes through
//! an account's folders one after the other, the inbox first, and reports each as it is done.

use crate::engine::failure::Failure;
use crate::engine::fetched::new_messages;
use crate::engine::session::{AccountContext, Session};
use crate::engine_api::event::EngineEvent;
use crate::model::folder::Folder;
use crate::model::ids::{CommandId, MessageId, Uid};
use crate::model::query::ServerTerm;
use crate::store::messages::FolderChanges;

/// Newest messages of one folder that are taken from what a server finds: more is a search that
/// says too little.
const FOUND_LIMIT: usize = 1_000;
/// Messages whose headers are asked for at once.
const HEADERS_AT_ONCE: usize = 200;

/// A search on the server of one account.
pub struct ServerSearch {
    /// The command it is for.
    pub id: CommandId,
    /// What it works with.
    pub context: AccountContext,
    /// The folders to look into, in order.
    pub folders: Vec<Folder>,
    /// What is looked for.
    pub terms: Vec<ServerTerm>,
}

impl ServerSearch {
    /// Connects, looks into every folder, and reports what is found.
    ///
    /// # Errors
    /// [`Failure`] of the connection; a folder that cannot be opened or searched is left out.
    ///
    /// # Cancel safety
    /// Can be dropped at any moment: what was stored stays.
    pub async fn run(self) -> Result<(), Failure> {
        let mut session = Session::connect(&self.context.access).await?;
        for folder in &self.folders {
            self.look_into(&mut session, folder).await?;
        }
        session.source.close().await;
        Ok(())
    }

    async fn look_into(&self, session: &mut Session, folder: &Folder) -> Result<(), Failure> {
        match self.found_in(session, folder).await {
            Ok(messages) if messages.is_empty() => Ok(()),
            Ok(messages) => {
                let found = EngineEvent::ServersFound { id: self.id, messages };
                self.context.reporter.event(found).await;
                Ok(())
            }
            Err(failure) if failure.leaves_connection() => {
                tracing::info!(folder = folder.id.0, %failure, "a folder is not searched");
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }

    async fn found_in(
        &self,
        session: &mut Session,
        folder: &Folder,
    ) -> Result<Vec<MessageId>, Failure> {
        let AccountContext { store, reporter, access, .. } = &self.context;
        session.open(&self.context, folder.id).await?;
        let mut uids = session.source.search(&self.terms).await?;
        uids.sort_unstable_by(|one, other| other.cmp(one));
        uids.truncate(FOUND_LIMIT);
        let known = store.messages_with(folder.id, uids.clone()).await?;
        let is_known = |uid: &Uid| known.iter().any(|(known, _message)| known == uid);
        let missing: Vec<Uid> = uids.iter().copied().filter(|uid| !is_known(uid)).collect();
        for some in missing.chunks(HEADERS_AT_ONCE) {
            let new = new_messages(session.source.fetch_headers(some).await?).await?;
            let changes = FolderChanges { new, ..FolderChanges::default() };
            store.keep_changes(access.id, folder.id, changes).await?;
        }
        if missing.is_empty() {
            return Ok(known.into_iter().map(|(_uid, message)| message).collect());
        }
        reporter.event(EngineEvent::FolderChanged { folder: folder.id }).await;
        let found = store.messages_with(folder.id, uids).await?;
        Ok(found.into_iter().map(|(_uid, message)| message).collect())
    }
}
