//! Everything a key can ask for.

use crate::app::cursor::Move;
use crate::app::filters::Arrangement;
use crate::model::folder::FolderRole;

/// One thing a person can ask for. What it means depends on what is on screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// End the program at once, keeping what was written.
    Quit,
    /// Stop the process until `fg`.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Show the keys that work here.
    Help,
    /// Sign in to the first account that needs it.
    SignInNow,

    /// Move the cursor or scroll.
    Move(Move),
    /// Open what the cursor is on.
    Open,
    /// Close what is open, or go one pane back.
    Back,
    /// Close what is open; from the top, end the program.
    Leave,
    /// The next pane.
    NextPane,
    /// The pane before.
    PreviousPane,
    /// Open the folder with this role of the account at hand.
    GoTo(FolderRole),
    /// Messages beside the list, below it, or alone.
    TurnSeat,
    /// Read the next (older) message.
    NextMessage,
    /// Read the previous (newer) message.
    PreviousMessage,

    /// Write a new message.
    Compose,
    /// Answer the sender.
    Reply,
    /// Answer everybody.
    ReplyAll,
    /// Pass a message on.
    Forward,
    /// Set or clear the star.
    Star,
    /// Mark as read or unread.
    ToggleRead,
    /// Ask the server for news.
    Refresh,

    /// Into the archive.
    Archive,
    /// Into the trash; out of the trash for good.
    Trash,
    /// Into junk; out of junk into the inbox.
    Junk,
    /// Into a folder that is picked.
    MoveTo,
    /// A copy into a folder that is picked.
    CopyTo,
    /// Choose the row under the cursor, or no longer.
    Choose,
    /// Begin or end a range.
    ChooseRange,
    /// Choose the whole list, or nothing.
    ChooseAll,
    /// Take the last action back.
    Undo,
    /// Show what can be taken back.
    UndoSteps,

    /// Open a folder that is picked.
    GoToFolder,
    /// Show the menu of filters and orders.
    Filters,
    /// Narrow or order the list.
    Arrange(Arrangement),
    /// Conversations or messages.
    ToggleThreads,
    /// Fold or unfold the conversation under the cursor.
    Fold,
    /// Fold all conversations, or unfold them.
    FoldAll,
    /// Look for messages.
    Search,
    /// Look in the next wider place.
    NextScope,
    /// Keep the search under a name.
    SaveSearch,

    /// Make a folder.
    NewFolder,
    /// Give a folder another name.
    RenameFolder,
    /// Delete a folder, or forget a saved search.
    RemoveFolder,
    /// Empty the trash or junk.
    EmptyFolder,
    /// Show the changes that wait for their servers.
    Waiting,
    /// Hold what comes in the background, or let it go on.
    ToggleHold,

    /// Open the wizard.
    LinkAccount,
    /// Show the linked accounts.
    Accounts,
    /// Show the messages that are not sent yet.
    Outbox,
    /// Show the unfinished messages.
    Drafts,

    /// Run the checks of an account.
    TestAccount,
    /// Sign in to an account again.
    SignInAgain,
    /// Give an account another name.
    RenameAccount,
    /// Add a mailbox that the account at hand may open.
    AddShared,
    /// Write an account into a file for another machine.
    ExportAccount,
    /// Forget an account.
    RemoveAccount,
    /// Try again.
    Retry,
    /// Go back to editing.
    Edit,
    /// Throw an unfinished message away.
    Discard,

    /// Send the message.
    Send,
    /// Add a file to the message.
    Attach,
    /// Continue in the external editor.
    ExternalEditor,
    /// The next field.
    NextField,
    /// The field before.
    PreviousField,

    /// The code into the clipboard.
    CopyCode,
    /// The link into the clipboard.
    CopyLink,
    /// The command that carries the browser's port here into the clipboard.
    CopySsh,
    /// Paste or type where the browser ended.
    Answer,
    /// Sign in with a browser instead.
    UseBrowser,
    /// Sign in with a code instead.
    UseCode,
    /// Choose another way to sign in.
    ChooseMethod,
    /// Choose how messages leave.
    ChooseRoute,
    /// Let messages leave through Microsoft Graph from now on.
    UseGraph,
    /// Keep the account although a check failed.
    SaveAnyway,
    /// Go on to the next step.
    Continue,
    /// Show or hide what the server said word for word.
    Details,
    /// A message for the IT department into the clipboard.
    CopyForIt,
    /// Look into the Sent folder.
    LookIntoSent,
    /// Yes, do it.
    Confirm,
}

impl Action {
    /// Whether it is about a message, so that it can only be done where there is one.
    #[must_use]
    pub fn needs_message(self) -> bool {
        const ABOUT_MESSAGES: [Action; 13] = [
            Action::Reply,
            Action::ReplyAll,
            Action::Forward,
            Action::Star,
            Action::ToggleRead,
            Action::Archive,
            Action::Trash,
            Action::Junk,
            Action::MoveTo,
            Action::CopyTo,
            Action::Choose,
            Action::ChooseRange,
            Action::ChooseAll,
        ];
        ABOUT_MESSAGES.contains(&self)
    }

    /// Whether it changes which messages are chosen.
    #[must_use]
    pub fn chooses(self) -> bool {
        [Action::Choose, Action::ChooseRange, Action::ChooseAll].contains(&self)
    }

    /// Whether it is done to one message even where several are chosen.
    #[must_use]
    pub fn takes_one_message(self) -> bool {
        [Action::Open, Action::Reply, Action::ReplyAll, Action::Forward].contains(&self)
    }

    /// Whether it is about what the cursor of the folder list is on.
    #[must_use]
    pub fn needs_folder_pane(self) -> bool {
        const ABOUT_FOLDERS: [Action; 3] =
            [Action::NewFolder, Action::RenameFolder, Action::RemoveFolder];
        ABOUT_FOLDERS.contains(&self)
    }
}
