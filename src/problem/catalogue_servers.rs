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
    admin: &'static str,
) -> Row {
    let (matcher, kind) = (Matcher::Text(alternatives), ProblemKind::Failed);
    Row { matcher, kind, code, what, why, remedy, admin }
}

/// A row whose cure is that the person signs in once more.
const fn sign_in(
    alternatives: &'static [&'static [&'static str]],
    code: &'static str,
    what: &'static str,
    why: &'static str,
    admin: &'static str,
) -> Row {
    let row = row(alternatives, code, what, why, Remedy::StartOver, admin);
    Row { kind: ProblemKind::SignInNeeded, ..row }
}

/// A row about trouble that passes by itself.
const fn passing(
    alternatives: &'static [&'static [&'static str]],
    kind: ProblemKind,
    code: &'static str,
    what: &'static str,
    why: &'static str,
) -> Row {
    Row { kind, ..row(alternatives, code, what, why, Remedy::Retry, "") }
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
        "In Exchange Online PowerShell:\n    Set-CASMailbox USER@DOMAIN -ImapEnabled $true\nor \
         Microsoft 365 admin center, Users, Active users, USER@DOMAIN, Mail, Manage email apps, \
         IMAP. For a shared mailbox also:\n    Add-MailboxPermission SHARED-ADDRESS -User \
         USER@DOMAIN -AccessRights FullAccess",
    ),
    passing(
        &[&["accesstokenexpired"]],
        ProblemKind::Network,
        "token-expired",
        "The server ended the session because its hour was over",
        "The sign-in is renewed and the connection opened again.",
    ),
    passing(
        &[&["request is throttled"], &["suggested backoff time"]],
        ProblemKind::Failed,
        "throttled",
        "The server asks for a pause",
        "The mailbox was asked for too much in a short time, perhaps by several programs. It goes \
         on by itself after a few minutes.",
    ),
    sign_in(
        &[&["authenticate failed"]],
        "imap-token-refused",
        "The server refused the sign-in for reading mail",
        "Somebody else may have signed in, the approval to read mail may be missing, or IMAP is \
         switched off for this mailbox.",
        "In Exchange Online PowerShell:\n    Set-CASMailbox USER@DOMAIN -ImapEnabled $true\nand \
         the permission IMAP.AccessAsUser.All of APP-NAME (CLIENT-ID) approved: open the approval \
         link as an administrator.",
    ),
    row(
        &[&["login failed"], &["logindisabled"]],
        "password-reading-off",
        "The server does not take this password",
        "Microsoft takes no passwords for mail any more; elsewhere it may be mistyped. \
         Sign in with a code instead.",
        Remedy::UseDeviceCode,
        "",
    ),
    passing(
        &[&["server unavailable. 15"]],
        ProblemKind::Network,
        "imap-unavailable",
        "The mail server is not available at the moment",
        "It is busy or has been asked too often. It usually passes within minutes.",
    ),
    passing(
        &[&["command error. 1"], &["command argument error. 1"]],
        ProblemKind::Failed,
        "imap-command-refused",
        "The mail server did not accept a command",
        "Nothing has been changed. If it comes back, report it with the details.",
    ),
    passing(
        &[&["connection closed. 14"]],
        ProblemKind::Network,
        "imap-closed",
        "The mail server closed the connection",
        "It does so after several commands that it could not carry out. The connection is opened \
         again after a pause.",
    ),
    // Submission: switched off.
    row(
        &[&["disabled for the tenant"]],
        "submission-off-for-organisation",
        "Your organisation has switched off sending through SMTP",
        "Microsoft Graph is another way to send and usually stays open. Reading mail is not \
         affected.",
        Remedy::UseGraph,
        "In Exchange Online PowerShell, for this mailbox alone:\n    Set-CASMailbox USER@DOMAIN \
         -SmtpClientAuthenticationDisabled $false\nor Microsoft 365 admin center, Users, Active \
         users, USER@DOMAIN, Mail, Manage email apps, Authenticated SMTP. The setting of the \
         mailbox wins over that of the organisation, which is:\n    Set-TransportConfig \
         -SmtpClientAuthenticationDisabled $false\nSecurity defaults switch it off as well.",
    ),
    row(
        &[&["disabled for the mailbox"]],
        "submission-off-for-mailbox",
        "Sending through SMTP is switched off for this mailbox",
        "New personal mailboxes have no switch for it at all. Microsoft Graph is another way to \
         send. Reading mail is not affected.",
        Remedy::UseGraph,
        "In Exchange Online PowerShell:\n    Set-CASMailbox USER@DOMAIN \
         -SmtpClientAuthenticationDisabled $false\nor Microsoft 365 admin center, Users, Active \
         users, USER@DOMAIN, Mail, Manage email apps, Authenticated SMTP.",
    ),
    row(
        &[&["basic authentication is disabled"]],
        "password-sending-off",
        "The server takes no passwords",
        "Microsoft wants a sign-in on its own page. Sign in with a code instead.",
        Remedy::UseDeviceCode,
        "",
    ),
    row(
        &[&["5.7.139", "security defaults"], &["locked by your organization's security defaults"]],
        "submission-blocked-by-security-defaults",
        "Your organisation's security defaults block this way of sending",
        "They refuse passwords and older kinds of sign-in. They let a browser sign-in pass.",
        Remedy::UseBrowser,
        "Security defaults block older sign-ins for USER@DOMAIN: Entra admin center, Overview, \
         Properties, Manage security defaults. A browser sign-in needs no change there.",
    ),
    row(
        &[&["5.7.139"], &["did not meet the criteria to be authenticated"]],
        "submission-blocked-by-rule",
        "A rule of your organisation blocks sending through SMTP",
        "It may look at the place you send from, or SMTP may be off for this mailbox. Microsoft \
         Graph is another way to send.",
        Remedy::UseGraph,
        "Entra admin center, Sign-in logs: the entry of USER@DOMAIN names the policy. SMTP may \
         also be off for the mailbox; in Exchange Online PowerShell:\n    Set-CASMailbox \
         USER@DOMAIN -SmtpClientAuthenticationDisabled $false",
    ),
    // Submission: who may send.
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
        "In Exchange Online PowerShell:\n    Add-RecipientPermission OTHER-ADDRESS -Trustee \
         USER@DOMAIN -AccessRights SendAs\nor, when the other address is an alias of the \
         mailbox:\n    Set-OrganizationConfig -SendFromAliasEnabled $true",
    ),
    row(
        &[&["5.7.57"], &["not authenticated to send mail"]],
        "submission-not-authenticated",
        "The server takes mail only after a sign-in, and there was none",
        "The server for sending or its port is probably not the right one.",
        Remedy::EditSettings,
        "",
    ),
    row(
        &[
            &["5.1.8", "outbound"],
            &["outboundspam"],
            &["errormessagesubmissionblocked"],
            &["erroraccountsuspend"],
        ],
        "account-restricted",
        "Microsoft has stopped this account from sending",
        "It looks as if it had sent spam. An administrator, or Microsoft's support for a personal \
         account, can lift the block.",
        Remedy::AskAdministrator,
        "Microsoft Defender portal, Email & collaboration, Review, Restricted entities: unblock \
         USER@DOMAIN, after a new password.",
    ),
    // Submission: limits.
    passing(
        &[&["submissionquotaexceeded"], &["5.2.0 ", "storedrv"], &["errorexceededmessagelimit"]],
        ProblemKind::Failed,
        "sending-limit-reached",
        "The mailbox has reached its sending limit",
        "Exchange takes mail for about 10,000 recipients a day, less for new personal mailboxes. \
         Try again tomorrow; the message is kept.",
    ),
    row(
        &[&["too many recipients"], &["errorexceededmaxrecipient"]],
        "too-many-recipients",
        "The message has too many recipients",
        "Most mailboxes may write to 500 at once. Send it in several parts.",
        Remedy::EditMessage,
        "The most that Exchange Online allows, in its PowerShell:\n    Set-Mailbox USER@DOMAIN \
         -RecipientLimits 1000",
    ),
    row(
        &[
            &["errormessagesizeexceeded"],
            &["message size exceeds"],
            &["5.3.4 "],
            &["5.2.3 "],
            &["request entity too large"],
            &["payload too large"],
            &["requestentitytoolarge"],
        ],
        "message-too-large",
        "The message is larger than the server takes",
        "Leave out or shrink an attachment, or share it by a link. Encoding adds a third to its \
         size.",
        Remedy::EditMessage,
        "The most that Exchange Online allows, in its PowerShell:\n    Set-Mailbox USER@DOMAIN \
         -MaxSendSize 150MB",
    ),
    row(
        &[&["quotaexceeded"], &["5.2.2 "], &["[overquota]"]],
        "mailbox-full",
        "The mailbox is full",
        "Delete old mail and empty the trash, then try again.",
        Remedy::Retry,
        "A larger plan makes room, or an archive mailbox; in Exchange Online \
         PowerShell:\n    Enable-Mailbox USER@DOMAIN -Archive",
    ),
    passing(
        &[&["concurrent connections limit"]],
        ProblemKind::Failed,
        "submission-too-many-connections",
        "Too many messages are being sent at once",
        "The server takes three at a time from one mailbox. It goes on by itself.",
    ),
    passing(
        &[&["4.7.0", "prx"]],
        ProblemKind::Failed,
        "submission-busy",
        "The server could not take the message at the moment",
        "This passes by itself. The message is kept.",
    ),
    sign_in(
        &[&["5.7.3 "]],
        "submission-token-refused",
        "The server refused the sign-in for sending mail",
        "Somebody else may have signed in, the approval to send mail may be missing, or sending \
         through SMTP is switched off for this mailbox.",
        "In Exchange Online PowerShell:\n    Set-CASMailbox USER@DOMAIN \
         -SmtpClientAuthenticationDisabled $false\nand the permission SMTP.Send of APP-NAME \
         (CLIENT-ID) approved: open the approval link as an administrator.",
    ),
];
