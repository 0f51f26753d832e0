//! FETCH: which items, and their bytes.

use crate::model::flags::{Flag, FlagChange, Flags};
use crate::sandbox::headers::{self, Subset};
use crate::sandbox::imap::folders::uid_set;
use crate::sandbox::imap::session::{Done, Session, Speaks};
use crate::sandbox::imap::view::{Access, Known, Numbers};
use crate::sandbox::mailbox::StoredMessage;
use crate::sandbox::options::Personality;
use crate::sandbox::world::State;
use chrono::DateTime;
use imap_codec::imap_types::command::FetchModifier;
use imap_codec::imap_types::core::{AString, Vec1};
use imap_codec::imap_types::fetch::{MacroOrMessageDataItemNames, MessageDataItemName, Section};
use std::vec::IntoIter;

/// Bytes written before they are sent: a mailbox of any size takes no more memory than this and one
/// message.
const PART_LIMIT_BYTES: usize = 64 * 1024;

/// A FETCH under way.
pub struct FetchJob {
    tag: String,
    targets: IntoIter<(usize, Known)>,
    items: Vec<Item>,
    marks_seen: bool,
    /// Only what has changed after it.
    since: u64,
}

/// One thing asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Uid,
    Flags,
    InternalDate,
    Size,
    ModSeq,
    Body { part: Part, range: Option<(usize, usize)> },
}

/// Which part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Header,
    Text,
    Fields { subset: Subset, names: Vec<Vec<u8>> },
}

impl Session {
    /// Plans a FETCH; `None` when an item is not served.
    pub fn plan_fetch(
        &self,
        tag: String,
        targets: Vec<(usize, Known)>,
        asked: MacroOrMessageDataItemNames<'_>,
        numbers: Numbers,
        since: Option<u64>,
    ) -> Option<FetchJob> {
        let asked = match &asked {
            MacroOrMessageDataItemNames::Macro(short) => short.expand(),
            MacroOrMessageDataItemNames::MessageDataItemNames(items) => items.clone(),
        };
        let read_write = self.view.as_ref().is_some_and(|view| view.access == Access::ReadWrite);
        let marks = |item: &MessageDataItemName<'_>| {
            matches!(item, MessageDataItemName::BodyExt { peek: false, .. })
        };
        let marks_seen = read_write && asked.iter().any(marks);
        let mut items = asked.iter().map(read_item).collect::<Option<Vec<_>>>()?;
        if since.is_some() {
            items.retain(|item| *item != Item::ModSeq);
            items.push(Item::ModSeq);
        }
        match numbers {
            Numbers::Sequence => {}
            Numbers::Uid => {
                items.retain(|item| *item != Item::Uid);
                items.insert(0, Item::Uid);
            }
        }
        Some(FetchJob {
            tag,
            targets: targets.into_iter(),
            items,
            marks_seen,
            since: since.unwrap_or(0),
        })
    }

    /// The change number of CHANGEDSINCE; what has vanished since is told at once (RFC 7162,
    /// section 3.2.6).
    pub fn changed_since(&mut self, modifiers: &[FetchModifier]) -> Result<Option<u64>, Done> {
        let mut since = None;
        let mut vanished = false;
        for modifier in modifiers {
            match (modifier, self.personality()) {
                (_, Personality::Exchange) => return Err(Done::BadArgument),
                (FetchModifier::ChangedSince(modseq), Personality::Dovecot) => {
                    since = Some(modseq.get());
                }
                (FetchModifier::Vanished, Personality::Dovecot) => vanished = true,
            }
        }
        if let (Some(modseq), true) = (since, vanished) {
            if self.speaks != Speaks::Qresync {
                return Err(Done::BadArgument);
            }
            let gone = self.world.read(|state| {
                let mailbox = state.mailbox(self.address())?;
                Some(mailbox.folder(&self.view.as_ref()?.folder)?.vanished_since(modseq))
            });
            let gone = gone.unwrap_or_default();
            if !gone.is_empty() {
                self.line(&format!("* VANISHED (EARLIER) {}", uid_set(&gone)));
            }
        }
        Ok(since)
    }

    /// Writes messages until enough is waiting to be sent; false when the last is written and the
    /// command has ended. A message that is gone is passed over, as Exchange does.
    pub fn fetch_some(&mut self, job: &mut FetchJob) -> bool {
        while self.out.len() < PART_LIMIT_BYTES {
            let Some((number, known)) = job.targets.next() else {
                self.finish_fetch(&job.tag);
                return false;
            };
            let message = self.message(known, job.marks_seen);
            if let Some(message) = message.filter(|message| job.since < message.modseq) {
                write(&mut self.out, self.world.personality(), number, &message, &job.items);
            }
        }
        true
    }

    fn message(&self, known: Known, marks_seen: bool) -> Option<StoredMessage> {
        let address = self.address();
        let view = self.view.as_ref()?;
        let find = |state: &State| {
            state.mailbox(address)?.folder(&view.folder)?.message(known.uid).cloned()
        };
        if !marks_seen || known.flags.contains(Flag::Seen) {
            return self.world.read(find);
        }
        // The view does not know of the new flag, so the end of the command reports it.
        self.world.change(|state| {
            let folder = state.mailbox_mut(address)?.folder_mut(&view.folder)?;
            folder.change_flag(known.uid, FlagChange::Add(Flag::Seen))?;
            folder.message(known.uid).cloned()
        })
    }
}

fn read_item(asked: &MessageDataItemName<'_>) -> Option<Item> {
    Some(match asked {
        MessageDataItemName::Uid => Item::Uid,
        MessageDataItemName::Flags => Item::Flags,
        MessageDataItemName::InternalDate => Item::InternalDate,
        MessageDataItemName::Rfc822Size => Item::Size,
        MessageDataItemName::ModSeq => Item::ModSeq,
        MessageDataItemName::BodyExt { section, partial, .. } => {
            let part = match section {
                None => Part::Whole,
                Some(Section::Header(None)) => Part::Header,
                Some(Section::Text(None)) => Part::Text,
                Some(Section::HeaderFields(None, names)) => fields(Subset::Named, names),
                Some(Section::HeaderFieldsNot(None, names)) => fields(Subset::Others, names),
                Some(_) => return None,
            };
            let range = partial.map(|(from, count)| (from as usize, count.get() as usize));
            Item::Body { part, range }
        }
        _ => return None,
    })
}

fn fields(subset: Subset, names: &Vec1<AString<'_>>) -> Part {
    let names = names.as_ref().iter().map(|name| name.as_ref().to_vec()).collect();
    Part::Fields { subset, names }
}

fn write(
    out: &mut Vec<u8>,
    personality: Personality,
    number: usize,
    message: &StoredMessage,
    items: &[Item],
) {
    let mut bytes = None;
    let mut bytes = || bytes.get_or_insert_with(|| message.content.bytes()).clone();
    out.extend_from_slice(format!("* {number} FETCH (").as_bytes());
    for (index, item) in items.iter().enumerate() {
        if index != 0 {
            out.push(b' ');
        }
        let text = match item {
            Item::Uid => format!("UID {}", message.uid),
            Item::Flags => format!("FLAGS {}", flag_list(message.flags)),
            Item::InternalDate => {
                let date = DateTime::from_timestamp(message.received_at.0, 0).unwrap_or_default();
                format!("INTERNALDATE \"{}\"", date.format("%e-%b-%Y %H:%M:%S %z"))
            }
            Item::ModSeq => format!("MODSEQ ({})", message.modseq),
            Item::Size => {
                format!("RFC822.SIZE {}", personality.announced_size(bytes().len()))
            }
            Item::Body { part, range } => {
                write_body(out, part, *range, &bytes());
                continue;
            }
        };
        out.extend_from_slice(text.as_bytes());
    }
    out.extend_from_slice(b")\r\n");
}

fn write_body(out: &mut Vec<u8>, part: &Part, range: Option<(usize, usize)>, message: &[u8]) {
    let (header, text) = headers::split(message);
    let (name, content) = match part {
        Part::Whole => (String::new(), message.to_vec()),
        Part::Header => ("HEADER".to_owned(), header.to_vec()),
        Part::Text => ("TEXT".to_owned(), text.to_vec()),
        Part::Fields { subset, names } => {
            let word = match subset {
                Subset::Named => "HEADER.FIELDS",
                Subset::Others => "HEADER.FIELDS.NOT",
            };
            let listed: Vec<_> = names.iter().map(|name| String::from_utf8_lossy(name)).collect();
            let chosen = headers::subset(message, *subset, names);
            (format!("{word} ({})", listed.join(" ")), chosen)
        }
    };
    let (origin, content) = match range {
        None => (String::new(), content.as_slice()),
        Some((from, count)) => {
            let rest = content.get(from..).unwrap_or_default();
            (format!("<{from}>"), rest.get(..count).unwrap_or(rest))
        }
    };
    out.extend_from_slice(format!("BODY[{name}]{origin} {{{}}}\r\n", content.len()).as_bytes());
    out.extend_from_slice(content);
}

/// A flag list in brackets.
pub fn flag_list(flags: Flags) -> String {
    let names: Vec<_> = flags.iter().map(Flag::imap_name).collect();
    format!("({})", names.join(" "))
}
