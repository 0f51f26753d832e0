//! Rows of the catalogue for the sign-in server, from Microsoft's list of `AADSTS` codes and what
//! those who run mail programs have reported about them.

use crate::problem::catalogue::{Matcher, Row};
use crate::problem::{ProblemKind, Remedy};

const fn failed(
    codes: &'static [u32],
    code: &'static str,
    what: &'static str,
    why: &'static str,
    remedy: Remedy,
) -> Row {
    Row { matcher: Matcher::Aadsts(codes), kind: ProblemKind::Failed, code, what, why, remedy }
}

/// A row whose cure is that the person signs in once more.
const fn sign_in(
    codes: &'static [u32],
    code: &'static str,
    what: &'static str,
    why: &'static str,
) -> Row {
    let (kind, remedy) = (ProblemKind::SignInNeeded, Remedy::StartOver);
    Row { matcher: Matcher::Aadsts(codes), kind, code, what, why, remedy }
}

const fn by_word(
    words: &'static [&'static str],
    code: &'static str,
    what: &'static str,
    why: &'static str,
    remedy: Remedy,
) -> Row {
    Row { matcher: Matcher::Word(words), kind: ProblemKind::Failed, code, what, why, remedy }
}

/// Failures of the sign-in server.
pub static ENTRA: &[Row] = &[
    // What organisations block.
    failed(
        &[530_035],
        "device-code-blocked-by-security-defaults",
        "Your organisation does not allow signing in with a code",
        "Its security defaults block this way of signing in. An administrator can replace them by \
         Conditional Access rules and allow it in Entra under Conditional Access, Authentication \
         flows.",
        Remedy::AskAdministrator,
    ),
    failed(
        &[53_003],
        "blocked-by-conditional-access",
        "A rule of your organisation blocks this sign-in",
        "The rule may forbid signing in with a code, or from this place. An administrator finds \
         the rule in the Entra sign-in log and can allow it under Conditional Access, \
         Authentication flows.",
        Remedy::AskAdministrator,
    ),
    failed(
        &[530_033],
        "device-code-blocked-by-device-rule",
        "Your organisation allows a code only on computers it manages",
        "A Conditional Access rule looks at the computer that shows the code, and this one is not \
         known to your organisation. An administrator can make an exception.",
        Remedy::AskAdministrator,
    ),
    failed(
        &[530_036],
        "sign-in-barred",
        "Your organisation no longer accepts sign-ins made with a code",
        "The stored sign-in was made with a code before that was forbidden. It can never be used \
         again and has been deleted. A new code will meet the same rule until an administrator \
         allows it.",
        Remedy::AskAdministrator,
    ),
    failed(
        &[50_097, 53_000, 53_001, 53_002],
        "managed-device-needed",
        "Your organisation allows mail only on computers it manages",
        "This computer is not registered with your organisation, or not in the state it asks for. \
         That cannot be changed from here; an administrator can make an exception.",
        Remedy::AskAdministrator,
    ),
    failed(
        &[53_004, 530_032],
        "blocked-as-risky",
        "Your organisation has stopped this sign-in for security reasons",
        "Microsoft sees a risk for this account. An administrator can look at it and lift the \
         block.",
        Remedy::AskAdministrator,
    ),
    // Approval of the app.
    failed(
        &[65_001],
        "consent-missing",
        "The app has not been approved for this mailbox",
        "Somebody has to approve that it reads and sends mail. If the sign-in page said \"Need \
         admin approval\", an administrator has to do so once for the organisation.",
        Remedy::AskAdministrator,
    ),
    sign_in(
        &[65_004],
        "consent-declined",
        "The permissions were not accepted",
        "Without them the mailbox cannot be opened. Sign in again and choose Accept.",
    ),
    failed(
        &[90_094, 90_095],
        "admin-approval-needed",
        "An administrator has to approve this app first",
        "Your organisation does not let people approve apps that read mail. If the sign-in page \
         offers to ask for approval, you can do so there.",
        Remedy::AskAdministrator,
    ),
    failed(
        &[900_941, 900_981],
        "app-unverified",
        "An administrator has to approve this app, as it is not verified",
        "Microsoft shows apps without a verified publisher to administrators only.",
        Remedy::AskAdministrator,
    ),
    failed(
        &[50_105],
        "not-assigned",
        "Your organisation has not given you this app",
        "An administrator can add you in Entra under Enterprise applications, the app, Users and \
         groups, or turn \"Assignment required\" off.",
        Remedy::AskAdministrator,
    ),
    failed(
        &[1_000_031],
        "app-not-accessible",
        "The app cannot be used in your organisation at the moment",
        "An administrator has to allow it first.",
        Remedy::AskAdministrator,
    ),
    failed(
        &[650_051],
        "app-being-added",
        "The app is just being added to your organisation",
        "Two people approved it at the same moment. Wait a minute and try again.",
        Remedy::Retry,
    ),
    // The app registration.
    failed(
        &[7_000_218],
        "app-not-public",
        "This app registration does not allow signing in from a program",
        "Its owner has to open Authentication in Entra, set \"Allow public client flows\" to Yes, \
         and list the redirect under \"Mobile and desktop applications\", not under Web.",
        Remedy::AskAdministrator,
    ),
    failed(
        &[700_025],
        "app-takes-no-secret",
        "This app registration takes no secret, but one was sent",
        "Remove the client secret from the configuration.",
        Remedy::EditSettings,
    ),
    failed(
        &[7_000_215],
        "app-secret-wrong",
        "The secret of the app is wrong",
        "Often the Secret ID was copied instead of the secret. Create a new one in Entra and copy \
         its Value, which is shown only once.",
        Remedy::EditSettings,
    ),
    failed(
        &[7_000_222],
        "app-secret-expired",
        "The secret of the app has run out",
        "The owner of the app has to create a new secret, and everyone who uses it has to enter it.",
        Remedy::AskAdministrator,
    ),
    failed(
        &[700_016, 70_001],
        "client-id-unknown",
        "The sign-in server does not know this client id",
        "The client id may be mistyped, belong to another tenant or cloud, or wait for an \
         administrator to approve it once.",
        Remedy::EditSettings,
    ),
    failed(
        &[7_000_112],
        "client-id-disabled",
        "This client id has been switched off by its owner",
        "It worked before and never will again. Use another client id.",
        Remedy::EditSettings,
    ),
    failed(
        &[65_002],
        "client-id-not-for-mail",
        "This client id may not be used for mail",
        "It belongs to a program of Microsoft and is not allowed to open mailboxes for others. Use \
         a client id made for mail programs.",
        Remedy::EditSettings,
    ),
    failed(
        &[50_011, 500_112],
        "redirect-unknown",
        "The app registration does not list the redirect address",
        "Its owner has to add http://localhost under \"Mobile and desktop applications\", letter \
         for letter.",
        Remedy::AskAdministrator,
    ),
    failed(
        &[650_052, 650_056, 650_057, 65_005, 500_011],
        "exchange-missing",
        "Your organisation or this app has no access to Exchange Online",
        "Either there is no Exchange Online subscription, or the owner of the app has to add the \
         delegated permissions IMAP.AccessAsUser.All and SMTP.Send to it.",
        Remedy::AskAdministrator,
    ),
    failed(
        &[70_011, 28_000, 28_003, 700_022],
        "permissions-not-understood",
        "The sign-in server does not take the permissions that were asked for",
        "Personal and work accounts know different permissions. Check that the tenant fits the \
         mailbox.",
        Remedy::EditSettings,
    ),
    // Account, tenant and cloud.
    failed(
        &[50_020],
        "other-organisation",
        "The account that signed in belongs to another organisation",
        "Sign in with an account of the tenant that is set, or set the tenant to consumers for a \
         personal mailbox.",
        Remedy::EditSettings,
    ),
    failed(
        &[50_194, 9_002_331, 9_002_332, 50_059, 90_133, 500_201, 90_027, 9_001_023],
        "tenant-does-not-fit",
        "The tenant does not fit the account or the client id",
        "Set the tenant to consumers for a personal mailbox, to organizations for a work or school \
         mailbox, or to the id of your organisation.",
        Remedy::EditSettings,
    ),
    failed(
        &[90_002, 90_072, 7_000_012],
        "tenant-unknown",
        "There is no such tenant, or this account is not part of it",
        "Check the tenant. For a work mailbox the domain behind the @ usually is the right one.",
        Remedy::EditSettings,
    ),
    failed(
        &[90_038, 900_439, 900_432],
        "other-cloud",
        "The account lives in another Microsoft cloud",
        "US Government and China have their own sign-in servers and need a client id of their own. \
         Set the authority that fits.",
        Remedy::EditSettings,
    ),
    sign_in(
        &[50_034, 50_126, 50_053, 50_055, 50_057],
        "account-refused",
        "Microsoft does not let this account sign in",
        "It may not exist, be locked or disabled, or its password may be wrong or too old. Sign in \
         at outlook.office.com first; if that fails too, ask your administrator.",
    ),
    sign_in(
        &[50_072, 50_074, 50_076, 50_078, 50_079, 50_158],
        "second-factor-needed",
        "Your organisation asks for your second factor",
        "The last confirmation has run out, or there was none. Sign in again and confirm.",
    ),
    sign_in(
        &[50_199],
        "confirmation-pending",
        "The sign-in was not finished in the browser",
        "The page asks whether you are trying to sign in. Choose Continue there.",
    ),
    // Sign-ins that ended.
    sign_in(
        &[50_173],
        "sign-in-revoked",
        "The sign-in has been withdrawn",
        "The password was changed, or an administrator ended all sessions.",
    ),
    sign_in(
        &[700_082, 70_008],
        "sign-in-expired",
        "The sign-in has run out",
        "It was not used for a long time, usually 90 days.",
    ),
    sign_in(
        &[70_043],
        "sign-in-too-old",
        "Your organisation asks you to sign in again from time to time",
        "That time has come.",
    ),
    failed(
        &[700_084],
        "sign-in-ends-daily",
        "The sign-in has run out after one day",
        "The app is registered as a web page (SPA), whose sign-ins last 24 hours. Its owner should \
         move the redirect to \"Mobile and desktop applications\".",
        Remedy::AskAdministrator,
    ),
    sign_in(
        &[70_000],
        "sign-in-not-accepted",
        "The sign-in is no longer accepted",
        "It has run out, was withdrawn, or does not cover reading and sending mail.",
    ),
    sign_in(
        &[54_005, 70_018, 70_019, 90_119, 90_120],
        "code-used-or-expired",
        "The code has run out or has been used already",
        "A code lasts about 15 minutes and works once.",
    ),
    // Trouble that is nobody's decision.
    failed(
        &[90_014, 900_144],
        "request-incomplete",
        "The sign-in server misses something in the request",
        "This is a fault of the program, or the stored sign-in is damaged. Sign in again; if it \
         comes back, please report it with the details.",
        Remedy::StartOver,
    ),
    failed(
        &[9_002_313],
        "request-malformed",
        "The sign-in server cannot read the request",
        "The stored sign-in or the client id is probably cut short. Enter the client id again and \
         sign in again.",
        Remedy::StartOver,
    ),
    failed(
        &[50_196],
        "asked-too-often",
        "The sign-in server has been asked too often",
        "It takes no more questions for some minutes. Wait five minutes, then try again.",
        Remedy::Retry,
    ),
    Row {
        matcher: Matcher::Aadsts(&[70_012, 90_033]),
        kind: ProblemKind::Network,
        code: "sign-in-server-busy",
        what: "The sign-in server has trouble at the moment",
        why: "This passes by itself. Nothing has been lost.",
        remedy: Remedy::Retry,
    },
    // Servers that give no number.
    by_word(
        &["invalid_client", "unauthorized_client"],
        "client-refused",
        "The sign-in server does not accept this client id",
        "It may be mistyped, belong to another server, or not be allowed to sign in with a code.",
        Remedy::EditSettings,
    ),
    by_word(
        &["invalid_scope"],
        "scope-refused",
        "The sign-in server does not grant access to mail",
        "It does not know the permissions to read and send mail. Check the authority and the \
         tenant.",
        Remedy::EditSettings,
    ),
];
