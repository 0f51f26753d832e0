//! What is done to folders from the folder list: made, renamed, emptied, deleted.

use crate::app::App;
use crate::app::acting::Proposed;
use crate::app::effect::Effect;
use crate::app::folders::{Place, shown_name};
use crate::app::layer::Layer;
use crate::app::layout::Pane;
use crate::app::pending::Purpose;
use crate::app::question::{Ask, Question};
use crate::app::sheet::{Prompt, PromptFor, Sheet};
use crate::app::text_field::TextField;
use crate::engine_api::command::EngineCommand;
use crate::model::acting::FolderAct;
use crate::model::folder::{Folder, FolderRole};
use crate::model::ids::AccountId;
use crate::stdx::numbers::counted;

impl App {
    /// The folder under the cursor of the folder list.
    #[must_use]
    pub fn folder_at_cursor(&self) -> Option<&Folder> {
        match self.mail.folders.selected? {
            Place::Folder(folder) => self.mail.folders.get(folder),
            Place::Role(_) | Place::Saved(_) => None,
        }
    }

    fn ask_name(&mut self, purpose: PromptFor, start: &str) {
        let prompt = Prompt { purpose, field: TextField::new(start) };
        self.layers.push(Layer::Sheet(Box::new(Sheet::Prompt(prompt))));
    }

    /// `+`: a folder beside the one under the cursor.
    pub(in crate::app) fn ask_new_folder(&mut self) {
        let beside = self.folder_at_cursor().map(|folder| {
            let above = folder.delimiter.and_then(|delimiter| {
                let end = folder.name.rfind(delimiter)? + delimiter.len_utf8();
                folder.name.get(..end)
            });
            (folder.account, above.unwrap_or_default().to_owned())
        });
        let at_hand = beside.or_else(|| Some((self.current_account()?, String::new())));
        if let Some((account, start)) = at_hand {
            self.ask_name(PromptFor::NewFolder(account), &start);
        }
    }

    /// `n`.
    pub(in crate::app) fn ask_folder_name(&mut self) {
        let Some(folder) = self.folder_at_cursor() else { return };
        let (id, name, role) = (folder.id, folder.name.clone(), folder.role);
        match role {
            FolderRole::Inbox => self.say("The inbox keeps its name"),
            FolderRole::Drafts
            | FolderRole::Sent
            | FolderRole::Archive
            | FolderRole::Junk
            | FolderRole::Trash
            | FolderRole::Mail
            | FolderRole::Other => self.ask_name(PromptFor::RenameFolder(id), &name),
        }
    }

    /// `Ctrl-s` in a search.
    pub(in crate::app) fn ask_search_name(&mut self) {
        if self.mail.search.is_some() {
            let start = self.query_text();
            self.ask_name(PromptFor::SaveSearch, &start);
        }
    }

    /// Enter: the name is complete.
    pub(in crate::app) fn take_name(&mut self) -> Vec<Effect> {
        let Some(Layer::Sheet(sheet)) = self.layers.last() else { return Vec::new() };
        let Sheet::Prompt(prompt) = sheet.as_ref() else { return Vec::new() };
        let (purpose, name) = (prompt.purpose, prompt.field.text().trim().to_owned());
        if name.is_empty() {
            self.say("A name is needed");
            return Vec::new();
        }
        self.layers.pop();
        match purpose {
            PromptFor::NewFolder(account) => {
                vec![self.send_folder_act(FolderAct::Create { account, name })]
            }
            PromptFor::RenameFolder(folder) => {
                vec![self.send_folder_act(FolderAct::Rename { folder, name })]
            }
            PromptFor::SaveSearch => self.save_search(name),
        }
    }

    /// `x` in the folder list: deletes a folder after a question, or forgets a saved search.
    pub(in crate::app) fn remove_place(&mut self) -> Vec<Effect> {
        match self.mail.folders.selected {
            Some(Place::Saved(search)) => return self.forget_search(search),
            Some(Place::Folder(_) | Place::Role(_)) | None => {}
        }
        let Some(folder) = self.folder_at_cursor() else { return Vec::new() };
        let name = shown_name(folder).to_owned();
        if folder.role != FolderRole::Mail {
            self.say(&format!("{name} is needed and stays"));
            return Vec::new();
        }
        let about = format!("{name} with {}", counted(folder.total));
        let act = FolderAct::Delete { folder: folder.id };
        self.ask_about_folder(Ask::DeleteFolder, act, &about);
        Vec::new()
    }

    /// `E`: empties the trash or junk after a question.
    pub(in crate::app) fn ask_to_empty(&mut self) {
        let at = match self.mail.focus {
            Pane::Folders => self.folder_at_cursor(),
            Pane::List | Pane::Reader => {
                self.mail.list.folder().and_then(|id| self.mail.folders.get(id))
            }
        };
        let Some(folder) = at else { return };
        if !matches!(folder.role, FolderRole::Trash | FolderRole::Junk) {
            self.say("Only the trash and junk are emptied");
            return;
        }
        let about = format!("{}: delete {}", shown_name(folder), counted(folder.total));
        let act = FolderAct::Empty { folder: folder.id };
        self.ask_about_folder(Ask::EmptyFolder, act, &about);
    }

    fn ask_about_folder(&mut self, ask: Ask, act: FolderAct, about: &str) {
        self.mail.proposed = Some(Proposed::Folder(act));
        self.layers.push(Layer::Question(Question::new(ask, about)));
    }

    pub(in crate::app) fn send_folder_act(&mut self, act: FolderAct) -> Effect {
        let purpose = Purpose::Folder(act.clone());
        self.command(purpose, |id| EngineCommand::ActOnFolder { id, act })
    }

    /// The engine has done it.
    pub(in crate::app) fn folder_act_done(
        &mut self,
        act: &FolderAct,
        messages: u32,
    ) -> Vec<Effect> {
        let account = match act {
            FolderAct::Create { account, name } => {
                self.mail.folder_made = Some((*account, name.clone()));
                self.say(&format!("The folder {} is made", crate::mime::sanitise::line(name)));
                Some(*account)
            }
            FolderAct::Rename { folder, name } => {
                self.say(&format!("The folder is {} now", crate::mime::sanitise::line(name)));
                self.mail.folders.get(*folder).map(|known| known.account)
            }
            FolderAct::Delete { folder } => {
                self.say("The folder is deleted");
                self.mail.folders.get(*folder).map(|known| known.account)
            }
            FolderAct::Empty { folder } => {
                self.say(&format!("{} deleted for good", counted(messages)));
                if self.mail.list.folder() == Some(*folder) {
                    self.mail.list.changed();
                }
                self.mail.folders.get(*folder).map(|known| known.account)
            }
        };
        let mut effects: Vec<Effect> =
            account.into_iter().flat_map(|account| self.list_folders(account)).collect();
        effects.extend(self.fetch_rows());
        effects
    }
}

impl App {
    /// The folders of an account are listed: the cursor of the list stays where it was, or goes to the
    /// folder that was just made.
    pub(in crate::app) fn folders_listed(&mut self, account: AccountId, folders: Vec<Folder>) {
        let line = self.mail.folders.line(self.accounts.all());
        self.mail.folders.replace(account, folders);
        self.mail.folders.stay_near(self.accounts.all(), line);
        let made = self.mail.folder_made.take_if(|(made_in, _name)| *made_in == account);
        let Some((_account, name)) = made.filter(|_made| self.mail.focus == Pane::Folders) else {
            return;
        };
        let listed = |folder: &&Folder| folder.account == account && folder.name == name;
        let place = self.mail.folders.all().find(listed).map(|folder| Place::Folder(folder.id));
        if place.is_some() {
            self.mail.folders.selected = place;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::app::folders::Place;
    use crate::app::tests::{Desk, folder};
    use crate::engine_api::command::EngineCommand;
    use crate::engine_api::event::EngineEvent;
    use crate::model::acting::FolderAct;
    use crate::model::folder::FolderRole;
    use crate::model::ids::{AccountId, FolderId};

    fn folder_acts(desk: &Desk) -> Vec<FolderAct> {
        let acts = desk.commands.iter().filter_map(|command| match command {
            EngineCommand::ActOnFolder { act, .. } => Some(act.clone()),
            _other => None,
        });
        acts.collect()
    }

    #[test]
    fn the_cursor_goes_to_a_folder_that_is_made_and_stays_near_one_that_goes() {
        let mut desk = Desk::linked();
        desk.folders.push(folder(1, 6, "Stays", FolderRole::Mail, 0));
        desk.folders.push(folder(1, 7, "Made", FolderRole::Mail, 0));
        desk.press("Tab G + Ctrl-u M a d e Enter");
        let on = |desk: &Desk| desk.app.mail.folders.selected;
        assert_eq!(on(&desk), Some(Place::Folder(FolderId(7))));
        desk.folders.retain(|folder| folder.id != FolderId(7));
        desk.event(EngineEvent::FoldersChanged { account: AccountId(1) });
        assert_eq!(on(&desk), Some(Place::Folder(FolderId(6))));
        // Only its making takes the cursor there.
        desk.folders.push(folder(1, 8, "Made", FolderRole::Mail, 0));
        desk.event(EngineEvent::FoldersChanged { account: AccountId(1) });
        assert_eq!(on(&desk), Some(Place::Folder(FolderId(6))));
    }

    #[test]
    fn folders_are_made_renamed_emptied_and_deleted_by_keys() {
        #[track_caller]
        fn check(keys: &str, asked: &str, told: &str, act: Option<FolderAct>) {
            let mut desk = Desk::empty();
            desk.folders.push(folder(1, 6, "Deleted Items", FolderRole::Trash, 0));
            desk.status(vec![crate::app::tests::account(1, "work")]);
            desk.press("Tab");
            desk.press(keys);
            assert_eq!(desk.asked(), asked, "{keys}");
            if !asked.is_empty() {
                assert!(folder_acts(&desk).is_empty(), "{keys}");
                desk.press("y");
            }
            assert_eq!(desk.told(), told, "{keys}");
            assert_eq!(folder_acts(&desk).pop(), act, "{keys}");
        }
        let (account, name) = (AccountId(1), "Projects/New".to_owned());
        let create = FolderAct::Create { account, name };
        check("j j j + N e w Enter", "", "The folder Projects/New is made", Some(create));
        let (folder, name) = (FolderId(4), "Old".to_owned());
        let rename = FolderAct::Rename { folder, name };
        check("j j j n Ctrl-u O l d Enter", "", "The folder is Old now", Some(rename));
        check("n", "", "The inbox keeps its name", None);
        check("+ Enter", "", "A name is needed", None);
        let delete = FolderAct::Delete { folder };
        let asked = "Delete the folder Engine with 12 messages?";
        check("j j j x", asked, "The folder is deleted", Some(delete));
        check("x", "", "Inbox is needed and stays", None);
        let empty = FolderAct::Empty { folder: FolderId(6) };
        let asked = "Empty Deleted Items: delete 12 messages for good?";
        check("G E", asked, "12 messages deleted for good", Some(empty));
        check("E", "", "Only the trash and junk are emptied", None);
    }
}
