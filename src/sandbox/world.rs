//! The state every server shares, behind one lock that is never held over an `.await`.

use crate::sandbox::control::{Counter, SmtpAuth, Submitted};
use crate::sandbox::faults::Faults;
use crate::sandbox::graph::drafts::Drafts;
use crate::sandbox::mail::library::{Library, LibraryError, Placed};
use crate::sandbox::mailbox::{Content, Mailbox};
use crate::sandbox::options::{Personality, SandboxOptions};
use crate::sandbox::people::{OWNER, PEOPLE, Person};
use crate::sandbox::tokens::{Decision, Tokens};
use crate::stdx::clock::UnixSeconds;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What the servers know.
#[derive(Debug)]
pub struct State {
    /// Everybody's mail.
    pub mailboxes: Vec<Mailbox>,
    /// Codes, sign-ins and access tokens.
    pub tokens: Tokens,
    /// Scripted misfortune.
    pub faults: Faults,
    /// Every message SMTP and Graph took, oldest first.
    pub submissions: Vec<Submitted>,
    /// What Graph was given and has not sent.
    pub drafts: Drafts,
    /// Whether SMTP takes sign-ins.
    pub smtp_auth: SmtpAuth,
    /// Whose mailbox is open to whom, beside its owner.
    pub shares: Vec<(Person, Person)>,
    counts: HashMap<Counter, u64>,
}

impl State {
    /// The mailbox of this address; case is not significant.
    pub fn mailbox(&self, address: &str) -> Option<&Mailbox> {
        self.mailboxes.iter().find(|mailbox| mailbox.address.eq_ignore_ascii_case(address))
    }

    /// As [`Self::mailbox`], to be changed.
    pub fn mailbox_mut(&mut self, address: &str) -> Option<&mut Mailbox> {
        self.mailboxes.iter_mut().find(|mailbox| mailbox.address.eq_ignore_ascii_case(address))
    }

    /// Whether `who` may open the mailbox of `whose` and send in its name.
    pub fn may_open(&self, who: Person, whose: Person) -> bool {
        who == whose || self.shares.contains(&(whose, who))
    }

    /// Counts one more.
    pub fn count(&mut self, counter: Counter) {
        *self.counts.entry(counter).or_default() += 1;
    }

    /// How often so far.
    pub fn counted(&self, counter: Counter) -> u64 {
        self.counts.get(&counter).copied().unwrap_or_default()
    }
}

/// The shared state, the options it began with, and who waits for a change.
pub struct World {
    state: Mutex<State>,
    changed: watch::Sender<()>,
    authority: OnceLock<String>,
    graph_root: OnceLock<String>,
    options: SandboxOptions,
    errands: TaskTracker,
    cancel: CancellationToken,
}

/// UIDVALIDITY of every folder at start: below any that a clock would give.
const FIRST_UID_VALIDITY: u32 = 14;

impl World {
    /// Mailboxes for everybody, the owner's with demo mail.
    pub fn new(options: SandboxOptions) -> Result<Self, LibraryError> {
        let plans = options.personality.folders();
        let mut mailboxes: Vec<Mailbox> = PEOPLE
            .iter()
            .map(|person| Mailbox::new(person.address, plans, FIRST_UID_VALIDITY))
            .collect();
        let library = Arc::new(Library::read(options.seed)?);
        if let Some(owner) = mailboxes.iter_mut().find(|found| found.address == OWNER.address) {
            for placed in library.place(options.messages, options.clock.now()) {
                file(owner, placed);
            }
        }
        let state = State {
            mailboxes,
            tokens: Tokens::default(),
            faults: Faults::default(),
            submissions: Vec::new(),
            drafts: Drafts::default(),
            smtp_auth: SmtpAuth::On,
            shares: Vec::new(),
            counts: HashMap::new(),
        };
        Ok(Self {
            state: Mutex::new(state),
            changed: watch::Sender::new(()),
            authority: OnceLock::new(),
            graph_root: OnceLock::new(),
            options,
            errands: TaskTracker::new(),
            cancel: CancellationToken::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the state.
    pub fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock())
    }

    /// Changes the state and wakes everybody who waits.
    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let answer = change(&mut self.lock());
        self.changed.send_replace(());
        answer
    }

    /// Tells of every change from now on.
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Decides about a waiting code: the one typed, or the newest. `None` when there is none.
    pub fn decide(&self, typed: Option<&str>, decision: Decision) -> Option<()> {
        let now = self.now();
        let decided = {
            let mut state = self.lock();
            state.tokens.waiting_code(typed, now).map(|code| code.decision = decision)
        };
        if decided.is_some() {
            self.changed.send_replace(());
        }
        decided
    }

    /// What the sandbox was started with.
    pub fn options(&self) -> &SandboxOptions {
        &self.options
    }

    /// Which server is played.
    pub fn personality(&self) -> Personality {
        self.options.personality
    }

    /// The current time.
    pub fn now(&self) -> UnixSeconds {
        self.options.clock.now()
    }

    /// Root of the sign-in server's addresses; empty before it listens.
    pub fn authority(&self) -> String {
        self.authority.get().cloned().unwrap_or_default()
    }

    /// Sets [`Self::authority`], once.
    pub fn set_authority(&self, authority: String) {
        self.authority.get_or_init(|| authority);
    }

    /// Root of Graph's addresses and scopes; empty before it listens.
    pub fn graph_root(&self) -> String {
        self.graph_root.get().cloned().unwrap_or_default()
    }

    /// Sets [`Self::graph_root`], once.
    pub fn set_graph_root(&self, root: String) {
        self.graph_root.get_or_init(|| root);
    }

    /// Does something later, unless the sandbox stops before.
    pub fn errand(self: &Arc<Self>, errand: impl Future<Output = ()> + Send + 'static) {
        let cancel = self.cancel.clone();
        self.errands.spawn(async move {
            tokio::select! {
                biased;
                () = cancel.cancelled() => {}
                () = errand => {}
            }
        });
    }

    /// Drops every errand.
    pub async fn stop(&self) {
        self.cancel.cancel();
        self.errands.close();
        self.errands.wait().await;
    }
}

fn file(owner: &mut Mailbox, placed: Placed) {
    let named = owner.folder(&placed.folder.name).is_some();
    let folder = if named {
        owner.folder_mut(&placed.folder.name)
    } else {
        owner.folder_by_role_mut(placed.folder.role)
    };
    if let Some(folder) = folder {
        folder.append(Content::Recipe(placed.recipe), placed.flags, placed.received_at);
    }
}
