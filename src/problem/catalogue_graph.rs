//! Rows of the catalogue for Microsoft Graph, by the `error.code` of its answers ("Send mail",
//! "Microsoft Graph error responses"). Refusals it shares with SMTP stand with the servers.

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

/// Answers of Microsoft Graph; fragments in lower case.
pub static GRAPH: &[Row] = &[
    Row {
        kind: ProblemKind::SignInNeeded,
        ..row(
            &[&["invalidauthenticationtoken"], &["compacttoken"], &["lifetime validation failed"]],
            "graph-token-refused",
            "Microsoft Graph refused the sign-in",
            "It has run out, or was made for reading mail only. Sign in again and approve sending.",
            Remedy::StartOver,
            "",
        )
    },
    row(
        &[
            &["mailboxnotenabledforrestapi"],
            &["mailboxnotsupportedforrestapi"],
            &["inactive, soft-deleted"],
        ],
        "graph-no-mailbox",
        "Microsoft Graph finds no mailbox for this account",
        "The account may have no licence for mail, be a guest, or have its mailbox on a server of \
         the organisation itself.",
        Remedy::AskAdministrator,
        "Microsoft 365 admin center, Users, Active users, USER@DOMAIN, Licenses and apps: a \
         licence with Exchange Online. Mailboxes on an own Exchange server cannot be reached \
         through Graph.",
    ),
    row(
        &[&["erroraccessdenied"], &["authorization_requestdenied"], &["insufficient privileges"]],
        "graph-permission-missing",
        "The approval to send through Microsoft Graph is missing",
        "It is asked for when you sign in with a browser. For a shared mailbox you also need the \
         right to send as it.",
        Remedy::UseBrowser,
        "App registrations, APP-NAME (CLIENT-ID), API permissions: Microsoft Graph, Delegated \
         permissions, Mail.Send (and Mail.Send.Shared for shared mailboxes); then Grant \
         admin consent, or open the approval link.",
    ),
    row(
        &[&["errorinvaliduser"], &["resourcenotfound"], &["errornonexistentmailbox"]],
        "graph-mailbox-unknown",
        "Microsoft Graph does not know this mailbox",
        "The address of the mailbox may be mistyped, or be an alias; its main address is needed.",
        Remedy::EditSettings,
        "The main address, in Exchange Online PowerShell:\n    Get-Mailbox USER@DOMAIN | Select \
         PrimarySmtpAddress",
    ),
    row(
        &[&["errormimecontentinvalid"], &["errorinvalidrequest"], &["requestbodyread"]],
        "graph-message-not-understood",
        "Microsoft Graph cannot read the message",
        "This is a fault of the program. The message is kept; report it with the details.",
        Remedy::Retry,
        "",
    ),
    row(
        &[&["errorinvalidrecipients"]],
        "recipient-refused",
        "The server does not accept one of the recipients",
        "Check the addresses in To, Cc and Bcc.",
        Remedy::EditMessage,
        "",
    ),
    row(
        &[&["toomanyrequests"], &["applicationthrottled"], &["mailboxconcurrency"]],
        "graph-throttled",
        "Microsoft Graph asks for a pause",
        "Too much was asked of the mailbox in a short time. The message is kept and goes out by \
         itself.",
        Remedy::Retry,
        "",
    ),
    Row {
        kind: ProblemKind::Network,
        ..row(
            &[
                &["serviceunavailable"],
                &["service unavailable"],
                &["servicenotavailable"],
                &["errorserverbusy"],
                &["gatewaytimeout"],
                &["gateway timeout"],
                &["mailboxstoreunavailable"],
            ],
            "graph-unavailable",
            "Microsoft Graph is not available at the moment",
            "This passes by itself. The message is kept.",
            Remedy::Retry,
            "",
        )
    },
];
