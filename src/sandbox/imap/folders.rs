//! Commands about folders: LIST, LSUB, STATUS, SELECT, EXAMINE.

use crate::model::flags::Flag;
use crate::sandbox::imap::names::{encode, fits, quoted, wire_name};
use crate::sandbox::imap::session::{Done, Session};
use crate::sandbox::imap::view::{Access, View};
use crate::sandbox::mailbox::{Folder, StoredMessage};
use imap_codec::imap_types::mailbox::{ListMailbox, Mailbox};
use imap_codec::imap_types::status::StatusDataItemName;

impl Session {
    /// The decoded name of the folder a command speaks of, or how the refusal ends.
    pub fn folder_name(&self, mailbox: &Mailbox<'_>) -> Result<&'static str, Done> {
        let wanted = wire_name(mailbox);
        let found = self.world.read(|state| {
            let folders = state.mailbox(self.address())?.folders();
            let named = |folder: &&Folder| encode(folder.plan.name).eq_ignore_ascii_case(&wanted);
            folders.iter().find(named).map(|folder| folder.plan.name)
        });
        found.ok_or_else(|| Done::No(self.personality().no_such_folder(&wanted)))
    }

    /// LIST and LSUB.
    pub fn list(&mut self, command: &str, pattern: &ListMailbox<'_>) -> Done {
        let pattern = match pattern {
            ListMailbox::Token(token) => token.as_ref().to_vec(),
            ListMailbox::String(string) => string.as_ref().to_vec(),
        };
        if pattern.is_empty() {
            self.line(&format!("* {command} (\\Noselect) \"/\" \"\""));
            return Done::completed(command);
        }
        let plans = self.personality().folders();
        for plan in plans {
            if !fits(&pattern, encode(plan.name).as_bytes()) {
                continue;
            }
            let below = format!("{}/", plan.name);
            let has_children = plans.iter().any(|other| other.name.starts_with(&below));
            let children = if has_children { "\\HasChildren" } else { "\\HasNoChildren" };
            let mut attributes = children.to_owned();
            if !plan.attribute.is_empty() {
                attributes.push(' ');
                attributes.push_str(plan.attribute);
            }
            self.line(&format!("* {command} ({attributes}) \"/\" {}", quoted(plan.name)));
        }
        Done::completed(command)
    }

    /// STATUS.
    pub fn status(&mut self, mailbox: &Mailbox<'_>, items: &[StatusDataItemName]) -> Done {
        let name = match self.folder_name(mailbox) {
            Ok(name) => name,
            Err(refusal) => return refusal,
        };
        let counted = self.world.read(|state| {
            let folder = state.mailbox(self.address())?.folder(name)?;
            items.iter().map(|item| status_item(folder, item)).collect::<Option<Vec<_>>>()
        });
        let Some(counted) = counted else {
            return Done::BadArgument;
        };
        self.line(&format!("* STATUS {} ({})", quoted(name), counted.join(" ")));
        Done::completed("STATUS")
    }

    /// SELECT and EXAMINE.
    pub fn select(&mut self, mailbox: &Mailbox<'_>, access: Access) -> Done {
        // Even a refused SELECT leaves the folder that was open (RFC 9051, section 6.3.2).
        self.view = None;
        let name = match self.folder_name(mailbox) {
            Ok(name) => name,
            Err(refusal) => return refusal,
        };
        let opened = self.world.read(|state| {
            let folder = state.mailbox(self.address())?.folder(name)?;
            let unseen = |message: &StoredMessage| !message.flags.contains(Flag::Seen);
            let first_unseen = folder.messages().iter().position(unseen).map(|index| index + 1);
            Some((View::open(folder, access), folder.uid_next(), first_unseen))
        });
        let Some((view, uid_next, first_unseen)) = opened else {
            return Done::No(self.personality().no_such_folder(name));
        };
        let permanent = self.personality().permanent_flags();
        let session_flags = permanent.trim_end_matches(" \\*");
        let (permanent, word, command) = match access {
            Access::ReadWrite => (permanent, "READ-WRITE", "SELECT"),
            Access::ReadOnly => ("", "READ-ONLY", "EXAMINE"),
        };
        self.line(&format!("* {} EXISTS", view.len()));
        self.line("* 0 RECENT");
        self.line(&format!("* FLAGS ({session_flags})"));
        self.line(&format!("* OK [PERMANENTFLAGS ({permanent})] Permanent flags"));
        if let Some(first) = first_unseen {
            self.line(&format!("* OK [UNSEEN {first}] Is the first unseen message"));
        }
        self.line(&format!("* OK [UIDVALIDITY {}] UIDVALIDITY value", view.uid_validity));
        self.line(&format!("* OK [UIDNEXT {uid_next}] The next unique identifier value"));
        self.view = Some(view);
        Done::Ok(format!("[{word}] {command} completed."))
    }
}

fn status_item(folder: &Folder, item: &StatusDataItemName) -> Option<String> {
    let messages = folder.messages();
    Some(match item {
        StatusDataItemName::Messages => format!("MESSAGES {}", messages.len()),
        StatusDataItemName::Recent => "RECENT 0".to_owned(),
        StatusDataItemName::UidNext => format!("UIDNEXT {}", folder.uid_next()),
        StatusDataItemName::UidValidity => format!("UIDVALIDITY {}", folder.uid_validity),
        StatusDataItemName::Unseen => format!("UNSEEN {}", folder.count_without(Flag::Seen)),
        // DELETED, HIGHESTMODSEQ and the like are not advertised.
        _ => return None,
    })
}
