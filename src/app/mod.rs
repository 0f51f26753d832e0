//! The front end as data: no I/O, no terminal, no clock. [`update`] changes it, `ui` reads it.
//!
//! [`App`] is the main screen and a stack of layers over it. A key becomes an [`action::Action`]
//! through the key table; a report of the engine changes what it names; both may leave wishes
//! ([`Effect`]) for the runtime.
//!
//! Invariants:
//! - Every text from outside passes `clean` (or comes from `mime`, which did the same) before it
//!   is kept here.
//! - Nothing a person has written is dropped before the engine has confirmed that it is kept.

pub mod account_form;
pub mod accounts;
pub mod act;
pub mod acting;
pub mod action;
pub mod board;
pub mod board_facts;
pub mod browser_page;
pub mod choosing;
pub mod chosen;
pub mod clean;
pub mod composer;
pub mod cursor;
pub mod dates;
pub mod detection;
pub mod effect;
pub mod events;
pub mod exporting;
pub mod filters;
pub mod folder_acts;
pub mod folders;
pub mod form;
pub mod hiding;
pub mod identities;
pub mod interrupted;
pub mod it_help;
pub mod keymap;
pub mod keymap_default;
pub mod keys;
pub mod layer;
pub mod layout;
pub mod link_run;
pub mod linking;
pub mod mail;
pub mod message_list;
pub mod msg;
pub mod notice;
pub mod opening;
pub mod outbox;
pub mod pending;
pub mod picker;
pub mod problem_box;
pub mod question;
pub mod reader;
pub mod reading;
pub mod remembered;
pub mod runs;
pub mod search;
pub mod selection;
pub mod sheet;
pub mod text_field;
pub mod undo;
pub mod views;
pub mod waiting;
pub mod wizard;
pub mod words;
pub mod writing;

#[cfg(test)]
pub mod tests;

use crate::app::accounts::Accounts;
use crate::app::dates::Zone;
use crate::app::effect::Effect;
use crate::app::keymap::Keymap;
use crate::app::layer::Layer;
use crate::app::mail::Mail;
use crate::app::msg::{Key, Msg};
use crate::app::notice::{Notice, NoticeKind};
use crate::app::pending::{DraftsFor, Pending, Purpose};
use crate::app::problem_box::{About, ProblemBox};
use crate::app::remembered::Remembered;
use crate::engine_api::command::EngineCommand;
use crate::engine_api::link::LinkRequest;
use crate::model::account::SecretsKind;
use crate::model::ids::CommandId;
use crate::problem::Problem;
use crate::stdx::clock::UnixSeconds;
use std::collections::VecDeque;

/// Problems that may wait until typing is over; more say nothing new.
const WAITING_PROBLEMS_LIMIT: usize = 8;
/// Notices that may wait for the line; more would come long after what they are about.
const WAITING_NOTICES_LIMIT: usize = 4;
/// Ticks that quitting waits for the last save before it goes ahead.
const QUIT_WAIT_TICKS: u32 = 3;

/// What the front end must know before the first message.
#[derive(Clone, Debug)]
pub struct AppSetup {
    /// The time now.
    pub now: UnixSeconds,
    /// Whose clock on the wall dates are shown by.
    pub zone: Zone,
    /// Client ids from the `[provider.NAME]` tables: provider name, client id.
    pub client_ids: Vec<(String, String)>,
    /// What "automatic" means for secrets on this machine, and why, as half a sentence.
    pub automatic_secrets: (SecretsKind, String),
    /// In the demo: the account the wizard links, filled in already.
    pub demo_link: Option<Box<LinkRequest>>,
    /// Half a sentence for the status line, such as "demo: nothing here is real"; empty for none.
    pub banner: String,
    /// What [`Effect::Remember`] kept last; empty for nothing.
    pub remembered: String,
}

/// Whether the program is about to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Quitting {
    #[default]
    No,
    /// The last save is awaited.
    AfterSave { ticks: u32 },
    /// The last save failed: asked once more, the program ends without it.
    Unkept,
}

/// The whole front end.
pub struct App {
    pub(crate) setup: AppSetup,
    pub(crate) now: UnixSeconds,
    pub(crate) width_cells: u16,
    pub(crate) height_cells: u16,
    pub(crate) accounts: Accounts,
    pub(crate) mail: Mail,
    pub(crate) remembered: Remembered,
    pub(crate) layers: Vec<Layer>,
    pub(crate) notice: Option<Notice>,
    /// What nobody asked for and is said when the line is free.
    notices_later: VecDeque<String>,
    pub(crate) waiting_problems: VecDeque<ProblemBox>,
    /// Keys of a sequence that has begun.
    pub(crate) begun: Vec<Key>,
    keymap: Keymap,
    pending: Pending,
    /// What a sign-in that ended has stopped.
    interrupted: Option<Purpose>,
    quitting: Quitting,
}

impl App {
    /// A front end before its first message, and what it wants done at once.
    #[must_use]
    pub fn new(setup: AppSetup) -> (Self, Vec<Effect>) {
        let mut app = Self {
            now: setup.now,
            remembered: Remembered::read(&setup.remembered),
            setup,
            width_cells: 80,
            height_cells: 24,
            accounts: Accounts::default(),
            mail: Mail::default(),
            layers: Vec::new(),
            notice: None,
            notices_later: VecDeque::new(),
            waiting_problems: VecDeque::new(),
            begun: Vec::new(),
            keymap: Keymap::default_keys(),
            pending: Pending::default(),
            interrupted: None,
            quitting: Quitting::No,
        };
        let purpose = Purpose::Drafts(DraftsFor::Notice);
        let drafts = app.command(purpose, |id| EngineCommand::ListDrafts { id });
        let searches = app.list_saved_searches();
        (app, vec![drafts, searches])
    }

    /// A command for the engine under a fresh id.
    fn command(
        &mut self,
        purpose: Purpose,
        make: impl FnOnce(CommandId) -> EngineCommand,
    ) -> Effect {
        Effect::Send(make(self.pending.open(purpose)))
    }

    /// Says on the bottom line what has just happened; `text` is harmless to show.
    fn say(&mut self, text: &str) {
        self.notice = Some(Notice::new(NoticeKind::Done, text, self.now));
    }

    /// Offers something on the bottom line.
    fn offer(&mut self, text: &str) {
        self.notice = Some(Notice::new(NoticeKind::Offer, text, self.now));
    }

    /// Offers something that nobody asked for, after what is said now.
    fn offer_later(&mut self, text: String) {
        if self.notices_later.len() < WAITING_NOTICES_LIMIT {
            self.notices_later.push_back(text);
        }
        self.offer_next();
    }

    fn offer_next(&mut self) {
        if self.notice.is_none()
            && let Some(next) = self.notices_later.pop_front()
        {
            self.offer(&next);
        }
    }

    /// Tells of a problem that is harmless to show: at once, or when typing is over.
    fn report(&mut self, problem: Problem, about: About) {
        let told = ProblemBox::new(problem, about);
        let shown = self
            .layers
            .iter()
            .any(|layer| matches!(layer, Layer::Problem(shown) if shown.problem == told.problem));
        let waits = self.waiting_problems.iter().any(|waiting| waiting.problem == told.problem);
        if !shown && !waits && self.waiting_problems.len() < WAITING_PROBLEMS_LIMIT {
            self.waiting_problems.push_back(told);
        }
    }

    /// Tells of a problem at once, because a key press led to it.
    fn report_now(&mut self, problem: Problem, about: About) {
        self.layers.push(Layer::Problem(Box::new(ProblemBox::new(problem, about))));
    }

    /// Shows the next problem unless it would pop up under somebody's fingers.
    fn show_waiting_problem(&mut self) {
        let busy = self.layers.last().is_some_and(|top| {
            top.is_typing() || matches!(top, Layer::Problem(_) | Layer::Question(_) | Layer::Run(_))
        });
        if !busy && let Some(next) = self.waiting_problems.pop_front() {
            self.layers.push(Layer::Problem(Box::new(next)));
        }
    }

    fn tick(&mut self, now: UnixSeconds) -> Vec<Effect> {
        self.now = now;
        self.accounts.tick();
        self.mail.reader.tick();
        if self.notice.as_ref().is_some_and(|notice| notice.until <= now) {
            self.notice = None;
        }
        self.offer_next();
        if let Quitting::AfterSave { ticks } = self.quitting {
            if QUIT_WAIT_TICKS <= ticks {
                return vec![Effect::Quit];
            }
            self.quitting = Quitting::AfterSave { ticks: ticks + 1 };
        }
        let mut effects = self.autosave();
        effects.extend(self.fetch_rows());
        effects.extend(self.search_when_settled());
        effects.extend(self.list_stale_folders());
        effects.extend(self.detect_when_settled());
        effects
    }
}

/// Takes one message in: changes `app` and returns the rest as data.
pub fn update(app: &mut App, msg: Msg) -> Vec<Effect> {
    let effects = match msg {
        Msg::Key(key) => app.key(key),
        Msg::Paste(text) => app.paste(&text),
        Msg::Resized { width_cells, height_cells } => {
            app.width_cells = width_cells;
            app.height_cells = height_cells;
            Vec::new()
        }
        Msg::Tick(now) => app.tick(now),
        Msg::Engine(event) => app.engine_event(event),
        Msg::Status(status) => app.status(status),
        Msg::Refused(id) => app.refused(id),
        Msg::Edited(text) => {
            app.edited(&text);
            Vec::new()
        }
        Msg::FileWritten(file) => {
            app.file_written(&file);
            Vec::new()
        }
        Msg::FileNotWritten(why) => {
            app.file_not_written(why);
            Vec::new()
        }
        Msg::EditorFailed(problem) => {
            app.report_now(clean::problem(problem), About::Nothing);
            Vec::new()
        }
    };
    app.show_waiting_problem();
    app.wrap_reader();
    effects
}
