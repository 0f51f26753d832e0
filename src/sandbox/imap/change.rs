//! Commands that change messages: STORE, COPY, MOVE, EXPUNGE, CLOSE, APPEND.

use crate::model::flags::{Flag, FlagChange, Flags};
use crate::sandbox::imap::fetch::flag_list;
use crate::sandbox::imap::session::{Done, Session};
use crate::sandbox::imap::view::{Access, Known, Numbers};
use crate::sandbox::mailbox::{Content, StoredMessage};
use crate::sandbox::options::Personality;
use crate::stdx::clock::UnixSeconds;
use imap_codec::imap_types::datetime::DateTime;
use imap_codec::imap_types::extensions::binary::LiteralOrLiteral8;
use imap_codec::imap_types::flag::{Flag as WireFlag, StoreResponse, StoreType};
use imap_codec::imap_types::mailbox::Mailbox;

impl Session {
    /// The flags a command names, or BAD for a keyword this server does not keep.
    fn read_flags(&self, flags: &[WireFlag<'_>]) -> Result<Flags, Done> {
        let mut read = Vec::new();
        for flag in flags {
            let name = flag.to_string();
            match (Flag::from_imap_name(&name), self.personality()) {
                (Some(Flag::Forwarded) | None, Personality::Exchange) => {
                    return Err(Done::BadArgument);
                }
                (Some(flag), _) => read.push(flag),
                // Other keywords are taken and not kept.
                (None, Personality::Dovecot) => {}
            }
        }
        Ok(read.into_iter().collect())
    }

    fn is_read_only(&self) -> bool {
        self.view.as_ref().is_none_or(|view| view.access == Access::ReadOnly)
    }

    /// STORE and UID STORE.
    pub fn store(
        &mut self,
        targets: &[(usize, Known)],
        kind: StoreType,
        response: StoreResponse,
        flags: &[WireFlag<'_>],
        numbers: Numbers,
    ) -> Done {
        let wanted = match self.read_flags(flags) {
            Ok(wanted) => wanted,
            Err(refusal) => return refusal,
        };
        if self.is_read_only() {
            return Done::No("[READ-ONLY] The folder is open for reading only.".to_owned());
        }
        let address = self.address();
        for (number, known) in targets {
            let Some(view) = &mut self.view else {
                return Done::BadCommand;
            };
            let changed = self.world.change(|state| {
                let folder = state.mailbox_mut(address)?.folder_mut(&view.folder)?;
                let mut flags = folder.message(known.uid)?.flags;
                for change in changes(kind, wanted) {
                    flags = folder.change_flag(known.uid, change)?;
                }
                Some(flags)
            });
            let Some(flags) = changed else {
                continue;
            };
            view.remember_flags(*number, flags);
            match response {
                StoreResponse::Silent => {}
                StoreResponse::Answer => {
                    let uid = match numbers {
                        Numbers::Sequence => String::new(),
                        Numbers::Uid => format!("UID {} ", known.uid),
                    };
                    self.line(&format!("* {number} FETCH ({uid}FLAGS {})", flag_list(flags)));
                }
            }
        }
        Done::completed("STORE")
    }

    /// COPY and UID COPY.
    pub fn copy(&mut self, targets: &[(usize, Known)], mailbox: &Mailbox<'_>) -> Done {
        match self.copy_to(targets, mailbox) {
            Ok(Some(code)) => Done::Ok(format!("[{code}] COPY completed.")),
            Ok(None) => Done::completed("COPY"),
            Err(refusal) => refusal,
        }
    }

    /// MOVE and UID MOVE (RFC 6851): the new UIDs first, then the removals.
    pub fn move_to(&mut self, targets: &[(usize, Known)], mailbox: &Mailbox<'_>) -> Done {
        if self.is_read_only() {
            return Done::No("[READ-ONLY] The folder is open for reading only.".to_owned());
        }
        match self.copy_to(targets, mailbox) {
            Ok(Some(code)) => self.line(&format!("* OK [{code}]")),
            Ok(None) => {}
            Err(refusal) => return refusal,
        }
        self.remove(|message| targets.iter().any(|(_number, known)| known.uid == message.uid));
        Done::completed("MOVE")
    }

    /// Copies messages; the COPYUID code (RFC 4315, section 3), or `None` when there were none.
    fn copy_to(
        &self,
        targets: &[(usize, Known)],
        mailbox: &Mailbox<'_>,
    ) -> Result<Option<String>, Done> {
        let name = self.folder_name(mailbox).map_err(|refusal| match refusal {
            Done::No(text) => Done::No(format!("[TRYCREATE] {text}")),
            other => other,
        })?;
        let Some(view) = &self.view else {
            return Err(Done::BadCommand);
        };
        let address = self.address();
        let copied = self.world.change(|state| {
            let mailbox = state.mailbox_mut(address)?;
            let source = mailbox.folder(&view.folder)?;
            let messages: Vec<StoredMessage> = targets
                .iter()
                .filter_map(|(_number, known)| source.message(known.uid).cloned())
                .collect();
            let target = mailbox.folder_mut(&name)?;
            let (mut from, mut to) = (Vec::new(), Vec::new());
            for message in messages {
                from.push(message.uid.to_string());
                let StoredMessage { flags, received_at, content, .. } = message;
                to.push(target.append(content, flags, received_at).to_string());
            }
            Some((target.uid_validity, from, to))
        });
        let (uid_validity, from, to) = copied.ok_or(Done::BadCommand)?;
        let some = !from.is_empty();
        Ok(some.then(|| format!("COPYUID {uid_validity} {} {}", from.join(","), to.join(","))))
    }

    /// EXPUNGE, or UID EXPUNGE of `targets` (RFC 4315, section 2.1).
    pub fn expunge(&mut self, targets: Option<&[(usize, Known)]>) -> Done {
        if self.is_read_only() {
            return Done::No("[READ-ONLY] The folder is open for reading only.".to_owned());
        }
        self.remove(|message| {
            let named = targets.is_none_or(|targets| {
                targets.iter().any(|(_number, known)| known.uid == message.uid)
            });
            named && message.flags.contains(Flag::Deleted)
        });
        Done::completed("EXPUNGE")
    }

    /// CLOSE: removes what is marked as deleted and says nothing of it (RFC 9051, section 6.4.1).
    pub fn close(&mut self) -> Done {
        if !self.is_read_only() {
            self.remove(|message| message.flags.contains(Flag::Deleted));
        }
        self.view = None;
        Done::completed("CLOSE")
    }

    /// Removes messages; the end of the command reports it.
    fn remove(&self, gone: impl Fn(&StoredMessage) -> bool) {
        let address = self.address();
        let Some(view) = &self.view else {
            return;
        };
        self.world.change(|state| {
            let folder = state.mailbox_mut(address);
            let folder = folder.and_then(|mailbox| mailbox.folder_mut(&view.folder));
            folder.map(|folder| folder.remove(gone)).unwrap_or_default()
        });
    }

    /// APPEND.
    pub fn append(
        &mut self,
        mailbox: &Mailbox<'_>,
        flags: &[WireFlag<'_>],
        date: Option<&DateTime>,
        message: &LiteralOrLiteral8<'_>,
    ) -> Done {
        let name = match self.folder_name(mailbox) {
            Ok(name) => name,
            Err(Done::No(text)) => return Done::No(format!("[TRYCREATE] {text}")),
            Err(refusal) => return refusal,
        };
        let flags = match self.read_flags(flags) {
            Ok(flags) => flags,
            Err(refusal) => return refusal,
        };
        let LiteralOrLiteral8::Literal(literal) = message else {
            return Done::BadArgument;
        };
        let content = Content::Bytes(literal.data().into());
        let now = self.world.now();
        let received_at = date.map_or(now, |date| UnixSeconds(date.as_ref().timestamp()));
        let address = self.address();
        let appended = self.world.change(|state| {
            let folder = state.mailbox_mut(address)?.folder_mut(&name)?;
            Some((folder.uid_validity, folder.append(content, flags, received_at)))
        });
        match appended {
            Some((validity, uid)) => {
                Done::Ok(format!("[APPENDUID {validity} {uid}] APPEND completed."))
            }
            None => Done::BadCommand,
        }
    }
}

/// What a STORE does to each flag.
fn changes(kind: StoreType, wanted: Flags) -> impl Iterator<Item = FlagChange> {
    Flag::ALL.into_iter().filter_map(move |flag| match (kind, wanted.contains(flag)) {
        (StoreType::Add | StoreType::Replace, true) => Some(FlagChange::Add(flag)),
        (StoreType::Remove, true) | (StoreType::Replace, false) => Some(FlagChange::Remove(flag)),
        (StoreType::Add | StoreType::Remove, false) => None,
    })
}
