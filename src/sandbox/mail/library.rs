//! Every template of the demo mail, and which messages a mailbox gets from them.

use crate::model::flags::{Flag, FlagChange, Flags};
use crate::model::folder::FolderRole;
use crate::sandbox::mail::mime;
use crate::sandbox::mail::template::{Party, Place, Template, TemplateError, read};
use crate::stdx::clock::UnixSeconds;
use chrono::DateTime;
use std::sync::Arc;

/// The data files, by what is in them.
const FILES: [&str; 5] = [
    include_str!("conversations.txt"),
    include_str!("letters.txt"),
    include_str!("newsletters.txt"),
    include_str!("oddities.txt"),
    include_str!("recurring.txt"),
];
/// Filler beyond the written mail goes back so far: about six years.
const FILLER_SPAN_S: i64 = 6 * 365 * 86_400;

/// Seconds between two messages of the files that give the same age.
const APART_S: i64 = 37;
/// Numbers a repeated message had before the oldest that belongs to the demo.
const NUMBERED_BEFORE: i64 = 100;
/// Running numbers begin again after so many.
const NUMBERS: i64 = 10_000;

/// Why there is no demo mail.
pub type LibraryError = TemplateError;

/// The templates and the seed of what varies in them.
#[derive(Debug)]
pub struct Library {
    templates: Vec<Template>,
    seed: u64,
}

/// How to write one message: always the same bytes.
#[derive(Clone, Debug)]
pub struct Recipe {
    library: Arc<Library>,
    template: usize,
    occurrence: u32,
    start: UnixSeconds,
    written_at: UnixSeconds,
}

/// A message and where it belongs.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The folder.
    pub folder: Place,
    /// Its flags.
    pub flags: Flags,
    /// When it arrived.
    pub received_at: UnixSeconds,
    /// Its content.
    pub recipe: Recipe,
}

impl Library {
    /// Reads the data files that come with the program.
    ///
    /// # Errors
    /// [`LibraryError`] when one of them is not well written.
    pub fn read(seed: u64) -> Result<Self, LibraryError> {
        let mut templates = Vec::new();
        for file in FILES {
            templates.extend(read(file)?);
        }
        Ok(Self { templates, seed })
    }

    /// `count` messages, oldest first: the newest of what was written, or all of it and filler made of
    /// the repeated ones.
    #[must_use]
    pub fn place(self: &Arc<Self>, count: usize, start: UnixSeconds) -> Vec<Placed> {
        let mut placed = Vec::with_capacity(count);
        for (index, template) in self.templates.iter().enumerate() {
            placed.extend((0..template.count).map(|nth| self.placed(index, nth, start)));
        }
        placed.sort_by_key(|message| message.received_at);
        if count < placed.len() {
            return placed.split_off(placed.len() - count);
        }
        let repeated: Vec<(usize, u32)> = self
            .templates
            .iter()
            .enumerate()
            .filter(|(_index, template)| template.every_s != 0)
            .map(|(index, template)| (index, template.count))
            .collect();
        let rounds = (0_u32..).flat_map(|round| {
            repeated.iter().map(move |(index, written)| (*index, written.saturating_add(round)))
        });
        let missing = count - placed.len();
        placed.extend(rounds.take(missing).map(|(index, nth)| self.placed(index, nth, start)));
        placed.sort_by_key(|message| message.received_at);
        placed
    }

    fn placed(self: &Arc<Self>, index: usize, occurrence: u32, start: UnixSeconds) -> Placed {
        let template = self.templates.get(index);
        let age_s = self.age(index, occurrence);
        let unread = template.is_some_and(|template| occurrence < template.unread);
        let flags = template.map_or_else(Flags::default, |template| template.flags);
        let flags = if unread { flags.changed(FlagChange::Remove(Flag::Seen)) } else { flags };
        let received_at = start.plus(-age_s);
        let recipe = Recipe {
            library: Arc::clone(self),
            template: index,
            occurrence,
            start,
            written_at: received_at,
        };
        let folder = template.map(|template| template.place.clone());
        let nowhere = Place { name: String::new(), role: FolderRole::Inbox };
        Placed { folder: folder.unwrap_or(nowhere), flags, received_at, recipe }
    }

    /// Seconds before the start. Written messages differ by some seconds in the order of the files, and
    /// repeated ones drift, as people and machines do.
    fn age(&self, index: usize, occurrence: u32) -> i64 {
        let Some(template) = self.templates.get(index) else {
            return 0;
        };
        let behind = i64::try_from(self.templates.len() - index).unwrap_or_default();
        let nth = i64::from(occurrence);
        let drift = nth * 613 % (template.every_s / 8 + 1);
        (template.age_s + behind * APART_S + nth * template.every_s + drift) % FILLER_SPAN_S
    }

    /// The earlier messages of a conversation, oldest first, and the one at `index` last.
    fn conversation(&self, index: usize) -> Vec<(usize, &Template)> {
        let Some(template) = self.templates.get(index) else {
            return Vec::new();
        };
        if template.thread.is_empty() {
            return vec![(index, template)];
        }
        let earlier = self.templates.iter().enumerate().take(index + 1);
        earlier.filter(|(_index, other)| other.thread == template.thread).collect()
    }
}

/// A message ready to be put into MIME.
pub struct Written<'a> {
    /// Where it comes from.
    pub template: &'a Template,
    /// Subject.
    pub subject: String,
    /// Author.
    pub from: Party,
    /// When.
    pub written_at: UnixSeconds,
    /// When the sandbox was started.
    pub start: UnixSeconds,
    /// Message-ID with angle brackets.
    pub message_id: String,
    /// References with angle brackets, oldest first.
    pub references: Vec<String>,
    /// Text.
    pub text: String,
    /// HTML; empty for none.
    pub html: String,
}

impl Recipe {
    /// The message, RFC 5322 with CRLF line ends.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let conversation = self.library.conversation(self.template);
        let Some(((_index, template), earlier)) = conversation.split_last() else {
            return Vec::new();
        };
        let fill = |text: &str| self.fill(text);
        let root = conversation.first().map_or("", |(_index, root)| root.subject.as_str());
        let subject = match template.subject.as_str() {
            "Re:" => format!("Re: {root}"),
            subject => fill(subject),
        };
        let id = |index: usize, template: &Template| {
            let domain =
                template.from.address.rsplit_once('@').map_or("", |(_local, domain)| domain);
            let occurrence = if index == self.template { self.occurrence } else { 0 };
            format!("<{index}.{occurrence}.{:x}@{domain}>", mix(self.library.seed ^ index as u64))
        };
        let references = earlier.iter().map(|(index, template)| id(*index, template)).collect();
        let quote = earlier.last().map(|(index, before)| self.quote(*index, before));
        let text = fill(&template.text).replace("{quote}", &quote.unwrap_or_default());
        mime::write(&Written {
            template,
            subject,
            from: Party { name: fill(&template.from.name), address: template.from.address.clone() },
            written_at: self.written_at,
            start: self.start,
            message_id: id(self.template, template),
            references,
            text,
            html: fill(&template.html),
        })
    }

    /// The message before, quoted under an attribution line.
    fn quote(&self, index: usize, before: &Template) -> String {
        let later_s = self.library.age(index, 0) - self.library.age(self.template, self.occurrence);
        let written_at = self.written_at.plus(-later_s);
        let date = DateTime::from_timestamp(written_at.0, 0).unwrap_or_default();
        let date = date.format("%A, %-d %B %Y at %H:%M");
        let mut quoted = format!("On {date}, {} wrote:\n", before.from.name);
        for line in self.fill(&before.text.replace("{quote}", "[…]")).lines() {
            quoted.push_str(if line.starts_with('>') || line.is_empty() { ">" } else { "> " });
            quoted.push_str(line);
            quoted.push('\n');
        }
        quoted
    }

    /// Fills `{n}`, `{weekday}` and `{later}` and chooses from `{a|b|c}`; other braces stay. Lists of
    /// the same length choose alike within a message, so that its subject fits its text.
    fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, inside, behind)) = next_braces(rest) {
            filled.push_str(before);
            match inside {
                "n" => filled.push_str(&self.number().to_string()),
                "weekday" => filled.push_str(&weekday(self.written_at)),
                "later" => filled.push_str(&weekday(self.written_at.plus(2 * 86_400))),
                list if list.contains('|') => filled.push_str(self.choose(list)),
                other => {
                    filled.push('{');
                    filled.push_str(other);
                    filled.push('}');
                }
            }
            rest = behind;
        }
        filled.push_str(rest);
        filled
    }

    /// The running number of a repeated message: the newest has the highest.
    fn number(&self) -> i64 {
        let count = self.library.templates.get(self.template).map_or(0, |template| template.count);
        (i64::from(count) + NUMBERED_BEFORE - i64::from(self.occurrence)).rem_euclid(NUMBERS)
    }

    fn choose<'a>(&self, list: &'a str) -> &'a str {
        let choices: Vec<&str> = list.split('|').collect();
        let place = ((self.template as u64) << 32) | u64::from(self.occurrence);
        let drawn = mix(self.library.seed ^ mix(place)) % (choices.len() as u64).max(1);
        usize::try_from(drawn)
            .ok()
            .and_then(|drawn| choices.get(drawn).copied())
            .unwrap_or_default()
    }
}

fn weekday(at: UnixSeconds) -> String {
    DateTime::from_timestamp(at.0, 0).unwrap_or_default().format("%A").to_string()
}

fn next_braces(text: &str) -> Option<(&str, &str, &str)> {
    let (before, opened) = text.split_once('{')?;
    let (inside, behind) = opened.split_once('}')?;
    Some((before, inside, behind))
}

/// One step of `SplitMix64` (Steele, Lea, Flood 2014): small, and the same on every machine.
fn mix(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use crate::sandbox::headers::{split, value};
    use crate::sandbox::mail::library::Library;
    use crate::stdx::clock::UnixSeconds;
    use std::collections::HashSet;
    use std::sync::Arc;

    const START: UnixSeconds = UnixSeconds(1_790_000_000);

    fn library() -> Arc<Library> {
        Arc::new(Library::read(1).unwrap())
    }

    #[test]
    fn any_number_of_messages_can_be_had_in_the_order_of_their_dates() {
        #[track_caller]
        fn check(count: usize) {
            let placed = library().place(count, START);
            assert_eq!(placed.len(), count);
            assert!(placed.is_sorted_by_key(|message| message.received_at));
            assert!(placed.iter().all(|message| message.received_at < START));
        }
        check(0);
        check(1);
        check(240);
        check(5_000);
    }

    #[test]
    fn every_message_is_sound_and_always_the_same() {
        let mut ids = HashSet::new();
        for message in library().place(1_000, START) {
            let bytes = message.recipe.write();
            assert_eq!(bytes, message.recipe.write());
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let subject = value(&bytes, "Subject");
            assert!(value(&bytes, "From").is_some_and(|from| from.contains('@')), "{text}");
            assert!(value(&bytes, "Date").is_some(), "{text}");
            assert!(!split(&bytes).1.is_empty(), "{subject:?} has no body");
            assert!(ids.insert(value(&bytes, "Message-ID").unwrap()), "{subject:?} shares its id");
            assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "{subject:?}: bare line end");
            assert!(!text.contains("{quote}"), "{subject:?}");
            let longest = bytes.split(|byte| *byte == b'\n').map(<[u8]>::len).max();
            assert!(longest.is_some_and(|longest| longest <= 999), "{subject:?} {longest:?}");
            assert!(split(&bytes).0.is_ascii(), "{subject:?}: 8-bit header");
        }
    }

    #[test]
    fn every_message_is_read_by_the_parser_of_the_program() {
        for message in library().place(300, START) {
            let bytes = message.recipe.write();
            let parsed = mail_parser::MessageParser::default().parse(&bytes).unwrap();
            assert!(parsed.date().is_some() && parsed.from().is_some());
            let texts = parsed.text_body_count() + parsed.html_body_count();
            assert!(0 < texts, "{:?}", parsed.subject());
        }
    }

    #[test]
    fn an_answer_comes_after_what_it_answers() {
        let placed = library().place(240, START);
        let mut seen = HashSet::new();
        for message in &placed {
            let bytes = message.recipe.write();
            let references = value(&bytes, "References").unwrap_or_default();
            assert!(references.split_whitespace().all(|id| seen.contains(id)), "{references}");
            seen.extend(value(&bytes, "Message-ID"));
        }
    }

    #[test]
    fn an_answer_names_what_it_answers() {
        let placed = library().place(240, START);
        let written: Vec<_> = placed.iter().map(|message| message.recipe.write()).collect();
        let ids: HashSet<String> =
            written.iter().filter_map(|bytes| value(bytes, "Message-ID")).collect();
        let answered: Vec<String> =
            written.iter().filter_map(|bytes| value(bytes, "In-Reply-To")).collect();
        assert!(20 < answered.len());
        assert!(answered.iter().all(|id| ids.contains(id)));
    }
}
