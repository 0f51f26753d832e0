//! Whole messages that somebody waits for, many at once: what an export needs and the cache lacks.

use crate::engine::account_task::{AccountCommand, AccountTask};
use crate::engine::failure::Failure;
use crate::engine::supervisor::Supervisor;
use crate::model::ids::{AccountId, CommandId, MessageId};
use crate::problem::Problem;
use crate::store::wanted::MissingIn;
use crate::transport::error::TransportError;
use futures::future::join_all;
use std::collections::BTreeMap;
use tokio::sync::oneshot;

/// Whole messages to be brought, and who waits for them.
#[derive(Debug)]
pub struct Gathering {
    /// What is missing.
    pub missing: Vec<MissingIn>,
    /// Hears how it went; may be gone before.
    pub asker: oneshot::Sender<Result<(), Problem>>,
}

impl Supervisor {
    /// Has every account bring what is missing of `messages`, all at once.
    pub(in crate::engine) async fn gather(&mut self, id: CommandId, messages: Vec<MessageId>) {
        let missing = match self.store.missing_of(messages).await {
            Ok(missing) => missing,
            Err(error) => return self.reporter.failed(id, error.problem()).await,
        };
        let mut by_account: BTreeMap<AccountId, Vec<MissingIn>> = BTreeMap::new();
        for folder in missing {
            by_account.entry(folder.account).or_default().push(folder);
        }
        let mut answers = Vec::new();
        for (account, missing) in by_account {
            let (asker, answer) = oneshot::channel();
            self.hand_on(account, AccountCommand::Gather(Gathering { missing, asker })).await;
            answers.push(answer);
        }
        self.spawn_done(id, async move {
            // An account that was removed meanwhile has no messages any more.
            let answers = join_all(answers).await.into_iter().filter_map(Result::ok);
            Some(answers.collect())
        });
    }
}

impl AccountTask {
    /// Brings whole messages; a connection that had gone stale is made anew once.
    pub(in crate::engine) async fn gather_all(&mut self, gathering: Gathering) {
        let Gathering { missing, asker } = gathering;
        let had_connection = self.session.is_some();
        let mut brought = self.bring_bodies(&missing).await;
        if had_connection && brought.as_ref().is_err_and(Failure::is_stale_connection) {
            self.session = None;
            brought = self.bring_bodies(&missing).await;
        }
        if let Err(failure) = &brought
            && !failure.leaves_connection()
        {
            self.failed(failure).await;
        }
        let account = self.context.access.id;
        let told = brought.map_err(|failure| failure.problem(Some(account)));
        // Whoever asked may be gone.
        let _gone = asker.send(told);
    }

    async fn bring_bodies(&mut self, missing: &[MissingIn]) -> Result<(), Failure> {
        for MissingIn { folder, uid_validity, bodies, .. } in missing {
            let state = self.opened(*folder).await?;
            if state.uid_validity != *uid_validity {
                // Those messages are gone, which whoever asks for one of them is told.
                continue;
            }
            let (context, cancel) = (self.context.clone(), self.cancel.clone());
            let session = self.connection().await?;
            tokio::select! {
                biased;
                // The program ends: what came is stored, and the connection is in the middle of an
                // answer.
                () = cancel.cancelled() => {
                    self.session = None;
                    return Err(TransportError::Closed(String::new()).into());
                }
                brought = session.fetch_bodies(&context, bodies) => brought.map(drop)?,
            }
        }
        Ok(())
    }
}
