//! Commands about folders: LIST, LSUB, STATUS, SELECT, EXAMINE, CREATE, RENAME, DELETE.

use crate::model::flags::Flag;
use crate::sandbox::imap::fetch::flag_list;
use crate::sandbox::imap::names::{decode, encode, fits, quoted, wire_name};
use crate::sandbox::imap::reader::Extension;
use crate::sandbox::imap::session::{Done, Session, Speaks};
use crate::sandbox::imap::view::{Access, View};
use crate::sandbox::mailbox::{Folder, Mailbox, StoredMessage};
use crate::sandbox::options::Personality;
use imap_codec::imap_types::command::SelectParameter;
use imap_codec::imap_types::mailbox::{ListMailbox, Mailbox as WireMailbox};
use imap_codec::imap_types::status::StatusDataItemName;

/// Cannot be renamed or removed.
const INBOX: &str = "INBOX";

impl Session {
    /// The decoded name of the folder a command speaks of, or how the refusal ends.
    pub fn folder_name(&self, mailbox: &WireMailbox<'_>) -> Result<String, Done> {
        let wanted = wire_name(mailbox);
        let found = self.world.read(|state| {
            let folders = state.mailbox(self.address())?.folders();
            let named = |folder: &&Folder| encode(&folder.name).eq_ignore_ascii_case(&wanted);
            folders.iter().find(named).map(|folder| folder.name.clone())
        });
        found.ok_or_else(|| Done::No(self.personality().no_such_folder(&wanted)))
    }

    /// LIST and LSUB.
    pub fn list(&mut self, command: &str, pattern: &ListMailbox<'_>, extension: Extension) -> Done {
        let pattern = match pattern {
            ListMailbox::Token(token) => token.as_ref().to_vec(),
            ListMailbox::String(string) => string.as_ref().to_vec(),
        };
        if pattern.is_empty() {
            self.line(&format!("* {command} (\\Noselect) \"/\" \"\""));
            return Done::completed(command);
        }
        let address = self.address();
        let lines = self.world.read(|state| {
            let folders = state.mailbox(address).map(Mailbox::folders).unwrap_or_default();
            let fitting =
                folders.iter().filter(|folder| fits(&pattern, encode(&folder.name).as_bytes()));
            let mut lines = Vec::new();
            for folder in fitting {
                let below = format!("{}/", folder.name);
                let has_children = folders.iter().any(|other| other.name.starts_with(&below));
                let children = if has_children { "\\HasChildren" } else { "\\HasNoChildren" };
                let mut attributes = children.to_owned();
                if !folder.attribute.is_empty() {
                    attributes.push(' ');
                    attributes.push_str(folder.attribute);
                }
                let name = quoted(&folder.name);
                lines.push(format!("* {command} ({attributes}) \"/\" {name}"));
                // RFC 5819.
                if extension == Extension::ListStatus {
                    let (total, unseen) =
                        (folder.messages().len(), folder.count_without(Flag::Seen));
                    lines.push(format!("* STATUS {name} (MESSAGES {total} UNSEEN {unseen})"));
                }
            }
            lines
        });
        for line in lines {
            self.line(&line);
        }
        Done::completed(command)
    }

    /// CREATE.
    pub fn create(&mut self, mailbox: &WireMailbox<'_>) -> Done {
        let wanted = wire_name(mailbox);
        let Some(name) = decode(&wanted) else {
            return Done::BadArgument;
        };
        // A separator at the end announces folders within (RFC 9051, section 6.3.4).
        let name = name.trim_end_matches('/');
        match self.change_mailbox(|mailbox| mailbox.create(name)) {
            Some(()) => Done::completed("CREATE"),
            None => Done::No(self.personality().folder_exists(&wanted)),
        }
    }

    /// RENAME.
    pub fn rename(&mut self, from: &WireMailbox<'_>, to: &WireMailbox<'_>) -> Done {
        let from = match self.folder_name(from) {
            Ok(from) => from,
            Err(refusal) => return refusal,
        };
        let wanted = wire_name(to);
        let Some(to) = decode(&wanted).filter(|_to| from != INBOX) else {
            return Done::BadArgument;
        };
        match self.change_mailbox(|mailbox| mailbox.rename(&from, &to)) {
            Some(()) => Done::completed("RENAME"),
            None => Done::No(self.personality().folder_exists(&wanted)),
        }
    }

    /// DELETE.
    pub fn delete(&mut self, mailbox: &WireMailbox<'_>) -> Done {
        let name = match self.folder_name(mailbox) {
            Ok(name) if name == INBOX => return Done::BadArgument,
            Ok(name) => name,
            Err(refusal) => return refusal,
        };
        match self.change_mailbox(|mailbox| mailbox.delete(&name)) {
            Some(()) => Done::completed("DELETE"),
            None => Done::No(self.personality().no_such_folder(&name)),
        }
    }

    fn change_mailbox(&self, change: impl FnOnce(&mut Mailbox) -> Option<()>) -> Option<()> {
        let address = self.address();
        self.world.change(|state| change(state.mailbox_mut(address)?))
    }

    /// STATUS.
    pub fn status(&mut self, mailbox: &WireMailbox<'_>, items: &[StatusDataItemName]) -> Done {
        let name = match self.folder_name(mailbox) {
            Ok(name) => name,
            Err(refusal) => return refusal,
        };
        let counted = self.world.read(|state| {
            let folder = state.mailbox(self.address())?.folder(&name)?;
            items.iter().map(|item| status_item(folder, item)).collect::<Option<Vec<_>>>()
        });
        let Some(counted) = counted else {
            return Done::BadArgument;
        };
        self.line(&format!("* STATUS {} ({})", quoted(&name), counted.join(" ")));
        Done::completed("STATUS")
    }

    /// What a SELECT asks to be told of: a UID generation and a change number.
    fn resync(&mut self, parameters: &[SelectParameter]) -> Result<Option<(u32, u64)>, Done> {
        let mut since = None;
        for parameter in parameters {
            match (parameter, self.personality(), self.speaks) {
                (_, Personality::Exchange, _) => return Err(Done::BadArgument),
                (SelectParameter::CondStore, Personality::Dovecot, Speaks::Plainly) => {
                    self.speaks = Speaks::Condstore;
                }
                (SelectParameter::CondStore, Personality::Dovecot, _) => {}
                (
                    SelectParameter::QResync { uid_validity, mod_sequence_value, .. },
                    Personality::Dovecot,
                    Speaks::Qresync,
                ) => since = Some((uid_validity.get(), mod_sequence_value.get())),
                (SelectParameter::QResync { .. }, Personality::Dovecot, _) => {
                    return Err(Done::BadArgument);
                }
            }
        }
        Ok(since)
    }

    /// SELECT and EXAMINE.
    pub fn select(
        &mut self,
        mailbox: &WireMailbox<'_>,
        parameters: &[SelectParameter],
        access: Access,
    ) -> Done {
        // Even a refused SELECT leaves the folder that was open (RFC 9051, section 6.3.2).
        self.view = None;
        let name = match self.folder_name(mailbox) {
            Ok(name) => name,
            Err(refusal) => return refusal,
        };
        let since = match self.resync(parameters) {
            Ok(since) => since,
            Err(refusal) => return refusal,
        };
        let opened = self.world.read(|state| {
            let folder = state.mailbox(self.address())?.folder(&name)?;
            let unseen = |message: &StoredMessage| !message.flags.contains(Flag::Seen);
            let first_unseen = folder.messages().iter().position(unseen).map(|index| index + 1);
            let changes = since
                .filter(|(uid_validity, _modseq)| *uid_validity == folder.uid_validity)
                .map(|(_uid_validity, modseq)| changes_since(folder, modseq));
            let numbers = (folder.uid_next(), folder.revision());
            Some((View::open(folder, access), numbers, first_unseen, changes))
        });
        let Some((view, (uid_next, highest), first_unseen, changes)) = opened else {
            return Done::No(self.personality().no_such_folder(&name));
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
        match self.personality() {
            Personality::Exchange => {}
            Personality::Dovecot => self.line(&format!("* OK [HIGHESTMODSEQ {highest}] Highest")),
        }
        for line in changes.unwrap_or_default() {
            self.line(&line);
        }
        self.view = Some(view);
        Done::Ok(format!("[{word}] {command} completed."))
    }
}

/// What QRESYNC tells of a folder: what is gone, then what is new or has other flags.
fn changes_since(folder: &Folder, modseq: u64) -> Vec<String> {
    let mut lines = Vec::new();
    let vanished = folder.vanished_since(modseq);
    if !vanished.is_empty() {
        lines.push(format!("* VANISHED (EARLIER) {}", uid_set(&vanished)));
    }
    for (index, message) in folder.messages().iter().enumerate() {
        if modseq < message.modseq {
            let StoredMessage { uid, flags, modseq, .. } = message;
            let flags = flag_list(*flags);
            let number = index + 1;
            lines.push(format!("* {number} FETCH (UID {uid} FLAGS {flags} MODSEQ ({modseq}))"));
        }
    }
    lines
}

/// UIDs in ascending order as a set, neighbours as ranges.
pub fn uid_set(uids: &[u32]) -> String {
    let runs = uids.chunk_by(|left, right| left.checked_add(1) == Some(*right));
    let text = runs.filter_map(|run| match (run.first()?, run.last()?) {
        (first, last) if first == last => Some(first.to_string()),
        (first, last) => Some(format!("{first}:{last}")),
    });
    text.collect::<Vec<_>>().join(",")
}

fn status_item(folder: &Folder, item: &StatusDataItemName) -> Option<String> {
    let messages = folder.messages();
    Some(match item {
        StatusDataItemName::Messages => format!("MESSAGES {}", messages.len()),
        StatusDataItemName::Recent => "RECENT 0".to_owned(),
        StatusDataItemName::UidNext => format!("UIDNEXT {}", folder.uid_next()),
        StatusDataItemName::HighestModSeq => format!("HIGHESTMODSEQ {}", folder.revision()),
        StatusDataItemName::UidValidity => format!("UIDVALIDITY {}", folder.uid_validity),
        StatusDataItemName::Unseen => format!("UNSEEN {}", folder.count_without(Flag::Seen)),
        // DELETED and the like are not advertised.
        _ => return None,
    })
}
