//! What LIST tells about folders: which are for mail, and what each is for.

use crate::model::folder::FolderRole;
use crate::model::folder::ListedFolder;
use crate::transport::imap::folder_names::FOLDER_NAMES;
use crate::transport::imap::names::{decode, unescaped};
use imap_proto::{MailboxDatum, NameAttribute, Response, StatusAttribute};

/// A folder as LIST names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Decoded name.
    pub name: String,
    /// Level separator.
    pub delimiter: Option<char>,
    /// Role by attribute (RFC 6154), wherever it appears: Exchange sends some unannounced.
    pub marked: Option<FolderRole>,
}

/// Counts of a folder as STATUS tells them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Decoded name.
    pub name: String,
    /// MESSAGES.
    pub total: Option<u32>,
    /// UNSEEN.
    pub unread: Option<u32>,
}

/// The folder in a LIST response; `None` for other responses and for folders that cannot be opened.
pub fn listed(response: &Response<'_>) -> Option<Listed> {
    let Response::MailboxData(MailboxDatum::List(data)) = response else {
        return None;
    };
    let closed = data.name_attributes.iter().any(|attribute| match attribute {
        NameAttribute::NoSelect => true,
        NameAttribute::Extension(name) => name.eq_ignore_ascii_case("\\NonExistent"),
        _ => false,
    });
    if closed {
        return None;
    }
    let delimiter = data.delimiter.as_deref().map(unescaped);
    Some(Listed {
        name: decode(&unescaped(&data.name)),
        delimiter: delimiter.and_then(|text| text.chars().next()),
        marked: data.name_attributes.iter().find_map(role_of_attribute),
    })
}

/// The counts in a STATUS response.
#[must_use]
pub fn counts(response: &Response<'_>) -> Option<Counts> {
    let Response::MailboxData(MailboxDatum::Status { mailbox, status }) = response else {
        return None;
    };
    let mut counts = Counts { name: decode(&unescaped(mailbox)), ..Counts::default() };
    for item in status {
        match item {
            StatusAttribute::Messages(count) => counts.total = Some(*count),
            StatusAttribute::Unseen(count) => counts.unread = Some(*count),
            _ => {}
        }
    }
    Some(counts)
}

fn role_of_attribute(attribute: &NameAttribute<'_>) -> Option<FolderRole> {
    match attribute {
        NameAttribute::Archive => Some(FolderRole::Archive),
        NameAttribute::Drafts => Some(FolderRole::Drafts),
        NameAttribute::Junk => Some(FolderRole::Junk),
        NameAttribute::Sent => Some(FolderRole::Sent),
        NameAttribute::Trash => Some(FolderRole::Trash),
        _ => None,
    }
}

/// Gives every folder its role: by attribute, then by name, one folder for each role. A name counts
/// at the top or right below INBOX only. What lies inside a folder that holds no mail holds none.
#[must_use]
pub fn with_roles(listed: &[Listed], counts: &[Counts]) -> Vec<ListedFolder> {
    let mut roles: Vec<FolderRole> = listed
        .iter()
        .map(|folder| match folder.name.as_str() {
            "INBOX" => FolderRole::Inbox,
            _ => FolderRole::Mail,
        })
        .collect();
    for (role, names) in FOLDER_NAMES {
        if *role == FolderRole::Other {
            for (folder, own) in listed.iter().zip(&mut roles) {
                let holds_none = names.iter().any(|name| lies_in(folder, name));
                if holds_none && folder.marked.is_none() && *own == FolderRole::Mail {
                    *own = FolderRole::Other;
                }
            }
            continue;
        }
        let marked = listed.iter().position(|folder| folder.marked == Some(*role));
        let named = || {
            names.iter().find_map(|name| {
                listed.iter().position(|folder| folder.marked.is_none() && is_named(folder, name))
            })
        };
        let own = marked.or_else(named).and_then(|at| roles.get_mut(at));
        if let Some(own) = own.filter(|own| **own == FolderRole::Mail) {
            *own = *role;
        }
    }
    listed
        .iter()
        .zip(roles)
        .map(|(folder, role)| {
            let counts = counts.iter().find(|counts| counts.name == folder.name);
            ListedFolder {
                name: folder.name.clone(),
                delimiter: folder.delimiter,
                role,
                total: counts.and_then(|counts| counts.total),
                unread: counts.and_then(|counts| counts.unread),
            }
        })
        .collect()
}

/// The name in lower case, without an `INBOX` level at the front.
fn folded(folder: &Listed) -> String {
    let lower = folder.name.to_lowercase();
    folder
        .delimiter
        .and_then(|delimiter| lower.strip_prefix("inbox")?.strip_prefix(delimiter))
        .map_or_else(|| lower.clone(), str::to_owned)
}

fn is_named(folder: &Listed, name: &str) -> bool {
    folded(folder) == name
}

fn lies_in(folder: &Listed, name: &str) -> bool {
    let path = folded(folder);
    let top = match folder.delimiter {
        Some(delimiter) => path.split(delimiter).next().unwrap_or_default(),
        None => &path,
    };
    top == name
}

#[cfg(test)]
mod tests {
    use crate::model::folder::FolderRole;
    use crate::transport::imap::folders::{Listed, with_roles};

    #[track_caller]
    fn check(folders: &[(&str, Option<FolderRole>)], expected: &[&str]) {
        let listed: Vec<Listed> = folders
            .iter()
            .map(|(name, marked)| Listed {
                name: (*name).to_owned(),
                delimiter: Some('/'),
                marked: *marked,
            })
            .collect();
        let roles: Vec<&str> =
            with_roles(&listed, &[]).iter().map(|folder| folder.role.as_str()).collect();
        assert_eq!(roles, expected, "{folders:?}");
    }

    #[test]
    fn roles_come_from_attributes_then_from_names_and_each_only_once() {
        let plain = |name| (name, None);
        // A work mailbox, then a personal one.
        check(
            &["INBOX", "Sent Items", "Deleted Items", "Junk Email", "Drafts", "Archive"].map(plain),
            &["inbox", "sent", "trash", "junk", "drafts", "archive"],
        );
        check(
            &["INBOX", "Sent", "Deleted", "Junk"].map(plain),
            &["inbox", "sent", "trash", "junk"],
        );
        check(
            &["INBOX", "Gesendete Elemente", "Gelöschte Elemente", "Junk-E-Mail", "Entwürfe"]
                .map(plain),
            &["inbox", "sent", "trash", "junk", "drafts"],
        );
        check(&["Éléments envoyés", "ÉLÉMENTS SUPPRIMÉS"].map(plain), &["sent", "trash"]);
        // The attribute wins over the better name, wherever it is.
        check(&[("Sent Items", None), ("Post/Weg", Some(FolderRole::Sent))], &["mail", "sent"]);
        check(&["Sent", "Sent Items"].map(plain), &["mail", "sent"]);
        check(
            &[("A", Some(FolderRole::Trash)), ("B", Some(FolderRole::Trash))],
            &["trash", "mail"],
        );
        check(&["INBOX/Trash", "Projects/Trash"].map(plain), &["trash", "mail"]);
        // The inbox keeps its role whatever it is marked as.
        check(&[("INBOX", Some(FolderRole::Archive))], &["inbox"]);
    }

    #[test]
    fn folders_without_mail_are_told_apart_with_all_that_is_inside() {
        let plain = |name| (name, None);
        check(
            &[
                "Calendar",
                "Calendar/Birthdays",
                "Sync Issues/Conflicts",
                "Projects/Notes",
                "Kalender",
            ]
            .map(plain),
            &["other", "other", "other", "mail", "other"],
        );
        check(&[("Notes", Some(FolderRole::Archive))], &["archive"]);
    }
}
