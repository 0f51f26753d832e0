//! Where the two personalities differ, in one table each: words, folders, capabilities.
//!
//! Exchange Online's words are those of public logs (MailKit, imapsync, aioimaplib issue threads).
//! Neither list advertises what the sandbox does not do; what Exchange lacks, it lacks here too.

use crate::model::account::SentCopy;
use crate::model::folder::FolderRole;
use crate::sandbox::mailbox::FolderPlan;
use crate::sandbox::options::Personality;

impl Personality {
    /// The provider preset such an account belongs to.
    #[must_use]
    pub fn provider(self) -> &'static str {
        match self {
            Self::Exchange => "microsoft365",
            Self::Dovecot => "custom",
        }
    }

    /// Who files Sent copies.
    #[must_use]
    pub fn sent_copy(self) -> SentCopy {
        match self {
            Self::Exchange => SentCopy::Server,
            Self::Dovecot => SentCopy::Append,
        }
    }

    /// Text of the IMAP greeting.
    #[must_use]
    pub fn imap_greeting(self) -> &'static str {
        match self {
            Self::Exchange => {
                "The Microsoft Exchange IMAP4 service is ready. [UABPAFMAVABIAEEAUwBUAEUA]"
            }
            Self::Dovecot => {
                "[CAPABILITY IMAP4rev1 SASL-IR ID ENABLE IDLE LITERAL+ AUTH=XOAUTH2] Dovecot ready."
            }
        }
    }

    /// Capabilities before authentication.
    #[must_use]
    pub fn capabilities_before(self) -> &'static str {
        match self {
            Self::Exchange => {
                "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN \
                 IDLE NAMESPACE LITERAL+"
            }
            Self::Dovecot => "IMAP4rev1 SASL-IR ID ENABLE IDLE LITERAL+ AUTH=XOAUTH2",
        }
    }

    /// Capabilities after authentication. Exchange has to be asked for them.
    #[must_use]
    pub fn capabilities_after(self) -> &'static str {
        match self {
            Self::Exchange => {
                "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT \
                 CLIENTACCESSRULES CLIENTNETWORKPRESENCELOCATION BACKENDAUTHENTICATE CHILDREN IDLE \
                 NAMESPACE LITERAL+"
            }
            Self::Dovecot => {
                "IMAP4rev1 SASL-IR ID ENABLE IDLE LITERAL+ UNSELECT CHILDREN NAMESPACE UIDPLUS MOVE \
                 SPECIAL-USE LIST-STATUS ESEARCH CONDSTORE QRESYNC"
            }
        }
    }

    /// Text of the tagged OK that ends a sign-in.
    #[must_use]
    pub fn authenticated(self) -> String {
        match self {
            Self::Exchange => "AUTHENTICATE completed.".to_owned(),
            Self::Dovecot => format!("[CAPABILITY {}] Logged in", self.capabilities_after()),
        }
    }

    /// Text of the tagged NO that refuses one.
    #[must_use]
    pub fn authentication_failed(self) -> &'static str {
        match self {
            Self::Exchange => "AUTHENTICATE failed.",
            Self::Dovecot => "[AUTHENTICATIONFAILED] Authentication failed.",
        }
    }

    /// Text of the BAD for a command that is not understood or not in its place.
    #[must_use]
    pub fn bad_command(self) -> &'static str {
        match self {
            Self::Exchange => "Command Error. 12",
            Self::Dovecot => "Error in IMAP command: Unknown command.",
        }
    }

    /// Text of the BAD for an argument that is not supported.
    #[must_use]
    pub fn bad_argument(self) -> &'static str {
        match self {
            Self::Exchange => "Command Argument Error. 11",
            Self::Dovecot => "Error in IMAP command: Invalid arguments.",
        }
    }

    /// Text of the NO for a folder that does not exist.
    #[must_use]
    pub fn no_such_folder(self, folder: &str) -> String {
        match self {
            Self::Exchange => format!("{folder} doesn't exist."),
            Self::Dovecot => format!("[NONEXISTENT] Mailbox doesn't exist: {folder}"),
        }
    }

    /// Text of the NO for a folder that exists already.
    #[must_use]
    pub fn folder_exists(self, folder: &str) -> String {
        match self {
            Self::Exchange => format!("{folder} already exists."),
            Self::Dovecot => format!("[ALREADYEXISTS] Mailbox already exists: {folder}"),
        }
    }

    /// Flags that can be stored, as PERMANENTFLAGS lists them.
    #[must_use]
    pub fn permanent_flags(self) -> &'static str {
        match self {
            Self::Exchange => r"\Seen \Answered \Flagged \Deleted \Draft $MDNSent",
            Self::Dovecot => r"\Answered \Flagged \Deleted \Seen \Draft $Forwarded \*",
        }
    }

    /// RFC822.SIZE of a message: Exchange estimates it (`ImapEnableExactRFC822Size` is off).
    #[must_use]
    pub fn announced_size(self, exact_bytes: usize) -> usize {
        match self {
            Self::Exchange => exact_bytes + exact_bytes / 64,
            Self::Dovecot => exact_bytes,
        }
    }

    /// What SMTP offers after TLS.
    #[must_use]
    pub fn smtp_extensions(self) -> &'static [&'static str] {
        match self {
            Self::Exchange => &[
                "SIZE 157286400",
                "PIPELINING",
                "DSN",
                "ENHANCEDSTATUSCODES",
                "AUTH LOGIN XOAUTH2",
                "8BITMIME",
                "SMTPUTF8",
            ],
            Self::Dovecot => &[
                "PIPELINING",
                "SIZE 104857600",
                "AUTH XOAUTH2",
                "ENHANCEDSTATUSCODES",
                "8BITMIME",
                "SMTPUTF8",
            ],
        }
    }

    /// The folders of a mailbox, in the order of LIST.
    #[must_use]
    pub fn folders(self) -> &'static [FolderPlan] {
        match self {
            Self::Exchange => EXCHANGE_FOLDERS,
            Self::Dovecot => DOVECOT_FOLDERS,
        }
    }
}

const fn plan(name: &'static str, role: FolderRole, attribute: &'static str) -> FolderPlan {
    FolderPlan { name, role, attribute }
}

const EXCHANGE_FOLDERS: &[FolderPlan] = &[
    plan("Archive", FolderRole::Archive, ""),
    plan("Calendar", FolderRole::Other, ""),
    plan("Contacts", FolderRole::Other, ""),
    plan("Conversation History", FolderRole::Other, ""),
    plan("Deleted Items", FolderRole::Trash, "\\Trash"),
    plan("Drafts", FolderRole::Drafts, "\\Drafts"),
    plan("INBOX", FolderRole::Inbox, ""),
    plan("Journal", FolderRole::Other, ""),
    plan("Junk Email", FolderRole::Junk, "\\Junk"),
    plan("Lists", FolderRole::Mail, ""),
    plan("Notes", FolderRole::Other, ""),
    plan("Outbox", FolderRole::Other, ""),
    plan("Projects", FolderRole::Mail, ""),
    plan("Projects/Analytical Engine", FolderRole::Mail, ""),
    plan("Projects/Café & Küche", FolderRole::Mail, ""),
    plan("Sent Items", FolderRole::Sent, "\\Sent"),
    plan("Tasks", FolderRole::Other, ""),
];

const DOVECOT_FOLDERS: &[FolderPlan] = &[
    plan("INBOX", FolderRole::Inbox, ""),
    plan("Archive", FolderRole::Archive, "\\Archive"),
    plan("Drafts", FolderRole::Drafts, "\\Drafts"),
    plan("Junk", FolderRole::Junk, "\\Junk"),
    plan("Lists", FolderRole::Mail, ""),
    plan("Projects", FolderRole::Mail, ""),
    plan("Projects/Analytical Engine", FolderRole::Mail, ""),
    plan("Projects/Café & Küche", FolderRole::Mail, ""),
    plan("Sent", FolderRole::Sent, "\\Sent"),
    plan("Trash", FolderRole::Trash, "\\Trash"),
];
