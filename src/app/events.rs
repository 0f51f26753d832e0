//! What the engine reports, taken to the part of the screen it concerns.

use crate::app::App;
use crate::app::accounts::Account;
use crate::app::clean;
use crate::app::effect::Effect;
use crate::app::layer::Layer;
use crate::app::layout::Pane;
use crate::app::message_list::MessageList;
use crate::app::pending::Purpose;
use crate::app::problem_box::About;
use crate::app::reader::Reader;
use crate::app::search::Servers;
use crate::engine_api::command::AskedBy;
use crate::engine_api::event::EngineEvent;
use crate::engine_api::status::{Connection, EngineStatus};
use crate::model::ids::{AccountId, CommandId};
use crate::problem::change::missed;
use crate::problem::local::CACHE_REMADE;
use crate::problem::{Problem, ProblemKind};

impl App {
    pub(in crate::app) fn engine_event(&mut self, event: EngineEvent) -> Vec<Effect> {
        match event {
            EngineEvent::CommandDone { id } => self.command_done(id),
            EngineEvent::CommandFailed { id, problem } => {
                self.command_failed(id, clean::problem(problem))
            }
            EngineEvent::CommandCancelled { id } => {
                self.pending.close(id);
                Vec::new()
            }
            EngineEvent::LinkProgress { id, step } => {
                if let Some(run) = self.run_mut(id) {
                    run.step(clean::link_step(step));
                }
                Vec::new()
            }
            EngineEvent::DetectProgress { id, finding } => {
                self.detect_progress(id, clean::finding(finding));
                Vec::new()
            }
            EngineEvent::Detected { id, proposal } => {
                self.detected(id, proposal.map(|found| clean::proposal(*found)));
                Vec::new()
            }
            EngineEvent::Exported { id, bundle } => self.exported(id, bundle),
            EngineEvent::TokenReady { id, .. } | EngineEvent::Imported { id, .. } => {
                self.pending.close(id);
                Vec::new()
            }
            EngineEvent::Linked { id, account } => self.linked(id, account),
            EngineEvent::FoldersLoaded { id, account, folders } => {
                self.pending.close(id);
                let folders: Vec<_> = folders.into_iter().map(clean::folder).collect();
                let mut effects = Vec::from_iter(self.follow_renames(account, &folders));
                self.folders_listed(account, folders);
                effects.extend(self.folders_known(account));
                effects.extend(self.fetch_rows());
                effects.extend(self.list_stale_folders());
                effects
            }
            EngineEvent::WindowLoaded { id, first, rows, known } => {
                let purpose = self.pending.close(id);
                let rows: Vec<_> = rows.into_iter().map(clean::row).collect();
                if purpose == Some(Purpose::Range) {
                    return self.range_loaded(first, &rows);
                }
                let taken = self.mail.list.loaded(id, first, rows, known);
                let mut effects = self.fetch_rows();
                if taken {
                    effects.extend(self.read_thread());
                }
                effects
            }
            EngineEvent::MessageLoaded { id, row, message } => {
                let row = clean::row(*row);
                match self.pending.close(id) {
                    Some(Purpose::Answer(asked, how)) => {
                        self.start_answer(asked, row.folder, &message, how);
                        Vec::new()
                    }
                    Some(_) | None => self.message_loaded(row, *message),
                }
            }
            EngineEvent::Acted { id, messages, undo } => self.acted(id, messages, undo),
            EngineEvent::Resolved { id, messages } => match self.pending.close(id) {
                Some(Purpose::Count(plan)) => self.resolved(*plan, messages),
                Some(_) | None => Vec::new(),
            },
            EngineEvent::Undone { id, step } => self.undone(id, step.map(clean::undo_step)),
            EngineEvent::UndoLoaded { id, steps } => {
                let steps: Vec<_> = steps.into_iter().map(clean::undo_step).collect();
                self.undo_steps_loaded(id, &steps);
                Vec::new()
            }
            EngineEvent::PendingLoaded { id, operations } => {
                let operations: Vec<_> = operations.into_iter().map(clean::operation).collect();
                self.waiting_loaded(id, &operations);
                Vec::new()
            }
            EngineEvent::SavedSearchesLoaded { id, searches } => {
                self.pending.close(id);
                let searches = searches.into_iter().map(clean::saved_search).collect();
                self.mail.folders.replace_searches(searches);
                Vec::new()
            }
            EngineEvent::ServersFound { id, messages } => self.servers_found(id, messages),
            EngineEvent::RawLoaded { id, row: _, bytes: _ } => {
                self.pending.close(id);
                Vec::new()
            }
            EngineEvent::Queued { id, entry: _, message_id: _ } => {
                self.queued(id);
                self.refresh_outbox()
            }
            EngineEvent::OutboxLoaded { id, entries } => {
                self.pending.close(id);
                let entries: Vec<_> = entries.into_iter().map(clean::outbox_entry).collect();
                for layer in &mut self.layers {
                    if let Layer::Outbox(outbox) = layer {
                        outbox.replace(entries.clone());
                    }
                }
                Vec::new()
            }
            EngineEvent::DraftSaved { id, draft } => self.draft_saved(id, draft),
            EngineEvent::DraftsLoaded { id, drafts } => {
                self.drafts_loaded(id, drafts);
                Vec::new()
            }
            EngineEvent::IndexProgress { .. } => Vec::new(),
            EngineEvent::CacheRebuilt => self.cache_rebuilt(),
            EngineEvent::ChangedElsewhere => self.changed_elsewhere(),
            EngineEvent::FoldersChanged { account } => self.list_folders(account),
            EngineEvent::FolderChanged { folder } => self.folder_changed(folder),
            EngineEvent::OutboxChanged { entry, account, state, problem } => {
                self.outbox_changed(entry, account, state, problem)
            }
            EngineEvent::ChangeMissed { deed, messages } => {
                self.say(&missed(&clean::deed(deed), messages));
                Vec::new()
            }
            EngineEvent::OperationFailed { messages: _, problem } => {
                self.report(clean::problem(problem), About::Undone);
                self.mail.list.changed();
                self.fetch_rows()
            }
        }
    }

    fn command_done(&mut self, id: CommandId) -> Vec<Effect> {
        match self.pending.close(id) {
            Some(Purpose::Run) => {
                if let Some(run) = self.run_mut(id) {
                    run.done(None);
                }
                Vec::new()
            }
            Some(Purpose::OpenFolder(folder, by)) => {
                if by == AskedBy::Person {
                    self.say("Up to date");
                }
                self.folder_is_new(folder)
            }
            Some(Purpose::Remove(_)) => {
                self.say("The account is removed");
                Vec::new()
            }
            Some(Purpose::Rename(_)) => {
                self.say("The account has its new name");
                Vec::new()
            }
            Some(Purpose::ChangeRoute(account)) => self.route_changed(account),
            Some(Purpose::Retry(_)) => self.refresh_outbox(),
            Some(Purpose::Decide) => self.refresh_waiting(),
            Some(Purpose::Hold(hold)) => {
                self.held(hold);
                Vec::new()
            }
            Some(Purpose::ChangeSearches) => vec![self.list_saved_searches()],
            Some(Purpose::SearchServers) => {
                self.servers_are(id, Servers::Answered);
                Vec::new()
            }
            Some(
                Purpose::Discard
                | Purpose::Detect
                | Purpose::Export(..)
                | Purpose::Folders(_)
                | Purpose::Window
                | Purpose::Range
                | Purpose::Act(_)
                | Purpose::Count(_)
                | Purpose::Undo(_)
                | Purpose::UndoSteps
                | Purpose::Waiting
                | Purpose::Folder(_)
                | Purpose::SavedSearches
                | Purpose::Read(_)
                | Purpose::Answer(..)
                | Purpose::Send
                | Purpose::SaveDraft
                | Purpose::Outbox
                | Purpose::TakeBack(_)
                | Purpose::Drafts(_),
            )
            | None => Vec::new(),
        }
    }

    /// A command failed and changed nothing; `problem` is harmless to show.
    fn command_failed(&mut self, id: CommandId, problem: Problem) -> Vec<Effect> {
        let Some(purpose) = self.pending.close(id) else { return Vec::new() };
        let awaited = self.save_is_awaited();
        self.take_back_shown(id, &purpose);
        let about = purpose.about();
        // Said once by `CacheRebuilt`, which brings the screen up to date, too.
        if problem.code == CACHE_REMADE {
            return Vec::new();
        }
        if problem.kind == ProblemKind::SignInNeeded {
            self.interrupt(&purpose);
        }
        let reads = matches!(purpose, Purpose::Read(_) | Purpose::Answer(..));
        let problem = if reads && problem.kind == ProblemKind::Network {
            let what = format!("This message is not kept here, and {}", problem.what);
            Problem { what, ..problem }
        } else {
            problem
        };
        match purpose {
            Purpose::Run => {
                if let Some(run) = self.run_mut(id) {
                    run.failed(problem);
                }
                self.attempt_over(id);
            }
            Purpose::OpenFolder(_, AskedBy::Program) | Purpose::Folders(_) => match problem.kind {
                // The status line says so; the cache is still there to read.
                ProblemKind::Network | ProblemKind::SignInNeeded => {}
                ProblemKind::Failed | ProblemKind::Usage => self.report(problem, about),
            },
            Purpose::OpenFolder(_, AskedBy::Person)
            | Purpose::Read(_)
            | Purpose::Answer(..)
            | Purpose::Act(_)
            | Purpose::Count(_)
            | Purpose::UndoSteps
            | Purpose::Waiting
            | Purpose::Decide
            | Purpose::Folder(_)
            | Purpose::ChangeSearches
            | Purpose::Remove(_)
            | Purpose::Rename(_)
            | Purpose::ChangeRoute(_)
            | Purpose::Discard
            | Purpose::Outbox
            | Purpose::Retry(_)
            | Purpose::TakeBack(_)
            | Purpose::Drafts(_)
            | Purpose::Window => self.report(problem, about),
            Purpose::Undo(_) => {
                self.report(problem, about);
                return self.list_undo_steps_anew();
            }
            Purpose::Hold(_) => {
                self.accounts.forget_hold();
                self.report(problem, about);
            }
            // What is kept here is shown; the title says that the servers were not asked.
            Purpose::SearchServers => self.servers_are(id, Servers::Failed),
            // Nobody has asked for these.
            Purpose::Range | Purpose::SavedSearches => {}
            // Nothing was found, and everything can be typed.
            Purpose::Detect => self.detected(id, None),
            // Tried again in a few seconds: no box every time, but never silence.
            Purpose::SaveDraft if !awaited => {
                self.offer(&format!("Not kept yet: {}", problem.what));
            }
            Purpose::Send | Purpose::SaveDraft | Purpose::Export(..) => {
                self.report_now(problem, about)
            }
        }
        Vec::new()
    }

    /// The engine's queue was full: the command was not taken.
    pub(in crate::app) fn refused(&mut self, id: CommandId) -> Vec<Effect> {
        let Some(purpose) = self.pending.close(id) else { return Vec::new() };
        self.take_back_shown(id, &purpose);
        if let Purpose::Folders(account) = purpose {
            self.mail.folders_stale.insert(account);
        }
        if purpose == Purpose::Run {
            self.layers.retain(|layer| !matches!(layer, Layer::Run(run) if run.id == id));
            if let Some(Layer::Wizard(wizard)) = self.layers.last_mut() {
                wizard.back();
            }
        }
        self.say("Too much at once: please do that again");
        if let Purpose::Undo(_) = purpose { self.list_undo_steps_anew() } else { Vec::new() }
    }

    /// Takes back what was shown before the engine confirmed it.
    fn take_back_shown(&mut self, id: CommandId, purpose: &Purpose) {
        match purpose {
            Purpose::Act(acting) => self.show_undone(id, acting),
            Purpose::Window => self.mail.list.not_asked(id),
            Purpose::SearchServers => self.servers_are(id, Servers::Failed),
            Purpose::Read(message) => {
                if self.mail.reader.waits_for(*message) {
                    self.mail.reader = Reader::default();
                    self.mail.focus = Pane::List;
                }
            }
            Purpose::Send | Purpose::SaveDraft => self.writing_failed(id),
            Purpose::Run
            | Purpose::Detect
            | Purpose::Rename(_)
            | Purpose::ChangeRoute(_)
            | Purpose::Folders(_)
            | Purpose::OpenFolder(..)
            | Purpose::Answer(..)
            | Purpose::Remove(_)
            | Purpose::Export(..)
            | Purpose::Discard
            | Purpose::Outbox
            | Purpose::Retry(_)
            | Purpose::TakeBack(_)
            | Purpose::Range
            | Purpose::Count(_)
            | Purpose::Undo(_)
            | Purpose::UndoSteps
            | Purpose::Waiting
            | Purpose::Decide
            | Purpose::Folder(_)
            | Purpose::Hold(_)
            | Purpose::SavedSearches
            | Purpose::ChangeSearches
            | Purpose::Drafts(_) => {}
        }
    }

    /// The engine's status is another one now.
    pub(in crate::app) fn status(&mut self, status: EngineStatus) -> Vec<Effect> {
        let first = self.accounts.unknown();
        let accounts = status.accounts.into_iter().map(clean::account).collect();
        let before = self.accounts.replace(accounts, status.fallback);
        let mut fresh = Vec::new();
        let mut online = Vec::new();
        let mut dead: Vec<(AccountId, Problem)> = Vec::new();
        for account in self.accounts.all() {
            let id = account.status.id;
            let known = before.iter().find(|known| known.status.id == id);
            let is_online = |account: &Account| account.status.connection == Connection::Online;
            match known {
                None => fresh.push(id),
                Some(known) if is_online(account) && !is_online(known) => online.push(id),
                Some(_) => {}
            }
            if let Connection::SignInNeeded { problem } = &account.status.connection
                && !known.is_some_and(|known| known.needs_sign_in())
            {
                dead.push((id, problem.clone()));
            }
        }
        for (account, problem) in dead {
            self.sign_in_ended(account, problem);
        }
        self.mail.folders.keep_only(self.accounts.all());
        if before.len() > self.accounts.all().len() && self.list_is_gone() {
            self.mail.list = MessageList::default();
            self.mail.reader = Reader::default();
            self.mail.focus = Pane::List;
        }
        if first && self.accounts.all().is_empty() {
            self.open_wizard();
        } else if before.is_empty() && !self.accounts.all().is_empty() {
            // The wizard had opened by itself before the accounts were known.
            self.layers
                .retain(|layer| !matches!(layer, Layer::Wizard(wizard) if wizard.untouched()));
        }
        let mut effects: Vec<Effect> =
            fresh.into_iter().flat_map(|account| self.list_folders(account)).collect();
        effects.extend(online.into_iter().flat_map(|account| self.back_online(account)));
        if self.mail.list.listing.is_none()
            && let Some(known) = self.accounts.all().first().map(|account| account.status.id)
        {
            effects.extend(self.folders_known(known));
        }
        let waiting = |accounts: &[Account]| -> u32 {
            accounts.iter().map(|account| account.status.operations_waiting).sum()
        };
        if waiting(&before) != waiting(self.accounts.all()) {
            effects.extend(self.refresh_waiting());
        }
        effects
    }

    /// An account has stopped working until somebody signs in: offers that over whatever is on
    /// screen, without taking keys away from what is being typed.
    fn sign_in_ended(&mut self, account: AccountId, problem: Problem) {
        let signing_in = self.layers.iter().any(|layer| matches!(layer, Layer::Run(_)));
        if signing_in {
            return;
        }
        if self.layers.iter().any(Layer::is_typing) {
            self.offer("A sign-in has ended. Ctrl-g signs in again; what you write stays");
        }
        self.report(problem, About::Account(account));
    }
}
