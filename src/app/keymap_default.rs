//! The key table: keys, where they work, what they ask for, and how help and hints name them.

use crate::app::action::Action;
use crate::app::cursor::Move;
use crate::app::filters::Arrangement;
use crate::app::keymap::{Binding, Context};
use crate::model::folder::FolderRole;
use crate::model::listing::{QuickFilter, SortKey};

const fn bind(
    keys: &'static [&'static str],
    context: Context,
    action: Action,
    help: &'static str,
    hint: &'static str,
) -> Binding {
    Binding { keys, context, action, help, hint }
}

const TURN: Action = Action::Arrange(Arrangement::TurnOrder);
const PLAIN: Action = Action::Arrange(Arrangement::Plain);

const fn arrange_by(filter: QuickFilter) -> Action {
    Action::Arrange(Arrangement::Filter(filter))
}

const fn sort_by(key: SortKey) -> Action {
    Action::Arrange(Arrangement::SortBy(key))
}

/// Every key, in the order in which help and hints show them.
pub const BINDINGS: &[Binding] = &[
    bind(&["Enter", "o", "l"], Context::List, Action::Open, "read the message", "read"),
    bind(&["Space"], Context::List, Action::Choose, "choose the message and move on", ""),
    bind(&["v"], Context::List, Action::ChooseRange, "choose a range from here", ""),
    bind(&["*"], Context::List, Action::ChooseAll, "choose all of the list, or none", ""),
    bind(&["t"], Context::List, Action::Fold, "fold or unfold the conversation", ""),
    bind(&["Ctrl-t"], Context::List, Action::FoldAll, "fold or unfold all of them", ""),
    bind(
        &["Ctrl-s"],
        Context::List,
        Action::SaveSearch,
        "keep the search under a name",
        "keep search",
    ),
    bind(&["Enter", "o", "l"], Context::Folders, Action::Open, "open the folder", "open"),
    bind(&["+"], Context::Folders, Action::NewFolder, "make a folder beside it", "new"),
    bind(&["n"], Context::Folders, Action::RenameFolder, "rename the folder", "rename"),
    bind(&["x"], Context::Folders, Action::RemoveFolder, "delete the folder", "delete"),
    bind(&["A"], Context::Mail, Action::LinkAccount, "link an account", "link an account"),
    bind(&["r"], Context::Mail, Action::Reply, "reply to the sender", "reply"),
    bind(&["a"], Context::Mail, Action::ReplyAll, "reply to everybody", "all"),
    bind(&["f"], Context::Mail, Action::Forward, "forward", "forward"),
    bind(&["e"], Context::Mail, Action::Archive, "archive", "archive"),
    bind(&["d"], Context::Mail, Action::Trash, "into the trash; in the trash for good", "trash"),
    bind(&["c"], Context::Mail, Action::Compose, "write a new message", "compose"),
    bind(&["/"], Context::Mail, Action::Search, "search", "search"),
    bind(&["s"], Context::Mail, Action::Star, "star or unstar", "star"),
    bind(&["u"], Context::Mail, Action::ToggleRead, "mark as read or unread", "unread"),
    bind(&["!"], Context::Mail, Action::Junk, "junk; in junk back to the inbox", ""),
    bind(&["m"], Context::Mail, Action::MoveTo, "move to a folder", "move"),
    bind(&["M"], Context::Mail, Action::CopyTo, "copy to a folder", ""),
    bind(&["z"], Context::Mail, Action::Undo, "undo the last action", ""),
    bind(&["Z"], Context::Mail, Action::UndoSteps, "list what can be undone", ""),
    bind(&["\\"], Context::Mail, Action::Filters, "filter and order the list", ""),
    bind(&["T"], Context::Mail, Action::ToggleThreads, "conversations or messages", ""),
    bind(&["w"], Context::Mail, Action::TurnSeat, "messages beside the list, below, or alone", ""),
    bind(&["J"], Context::Mail, Action::NextMessage, "read the next message", ""),
    bind(&["K"], Context::Mail, Action::PreviousMessage, "read the message before", ""),
    bind(&["Tab"], Context::Mail, Action::NextPane, "next pane", "pane"),
    bind(&["Shift-Tab"], Context::Mail, Action::PreviousPane, "pane before", ""),
    bind(&["g i"], Context::Mail, Action::GoTo(FolderRole::Inbox), "go to the inbox", "inbox"),
    bind(&["g s"], Context::Mail, Action::GoTo(FolderRole::Sent), "go to sent messages", "sent"),
    bind(
        &["g d"],
        Context::Mail,
        Action::GoTo(FolderRole::Drafts),
        "go to the Drafts folder",
        "drafts",
    ),
    bind(&["g t"], Context::Mail, Action::GoTo(FolderRole::Trash), "go to the trash", "trash"),
    bind(
        &["g a"],
        Context::Mail,
        Action::GoTo(FolderRole::Archive),
        "go to the archive",
        "archive",
    ),
    bind(&["g f"], Context::Mail, Action::GoToFolder, "go to a folder by its name", "folder"),
    bind(&["E"], Context::Mail, Action::EmptyFolder, "empty the trash or junk", ""),
    bind(&["W"], Context::Mail, Action::Waiting, "changes that wait for the server", ""),
    bind(&["Ctrl-y"], Context::Mail, Action::ToggleHold, "hold or go on fetching old mail", ""),
    bind(&["R"], Context::Mail, Action::Refresh, "ask the server for new mail", ""),
    bind(&["@"], Context::Mail, Action::Accounts, "accounts", ""),
    bind(&["O"], Context::Mail, Action::Outbox, "messages that are not sent yet", ""),
    bind(&["D"], Context::Mail, Action::Drafts, "unfinished messages", ""),
    bind(&["q"], Context::Reader, Action::Leave, "close the message", "close"),
    bind(&["q"], Context::Mail, Action::Leave, "quit", "quit"),
    bind(&["t"], Context::Accounts, Action::TestAccount, "test the connection", "test"),
    bind(&["s"], Context::Accounts, Action::SignInAgain, "sign in again", "sign in again"),
    bind(&["m"], Context::Accounts, Action::ChooseMethod, "sign in another way", "method"),
    bind(&["v"], Context::Accounts, Action::ChooseRoute, "choose how messages leave", "send via"),
    bind(&["n"], Context::Accounts, Action::RenameAccount, "rename the account", "rename"),
    bind(&["+"], Context::Accounts, Action::AddShared, "add a shared mailbox", "shared mailbox"),
    bind(&["A"], Context::Accounts, Action::LinkAccount, "link an account", "link another"),
    bind(&["E"], Context::Accounts, Action::ExportAccount, "export it to a file", "export"),
    bind(&["x"], Context::Accounts, Action::RemoveAccount, "remove the account", "remove"),
    bind(&["r"], Context::Outbox, Action::Retry, "send it now", "send now"),
    bind(&["e"], Context::Outbox, Action::Edit, "take it back and edit it", "edit"),
    bind(&["Enter"], Context::Drafts, Action::Open, "go on writing it", "go on"),
    bind(&["x"], Context::Drafts, Action::Discard, "throw it away", "discard"),
    bind(&["Enter"], Context::Filters, Action::Open, "take the one under the cursor", "take it"),
    bind(&["u"], Context::Filters, arrange_by(QuickFilter::Unread), "unread only", ""),
    bind(&["s"], Context::Filters, arrange_by(QuickFilter::Starred), "starred only", ""),
    bind(&["a"], Context::Filters, arrange_by(QuickFilter::Attachments), "with attachments", ""),
    bind(&["t"], Context::Filters, arrange_by(QuickFilter::ToMe), "addressed to me", ""),
    bind(&["1"], Context::Filters, sort_by(SortKey::Arrival), "order by arrival", ""),
    bind(&["2"], Context::Filters, sort_by(SortKey::Date), "order by date", ""),
    bind(&["3"], Context::Filters, sort_by(SortKey::Sender), "order by sender", ""),
    bind(&["4"], Context::Filters, sort_by(SortKey::Subject), "order by subject", ""),
    bind(&["5"], Context::Filters, sort_by(SortKey::Size), "order by size", ""),
    bind(
        &["6"],
        Context::Filters,
        sort_by(SortKey::Relevance),
        "order by relevance, in a search",
        "",
    ),
    bind(&["r"], Context::Filters, TURN, "turn the order around", ""),
    bind(&["x"], Context::Filters, PLAIN, "no filter, newest first", ""),
    bind(&["\\", "q"], Context::Filters, Action::Back, "close", ""),
    bind(&["z"], Context::UndoSteps, Action::Open, "undo this step", "undo this"),
    bind(&["Z", "q"], Context::UndoSteps, Action::Back, "back", ""),
    bind(&["r"], Context::Waiting, Action::Retry, "try a refused one again", "try again"),
    bind(&["x"], Context::Waiting, Action::Discard, "throw a refused one away", "throw away"),
    bind(&["W", "q"], Context::Waiting, Action::Back, "back", ""),
    bind(&["Enter"], Context::Search, Action::Open, "go to the results", "results"),
    bind(
        &["Tab"],
        Context::Search,
        Action::NextScope,
        "look here, in this account, everywhere",
        "where",
    ),
    bind(&["Ctrl-s"], Context::Search, Action::SaveSearch, "keep the search", "keep"),
    bind(&["Down"], Context::Search, Action::Move(Move::Down), "next result", ""),
    bind(&["Up"], Context::Search, Action::Move(Move::Up), "result before", ""),
    bind(&["Esc"], Context::Search, Action::Back, "back to where you were", "back"),
    bind(&["Enter"], Context::Picker, Action::Open, "take this folder", "take it"),
    bind(&["Down", "Ctrl-n"], Context::Picker, Action::Move(Move::Down), "down", ""),
    bind(&["Up", "Ctrl-p"], Context::Picker, Action::Move(Move::Up), "up", ""),
    bind(&["Esc"], Context::Picker, Action::Back, "leave it", "back"),
    bind(&["Enter"], Context::Prompt, Action::Open, "take the name", "take it"),
    bind(&["Esc"], Context::Prompt, Action::Back, "leave it", "back"),
    bind(&["j", "Down"], Context::Moving, Action::Move(Move::Down), "down", ""),
    bind(&["k", "Up"], Context::Moving, Action::Move(Move::Up), "up", ""),
    bind(&["g g", "Home"], Context::Moving, Action::Move(Move::First), "to the start", "start"),
    bind(&["G", "End"], Context::Moving, Action::Move(Move::Last), "to the end", ""),
    bind(
        &["Ctrl-d", "PgDn"],
        Context::Moving,
        Action::Move(Move::HalfPageDown),
        "half a page down",
        "",
    ),
    bind(
        &["Ctrl-u", "PgUp"],
        Context::Moving,
        Action::Move(Move::HalfPageUp),
        "half a page up",
        "",
    ),
    bind(&["Space"], Context::Reader, Action::Move(Move::HalfPageDown), "half a page down", ""),
    bind(&["Enter", "o", "l", "Right"], Context::Moving, Action::Open, "open", "open"),
    bind(&["Esc", "h", "Left"], Context::Moving, Action::Back, "back", "back"),
    bind(&["q"], Context::Accounts, Action::Back, "back", ""),
    bind(&["q"], Context::Outbox, Action::Back, "back", ""),
    bind(&["q"], Context::Drafts, Action::Back, "back", ""),
    bind(&["q"], Context::Help, Action::Back, "close", ""),
    bind(&["?"], Context::Moving, Action::Help, "show the keys", "keys"),
    bind(&["Ctrl-s"], Context::Composer, Action::Send, "send the message", "send"),
    bind(&["Tab"], Context::Composer, Action::NextField, "next field", "next"),
    bind(&["Shift-Tab"], Context::Composer, Action::PreviousField, "field before", ""),
    bind(&["Ctrl-e"], Context::Composer, Action::ExternalEditor, "use your own editor", "editor"),
    bind(&["Ctrl-a"], Context::Composer, Action::Attach, "attach a file", "attach"),
    bind(&["Esc"], Context::Composer, Action::Back, "keep as a draft and leave", "keep draft"),
    bind(&["Ctrl-x"], Context::Composer, Action::Discard, "throw the message away", "discard"),
    bind(&["Enter"], Context::Form, Action::Continue, "continue", "continue"),
    bind(&["Tab", "Down"], Context::Form, Action::NextField, "next field", "next field"),
    bind(&["Shift-Tab", "Up"], Context::Form, Action::PreviousField, "field before", ""),
    bind(&["Esc"], Context::Form, Action::Back, "one step back", "back"),
    bind(&["y"], Context::Code, Action::CopyCode, "copy the code", "copy code"),
    bind(&["u"], Context::Code, Action::CopyLink, "copy the link", "copy link"),
    bind(&["b"], Context::Code, Action::UseBrowser, "sign in with a browser instead", "browser"),
    bind(&["u"], Context::Page, Action::CopyLink, "copy the address", "copy link"),
    bind(&["p"], Context::Page, Action::Answer, "paste or type where it ended", "answer"),
    bind(&["s"], Context::Page, Action::CopySsh, "copy the ssh command", "copy ssh"),
    bind(&["c"], Context::Page, Action::UseCode, "sign in with a code instead", "code"),
    bind(&["Enter"], Context::Answer, Action::Continue, "take the answer", "take it"),
    bind(&["Esc"], Context::Answer, Action::Back, "leave the field", "leave the field"),
    bind(&["Enter"], Context::Failed, Action::Continue, "go on as proposed", "go on"),
    bind(
        &["r"],
        Context::Failed,
        Action::Retry,
        "try again; a sign-in that is kept is used",
        "try again",
    ),
    bind(&["e"], Context::Failed, Action::Edit, "change what was entered", "change"),
    bind(&["m"], Context::Failed, Action::ChooseMethod, "sign in another way", "another way"),
    bind(&["S"], Context::Failed, Action::SaveAnyway, "save it although not all works", "save"),
    bind(&["d"], Context::Failed, Action::Details, "what the server said", "details"),
    bind(&["y"], Context::Failed, Action::CopyForIt, "copy a message for IT", "copy for IT"),
    bind(&["Enter"], Context::Run, Action::Continue, "continue", "continue"),
    bind(&["Esc"], Context::Run, Action::Back, "stop and go back", "back"),
    bind(&["?"], Context::Run, Action::Help, "show the keys", ""),
    bind(&["r"], Context::Problem, Action::Retry, "try again", "try again"),
    bind(&["s"], Context::Problem, Action::SignInAgain, "sign in again", "sign in"),
    bind(&["g"], Context::Problem, Action::UseGraph, "send through Microsoft Graph", "use Graph"),
    bind(&["e"], Context::Problem, Action::Edit, "edit the message", "edit"),
    bind(&["o"], Context::Problem, Action::LookIntoSent, "look into Sent", "look into Sent"),
    bind(&["d"], Context::Problem, Action::Details, "what the server said", "details"),
    bind(&["y"], Context::Problem, Action::CopyForIt, "copy a message for IT", "copy for IT"),
    bind(&["Esc", "Enter", "q"], Context::Problem, Action::Back, "close", "close"),
    bind(&["y"], Context::Question, Action::Confirm, "yes", "yes"),
    bind(&["n", "Esc"], Context::Question, Action::Back, "no", "no"),
    bind(&["Ctrl-g"], Context::Everywhere, Action::SignInNow, "sign in where it is needed", ""),
    bind(&["F1"], Context::Everywhere, Action::Help, "show the keys", ""),
    bind(&["Ctrl-l"], Context::Everywhere, Action::Redraw, "draw the screen anew", ""),
    bind(&["Ctrl-z"], Context::Everywhere, Action::Suspend, "pause until fg", ""),
    bind(&["Ctrl-c"], Context::Everywhere, Action::Quit, "quit; drafts are kept", ""),
];

#[cfg(test)]
mod tests {
    use super::BINDINGS;
    use crate::app::keymap::Context;
    use std::path::Path;

    /// Set to write `docs/keys.md` anew.
    const WRITE: &str = "POSTHASTE_WRITE_KEYS";

    /// The key table as a page.
    fn keys_page() -> String {
        let mut page = "# Keys\n\n\
            `?` shows the keys that work where you are. Keys of a sequence are pressed one after the other. The narrowest place comes first:\n\
            while a message is read, a key under *Reading* comes before one under *Mail*, and that before one under *Moving*.\n\n\
            Made from `src/app/keymap_default.rs`; `POSTHASTE_WRITE_KEYS=1 cargo test --locked --lib keys_page` makes it anew.\n"
            .to_owned();
        let mut places: Vec<Context> = Vec::new();
        for binding in BINDINGS {
            if !places.contains(&binding.context) {
                places.push(binding.context);
            }
        }
        for place in places {
            page.push_str(&format!(
                "\n## {}\n\n| keys | what they do |\n| --- | --- |\n",
                place.title()
            ));
            for binding in BINDINGS.iter().filter(|binding| binding.context == place) {
                let keys: Vec<String> = binding.keys.iter().map(|key| format!("`{key}`")).collect();
                page.push_str(&format!("| {} | {} |\n", keys.join(", "), binding.help));
            }
        }
        page
    }

    #[test]
    fn the_keys_page_is_what_the_table_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/keys.md");
        if std::env::var_os(WRITE).is_some() {
            std::fs::write(&path, keys_page()).unwrap();
        }
        let page = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(page == keys_page(), "docs/keys.md is stale: {WRITE}=1 makes it anew");
    }
}
