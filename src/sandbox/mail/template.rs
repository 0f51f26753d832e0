//! The data files of the demo mail, read into templates.
//!
//! A message begins with `== SUBJECT` (`== Re:` alone answers the message before it in its thread,
//! `== (none)` has no subject), goes on with `key: value` lines, an empty line and its text; a line `--html--` begins an HTML
//! alternative. `\u{1b}` stands for a character by its number, `{a|b|c}` for one of several,
//! `{n}` for the running number of a repeated message, `{weekday}` for the day it was written and
//! `{later}` for the one after the next, `{quote}` for the quoted message before.
//!
//! | key | value |
//! | --- | --- |
//! | folder | `inbox sent drafts archive junk trash`, or a folder's name |
//! | age | `20m`, `3h`, `2d`, `5w`: how long before the start it was written |
//! | every, count | a repeated message: the same age unit, and how often |
//! | unread | of a repeated message, how many of the newest are unread |
//! | from, to, cc | first names of the sandbox's people, or `Name <address>`, parted by `;` |
//! | flags | `seen answered flagged draft forwarded` |
//! | thread | a word shared by the messages of a conversation, oldest first in the file |
//! | encoding | `plain` (8bit), `quoted` (quoted-printable, the default), `base64` or `latin-1` |
//! | attach | file names parted by `;`; the extension decides what is in them |
//! | invite | hours from the start to a meeting: adds a calendar part |
//! | header | a whole header line, as often as needed |

use crate::model::flags::{Flag, Flags};
use crate::model::folder::FolderRole;
use crate::sandbox::people::PEOPLE;

/// A name and an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Display name.
    pub name: String,
    /// Address.
    pub address: String,
}

/// Which folder of whichever personality.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Decoded name; empty when the role says enough.
    pub name: String,
    /// What it is for.
    pub role: FolderRole,
}

/// How text is put on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8 as 8bit.
    Plain,
    /// UTF-8 as quoted-printable.
    Quoted,
    /// UTF-8 as base64.
    Base64,
    /// ISO-8859-1 as quoted-printable.
    Latin1,
}

/// A message to be written, once or often.
#[derive(Clone, Debug)]
pub struct Template {
    /// Subject; `Re:` alone until the thread is known.
    pub subject: String,
    /// Where it lies.
    pub place: Place,
    /// Seconds between its writing and the start.
    pub age_s: i64,
    /// Seconds between two of a repeated message; 0 for a single one.
    pub every_s: i64,
    /// How many of a repeated message belong to the demo.
    pub count: u32,
    /// How many of the newest of a repeated message are unread.
    pub unread: u32,
    /// Author.
    pub from: Party,
    /// Primary recipients.
    pub to: Vec<Party>,
    /// Further recipients.
    pub cc: Vec<Party>,
    /// Flags.
    pub flags: Flags,
    /// Word shared by a conversation; empty for none.
    pub thread: String,
    /// How its text is put on the wire.
    pub encoding: Encoding,
    /// File names.
    pub attachments: Vec<String>,
    /// Hours from the start to a meeting.
    pub invite_h: Option<i64>,
    /// Further header lines.
    pub headers: Vec<String>,
    /// Text.
    pub text: String,
    /// HTML alternative; empty for none.
    pub html: String,
}

/// What is wrong with a data file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the demo mail cannot be read: message {subject:?}, {line:?}")]
pub struct TemplateError {
    /// Which message.
    pub subject: String,
    /// Which line, or what is missing.
    pub line: String,
}

/// Reads one file.
///
/// # Errors
/// [`TemplateError`] naming the first message that is not understood.
pub fn read(file: &str) -> Result<Vec<Template>, TemplateError> {
    let file = format!("\n{file}");
    file.split("\n== ").skip(1).map(read_message).collect()
}

fn read_message(block: &str) -> Result<Template, TemplateError> {
    let (head, body) = block.split_once("\n\n").unwrap_or((block, ""));
    let mut lines = head.lines();
    let subject = match lines.next().unwrap_or_default().trim() {
        "(none)" => String::new(),
        written => unescape(written),
    };
    let (text, html) = body.split_once("--html--\n").unwrap_or((body, ""));
    let mut template = Template {
        subject,
        place: Place { name: String::new(), role: FolderRole::Inbox },
        age_s: 0,
        every_s: 0,
        count: 1,
        unread: 0,
        from: Party { name: String::new(), address: String::new() },
        to: Vec::new(),
        cc: Vec::new(),
        flags: Flags::default(),
        thread: String::new(),
        encoding: Encoding::Quoted,
        attachments: Vec::new(),
        invite_h: None,
        headers: Vec::new(),
        text: unescape(text.trim_matches('\n')),
        html: unescape(html.trim_matches('\n')),
    };
    for line in lines {
        if read_field(&mut template, line).is_none() {
            let Template { subject, .. } = template;
            return Err(TemplateError { subject, line: line.to_owned() });
        }
    }
    let missing = template.from.address.is_empty() || template.age_s == 0;
    if missing {
        let line = "from or age is missing".to_owned();
        return Err(TemplateError { subject: template.subject, line });
    }
    if template.to.is_empty() {
        template.to = parties("ada")?;
    }
    Ok(template)
}

fn read_field(template: &mut Template, line: &str) -> Option<()> {
    let (key, value) = line.split_once(':')?;
    let value = value.trim();
    match key {
        "folder" => template.place = place(value),
        "age" => template.age_s = seconds(value)?,
        "every" => template.every_s = seconds(value)?,
        "count" => template.count = value.parse().ok()?,
        "unread" => template.unread = value.parse().ok()?,
        "from" => template.from = parties(value).ok()?.into_iter().next()?,
        "to" => template.to = parties(value).ok()?,
        "cc" => template.cc = parties(value).ok()?,
        "flags" => {
            let flag = |word| Flag::ALL.into_iter().find(|flag| flag.as_str() == word);
            template.flags = value.split_whitespace().map(flag).collect::<Option<_>>()?;
        }
        "thread" => value.clone_into(&mut template.thread),
        "encoding" => {
            template.encoding = match value {
                "plain" => Encoding::Plain,
                "quoted" => Encoding::Quoted,
                "base64" => Encoding::Base64,
                "latin-1" => Encoding::Latin1,
                _ => return None,
            }
        }
        "attach" => {
            template.attachments = value.split("; ").map(|name| unescape(name.trim())).collect()
        }
        "invite" => template.invite_h = Some(value.parse().ok()?),
        "header" => template.headers.push(unescape(value)),
        _ => return None,
    }
    Some(())
}

fn place(word: &str) -> Place {
    match FolderRole::from_word(word) {
        Some(role) => Place { name: String::new(), role },
        None => Place { name: word.to_owned(), role: FolderRole::Mail },
    }
}

fn seconds(value: &str) -> Option<i64> {
    let unit = match value.chars().next_back()? {
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    let number: i64 = value.get(..value.len() - 1)?.parse().ok()?;
    Some(number * unit)
}

fn parties(list: &str) -> Result<Vec<Party>, TemplateError> {
    let read = |entry: &str| {
        let entry = entry.trim();
        if let Some(person) = PEOPLE.iter().find(|person| person.name.eq_ignore_ascii_case(entry)) {
            return Ok(Party { name: person.name.to_owned(), address: person.address.to_owned() });
        }
        let split = entry.strip_suffix('>').and_then(|entry| entry.split_once('<'));
        let (name, address) = split.ok_or_else(|| TemplateError {
            subject: String::new(),
            line: format!("{entry} is nobody"),
        })?;
        Ok(Party { name: unescape(name.trim()), address: address.to_owned() })
    };
    list.split("; ").map(read).collect()
}

/// Replaces `\u{…}` by the character of that number.
fn unescape(text: &str) -> String {
    let mut parts = text.split("\\u{");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let read = part.split_once('}').and_then(|(number, rest)| {
            let number = u32::from_str_radix(number, 16).ok()?;
            Some((char::from_u32(number)?, rest))
        });
        let (letter, rest) = read.unwrap_or(('\u{fffd}', part));
        plain.push(letter);
        plain.push_str(rest);
    }
    plain
}

#[cfg(test)]
mod tests {
    use crate::model::flags::Flag;
    use crate::sandbox::mail::template::read;

    #[test]
    fn a_message_is_read_with_its_fields() {
        let file = "== Tea\nfolder: sent\nage: 2h\nfrom: ada\nto: alan; Zoë <zoe@example.test>\n\
                    flags: seen flagged\nattach: a.pdf; b\\u{202e}.txt\n\nHello\n\nYou\n--html--\n<p>Hello\n";
        let read = read(file).unwrap();
        let [message] = read.as_slice() else { panic!("one message") };
        assert_eq!(message.subject, "Tea");
        assert_eq!(message.age_s, 7_200);
        assert_eq!(message.to.last().unwrap().name, "Zoë");
        assert!(message.flags.contains(Flag::Flagged));
        assert_eq!(message.attachments, ["a.pdf", "b\u{202e}.txt"]);
        assert_eq!((message.text.as_str(), message.html.as_str()), ("Hello\n\nYou", "<p>Hello"));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        #[track_caller]
        fn check(file: &str, line: &str) {
            assert_eq!(read(file).unwrap_err().line, line);
        }
        check("== Tea\nage: 2h\nfrom: ada\ncolour: red\n\nx\n", "colour: red");
        check("== Tea\nage: soon\n\nx\n", "age: soon");
        check("== Tea\nage: 2h\n\nx\n", "from or age is missing");
        check("== Tea\nage: 2h\nfrom: nobody\n\nx\n", "from: nobody");
    }
}
