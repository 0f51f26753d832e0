//! Doing something to messages: asked for, counted where they are many, shown at once, sent.

use crate::app::App;
use crate::app::chosen::{Acting, Chosen, Count, Plan};
use crate::app::effect::Effect;
use crate::app::hiding::Taken;
use crate::app::layer::Layer;
use crate::app::layout::{Pane, Reading};
use crate::app::pending::{AskedBy, Purpose};
use crate::app::question::{Ask, Question};
use crate::app::reader::{Content, Reader};
use crate::app::words::{self, counted};
use crate::engine_api::command::EngineCommand;
use crate::model::acting::{MessageAct, Target, UndoStep};
use crate::model::flags::{Flag, FlagChange, Flags};
use crate::model::folder::FolderRole;
use crate::model::ids::{CommandId, MessageId};

/// An action on more messages than this names their number and asks.
pub const ASK_FROM_MESSAGES: u32 = 20;

/// Something that waits for a yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proposed {
    /// Something about messages.
    Messages(Plan),
    /// Something about a folder.
    Folder(crate::model::acting::FolderAct),
}

impl App {
    /// `e`: out of the way.
    pub(in crate::app) fn archive(&mut self) -> Vec<Effect> {
        self.file(FolderRole::Archive, "Already in the archive")
    }

    /// `d`: into the trash, and out of the trash for good.
    pub(in crate::app) fn trash(&mut self) -> Vec<Effect> {
        let Some(chosen) = self.ready_chosen() else { return Vec::new() };
        match self.role_of(&chosen) {
            FolderRole::Trash => self.propose(MessageAct::Delete, chosen),
            FolderRole::Inbox
            | FolderRole::Drafts
            | FolderRole::Sent
            | FolderRole::Archive
            | FolderRole::Junk
            | FolderRole::Mail
            | FolderRole::Other => self.propose(MessageAct::File(FolderRole::Trash), chosen),
        }
    }

    /// `!`: junk, and what is no junk back into the inbox.
    pub(in crate::app) fn junk(&mut self) -> Vec<Effect> {
        let Some(chosen) = self.ready_chosen() else { return Vec::new() };
        let to = match self.role_of(&chosen) {
            FolderRole::Junk => FolderRole::Inbox,
            FolderRole::Inbox
            | FolderRole::Drafts
            | FolderRole::Sent
            | FolderRole::Archive
            | FolderRole::Trash
            | FolderRole::Mail
            | FolderRole::Other => FolderRole::Junk,
        };
        self.propose(MessageAct::File(to), chosen)
    }

    fn file(&mut self, to: FolderRole, already: &str) -> Vec<Effect> {
        let Some(chosen) = self.ready_chosen() else { return Vec::new() };
        if self.role_of(&chosen) == to {
            self.say(already);
            return Vec::new();
        }
        self.propose(MessageAct::File(to), chosen)
    }

    /// Sets a flag of what is chosen, or clears it when all of it has it.
    pub(in crate::app) fn toggle_flag(&mut self, flag: Flag) -> Vec<Effect> {
        let Some(chosen) = self.ready_chosen() else { return Vec::new() };
        let change = if self.all_have(&chosen, flag) {
            FlagChange::Remove(flag)
        } else {
            FlagChange::Add(flag)
        };
        self.propose(MessageAct::Flag(change), chosen)
    }

    /// What the next action is about, unless a range is still being counted.
    pub(in crate::app) fn ready_chosen(&mut self) -> Option<Chosen> {
        if self.mail.focus == Pane::List && self.mail.list.chosen.is_incomplete() {
            self.say("The range is still being counted: please press that again");
            return None;
        }
        self.chosen()
    }

    /// Does it, or asks first: when it is for good, or about many messages.
    pub(in crate::app) fn propose(&mut self, act: MessageAct, chosen: Chosen) -> Vec<Effect> {
        let plan = Plan { act, chosen };
        match plan.chosen.count {
            Count::Exactly(count) => self.do_or_ask(plan, count),
            Count::AtMost(count) if count <= ASK_FROM_MESSAGES && act != MessageAct::Delete => {
                self.carry_out(plan)
            }
            Count::AtMost(_) | Count::Unknown => {
                let target = plan.chosen.target.clone();
                let purpose = Purpose::Count(Box::new(plan));
                vec![self.command(purpose, |id| EngineCommand::Resolve { id, target })]
            }
        }
    }

    /// The engine has counted what an action would be about. What is deleted for good is exactly
    /// what was counted; anything else may take along what has come since, and can be taken back.
    pub(in crate::app) fn resolved(&mut self, mut plan: Plan, found: Vec<MessageId>) -> Vec<Effect> {
        if self.layers.iter().any(Layer::is_typing) {
            self.say("Nothing was done: you were writing when the messages had been counted");
            return Vec::new();
        }
        let mut messages = found;
        messages.append(&mut plan.chosen.also);
        messages.sort_unstable();
        messages.dedup();
        let count = u32::try_from(messages.len()).unwrap_or(u32::MAX);
        let whole = matches!(plan.chosen.target, Target::All(_));
        if !whole || plan.act == MessageAct::Delete {
            plan.chosen.target = Target::Messages(messages);
        }
        self.do_or_ask(plan, count)
    }

    fn do_or_ask(&mut self, plan: Plan, count: u32) -> Vec<Effect> {
        if count == 0 {
            self.say("No message is concerned");
            return Vec::new();
        }
        if count <= ASK_FROM_MESSAGES && plan.act != MessageAct::Delete {
            return self.carry_out(plan);
        }
        let ask = match plan.act {
            MessageAct::Delete => Ask::DeleteForGood,
            MessageAct::Flag(_)
            | MessageAct::Move(_)
            | MessageAct::Copy(_)
            | MessageAct::File(_) => Ask::Many,
        };
        let asked = words::asked(plan.act, count, &self.name_of_target(plan.act));
        self.mail.proposed = Some(Proposed::Messages(plan));
        self.layers.push(Layer::Question(Question::new(ask, &asked)));
        Vec::new()
    }

    /// The name of the folder an action moves or copies to; empty where it names a role.
    fn name_of_target(&self, act: MessageAct) -> String {
        match act {
            MessageAct::Move(folder) | MessageAct::Copy(folder) => self
                .mail
                .folders
                .get(folder)
                .map_or("another folder", crate::app::folders::shown_name)
                .to_owned(),
            MessageAct::Flag(_) | MessageAct::File(_) | MessageAct::Delete => String::new(),
        }
    }

    /// Shows an action as done and sends it.
    pub(in crate::app) fn carry_out(&mut self, plan: Plan) -> Vec<Effect> {
        self.send_act(plan, AskedBy::Person)
    }

    /// Marks a message as read because it was opened.
    pub(in crate::app) fn mark_read(&mut self, message: MessageId) -> Vec<Effect> {
        let act = MessageAct::Flag(FlagChange::Add(Flag::Seen));
        let chosen = Chosen::messages(vec![message]);
        self.send_act(Plan { act, chosen }, AskedBy::Program)
    }

    fn send_act(&mut self, plan: Plan, by: AskedBy) -> Vec<Effect> {
        let Plan { act, chosen } = plan;
        let before = match act {
            MessageAct::Flag(change) => self.show_flag(&chosen.rows, change),
            MessageAct::Move(_)
            | MessageAct::Copy(_)
            | MessageAct::File(_)
            | MessageAct::Delete => Vec::new(),
        };
        let taken = self.taken_by(act, &chosen.rows);
        let target = chosen.target;
        let id = self.pending.open(Purpose::Act(Box::new(Acting { act, before, by })));
        let mut effects = vec![Effect::Send(EngineCommand::Act { id, target, act })];
        if taken != Taken::Nothing {
            effects.extend(self.take_away(id, taken));
        }
        effects
    }

    /// Hides rows under a command; a message that is open among them makes room for the next.
    fn take_away(&mut self, id: CommandId, taken: Taken) -> Vec<Effect> {
        let open_goes = match &self.mail.reader.content {
            Content::Open(open) => taken.takes(&open.row),
            Content::Nothing | Content::Loading(_) => false,
        };
        let reading_on = open_goes && self.mail.focus == Pane::Reader;
        if reading_on {
            // The cursor stands where the message stood, so that the next one comes there.
            let open = self.mail.reader.message().map(|open| open.row.id);
            let page = self.page(Pane::List);
            open.into_iter().for_each(|open| self.mail.list.go_to(open, page));
        }
        self.mail.list.hide(id, taken);
        self.mail.list.chosen = Default::default();
        let mut effects = self.fetch_rows();
        match self.mail.list.selected {
            Some(next) if reading_on => effects.extend(self.read(next)),
            Some(_) | None if open_goes => {
                self.mail.reader = Reader::default();
                if self.mail.focus == Pane::Reader {
                    self.mail.focus = Pane::List;
                }
            }
            Some(_) | None => {}
        }
        effects
    }

    /// Shows a change of a flag wherever a message is on screen; returns the flags as they were.
    fn show_flag(&mut self, rows: &Taken, change: FlagChange) -> Vec<(MessageId, Flags)> {
        let mut before = self.mail.list.apply(|row| rows.takes(row), change);
        if self.reading() == Reading::Open
            && let Content::Open(open) = &mut self.mail.reader.content
            && rows.takes(&open.row)
        {
            before.push((open.row.id, open.row.flags));
            open.row.flags = open.row.flags.changed(change);
        }
        before
    }

    /// The engine did not do it: everything is shown as it was.
    pub(in crate::app) fn show_undone(&mut self, id: CommandId, acting: &Acting) {
        self.mail.list.restore(id);
        self.mail.list.put_back(&acting.before);
        if let Content::Open(open) = &mut self.mail.reader.content
            && let Some((_id, flags)) = acting.before.iter().find(|(id, _)| *id == open.row.id)
        {
            open.row.flags = *flags;
        }
    }

    /// The engine has done it.
    pub(in crate::app) fn acted(
        &mut self,
        id: CommandId,
        messages: u32,
        undo: Option<UndoStep>,
    ) -> Vec<Effect> {
        match self.pending.close(id) {
            Some(Purpose::Act(acting)) => {
                self.mail.list.confirm(id);
                if acting.by == AskedBy::Person {
                    self.undoable(undo.as_ref());
                    self.tell_of(acting.act, messages, undo.is_some());
                }
                self.fetch_rows()
            }
            Some(Purpose::Folder(act)) => {
                self.undoable(undo.as_ref());
                self.folder_act_done(&act, messages)
            }
            Some(_) | None => Vec::new(),
        }
    }

    /// A calm word about what was done; nothing where the row itself says it.
    fn tell_of(&mut self, act: MessageAct, messages: u32, undoable: bool) {
        let quiet = matches!(act, MessageAct::Flag(_)) && messages <= 1;
        if quiet {
            return;
        }
        if messages == 0 {
            self.say("Nothing had to be changed");
            return;
        }
        let done = words::done(act, &self.name_of_target(act));
        let way_back = if undoable { "   [z] undo" } else { "" };
        self.say(&format!("{} {done}{way_back}", counted(messages)));
    }

    /// Yes to what was proposed.
    pub(in crate::app) fn do_proposed(&mut self) -> Vec<Effect> {
        match self.mail.proposed.take() {
            Some(Proposed::Messages(plan)) => self.carry_out(plan),
            Some(Proposed::Folder(act)) => vec![self.send_folder_act(act)],
            None => Vec::new(),
        }
    }
}
