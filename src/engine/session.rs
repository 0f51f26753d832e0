//! One IMAP connection of an account and the folder that is open on it, brought in line with the
//! cache.
//!
//! Invariants:
//! - What the cache forgets was missing from a response that ended in a tagged OK.
//! - A folder's mark is written in the transaction that made it true.

use crate::engine::access::AccountAccess;
use crate::engine::failure::Failure;
use crate::engine::fetched::new_messages;
use crate::engine::reporter::Reporter;
use crate::engine::sync::{self, Look, SyncPlan};
use crate::engine_api::event::EngineEvent;
use crate::model::flags::Flags;
use crate::model::folder::{Folder, FolderRole, ListedFolder};
use crate::model::ids::{FolderId, Uid, UidRange};
use crate::problem::Problem;
use crate::stdx::clock::{Clock, UnixSeconds};
use crate::store::Store;
use crate::store::marks::{FolderMark, MarkedFolder};
use crate::store::messages::FolderChanges;
use crate::transport::error::TransportError;
use crate::transport::{
    CameAlong, FolderNews, FolderState, KnownState, MailSource, OpenedFolder, RemoteHeaders,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The folder that every account has and that is shown first (RFC 9051, section 5.1).
pub const INBOX: &str = "INBOX";

/// What an account's tasks work with beside their connections.
#[derive(Clone)]
pub struct AccountContext {
    /// The way to the servers.
    pub access: Arc<AccountAccess>,
    /// The databases.
    pub store: Store,
    /// Speaks to the front end.
    pub reporter: Reporter,
    /// Tells the time.
    pub clock: Clock,
}

/// An open connection.
pub struct Session {
    /// The server.
    pub source: Box<dyn MailSource>,
    /// The open folder and how it stood when it was opened.
    pub open: Option<(FolderId, FolderState)>,
    /// When the credential it was opened with runs out.
    pub token_ends: UnixSeconds,
    /// The folder that is open for reading only: `open` is none then, so that whoever wants more
    /// opens it anew.
    examined: Option<FolderId>,
    /// The newest messages of the open folder, shown already without their sizes.
    unsized_rows: Option<Unsized>,
}

/// Messages whose headers are cached and whose sizes are still to be asked for. Until then the
/// folder's mark stands where it stood, so a cut makes the next look begin anew.
#[derive(Clone, Copy, Debug)]
struct Unsized {
    folder: FolderId,
    range: UidRange,
    /// The folder's mark once they are there.
    mark: FolderMark,
}

/// What the first look at an account brought.
pub enum FirstLook {
    /// The newest messages of a large inbox.
    Window {
        /// The inbox.
        inbox: FolderId,
    },
    /// A small inbox, and all folders.
    WithFolders {
        /// The inbox.
        inbox: FolderId,
        /// Every folder.
        folders: Vec<Folder>,
        /// Whether they came with their counts.
        counts: Counts,
    },
}

/// A folder about to be compared with its server.
struct Looking {
    folder: FolderId,
    known: MarkedFolder,
    /// How the server has it; as it was when it was opened, for a folder that is still open.
    state: FolderState,
    newest: u32,
    /// What came along with its opening.
    came: CameAlong,
    opened: Opened,
}

/// When a folder was opened that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opened {
    /// A moment ago: its state is what it is.
    Now,
    /// It has been open for a while.
    Before,
}

impl Looking {
    /// How many messages the server has; `None` where that was some time ago.
    fn count(&self) -> Option<u32> {
        match self.opened {
            Opened::Now => Some(self.state.exists),
            Opened::Before => None,
        }
    }
}

impl Session {
    /// Connects and signs in.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn connect(access: &AccountAccess) -> Result<Self, Failure> {
        let (source, token_ends) = access.source().await?;
        Ok(Self { source, open: None, token_ends, examined: None, unsized_rows: None })
    }

    /// Lists the folders into the cache.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn list(&mut self, context: &AccountContext) -> Result<Vec<Folder>, Failure> {
        let listed = self.source.list_folders().await?;
        Ok(context.store.keep_folders(context.access.id, listed).await?)
    }

    /// Lists the folders and opens one of them in the same round trips. The folder that is open
    /// afterwards is compared with the cache and has at least its `newest` messages there. The last
    /// result tells whether the list came without counts.
    ///
    /// # Errors
    /// [`Failure`]; a folder that cannot be opened is none.
    pub async fn list_and_sync(
        &mut self,
        context: &AccountContext,
        name: &str,
        newest: u32,
    ) -> Result<(Vec<Folder>, Counts), Failure> {
        let account = context.access.id;
        let knowledge = context.store.folder_knowledge(account).await?;
        let known = knowledge.into_iter().find(|folder| folder.name == name);
        let known = known.map(|folder| folder.marked);
        self.close_folder();
        let (listed, opened) = self
            .source
            .list_and_open(name, known.as_ref().and_then(|k| known_state(k, newest)))
            .await?;
        let counts = Counts::of(&listed);
        let folders = context.store.keep_folders(account, listed).await?;
        let Some(folder) = folders.iter().find(|folder| folder.name == name) else {
            return Ok((folders, counts));
        };
        match opened {
            Ok(opened) => {
                let known = known.unwrap_or(NEVER_OPENED);
                self.opened(context, folder.id, known, opened, newest).await?;
                self.complete(context).await?;
            }
            Err(TransportError::Refused { text, .. }) => {
                tracing::info!(folder = folder.id.0, "a folder cannot be opened: {text}");
            }
            Err(error) => return Err(error.into()),
        }
        Ok((folders, counts))
    }

    /// Opens a folder, or looks again at the one that is open, and brings the cache in line: at
    /// least its `newest` messages are known afterwards.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn sync(
        &mut self,
        context: &AccountContext,
        folder: FolderId,
        newest: u32,
    ) -> Result<(), Failure> {
        if self.unsized_rows.is_some_and(|unsized_rows| unsized_rows.folder == folder) {
            // It was looked at a moment ago.
            return self.complete(context).await;
        }
        let known = context.store.mark(folder).await?.ok_or_else(Problem::no_such_folder)?;
        match self.open {
            // Another connection may have learnt of a new generation since it was opened.
            Some((open, state))
                if open == folder && known.uid_validity == Some(state.uid_validity) =>
            {
                let look = sync::look_again(&known.mark, self.source.abilities());
                let (came, opened) = (CameAlong::default(), Opened::Before);
                let looking = Looking { folder, known, state, newest, came, opened };
                self.bring(context, looking, look).await
            }
            Some(_) | None => {
                let known_state = known_state(&known, newest);
                let opened = self.open_known(context, folder, known_state).await?;
                self.opened(context, folder, known, opened, newest).await?;
                self.complete(context).await
            }
        }
    }

    /// Looks into the inbox of an account of which nothing is cached and brings its newest messages,
    /// with the folders where the inbox is small. A large one is shown before the folders are listed:
    /// Dovecot looks through all of it for whatever follows LIST. `None` when it cannot be opened.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn first_look(
        &mut self,
        context: &AccountContext,
        newest: u32,
    ) -> Result<Option<FirstLook>, Failure> {
        self.close_folder();
        let opened = match self.source.examine_folder(INBOX).await {
            Ok(opened) => opened,
            Err(TransportError::Refused { text, .. }) => {
                tracing::info!("the inbox cannot be opened: {text}");
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let state = opened.state;
        let (headers, listed) = if newest < state.exists {
            let inbox = ListedFolder {
                name: INBOX.to_owned(),
                delimiter: None,
                role: FolderRole::Inbox,
                total: Some(state.exists),
                unread: None,
            };
            (self.source.newest_unsized(newest).await?, vec![inbox])
        } else {
            self.source.newest_and_folders(newest).await?
        };
        let counts = Counts::of(&listed);
        let account = context.access.id;
        let folders = context.store.keep_folders(account, listed).await?;
        let inbox = folders.iter().find(|folder| folder.name == INBOX).map(|folder| folder.id);
        let Some(folder) = inbox else { return Ok(None) };
        self.examined = Some(folder);
        context.store.note_opened(folder, state.uid_validity, state.exists).await?;
        let (known, came, opened) = (NEVER_OPENED, CameAlong::default(), Opened::Now);
        let looking = Looking { folder, known, state, newest, came, opened };
        let changes = self.cold_changes(context, &looking, headers).await?;
        context.store.keep_changes(account, folder, changes).await?;
        context.reporter.event(EngineEvent::FolderChanged { folder }).await;
        Ok(Some(if newest < state.exists {
            FirstLook::Window { inbox: folder }
        } else {
            FirstLook::WithFolders { inbox: folder, folders, counts }
        }))
    }

    /// Lists the folders with whatever counts come along.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn list_lightly(
        &mut self,
        context: &AccountContext,
    ) -> Result<(Vec<Folder>, Counts), Failure> {
        let listed = self.source.list_lightly().await?;
        let counts = Counts::of(&listed);
        Ok((context.store.keep_folders(context.access.id, listed).await?, counts))
    }

    /// Counts folders that were listed without.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn count(
        &mut self,
        context: &AccountContext,
        listed: Vec<ListedFolder>,
    ) -> Result<Vec<Folder>, Failure> {
        let counted = self.source.count_folders(listed).await?;
        Ok(context.store.keep_folders(context.access.id, counted).await?)
    }

    /// Brings the sizes of messages that are shown without them.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn complete(&mut self, context: &AccountContext) -> Result<(), Failure> {
        let open = self.examined.or(self.open.map(|(folder, _state)| folder));
        let unsized_rows = self.unsized_rows.take().filter(|rows| open == Some(rows.folder));
        let Some(Unsized { folder, range, mark }) = unsized_rows else { return Ok(()) };
        let sizes = self.source.sizes_in(range).await?;
        let changes = FolderChanges { sizes, mark: Some(mark), ..FolderChanges::default() };
        context.store.keep_changes(context.access.id, folder, changes).await?;
        context.reporter.event(EngineEvent::FolderChanged { folder }).await;
        Ok(())
    }

    /// Makes sure that `folder` is the open one, without bringing anything.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn open(
        &mut self,
        context: &AccountContext,
        folder: FolderId,
    ) -> Result<FolderState, Failure> {
        if let Some((open, state)) = self.open
            && open == folder
        {
            return Ok(state);
        }
        // What the server tells about changes on the way is asked for again by the next look.
        let opened = self.open_known(context, folder, None).await?;
        let state = opened.state;
        context.store.note_opened(folder, state.uid_validity, state.exists).await?;
        Ok(state)
    }

    /// Before another folder is opened, by whomever.
    pub fn leave_examined(&mut self) {
        if self.examined.take().is_some() {
            self.unsized_rows = None;
        }
    }

    fn close_folder(&mut self) {
        self.open = None;
        self.examined = None;
        self.unsized_rows = None;
    }

    async fn open_known(
        &mut self,
        context: &AccountContext,
        folder: FolderId,
        known: Option<KnownState>,
    ) -> Result<OpenedFolder, Failure> {
        let listed = context.store.folder(folder).await?.ok_or_else(Problem::no_such_folder)?;
        // A failed open leaves no folder open (RFC 9051, section 6.3.2).
        self.close_folder();
        let opened = self.source.open_folder(&listed.name, known).await?;
        self.open = Some((folder, opened.state));
        Ok(opened)
    }

    async fn opened(
        &mut self,
        context: &AccountContext,
        folder: FolderId,
        known: MarkedFolder,
        opened: OpenedFolder,
        newest: u32,
    ) -> Result<(), Failure> {
        let state = opened.state;
        self.open = Some((folder, state));
        context.store.note_opened(folder, state.uid_validity, state.exists).await?;
        let look = sync::look(&known, &opened);
        let known = match look {
            Look::Cold => NEVER_OPENED,
            Look::Told(_) | Look::Since(_) | Look::Compare => known,
        };
        let came = opened.came;
        let looking = Looking { folder, known, state, newest, came, opened: Opened::Now };
        self.bring(context, looking, look).await
    }

    async fn bring(
        &mut self,
        context: &AccountContext,
        looking: Looking,
        look: Look,
    ) -> Result<(), Failure> {
        let changes = match look {
            Look::Cold => self.cold(context, &looking).await?,
            Look::Told(news) => self.told_and_gone(context, &looking, news).await?,
            Look::Since(modseq) => {
                let news = self.source.changes_since(modseq).await?;
                self.told_and_gone(context, &looking, news).await?
            }
            Look::Compare => self.compared(context, &looking).await?,
        };
        let folder = looking.folder;
        context.store.keep_changes(context.access.id, folder, changes).await?;
        context.reporter.event(EngineEvent::FolderChanged { folder }).await;
        Ok(())
    }

    /// The newest messages of a folder of which nothing is known.
    async fn cold(
        &mut self,
        context: &AccountContext,
        looking: &Looking,
    ) -> Result<FolderChanges, Failure> {
        let Looking { state, newest, .. } = *looking;
        // Where the window is the folder, looking through the folder is nothing.
        let headers = if newest < state.exists {
            self.source.newest_unsized(newest).await?
        } else {
            self.source.newest_headers(newest).await?
        };
        self.cold_changes(context, looking, headers).await
    }

    async fn cold_changes(
        &mut self,
        context: &AccountContext,
        looking: &Looking,
        mut headers: Vec<RemoteHeaders>,
    ) -> Result<FolderChanges, Failure> {
        let Looking { folder, state, newest, .. } = *looking;
        if headers.is_empty() && 0 < state.exists {
            // All of the highest UIDs are gone: look further down.
            let found = self.source.newest_flags(newest).await?;
            let uids: Vec<Uid> = found.into_iter().map(|(uid, _flags)| uid).collect();
            headers = self.source.fetch_headers(&uids).await?;
        }
        let mut found: Vec<Uid> = headers.iter().map(|headers| headers.uid).collect();
        found.sort_unstable();
        let complete_from = sync::complete_from(&found, state.exists);
        let cached = context.store.cached_flags(folder, complete_from).await?;
        let ends = found.first().zip(found.last());
        let range = ends.and_then(|(first, last)| UidRange::new(*first, *last));
        let mark = sync::mark_after(&state, complete_from);
        self.unsized_rows = range.filter(|_range| newest < state.exists).map(|range| Unsized {
            folder,
            range,
            mark,
        });
        let there: BTreeSet<Uid> = found.into_iter().collect();
        let gone = cached.into_iter().map(|(uid, _flags)| uid).filter(|uid| !there.contains(uid));
        Ok(FolderChanges {
            gone: gone.collect(),
            flags: headers.iter().map(|headers| (headers.uid, headers.flags)).collect(),
            new: new_messages(headers).await?,
            mark: self.unsized_rows.is_none().then_some(mark),
            ..FolderChanges::default()
        })
    }

    /// What the server told, and what is gone where it does not tell that.
    async fn told_and_gone(
        &mut self,
        context: &AccountContext,
        looking: &Looking,
        news: FolderNews,
    ) -> Result<FolderChanges, Failure> {
        let left = news.vanished.is_none();
        let told: Vec<Uid> = news.flags.iter().map(|(uid, _flags)| *uid).collect();
        let mut changes = self.told(context, looking, news).await?;
        if left {
            changes.gone = self.gone(context, looking, &told).await?;
        }
        Ok(changes)
    }

    /// Headers of messages: what came along, and the rest from the server.
    async fn headers_of(
        &mut self,
        looking: &Looking,
        uids: &[Uid],
    ) -> Result<Vec<RemoteHeaders>, Failure> {
        let wanted: BTreeSet<Uid> = uids.iter().copied().collect();
        let came = looking.came.arrived.iter().filter(|headers| wanted.contains(&headers.uid));
        let mut found: Vec<RemoteHeaders> = came.cloned().collect();
        let there: BTreeSet<Uid> = found.iter().map(|headers| headers.uid).collect();
        let missing: Vec<Uid> = wanted.difference(&there).copied().collect();
        if !missing.is_empty() {
            found.extend(self.source.fetch_headers(&missing).await?);
        }
        Ok(found)
    }

    /// What the server told, and the headers of what is new.
    async fn told(
        &mut self,
        context: &AccountContext,
        looking: &Looking,
        news: FolderNews,
    ) -> Result<FolderChanges, Failure> {
        let Looking { folder, known, state, newest, .. } = *looking;
        let mut mark = known.mark;
        let lowest = news.flags.iter().map(|(uid, _flags)| *uid).min();
        let cached: BTreeSet<Uid> = match lowest {
            None => BTreeSet::new(),
            Some(lowest) => {
                let cached = context.store.cached_flags(folder, Some(lowest)).await?;
                let shown = cached.into_iter().filter(|(_uid, flags)| !flags.is_hidden());
                shown.map(|(uid, _flags)| uid).collect()
            }
        };
        let complete_from = mark.complete_from;
        let is_new = |uid: Uid, flags: Flags| {
            !cached.contains(&uid)
                && !flags.is_hidden()
                && complete_from.is_none_or(|low| low <= uid)
        };
        let new = news.flags.iter().filter(|(uid, flags)| is_new(*uid, *flags));
        let new: Vec<Uid> = new.map(|(uid, _flags)| *uid).collect();
        let span = new.iter().min().zip(new.iter().max());
        let span = span.and_then(|(first, last)| UidRange::new(*first, *last));
        let headers = match span {
            None => Vec::new(),
            Some(span) if sync::is_short(span) => self.headers_of(looking, &new).await?,
            Some(_long) => {
                let headers = self.source.newest_headers(newest).await?;
                let lowest = headers.iter().map(|headers| headers.uid).min();
                mark.complete_from = lowest.or(complete_from);
                headers
            }
        };
        let above = news.flags.iter().map(|(uid, _flags)| uid.get().saturating_add(1)).max();
        mark.uid_next = above.max(mark.uid_next).max(state.uid_next);
        mark.highest_modseq =
            news.highest_modseq.max(state.highest_modseq).max(known.mark.highest_modseq);
        let told = |(uid, flags): &(Uid, Flags)| cached.contains(uid) || flags.is_hidden();
        Ok(FolderChanges {
            flags: news.flags.into_iter().filter(told).collect(),
            vanished: news.vanished.unwrap_or_default(),
            new: new_messages(headers).await?,
            mark: Some(mark),
            ..FolderChanges::default()
        })
    }

    /// Cached messages that the server no longer has, found by asking which UIDs are left; `told` are
    /// all that changed or arrived.
    async fn gone(
        &mut self,
        context: &AccountContext,
        looking: &Looking,
        told: &[Uid],
    ) -> Result<Vec<Uid>, Failure> {
        let cached = context.store.cached_flags(looking.folder, None).await?;
        if sync::is_all_there(&looking.known.mark, &cached, told, looking.count()) {
            return Ok(Vec::new());
        }
        let ends = cached.first().zip(cached.last());
        let Some(range) = ends.and_then(|((first, _), (last, _))| UidRange::new(*first, *last))
        else {
            return Ok(Vec::new());
        };
        let left: BTreeSet<Uid> = self.source.uids_in(range).await?.into_iter().collect();
        let gone = cached.into_iter().map(|(uid, _flags)| uid).filter(|uid| !left.contains(uid));
        Ok(gone.collect())
    }

    /// The newest messages, compared one by one.
    async fn compared(
        &mut self,
        context: &AccountContext,
        looking: &Looking,
    ) -> Result<FolderChanges, Failure> {
        let Looking { folder, known, state, newest, .. } = *looking;
        // Those among the newest are asked for anew, and what has changed since is told again.
        let told = self.source.take_told();
        let server = match &looking.came.newest {
            Some(newest) => newest.clone(),
            None => self.source.newest_flags(newest).await?,
        };
        let shown = u32::try_from(server.len()).unwrap_or(u32::MAX);
        // Fewer than asked for means that these are all.
        let exists = if shown < newest { shown } else { state.exists.max(shown) };
        let lowest = sync::lowest_covered(&server, exists);
        let cached = context.store.cached_flags(folder, lowest).await?;
        let SyncPlan { fetch, mut flags, gone } = sync::plan(&cached, &server);
        flags.extend(told.into_iter().filter(|(uid, _flags)| lowest.is_some_and(|low| *uid < low)));
        let headers =
            if fetch.is_empty() { Vec::new() } else { self.headers_of(looking, &fetch).await? };
        let mark = compared_mark(&known.mark, lowest, &server, &state);
        Ok(FolderChanges {
            flags,
            gone,
            new: new_messages(headers).await?,
            mark: Some(mark),
            ..FolderChanges::default()
        })
    }
}

/// A folder of which nothing is known.
const NEVER_OPENED: MarkedFolder = MarkedFolder {
    uid_validity: None,
    mark: FolderMark { uid_next: None, highest_modseq: None, complete_from: None },
};

fn known_state(known: &MarkedFolder, newest: u32) -> Option<KnownState> {
    known.mark.complete_from?;
    Some(KnownState {
        uid_validity: known.uid_validity?,
        highest_modseq: known.mark.highest_modseq,
        uid_next: known.mark.uid_next,
        newest,
    })
}

/// The mark after a comparison of everything from `lowest` on (`None`: of the whole folder).
fn compared_mark(
    before: &FolderMark,
    lowest: Option<Uid>,
    server: &[(Uid, Flags)],
    state: &FolderState,
) -> FolderMark {
    let complete_from = match (lowest, before.complete_from, before.uid_next) {
        (None, _, _) => Uid::new(1),
        // The window reaches down to what was complete before.
        (Some(lowest), Some(complete), Some(uid_next)) if lowest.get() <= uid_next => {
            Some(lowest.min(complete))
        }
        (Some(lowest), Some(_) | None, Some(_) | None) => Some(lowest),
    };
    let above = server.last().map(|(uid, _flags)| uid.get().saturating_add(1));
    FolderMark {
        uid_next: above.max(before.uid_next).max(state.uid_next),
        // Flags further down may have changed unseen.
        highest_modseq: lowest.map_or(state.highest_modseq, |_lowest| before.highest_modseq),
        complete_from,
    }
}

/// Whether a list of folders came with its counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Counts {
    /// It did.
    There,
    /// Some are missing, and can be asked for with [`Session::count`].
    Missing(Vec<ListedFolder>),
}

impl Counts {
    fn of(listed: &[ListedFolder]) -> Self {
        let missing = listed.iter().any(|folder| folder.total.is_none());
        if missing { Self::Missing(listed.to_vec()) } else { Self::There }
    }
}
