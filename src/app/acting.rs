//! Doing something to messages: asked for, counted where they are many, shown at once, sent.

use crate::app::App;
use crate::app::chosen::{Acting, Chosen, Count, Plan};
use crate::app::effect::Effect;
use crate::app::hiding::Taken;
use crate::app::layer::Layer;
use crate::app::layout::Pane;
use crate::app::pending::Purpose;
use crate::app::question::{Ask, Question};
use crate::app::reader::Reader;
use crate::app::words;
use crate::engine_api::command::{AskedBy, EngineCommand};
use crate::model::acting::{FolderAct, MessageAct, Target, UndoStep};
use crate::model::flags::{Flag, FlagChange, Flags};
use crate::model::folder::FolderRole;
use crate::model::ids::{CommandId, MessageId};
use crate::stdx::numbers::counted;

/// An action on more messages than this names their number and asks.
pub const ASK_FROM_MESSAGES: u32 = 20;

/// Something that waits for a yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proposed {
    /// Something about messages.
    Messages(Plan),
    /// Something about a folder.
    Folder(FolderAct),
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
    pub(in crate::app) fn resolved(
        &mut self,
        mut plan: Plan,
        found: Vec<MessageId>,
    ) -> Vec<Effect> {
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
            self.say("There is no message to do that to");
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
        let command = EngineCommand::Act { id, target, act, asked_by: by };
        let mut effects = vec![Effect::Send(command)];
        if taken != Taken::Nothing {
            effects.extend(self.take_away(id, taken));
        }
        effects
    }

    /// Hides rows under a command; a message that is open among them makes room for the next.
    fn take_away(&mut self, id: CommandId, taken: Taken) -> Vec<Effect> {
        let open_goes = self.mail.reader.row().is_some_and(|row| taken.takes(row));
        let reading_on = open_goes && self.mail.focus == Pane::Reader;
        if reading_on {
            // The cursor stands where the message stood, so that the next one comes there.
            let open = self.mail.reader.row().map(|row| row.id);
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
        if let Some(row) = self.mail.reader.row_mut().filter(|row| rows.takes(row)) {
            before.push((row.id, row.flags));
            row.flags = row.flags.changed(change);
        }
        before
    }

    /// The engine did not do it: everything is shown as it was.
    pub(in crate::app) fn show_undone(&mut self, id: CommandId, acting: &Acting) {
        self.mail.list.restore(id);
        self.mail.list.put_back(&acting.before);
        if let Some(row) = self.mail.reader.row_mut()
            && let Some((_id, flags)) = acting.before.iter().find(|(id, _)| *id == row.id)
        {
            row.flags = *flags;
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
        let way_back = if undoable { "  [z] undo" } else { "" };
        self.say(&format!("{} {done}{way_back}", counted(messages)));
    }

    /// Yes to what was proposed.
    pub(in crate::app) fn do_proposed(&mut self) -> Vec<Effect> {
        match self.mail.proposed.take() {
            Some(Proposed::Messages(plan)) => {
                // So many take a moment to write down.
                self.say("Under way; you can go on meanwhile");
                self.carry_out(plan)
            }
            Some(Proposed::Folder(act)) => vec![self.send_folder_act(act)],
            None => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::app::layer::Layer;
    use crate::app::layout::{Pane, Reading};
    use crate::app::tests::{Behaviour, Desk, folder, problem, sample_row};
    use crate::engine_api::command::EngineCommand;
    use crate::engine_api::event::EngineEvent;
    use crate::model::acting::{MessageAct, Target};
    use crate::model::flags::{Flag, FlagChange, Flags};
    use crate::model::folder::FolderRole;
    use crate::model::ids::{FolderId, MessageId, ThreadId};
    use crate::model::listing::{Grouping, Listing};
    use crate::problem::Remedy;

    #[test]
    fn what_takes_a_moment_says_so_until_it_is_done() {
        let mut desk = inbox_of(50);
        desk.press("* e");
        desk.behaviour = Behaviour::Silent;
        let asked = desk.commands.len();
        desk.press("y");
        assert_eq!(desk.told(), "Under way; you can go on meanwhile");
        desk.behaviour = Behaviour::Answers;
        desk.answer_from(asked);
        assert_eq!(desk.told(), "50 messages archived  [z] undo");
    }

    fn ids(ids: impl IntoIterator<Item = i64>) -> Target {
        Target::Messages(ids.into_iter().map(MessageId).collect())
    }

    /// An inbox of so many read messages.
    fn inbox_of(messages: i64) -> Desk {
        let mut desk = Desk::linked();
        desk.rows = (1..=messages).rev().map(sample_row).collect();
        desk.event(EngineEvent::FolderChanged { folder: FolderId(1) });
        desk.press("g g");
        desk
    }

    #[test]
    fn a_key_acts_on_the_message_at_the_cursor_or_on_what_is_chosen() {
        #[track_caller]
        fn check(keys: &str, target: Target, act: MessageAct) {
            let mut desk = Desk::linked();
            desk.press(keys);
            assert_eq!(desk.acts().last(), Some(&(target, act)), "{keys}");
        }
        let (seen, starred) = (FlagChange::Add(Flag::Seen), FlagChange::Add(Flag::Flagged));
        check("e", ids([12]), MessageAct::File(FolderRole::Archive));
        check("j d", ids([11]), MessageAct::File(FolderRole::Trash));
        check("!", ids([12]), MessageAct::File(FolderRole::Junk));
        check("s", ids([12]), MessageAct::Flag(starred));
        check("u", ids([12]), MessageAct::Flag(seen));
        check("j j u", ids([10]), MessageAct::Flag(seen.inverse()));
        check("Space Space e", ids([11, 12]), MessageAct::File(FolderRole::Archive));
        check("Space Space k Space e", ids([12]), MessageAct::File(FolderRole::Archive));
        // Some are read, some are not: all of them become read.
        check("j Space Space u", ids([10, 11]), MessageAct::Flag(seen));
        check("j v j j e", ids([9, 10, 11]), MessageAct::File(FolderRole::Archive));
        check("G v k v g g d", ids([1, 2]), MessageAct::File(FolderRole::Trash));
        check("* s", ids((1..=12).rev()), MessageAct::Flag(starred));
        check("* Esc d", ids([12]), MessageAct::File(FolderRole::Trash));
        check("* * d", ids([12]), MessageAct::File(FolderRole::Trash));
        check("j j Enter d", ids([10]), MessageAct::File(FolderRole::Trash));
        check("m e n g Enter", ids([12]), MessageAct::Move(FolderId(4)));
        check("Space M Down Down Enter", ids([12]), MessageAct::Copy(FolderId(3)));
    }

    #[test]
    fn a_row_goes_at_once_and_comes_back_when_the_action_fails() {
        #[track_caller]
        fn check(answer: fn(&Desk) -> crate::app::msg::Msg) {
            let mut desk = Desk::linked();
            desk.behaviour = Behaviour::Silent;
            desk.press("j e");
            assert_eq!(desk.app.mail.list.count(), 11);
            assert_eq!(desk.app.mail.list.selected, Some(MessageId(10)));
            let answer = answer(&desk);
            desk.feed(answer);
            assert_eq!(desk.app.mail.list.count(), 12);
            assert_eq!(desk.app.mail.list.row_at(1).map(|row| row.id), Some(MessageId(11)));
            assert_eq!(desk.app.mail.list.selected, Some(MessageId(10)));
        }
        check(|desk| crate::app::msg::Msg::Refused(desk.last_id()));
        check(|desk| {
            let problem = problem("full", Remedy::CheckDisk);
            let event = EngineEvent::CommandFailed { id: desk.last_id(), problem };
            crate::app::msg::Msg::Engine(event)
        });
    }

    #[test]
    fn what_is_done_is_said_calmly() {
        #[track_caller]
        fn check(keys: &str, told: &str) {
            let mut desk = Desk::linked();
            desk.press(keys);
            assert_eq!(desk.told(), told, "{keys}");
        }
        check("e", "1 message archived  [z] undo");
        check("Space Space d", "2 messages moved to the trash  [z] undo");
        check("m e n g Enter", "1 message moved to Engine  [z] undo");
        check("s", "");
        check("j Space Space u", "2 messages marked as read  [z] undo");
    }

    #[test]
    fn many_messages_are_asked_about_with_their_number() {
        #[track_caller]
        fn check(messages: i64, keys: &str, asked: &str, done: Option<Target>) {
            let mut desk = inbox_of(messages);
            desk.press(keys);
            assert_eq!(desk.asked(), asked, "{messages} {keys}");
            desk.press("n");
            assert_eq!(desk.acts(), [], "{messages} {keys}");
            let rest = keys.strip_prefix("* ").unwrap();
            desk.press(rest);
            desk.press("y");
            assert_eq!(desk.acts().pop().map(|(target, _act)| target), done, "{messages} {keys}");
        }
        let whole = || Target::All(Box::new(Listing::folder(FolderId(1))));
        let all_21 = || ids((1..=21).rev());
        check(21, "* e", "Move 21 messages to the archive?", Some(all_21()));
        check(21, "* s", "21 messages: shall they be starred?", Some(all_21()));
        check(512, "* d", "Move 512 messages to the trash?", Some(whole()));
        let mut desk = inbox_of(20);
        desk.press("* e");
        assert_eq!((desk.asked(), desk.acts().len()), ("", 1));
        assert_eq!(desk.app.mail.list.count(), 0);
    }

    #[test]
    fn a_range_that_jumps_over_unknown_rows_holds_them_all() {
        let mut desk = inbox_of(700);
        desk.press("j v");
        desk.press("G");
        assert_eq!(desk.app.mail.list.chosen.count(700), 699);
        desk.press("d");
        assert_eq!(desk.asked(), "Move 699 messages to the trash?");
        desk.press("y");
        assert_eq!(desk.acts().pop().map(|(target, _)| target), Some(ids(1..=699)));
    }

    #[test]
    fn in_the_trash_messages_go_for_good_after_a_question() {
        let mut desk = Desk::linked();
        desk.folders.push(folder(1, 6, "Deleted Items", FolderRole::Trash, 0));
        desk.event(EngineEvent::FoldersChanged { account: crate::model::ids::AccountId(1) });
        desk.press("g t d");
        assert_eq!(desk.asked(), "Delete 1 message for good?");
        assert_eq!(desk.acts(), []);
        desk.press("y");
        assert_eq!(desk.acts(), [(ids([12]), MessageAct::Delete)]);
        // What is deleted for good is what was counted, even of a whole list.
        desk.rows = (1..=300).rev().map(sample_row).collect();
        desk.event(EngineEvent::FolderChanged { folder: FolderId(6) });
        desk.press("* d y");
        assert_eq!(desk.acts().pop(), Some((ids(1..=300), MessageAct::Delete)));
    }

    #[test]
    fn junk_and_archive_know_where_they_are() {
        let mut desk = Desk::linked();
        desk.folders.push(folder(1, 6, "Junk", FolderRole::Junk, 0));
        desk.folders.push(folder(1, 7, "Archive", FolderRole::Archive, 0));
        desk.event(EngineEvent::FoldersChanged { account: crate::model::ids::AccountId(1) });
        desk.press("g a e");
        assert_eq!((desk.acts().len(), desk.told()), (0, "Already in the archive"));
        desk.press("g f j u n k Enter !");
        assert_eq!(desk.acts(), [(ids([12]), MessageAct::File(FolderRole::Inbox))]);
    }

    #[test]
    fn the_reader_goes_on_with_the_next_message_and_back_after_the_last() {
        let mut desk = Desk::linked();
        desk.rows.truncate(2);
        desk.event(EngineEvent::FolderChanged { folder: FolderId(1) });
        desk.press("Enter e");
        assert_eq!(desk.app.current_row().map(|row| row.id), Some(MessageId(11)));
        assert_eq!(desk.app.mail.focus, Pane::Reader);
        desk.press("d");
        assert_eq!((desk.app.mail.focus, desk.app.reading()), (Pane::List, Reading::Closed));
        assert_eq!(desk.app.mail.list.count(), 0);
    }

    #[test]
    fn a_message_that_leaves_a_list_by_being_read_is_not_skipped_over() {
        let mut desk = Desk::linked();
        for row in &mut desk.rows {
            row.flags = Flags::default();
        }
        desk.press("\\ u Enter");
        desk.event(EngineEvent::FolderChanged { folder: FolderId(1) });
        assert_eq!(desk.app.mail.list.count(), 11);
        desk.press("J");
        assert_eq!(desk.app.current_row().map(|row| row.id), Some(MessageId(11)));
    }

    #[test]
    fn a_folded_conversation_is_acted_on_as_a_whole() {
        let mut desk = Desk::linked();
        for row in desk.rows.iter_mut().take(3) {
            row.thread.id = ThreadId(1000);
            row.thread.total = 3;
        }
        desk.press("T");
        assert_eq!(desk.app.mail.list.count(), 10);
        let grouping = Grouping::Threads { expanded: Vec::new() };
        let listing = Box::new(Listing { grouping, ..Listing::folder(FolderId(1)) });
        let thread = Target::Threads { threads: vec![ThreadId(1000)], listing };
        desk.press("e");
        assert_eq!(desk.acts(), [(thread, MessageAct::File(FolderRole::Archive))]);
        assert_eq!(desk.app.mail.list.count(), 9);
        desk.press("z");
        desk.press("g g Space Space d");
        // A conversation and a message together are counted by the engine first.
        assert_eq!(desk.acts().pop().map(|(target, _)| target), Some(ids(9..=12)));
    }

    #[test]
    fn a_count_that_comes_while_somebody_writes_does_nothing() {
        let mut desk = inbox_of(300);
        desk.behaviour = Behaviour::Silent;
        desk.press("* d");
        let id = desk.last_id();
        assert!(matches!(desk.commands.last(), Some(EngineCommand::Resolve { .. })));
        desk.press("c");
        desk.event(EngineEvent::Resolved { id, messages: (1..=300).map(MessageId).collect() });
        assert!(matches!(desk.app.layers.last(), Some(Layer::Composer(_))));
        assert_eq!(desk.acts(), []);
    }
}
