//! Sample values and a scripted engine for the tests of the front end.

use crate::app::dates::Zone;
use crate::app::effect::Effect;
use crate::app::keymap::parse;
use crate::app::layer::Layer;
use crate::app::msg::{Key, KeyCode, Msg};
use crate::app::{App, AppSetup, update};
use crate::engine_api::command::{AskedBy, EngineCommand, SyncHold};
use crate::engine_api::event::EngineEvent;
use crate::engine_api::link::LinkStep;
use crate::engine_api::status::{AccountFacts, AccountStatus, Connection, EngineStatus};
use crate::model::account::SecretsKind;
use crate::model::acting::{Deed, MessageAct, PendingOperation, Target, UndoStep};
use crate::model::address::Mailbox;
use crate::model::envelope::Envelope;
use crate::model::flags::{Flag, Flags};
use crate::model::folder::{Folder, FolderRole};
use crate::model::identity::Identity;
use crate::model::ids::{
    AccountId, CommandId, DraftId, FolderId, MessageId, OutboxId, ThreadId, Uid, UndoId,
};
use crate::model::listing::{Grouping, ListSource, Listing, QuickFilter, SavedSearch};
use crate::model::message::{
    Attachment, BodySource, Link, MessageRow, ReadableMessage, ThreadPlace,
};
use crate::model::outgoing::{OutboxEntry, StoredDraft};
use crate::problem::{Problem, ProblemKind, Remedy};
use crate::provider::presets::{fill, preset_named};
use crate::stdx::clock::UnixSeconds;

/// Wednesday, 11 November 2026, 10:00 UTC.
pub const NOW: UnixSeconds = UnixSeconds(1_794_391_200);

/// A mailbox.
pub fn mailbox(name: &str, address: &str) -> Mailbox {
    Mailbox { name: name.to_owned(), address: address.to_owned() }
}

/// A row of folder 1 with this id.
pub fn sample_row(id: i64) -> MessageRow {
    MessageRow {
        id: MessageId(id),
        account: AccountId(1),
        folder: FolderId(1),
        uid: Uid::new(u32::try_from(id).unwrap()),
        from: mailbox("Alan Turing", "alan@example.org"),
        to: vec![mailbox("Ada Lovelace", "ada@example.org")],
        subject: format!("Message {id}"),
        date: NOW.plus(-3600),
        received_at: NOW.plus(-3600),
        flags: [Flag::Seen].into_iter().collect::<Flags>(),
        size_bytes: 2048,
        has_attachments: false,
        thread: ThreadPlace { id: ThreadId(id), total: 1, unread: 0, depth: 0 },
    }
}

/// A message with everything in it.
pub fn sample_message() -> ReadableMessage {
    ReadableMessage {
        envelope: Envelope {
            message_id: "m1@example.org".to_owned(),
            from: vec![mailbox("Alan Turing", "alan@example.org")],
            to: vec![mailbox("Ada Lovelace", "ada@example.org")],
            subject: "Notes on the engine".to_owned(),
            date: NOW.plus(-3600),
            ..Envelope::default()
        },
        text: "Dear Ada,\n\nthe second card deck is ready; see [1] for the drawings, which are rather larger than last time.\n\n> Is it ready?\n\nAlan"
            .to_owned(),
        source: BodySource::Html,
        links: vec![Link { target: "https://example.org/drawings".to_owned() }],
        attachments: vec![Attachment {
            index: 1,
            file_name: "deck.pdf".to_owned(),
            content_type: "application/pdf".to_owned(),
            size_bytes: 48_000,
        }],
    }
}

/// A folder of an account.
pub fn folder(account: i64, id: i64, name: &str, role: FolderRole, unread: u32) -> Folder {
    Folder {
        id: FolderId(id),
        account: AccountId(account),
        name: name.to_owned(),
        delimiter: Some('/'),
        role,
        total: 12,
        unread,
    }
}

/// An identity that is served besides by `filters`.
pub fn identity(address: &str, signature: &str, filters: &[&str]) -> Identity {
    Identity {
        address: address.parse().unwrap(),
        display_name: "Ada Lovelace".to_owned(),
        signature: signature.to_owned(),
        reply_to: None,
        from_filter: filters.iter().map(|filter| filter.parse().unwrap()).collect(),
        submission: None,
    }
}

/// An account that is online.
pub fn account(id: i64, name: &str) -> AccountStatus {
    AccountStatus {
        id: AccountId(id),
        name: name.parse().unwrap(),
        address: "ada@example.org".parse().unwrap(),
        display_name: "Ada Lovelace".to_owned(),
        secrets: SecretsKind::VaultKey,
        connection: Connection::Online,
        token_valid_until: Some(NOW.plus(52 * 60)),
        synced_at: Some(NOW),
        progress: None,
        hold: SyncHold::Released,
        operations_waiting: 0,
        waiting_since: None,
        outbox_waiting: 0,
        outbox_stuck: 0,
        facts: AccountFacts::default(),
    }
}

/// The account with settings that a shared mailbox can borrow.
pub fn with_settings(mut status: AccountStatus) -> AccountStatus {
    let preset = preset_named("microsoft365").unwrap();
    let (name, address) = (status.name.clone(), status.address.clone());
    let settings = fill(preset, name, address, "client".to_owned(), status.secrets);
    status.facts.settings = Some(Box::new(settings));
    status
}

/// A problem with details.
pub fn problem(code: &str, remedy: Remedy) -> Problem {
    Problem::new(
        ProblemKind::Failed,
        code,
        "the sign-in server refused",
        "Your organisation does not allow this.",
        remedy,
    )
    .with_details("AADSTS530035: access blocked")
}

/// How an engine behaves in a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Answers every command that needs no person.
    Answers,
    /// Says nothing.
    Silent,
}

/// The front end with a scripted engine behind it.
pub struct Desk {
    pub app: App,
    pub commands: Vec<EngineCommand>,
    pub other: Vec<Effect>,
    pub behaviour: Behaviour,
    pub folders: Vec<Folder>,
    pub rows: Vec<MessageRow>,
    pub message: ReadableMessage,
    pub drafts: Vec<StoredDraft>,
    pub outbox: Vec<OutboxEntry>,
    pub searches: Vec<SavedSearch>,
    pub waiting: Vec<PendingOperation>,
    /// What can be taken back, oldest first, with the rows as they were.
    pub steps: Vec<(UndoStep, Vec<MessageRow>)>,
    saved: i64,
}

impl Desk {
    /// A front end before the engine's first word.
    pub fn empty() -> Self {
        Self::remembering("")
    }

    /// Like [`Self::empty`], after a run that left this to remember.
    pub fn remembering(remembered: &str) -> Self {
        let (app, effects) = App::new(AppSetup {
            now: NOW,
            zone: Zone::Utc,
            client_ids: Vec::new(),
            automatic_secrets: (
                SecretsKind::VaultKey,
                "no keyring answers on this machine".to_owned(),
            ),
            demo_link: None,
            banner: String::new(),
            remembered: remembered.to_owned(),
        });
        let mut desk = Self {
            app,
            commands: Vec::new(),
            other: Vec::new(),
            behaviour: Behaviour::Answers,
            folders: vec![
                folder(1, 1, "INBOX", FolderRole::Inbox, 2),
                folder(1, 2, "Drafts", FolderRole::Drafts, 0),
                folder(1, 3, "Sent Items", FolderRole::Sent, 0),
                folder(1, 4, "Projects/Engine", FolderRole::Mail, 1),
                folder(1, 5, "Calendar", FolderRole::Other, 7),
            ],
            rows: (1..=12).rev().map(sample_row).collect(),
            message: sample_message(),
            drafts: Vec::new(),
            outbox: Vec::new(),
            searches: Vec::new(),
            waiting: Vec::new(),
            steps: Vec::new(),
            saved: 0,
        };
        for row in desk.rows.iter_mut().take(2) {
            row.flags = Flags::default();
        }
        desk.perform(effects);
        desk
    }

    /// A front end with one account and its inbox open.
    pub fn linked() -> Self {
        let mut desk = Self::empty();
        desk.status(vec![account(1, "work")]);
        desk
    }

    /// The wizard with a browser page that waits.
    pub fn at_the_page() -> (Self, CommandId) {
        let mut desk = Self::empty();
        desk.status(Vec::new());
        desk.at_the_code();
        desk.press("b");
        let id = desk.last_id();
        desk.event(EngineEvent::LinkProgress { id, step: browser_page() });
        (desk, id)
    }

    pub fn status(&mut self, accounts: Vec<AccountStatus>) {
        self.feed(Msg::Status(EngineStatus { accounts, fallback: None }));
    }

    pub fn resize(&mut self, width_cells: u16, height_cells: u16) {
        self.feed(Msg::Resized { width_cells, height_cells });
    }

    pub fn feed(&mut self, msg: Msg) {
        let effects = update(&mut self.app, msg);
        self.perform(effects);
    }

    pub fn event(&mut self, event: EngineEvent) {
        self.feed(Msg::Engine(event));
    }

    /// Presses keys, as the key table writes them.
    #[track_caller]
    pub fn press(&mut self, keys: &str) {
        for key in parse(keys).unwrap() {
            self.feed(Msg::Key(key));
        }
    }

    /// Types a text.
    pub fn type_text(&mut self, text: &str) {
        for c in text.chars() {
            self.feed(Msg::Key(Key { code: KeyCode::Char(c), ctrl: false, alt: false }));
        }
    }

    pub fn tick(&mut self, seconds: i64) {
        self.feed(Msg::Tick(NOW.plus(seconds)));
    }

    /// The actions the engine was asked for, newest last.
    pub fn acts(&self) -> Vec<(Target, MessageAct)> {
        let acts = self.commands.iter().filter_map(|command| match command {
            EngineCommand::Act { target, act, .. } => Some((target.clone(), *act)),
            _other => None,
        });
        acts.collect()
    }

    /// The words of the notice on screen; empty for none.
    pub fn told(&self) -> &str {
        self.app.notice.as_ref().map_or("", |notice| &notice.text)
    }

    /// The question on screen; empty for none.
    pub fn asked(&self) -> &str {
        match self.app.layers.last() {
            Some(Layer::Question(question)) => &question.text,
            _other => "",
        }
    }

    /// The id of the newest command.
    pub fn last_id(&self) -> CommandId {
        self.commands.last().unwrap().id()
    }

    /// Answers the commands from this one on, which an engine that was silent has left.
    pub fn answer_from(&mut self, first: usize) {
        for command in self.commands.split_off(first) {
            let answer = self.answer(&command);
            self.commands.push(command);
            answer.into_iter().for_each(|answer| self.event(answer));
        }
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(command) => {
                    let answer = self.answer(&command);
                    self.commands.push(command);
                    if let Some(answer) = answer.filter(|_| self.behaviour == Behaviour::Answers) {
                        self.event(answer);
                    }
                }
                other => self.other.push(other),
            }
        }
    }

    /// The rows of a listing, in the order of the desk.
    fn listed(&self, listing: &Listing) -> Vec<MessageRow> {
        let found = |row: &&MessageRow| match &listing.source {
            ListSource::Folder(_) | ListSource::Role(_) => true,
            ListSource::Search { query, found, .. } => {
                row.subject.contains(query.as_str()) || found.contains(&row.id)
            }
        };
        let passes = |row: &&MessageRow| {
            listing.filters.iter().all(|filter| match filter {
                QuickFilter::Unread => !row.flags.contains(Flag::Seen),
                QuickFilter::Starred => row.flags.contains(Flag::Flagged),
                QuickFilter::Attachments => row.has_attachments,
                QuickFilter::ToMe => true,
            })
        };
        let newest_only = |rows: Vec<MessageRow>| {
            let Grouping::Threads { expanded } = &listing.grouping else { return rows };
            let mut shown: Vec<MessageRow> = Vec::new();
            for row in rows {
                let folded = !expanded.contains(&row.thread.id);
                if !folded || shown.iter().all(|other| other.thread.id != row.thread.id) {
                    shown.push(row);
                }
            }
            shown
        };
        newest_only(self.rows.iter().filter(found).filter(passes).cloned().collect())
    }

    fn concerned(&self, target: &Target) -> Vec<MessageId> {
        match target {
            Target::Messages(ids) => ids.clone(),
            Target::Threads { threads, .. } => {
                let rows = self.rows.iter().filter(|row| threads.contains(&row.thread.id));
                rows.map(|row| row.id).collect()
            }
            Target::All(listing) => self.listed(listing).iter().map(|row| row.id).collect(),
        }
    }

    /// Does it to the rows of the desk.
    fn act(
        &mut self,
        id: CommandId,
        target: &Target,
        act: MessageAct,
        asked_by: AskedBy,
    ) -> EngineEvent {
        let concerned = self.concerned(target);
        let before = self.rows.clone();
        let deed = match act {
            MessageAct::Flag(change) => {
                for row in self.rows.iter_mut().filter(|row| concerned.contains(&row.id)) {
                    row.flags = row.flags.changed(change);
                }
                Deed::Flag(change)
            }
            MessageAct::Copy(_) => Deed::Copy { to: "Engine".to_owned() },
            MessageAct::Move(_) | MessageAct::File(_) | MessageAct::Delete => {
                self.rows.retain(|row| !concerned.contains(&row.id));
                let role = match act {
                    MessageAct::File(role) => role,
                    _mail_folder => FolderRole::Mail,
                };
                Deed::Move { to: "Engine".to_owned(), role }
            }
        };
        let messages = u32::try_from(concerned.len()).unwrap();
        self.saved += 1;
        let step = UndoStep { id: UndoId(self.saved), deed, messages, done_at: NOW };
        let taken_back = asked_by == AskedBy::Person && act != MessageAct::Delete;
        let undo = taken_back.then(|| step.clone());
        if undo.is_some() {
            self.steps.push((step, before));
        }
        EngineEvent::Acted { id, messages, undo }
    }

    fn undo(&mut self, id: CommandId, wanted: Option<UndoId>) -> EngineEvent {
        let at = match wanted {
            Some(wanted) => self.steps.iter().position(|(step, _rows)| step.id == wanted),
            None => self.steps.len().checked_sub(1),
        };
        let step = at.map(|at| self.steps.remove(at)).map(|(step, rows)| {
            self.rows = rows;
            step
        });
        EngineEvent::Undone { id, step }
    }

    fn answer(&mut self, command: &EngineCommand) -> Option<EngineEvent> {
        let id = command.id();
        Some(match command {
            EngineCommand::ListFolders { account, .. } => EngineEvent::FoldersLoaded {
                id,
                account: *account,
                folders: self.folders.iter().filter(|f| f.account == *account).cloned().collect(),
            },
            EngineCommand::LoadWindow { listing, first, count, .. } => {
                let rows = self.listed(listing);
                let known = rows.len() as u32;
                let rows = rows.into_iter().skip(*first as usize).take(*count as usize).collect();
                EngineEvent::WindowLoaded { id, first: *first, rows, known }
            }
            EngineCommand::LoadMessage { message, .. } => {
                let row = self.rows.iter().find(|row| row.id == *message).unwrap();
                EngineEvent::MessageLoaded {
                    id,
                    row: Box::new(row.clone()),
                    message: Box::new(self.message.clone()),
                }
            }
            EngineCommand::Send { .. } => EngineEvent::Queued {
                id,
                entry: OutboxId(1),
                message_id: "m2@example.org".to_owned(),
            },
            EngineCommand::SaveDraft { draft, .. } => {
                self.saved += 1;
                EngineEvent::DraftSaved { id, draft: draft.unwrap_or(DraftId(self.saved)) }
            }
            EngineCommand::CancelOutbox { .. } => {
                EngineEvent::DraftSaved { id, draft: DraftId(77) }
            }
            EngineCommand::ListDrafts { .. } => {
                EngineEvent::DraftsLoaded { id, drafts: self.drafts.clone() }
            }
            EngineCommand::ListOutbox { .. } => {
                EngineEvent::OutboxLoaded { id, entries: self.outbox.clone() }
            }
            EngineCommand::OpenFolder { .. }
            | EngineCommand::SaveSearch { .. }
            | EngineCommand::RemoveSavedSearch { .. }
            | EngineCommand::Replay { .. }
            | EngineCommand::Sync { .. }
            | EngineCommand::HoldSync { .. }
            | EngineCommand::ChangeAccount { .. }
            | EngineCommand::RemoveAccount { .. }
            | EngineCommand::RetryOutbox { .. }
            | EngineCommand::RetryPending { .. }
            | EngineCommand::RenewIndex { .. }
            | EngineCommand::CheckCache { .. }
            | EngineCommand::DiscardPending { .. }
            | EngineCommand::DiscardDraft { .. } => EngineEvent::CommandDone { id },
            EngineCommand::Act { target, act, asked_by, .. } => {
                self.act(id, target, *act, *asked_by)
            }
            EngineCommand::ActOnFolder { .. } | EngineCommand::Import { .. } => {
                EngineEvent::Acted { id, messages: 12, undo: None }
            }
            EngineCommand::Resolve { target, .. } => {
                EngineEvent::Resolved { id, messages: self.concerned(target) }
            }
            EngineCommand::Undo { step, .. } => self.undo(id, *step),
            EngineCommand::ListUndo { .. } => {
                let steps = self.steps.iter().rev().map(|(step, _rows)| step.clone());
                EngineEvent::UndoLoaded { id, steps: steps.collect() }
            }
            EngineCommand::ListPending { .. } => {
                EngineEvent::PendingLoaded { id, operations: self.waiting.clone() }
            }
            EngineCommand::ListSavedSearches { .. } => {
                EngineEvent::SavedSearchesLoaded { id, searches: self.searches.clone() }
            }
            EngineCommand::Link { .. }
            | EngineCommand::SearchServers { .. }
            | EngineCommand::SignInAgain { .. }
            | EngineCommand::TestAccount { .. }
            | EngineCommand::Cancel { .. }
            | EngineCommand::AnswerLink { .. }
            | EngineCommand::Detect { .. }
            | EngineCommand::GetToken { .. }
            | EngineCommand::RenameAccount { .. }
            | EngineCommand::MoveSecrets { .. }
            | EngineCommand::ExportAccounts { .. }
            | EngineCommand::ImportAccounts { .. }
            | EngineCommand::LoadRaw { .. }
            | EngineCommand::Gather { .. }
            | EngineCommand::LoadFolders { .. }
            | EngineCommand::LoadRows { .. } => return None,
        })
    }

    /// Walks the wizard to the waiting code.
    pub fn at_the_code(&mut self) -> CommandId {
        self.type_text("ada@outlook.com");
        self.press("Enter");
        self.type_text("0a0b0c0d-1111-2222-3333-444455556666");
        self.press("Enter Enter");
        let id = self.last_id();
        self.event(EngineEvent::LinkProgress { id, step: device_code("GTHR9WQ5K") });
        id
    }
}

/// A step that brings a page.
pub fn browser_page() -> LinkStep {
    let query = "client_id=0a0b0c0d-1111-2222-3333-444455556666&response_type=code\
                 &redirect_uri=http%3A%2F%2Flocalhost%3A43211&scope=offline_access%20openid\
                 &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeKZr6wxV&code_challenge_method=S256\
                 &state=8xLOxBtZp8&prompt=select_account&login_hint=ada%40outlook.com";
    LinkStep::BrowserPage {
        url: format!("https://login.microsoftonline.com/consumers/oauth2/v2.0/authorize?{query}"),
        port: 43_211,
        ssh_command: "ssh -L 43211:127.0.0.1:43211 ada@server.example.org".to_owned(),
    }
}

/// A step that brings a code.
pub fn device_code(code: &str) -> LinkStep {
    LinkStep::DeviceCode {
        user_code: code.to_owned(),
        verification_uri: "https://login.microsoft.com/device".to_owned(),
        expires_at: NOW.plus(843),
    }
}
