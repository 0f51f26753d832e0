//! Picking a folder by typing part of its name: to move, to copy, to go there.

use crate::app::App;
use crate::app::chosen::Chosen;
use crate::app::cursor::Cursor;
use crate::app::effect::Effect;
use crate::app::folders::{Place, shown_name};
use crate::app::layer::Layer;
use crate::app::sheet::Sheet;
use crate::app::text_field::TextField;
use crate::model::acting::MessageAct;
use crate::model::folder::Folder;
use crate::model::ids::{AccountId, FolderId};

/// Folders remembered as recent targets.
const RECENT_LIMIT: usize = 8;

/// What a folder is picked for.
#[derive(Clone, Debug)]
pub enum Pick {
    /// To move messages there.
    Move(Chosen),
    /// To copy messages there.
    Copy(Chosen),
    /// To open it.
    GoTo,
}

/// A folder being picked.
#[derive(Debug)]
pub struct Picker {
    /// What for.
    pub pick: Pick,
    /// The account whose folders are offered; `None` for every account.
    pub account: Option<AccountId>,
    /// What has been typed.
    pub field: TextField,
    /// Where the cursor is.
    pub cursor: Cursor,
}

/// How well a folder fits what was typed, best first; `None` for not at all.
fn fit(folder: &Folder, typed: &str) -> Option<u8> {
    let leaf = shown_name(folder).to_lowercase();
    let path = folder.name.to_lowercase();
    if leaf.starts_with(typed) {
        return Some(0);
    }
    let word_begins =
        leaf.split(|c: char| !c.is_alphanumeric()).any(|word| word.starts_with(typed));
    if word_begins {
        return Some(1);
    }
    if leaf.contains(typed) {
        return Some(2);
    }
    path.contains(typed).then_some(3)
}

impl App {
    /// The folders that fit what was typed: recent targets first, then by how well they fit.
    #[must_use]
    pub fn picked_from(&self, picker: &Picker) -> Vec<&Folder> {
        let typed = picker.field.text().trim().to_lowercase();
        // What is listed lies there already.
        let left = match picker.pick {
            Pick::Move(_) => self.mail.list.folder(),
            Pick::Copy(_) | Pick::GoTo => None,
        };
        let offered = self
            .mail
            .folders
            .all()
            .filter(|folder| picker.account.is_none_or(|account| account == folder.account))
            .filter(|folder| Some(folder.id) != left);
        let recent = |id: FolderId| {
            let at = self.mail.recent.iter().position(|known| *known == id);
            at.unwrap_or(self.mail.recent.len())
        };
        let mut fitting: Vec<(u8, usize, &Folder)> = offered
            .filter_map(|folder| Some((fit(folder, &typed)?, recent(folder.id), folder)))
            .collect();
        // Stable: folders of the same rank stay in the order of the folder list.
        fitting.sort_by_key(|(fit, recent, _folder)| (*fit, *recent));
        fitting.into_iter().map(|(_fit, _recent, folder)| folder).collect()
    }

    /// `g f`.
    pub(in crate::app) fn pick_folder_to_open(&mut self) {
        self.open_picker(Pick::GoTo, None);
    }

    /// `m` and `M`; both act within one account.
    pub(in crate::app) fn pick_target(&mut self, pick: impl FnOnce(Chosen) -> Pick) {
        let Some(chosen) = self.ready_chosen() else { return };
        match self.account_of(&chosen) {
            Some(account) => self.open_picker(pick(chosen), Some(account)),
            None => self.say("Choose messages of one account: folders belong to accounts"),
        }
    }

    fn open_picker(&mut self, pick: Pick, account: Option<AccountId>) {
        let picker =
            Picker { pick, account, field: TextField::default(), cursor: Cursor::default() };
        self.layers.push(Layer::Sheet(Box::new(Sheet::Picker(picker))));
    }

    /// Enter.
    pub(in crate::app) fn take_picked(&mut self) -> Vec<Effect> {
        let Some(Layer::Sheet(sheet)) = self.layers.last() else { return Vec::new() };
        let Sheet::Picker(picker) = sheet.as_ref() else { return Vec::new() };
        let Some(folder) = self.picked_from(picker).get(picker.cursor.at).map(|f| f.id) else {
            return Vec::new();
        };
        let pick = picker.pick.clone();
        self.layers.pop();
        self.mail.recent.retain(|known| *known != folder);
        self.mail.recent.insert(0, folder);
        self.mail.recent.truncate(RECENT_LIMIT);
        match pick {
            Pick::GoTo => self.open_place(Place::Folder(folder)),
            Pick::Move(chosen) => self.propose(MessageAct::Move(folder), chosen),
            Pick::Copy(chosen) => self.propose(MessageAct::Copy(folder), chosen),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fit;
    use crate::app::layer::Layer;
    use crate::app::sheet::Sheet;
    use crate::app::tests::{Desk, folder};
    use crate::model::folder::FolderRole;

    #[test]
    fn the_leaf_counts_more_than_the_path() {
        #[track_caller]
        fn check(typed: &str, expected: Option<u8>) {
            let folder = folder(1, 4, "Projects/Difference Engine", FolderRole::Mail, 0);
            assert_eq!(fit(&folder, typed), expected, "{typed:?}");
        }
        check("", Some(0));
        check("diff", Some(0));
        check("eng", Some(1));
        check("gine", Some(2));
        check("projects/d", Some(3));
        check("proj", Some(3));
        check("trash", None);
    }

    #[test]
    fn the_folder_that_is_left_is_no_place_to_move_to() {
        #[track_caller]
        fn check(keys: &str, expected: &[i64]) {
            let mut desk = Desk::linked();
            desk.press(keys);
            let Some(Layer::Sheet(sheet)) = desk.app.layers.last() else { panic!("no picker") };
            let Sheet::Picker(picker) = sheet.as_ref() else { panic!("no picker") };
            let ids: Vec<i64> =
                desk.app.picked_from(picker).iter().map(|folder| folder.id.0).collect();
            assert_eq!(ids, expected, "{keys}");
        }
        check("m", &[2, 3, 4]);
        check("Enter m", &[2, 3, 4]);
        check("M", &[1, 2, 3, 4]);
        check("g f", &[1, 2, 3, 4]);
        check("/ M Enter m", &[1, 2, 3, 4]);
    }

    #[test]
    fn a_role_folder_is_found_by_the_name_on_screen() {
        assert_eq!(fit(&folder(1, 1, "INBOX", FolderRole::Inbox, 0), "inb"), Some(0));
    }
}
