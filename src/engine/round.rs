//! One round of the background: which folder is next, and what is to be brought of it.

use crate::engine::failure::Failure;
use crate::engine::filling::Brought;
use crate::engine::session::{AccountContext, Session};
use crate::engine::sync::{FIRST_STEP, next_width, step_below};
use crate::engine_api::status::{SyncPhase, SyncProgress};
use crate::model::folder::FolderRole;
use crate::model::ids::{FolderId, Uid, UidRange, UidValidity};
use crate::stdx::clock::UnixSeconds;
use crate::store::bodies::MissingBody;
use crate::store::marks::FolderKnowledge;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// Whole messages larger than this are fetched only when somebody opens them.
const BODY_LIMIT_BYTES: u32 = 5 * 1024 * 1024;
/// Whole messages asked for in one step.
const BODIES_AT_ONCE: u32 = 1_000;
/// Bytes asked for in one step of whole messages.
const BODIES_AT_ONCE_BYTES: u64 = 8 * 1024 * 1024;
/// Messages whose flags are compared in one step; as many as are cached, however far apart their UIDs.
const COMPARED_AT_ONCE: u32 = 5_000;
const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Open a folder and learn what changed.
    Look(FolderId),
    /// Bring headers.
    Fill {
        /// Of which folder.
        folder: FolderId,
        /// The generation the range belongs to.
        uid_validity: UidValidity,
        /// Which.
        range: UidRange,
    },
    /// Compare flags, where the server does not tell of changes.
    Compare {
        /// Of which folder.
        folder: FolderId,
        /// Which.
        range: UidRange,
    },
    /// Bring whole messages.
    Bodies {
        /// Of which folder.
        folder: FolderId,
        /// Which.
        wanted: Vec<MissingBody>,
    },
}

impl Task {
    /// The folder it is about.
    #[must_use]
    pub fn folder(&self) -> FolderId {
        match self {
            Self::Look(folder)
            | Self::Fill { folder, .. }
            | Self::Compare { folder, .. }
            | Self::Bodies { folder, .. } => *folder,
        }
    }

    /// Whether lists show more after it.
    #[must_use]
    pub fn adds_rows(&self) -> bool {
        match self {
            Self::Fill { .. } => true,
            Self::Look(_) | Self::Compare { .. } | Self::Bodies { .. } => false,
        }
    }
}

/// Where a round stands.
#[derive(Debug, Default)]
enum Stage {
    /// Nothing is known yet.
    #[default]
    Start,
    /// The folders were listed a moment ago.
    Listed,
    /// Headers; the first folder of the queue was looked at or not.
    Headers { looked: Option<FolderId>, compared_below: Option<Uid> },
    /// Whole messages.
    Bodies,
}

/// One round.
#[derive(Debug, Default)]
pub struct Round {
    stage: Stage,
    queue: VecDeque<FolderId>,
    mail: Vec<FolderId>,
    /// Folders that should be complete, but of which the server has more messages or fewer: it has
    /// not told of every change, or told what was not so.
    doubted: BTreeSet<FolderId>,
    width: u32,
    /// The last message asked for in the folder; one that did not come is not asked for again.
    asked: Option<MissingBody>,
    progress: Option<SyncProgress>,
}

impl Round {
    /// A round over folders that were listed a moment ago.
    #[must_use]
    pub fn of_listed() -> Self {
        Self { stage: Stage::Listed, ..Self::default() }
    }

    /// The next step; `None` when the round is over.
    ///
    /// # Errors
    /// [`Failure`] of listing the folders, or of the databases.
    pub async fn next(
        &mut self,
        context: &AccountContext,
        session: &mut Session,
    ) -> Result<Option<Task>, Failure> {
        match self.stage {
            Stage::Start => {
                session.list(context).await?;
                self.plan(context).await?;
            }
            Stage::Listed => self.plan(context).await?,
            Stage::Headers { .. } | Stage::Bodies => {}
        }
        while let Stage::Headers { looked, compared_below } = &mut self.stage {
            let Some(folder) = self.queue.front().copied() else {
                self.turn_to_bodies(context).await?;
                break;
            };
            if *looked != Some(folder) {
                *looked = Some(folder);
                *compared_below = None;
                self.width = FIRST_STEP;
                return Ok(Some(Task::Look(folder)));
            }
            let marked = context.store.mark(folder).await?;
            let Some((uid_validity, mark)) =
                marked.and_then(|marked| Some((marked.uid_validity?, marked.mark)))
            else {
                self.queue.pop_front();
                continue;
            };
            let below = mark.complete_from.and_then(|from| step_below(from, self.width));
            if let Some(range) = below {
                return Ok(Some(Task::Fill { folder, uid_validity, range }));
            }
            let doubted = self.doubted.contains(&folder);
            let top = compared_below.or_else(|| Uid::new(mark.uid_next?));
            let range = match top {
                Some(top) if doubted || !session.source.abilities().condstore => {
                    let cached = context.store.cached_below(folder, top, COMPARED_AT_ONCE).await?;
                    match cached {
                        Some(range) => Some(range),
                        None if doubted && compared_below.is_none() => step_below(top, u32::MAX),
                        None => None,
                    }
                }
                Some(_) | None => None,
            };
            if let Some(range) = range {
                *compared_below = Some(range.first);
                return Ok(Some(Task::Compare { folder, range }));
            }
            self.queue.pop_front();
        }
        self.next_bodies(context).await
    }

    async fn plan(&mut self, context: &AccountContext) -> Result<(), Failure> {
        let mut folders = context.store.folder_knowledge(context.access.id).await?;
        folders.retain(|folder| folder.role != FolderRole::Other);
        folders.sort_by_key(|folder| (folder.role, folder.name.clone()));
        self.mail =
            folders.iter().filter(|folder| is_read(folder.role)).map(|f| f.folder).collect();
        self.queue = folders.iter().map(|folder| folder.folder).collect();
        self.stage = Stage::Headers { looked: None, compared_below: None };
        let is_doubted = |folder: &&FolderKnowledge| {
            folder.marked.mark.complete_from == Uid::new(1) && folder.total != folder.known
        };
        self.doubted = folders.iter().filter(is_doubted).map(|folder| folder.folder).collect();
        let missing =
            |folder: &FolderKnowledge| u64::from(folder.total.saturating_sub(folder.known));
        let total = folders.iter().map(missing).sum();
        self.progress = progress(SyncPhase::Headers, total, context.clock.now());
        Ok(())
    }

    async fn turn_to_bodies(&mut self, context: &AccountContext) -> Result<(), Failure> {
        self.stage = Stage::Bodies;
        self.queue = self.mail.iter().copied().collect();
        let since = offline_since(context);
        let mut total = 0;
        for folder in &self.mail {
            total += context.store.missing_body_count(*folder, since, BODY_LIMIT_BYTES).await?;
        }
        self.progress = progress(SyncPhase::Bodies, total, context.clock.now());
        Ok(())
    }

    async fn next_bodies(&mut self, context: &AccountContext) -> Result<Option<Task>, Failure> {
        let since = offline_since(context);
        while let Some(folder) = self.queue.front().copied() {
            let missing = context
                .store
                .missing_bodies(folder, since, BODY_LIMIT_BYTES, self.asked, BODIES_AT_ONCE)
                .await?;
            let mut bytes = 0;
            let wanted: Vec<MissingBody> = missing
                .into_iter()
                .take_while(|body| {
                    let fits = bytes < BODIES_AT_ONCE_BYTES;
                    bytes += u64::from(body.size_bytes);
                    fits
                })
                .collect();
            if !wanted.is_empty() {
                self.asked = wanted.last().copied();
                return Ok(Some(Task::Bodies { folder, wanted }));
            }
            self.asked = None;
            self.queue.pop_front();
        }
        Ok(None)
    }

    /// A step is done; it took so long.
    pub fn did(&mut self, task: &Task, brought: Brought, took: Duration) {
        if let Task::Fill { range, .. } = task {
            let width = range.last.get() - range.first.get() + 1;
            self.width = next_width(width, brought.messages, took);
        }
        if let Some(progress) = &mut self.progress {
            progress.done += u64::from(brought.messages);
            progress.total = progress.total.max(progress.done);
            progress.bytes += brought.bytes;
        }
    }

    /// A folder refuses: the round goes on with the next one.
    pub fn skip(&mut self, folder: FolderId) {
        self.queue.retain(|queued| *queued != folder);
        self.mail.retain(|queued| *queued != folder);
    }

    /// How far the phase has come; `None` when it has nothing to bring.
    #[must_use]
    pub fn progress(&self) -> Option<SyncProgress> {
        self.progress
    }
}

/// Junk and trash are not worth their bytes offline.
fn is_read(role: FolderRole) -> bool {
    match role {
        FolderRole::Inbox
        | FolderRole::Drafts
        | FolderRole::Sent
        | FolderRole::Archive
        | FolderRole::Mail => true,
        FolderRole::Junk | FolderRole::Trash | FolderRole::Other => false,
    }
}

fn offline_since(context: &AccountContext) -> UnixSeconds {
    match context.access.settings.offline_days {
        0 => UnixSeconds(i64::MIN),
        days => context.clock.now().plus(-i64::from(days) * SECONDS_PER_DAY),
    }
}

fn progress(phase: SyncPhase, total: u64, began_at: UnixSeconds) -> Option<SyncProgress> {
    (0 < total).then_some(SyncProgress { phase, done: 0, total, bytes: 0, began_at })
}
