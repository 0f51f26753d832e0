//! Rows of the catalogue for IMAP and SMTP servers, mostly Exchange Online. The first row that fits
//! is taken, so the more particular stands first.

use crate::problem::catalogue::{Matcher, Row};
use crate::problem::{ProblemKind, Remedy};

const fn row(
    alternatives: &'static [&'static [&'static str]],
    code: &'static str,
    what: &'static str,
    why: &'static str,
    remedy: Remedy,
) -> Row {
    let (matcher, kind) = (Matcher::Text(alternatives), ProblemKind::Failed);
    Row { matcher, kind, code, what, why, remedy }
}

/// A row whose cure is that the person signs in once more.
const fn sign_in(
    alternatives: &'static [&'static [&'static str]],
    code: &'static str,
    what: &'static str,
    why: &'static str,
) -> Row {
    let row = row(alternatives, code, what, why, Remedy::StartOver);
    Row { kind: ProblemKind::SignInNeeded, ..row }
}

/// A row about a connection that comes back by itself.
const fn connection(
    alternatives: &'static [&'static [&'static str]],
    code: &'static str,
    what: &'static str,
    why: &'static str,
) -> Row {
    Row { kind: ProblemKind::Network, ..row(alternatives, code, what, why, Remedy::Retry) }
}

/// Answers of mail servers; fragments in lower case.
pub static SERVERS: &[Row] = &[
    // IMAP.
    row(
        &[&["authenticated but not connected"]],
        "mailbox-not-opened",
        "You are signed in, but Microsoft does not open this mailbox",
        "IMAP may be switched off for it (in Outlook.com: Settings, Mail, Forwarding and IMAP), it \
         may belong to somebody else, have another main address, or no licence.",
        Remedy::EditSettings,
    ),
    connection(
        &[&["accesstokenexpired"]],
        "token-expired",
        "The server ended the session because its token ran out",
        "A new token is fetched and the connection opened again.",
    ),
    row(
        &[&["request is throttled"], &["suggested backoff time"]],
        "throttled",
        "The server asks for a pause",
        "The mailbox was asked for too much in a short time, perhaps by several programs. It goes \
         on by itself after a few minutes.",
        Remedy::Retry,
    ),
    sign_in(
        &[&["authenticate failed"]],
        "imap-token-refused",
        "The server refused the sign-in for reading mail",
        "Somebody else may have signed in, the approval to read mail may be missing, or IMAP is \
         switched off for this mailbox.",
    ),
    connection(
        &[&["server unavailable. 15"]],
        "imap-unavailable",
        "The mail server is not available at the moment",
        "It is busy or has had too many requests. It usually passes within minutes.",
    ),
    row(
        &[&["command error. 1"], &["command argument error. 1"]],
        "imap-command-refused",
        "The mail server did not accept a command",
        "Nothing has been changed. If it comes back, please report it with the details.",
        Remedy::Retry,
    ),
    connection(
        &[&["connection closed. 14"]],
        "imap-closed",
        "The mail server closed the connection",
        "It does so after several commands that it could not carry out. The connection is opened \
         again after a pause.",
    ),
    // Submission.
    row(
        &[&["5.7.139", "disabled for the tenant"]],
        "submission-off-for-organisation",
        "Your organisation has switched off sending through SMTP",
        "An administrator can allow it for you in the Microsoft 365 admin center: your user, Mail, \
         Manage email apps, Authenticated SMTP. Reading mail is not affected.",
        Remedy::AskAdministrator,
    ),
    row(
        &[&["5.7.139", "disabled for the mailbox"]],
        "submission-off-for-mailbox",
        "Sending through SMTP is switched off for this mailbox",
        "At work an administrator can allow it: your user, Mail, Manage email apps, Authenticated \
         SMTP. Microsoft gives new personal mailboxes no such switch. Reading mail is not affected.",
        Remedy::AskAdministrator,
    ),
    row(
        &[&["5.7.139", "basic authentication is disabled"]],
        "password-sending-off",
        "The server takes no passwords",
        "Link the mailbox by signing in with Microsoft.",
        Remedy::EditSettings,
    ),
    row(
        &[&["5.7.139", "security defaults"]],
        "submission-blocked-by-security-defaults",
        "Your organisation's security defaults block this way of sending",
        "They refuse older kinds of sign-in. An administrator can say which way is allowed.",
        Remedy::AskAdministrator,
    ),
    row(
        &[&["5.7.139"]],
        "submission-blocked-by-rule",
        "A rule of your organisation blocks sending",
        "It may look at the place you send from, or SMTP may be off for this mailbox. An \
         administrator finds the reason in the Entra sign-in log.",
        Remedy::AskAdministrator,
    ),
    row(
        &[
            &["5.7.60"],
            &["sendasdenied"],
            &["permissions to send as this sender"],
            &["not owned by user"],
        ],
        "send-as-denied",
        "The server does not let you send from this address",
        "Use the address of the account in From, or ask an administrator for the right to send as \
         the other one.",
        Remedy::EditMessage,
    ),
    row(
        &[&["5.7.57"], &["not authenticated to send mail"]],
        "submission-not-authenticated",
        "The server takes mail only after a sign-in, and there was none",
        "The submission server or its port is probably not the right one.",
        Remedy::EditSettings,
    ),
    row(
        &[&["5.1.8", "outbound"]],
        "account-restricted",
        "Microsoft has stopped this account from sending",
        "It looks as if it had sent spam. An administrator, or Microsoft's support for a personal \
         account, can lift the block.",
        Remedy::AskAdministrator,
    ),
    row(
        &[&["submissionquotaexceeded"], &["5.2.0 ", "storedrv"]],
        "sending-limit-reached",
        "The mailbox has reached its sending limit",
        "Exchange takes mail for about 10,000 recipients a day. Try again tomorrow; the message is \
         kept.",
        Remedy::Retry,
    ),
    row(
        &[&["quotaexceeded"], &["5.2.2 "], &["[overquota]"]],
        "mailbox-full",
        "The mailbox is full",
        "Delete old mail and empty the trash, then try again.",
        Remedy::Retry,
    ),
    row(
        &[&["concurrent connections limit"]],
        "submission-too-many-connections",
        "Too many messages are being sent at once",
        "The server takes three at a time from one mailbox. It goes on by itself.",
        Remedy::Retry,
    ),
    row(
        &[&["4.7.0", "prx"]],
        "submission-busy",
        "The server could not take the message at the moment",
        "This passes by itself. The message is kept.",
        Remedy::Retry,
    ),
    sign_in(
        &[&["5.7.3 "]],
        "submission-token-refused",
        "The server refused the sign-in for sending mail",
        "Somebody else may have signed in, the approval to send mail may be missing, or sending \
         through SMTP is switched off for this mailbox.",
    ),
];
