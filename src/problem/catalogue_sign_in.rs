//! Rows of the catalogue for accounts, tenants and sign-ins that ended, and for sign-in servers
//! that give only an OAuth error word.

use crate::problem::catalogue::{Matcher, Row};
use crate::problem::{ProblemKind, Remedy};

const fn failed(
    numbers: &'static [u32],
    code: &'static str,
    what: &'static str,
    why: &'static str,
    remedy: Remedy,
    admin: &'static str,
) -> Row {
    let (matcher, kind) = (Matcher::Aadsts(numbers), ProblemKind::Failed);
    Row { matcher, kind, code, what, why, remedy, admin }
}

/// A row whose cure is that the person signs in once more.
const fn sign_in(
    numbers: &'static [u32],
    code: &'static str,
    what: &'static str,
    why: &'static str,
    admin: &'static str,
) -> Row {
    let row = failed(numbers, code, what, why, Remedy::StartOver, admin);
    Row { kind: ProblemKind::SignInNeeded, ..row }
}

/// A row of OAuth error words. Nobody but the server's own people can look further.
const fn by_word(
    words: &'static [&'static str],
    kind: ProblemKind,
    code: &'static str,
    what: &'static str,
    why: &'static str,
    remedy: Remedy,
) -> Row {
    Row { matcher: Matcher::Word(words), kind, code, what, why, remedy, admin: "" }
}

/// Who signs in, and how long it lasts.
pub static SIGN_IN: &[Row] = &[
    // Tenant and cloud.
    failed(
        &[50_020],
        "other-organisation",
        "The account that signed in belongs to another organisation",
        "Sign in with an account of the tenant that is set, or set the tenant to consumers for a \
         personal mailbox.",
        Remedy::EditSettings,
        "If USER@DOMAIN should be a guest: Entra admin center, Users, Invite external user.",
    ),
    failed(
        &[50_194, 9_002_331, 9_002_332, 50_059, 90_133, 500_201, 90_027, 9_001_023],
        "tenant-does-not-fit",
        "The tenant does not fit the account or the client id",
        "Set the tenant to consumers for a personal mailbox, to organizations for a work or school \
         mailbox, or to the id of your organisation.",
        Remedy::EditSettings,
        "App registrations, APP-NAME (CLIENT-ID), Authentication, Supported account types decides \
         who may sign in. An app for one organisation needs its tenant id here.",
    ),
    failed(
        &[90_002, 90_072, 7_000_012],
        "tenant-unknown",
        "There is no such tenant, or this account is not part of it",
        "Check the tenant. For a work mailbox the domain behind the @ usually is the right one.",
        Remedy::EditSettings,
        "Entra admin center, Overview shows the tenant id and the main domain.",
    ),
    failed(
        &[90_038, 900_439, 900_432],
        "other-cloud",
        "The account lives in another Microsoft cloud",
        "US Government and China have their own sign-in servers and need a client id of their own. \
         Choose the cloud that fits.",
        Remedy::EditSettings,
        "An app has to be registered in each cloud: portal.azure.us for US Government, \
         portal.azure.cn for China.",
    ),
    // The account.
    sign_in(
        &[50_034],
        "account-unknown",
        "Microsoft does not know this account here",
        "The address may be mistyped, or its organisation differs from the tenant that is set.",
        "Entra admin center, Users: USER@DOMAIN has to exist in this tenant.",
    ),
    sign_in(
        &[50_126],
        "password-wrong",
        "The user name or password is wrong",
        "Try the same at outlook.office.com; a forgotten password can be reset there.",
        "Entra admin center, Users, USER@DOMAIN, Reset password.",
    ),
    sign_in(
        &[50_053],
        "account-locked",
        "The account is locked for a while",
        "There were too many wrong passwords, or they came from a suspicious place. It opens \
         again by itself after some minutes.",
        "Entra admin center, Sign-in logs, the entry of USER@DOMAIN tells a lock from a blocked IP \
         address; a new password ends the lock.",
    ),
    sign_in(
        &[50_055],
        "password-expired",
        "The password is too old",
        "Choose a new one at outlook.office.com, then sign in here again.",
        "Entra admin center, Users, USER@DOMAIN, Reset password.",
    ),
    sign_in(
        &[50_057],
        "account-disabled",
        "The account is switched off",
        "Your organisation has disabled it. Only an administrator can switch it on.",
        "Entra admin center, Users, USER@DOMAIN, Properties, Account enabled: Yes.",
    ),
    sign_in(
        &[50_074, 50_076, 50_078, 50_158],
        "second-factor-needed",
        "Your organisation asks for your second factor",
        "The last confirmation has run out, or there was none. Sign in again and confirm.",
        "How long a confirmation lasts: Conditional Access, the policy, Session, \
         Sign-in frequency; or Entra admin center, Multifactor authentication, remember on trusted \
         devices.",
    ),
    sign_in(
        &[50_072, 50_079],
        "second-factor-setup-needed",
        "Your organisation wants you to set up a second factor",
        "The sign-in page leads through it, or go to aka.ms/mysecurityinfo first. \
         Then sign in again.",
        "USER@DOMAIN has to register a method: Entra admin center, Users, USER@DOMAIN, \
         Authentication methods.",
    ),
    sign_in(
        &[50_199],
        "confirmation-pending",
        "The sign-in was not finished in the browser",
        "The page asks whether you are trying to sign in. Choose Continue there.",
        "",
    ),
    sign_in(
        &[70_016],
        "sign-in-waiting",
        "The sign-in waits for you in the browser",
        "The code has been shown and not been entered yet. This is no fault.",
        "",
    ),
    sign_in(
        &[65_004],
        "consent-declined",
        "The permissions were not accepted",
        "Without them the mailbox cannot be opened. Sign in again and choose Accept.",
        "",
    ),
    // Sign-ins that ended.
    sign_in(
        &[50_173],
        "sign-in-revoked",
        "The sign-in has been withdrawn",
        "The password was changed, or an administrator ended all sessions.",
        "Entra admin center, Audit logs, the entries of USER@DOMAIN tell who ended the sessions.",
    ),
    sign_in(
        &[700_082, 70_008],
        "sign-in-expired",
        "The sign-in has run out",
        "It was not used for a long time, usually 90 days.",
        "",
    ),
    sign_in(
        &[70_043],
        "sign-in-too-old",
        "Your organisation asks you to sign in again from time to time",
        "That time has come.",
        "How often: Conditional Access, the policy, Session, Sign-in frequency.",
    ),
    failed(
        &[700_084],
        "sign-in-ends-daily",
        "The sign-in has run out after one day",
        "The app is registered as a web page, whose sign-ins last 24 hours. Signing in with a code \
         makes one that lasts.",
        Remedy::UseDeviceCode,
        "App registrations, APP-NAME (CLIENT-ID), Authentication: move the redirect from \
         Single-page application to Mobile and desktop applications.",
    ),
    sign_in(
        &[70_000],
        "sign-in-not-accepted",
        "The sign-in is no longer accepted",
        "It has run out, was withdrawn, or does not cover what was asked for. Signing \
         in again asks for approval where it is missing.",
        "",
    ),
    sign_in(
        &[54_005, 70_018, 70_019, 90_119, 90_120],
        "code-used-or-expired",
        "The code has run out, was mistyped, or has been used already",
        "A code lasts about 15 minutes and works once.",
        "",
    ),
    sign_in(
        &[700_005, 50_147, 501_481, 501_491],
        "code-of-another-sign-in",
        "The code belongs to another sign-in",
        "It was made for another try, client id or tenant. Use the newest page and its answer.",
        "",
    ),
    sign_in(
        &[50_134],
        "wrong-data-centre",
        "Another data centre of Microsoft has this sign-in",
        "Microsoft lost track of it on the way. A new try usually finds the right place.",
        "",
    ),
    // Trouble that is nobody's decision.
    failed(
        &[90_014, 900_144],
        "request-incomplete",
        "The sign-in server misses something in what it was sent",
        "This is a fault of the program, or the stored sign-in is damaged. Sign in again; if it \
         comes back, report it with the details.",
        Remedy::StartOver,
        "",
    ),
    failed(
        &[9_002_313],
        "request-malformed",
        "The sign-in server cannot read what it was sent",
        "Something was probably cut short: the stored sign-in, the client id, or the address that \
         was pasted. Enter it again as a whole.",
        Remedy::StartOver,
        "",
    ),
    failed(
        &[50_196],
        "asked-too-often",
        "The sign-in server has been asked too often",
        "It takes no more questions for some minutes. Wait five minutes, then try again.",
        Remedy::Retry,
        "",
    ),
    Row {
        kind: ProblemKind::Network,
        ..failed(
            &[70_012, 90_033],
            "sign-in-server-busy",
            "The sign-in server has trouble at the moment",
            "This passes by itself. Nothing has been lost.",
            Remedy::Retry,
            "",
        )
    },
    // Servers that give no number.
    by_word(
        &["invalid_client", "unauthorized_client"],
        ProblemKind::Failed,
        "client-refused",
        "The sign-in server does not accept this client id",
        "It may be mistyped, belong to another server, or not be allowed to sign in this way.",
        Remedy::EditSettings,
    ),
    by_word(
        &["invalid_scope", "invalid_resource"],
        ProblemKind::Failed,
        "scope-refused",
        "The sign-in server does not give access to mail",
        "It does not know the permissions to read and send mail. Check the sign-in server and the \
         tenant.",
        Remedy::EditSettings,
    ),
    by_word(
        &["interaction_required", "login_required", "consent_required"],
        ProblemKind::SignInNeeded,
        "person-needed",
        "The sign-in server wants to ask you something",
        "It may be your password, a second factor, or your approval. The browser page asks for it.",
        Remedy::UseBrowser,
    ),
    by_word(
        &["access_denied", "authorization_declined"],
        ProblemKind::SignInNeeded,
        "access-declined",
        "The sign-in was cancelled or not allowed",
        "Somebody chose Cancel on the sign-in page, or the organisation does not allow it.",
        Remedy::StartOver,
    ),
    by_word(
        &["expired_token", "bad_verification_code"],
        ProblemKind::SignInNeeded,
        "code-ran-out",
        "The code ran out before anyone signed in",
        "A code lasts about 15 minutes and works once.",
        Remedy::StartOver,
    ),
    by_word(
        &["invalid_grant"],
        ProblemKind::SignInNeeded,
        "sign-in-ended",
        "The sign-in server no longer accepts this sign-in",
        "It has run out or was withdrawn, for example by a new password.",
        Remedy::StartOver,
    ),
    by_word(
        &["temporarily_unavailable", "server_error", "slow_down"],
        ProblemKind::Network,
        "sign-in-server-trouble",
        "The sign-in server cannot answer at the moment",
        "This passes by itself. Nothing has been lost.",
        Remedy::Retry,
    ),
];
