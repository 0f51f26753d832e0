//! Rows of the catalogue for what an organisation forbids or has to approve, and for app
//! registrations, from Microsoft's list of `AADSTS` codes and what those who run mail programs have
//! reported about them.

use crate::problem::catalogue::{Matcher, Row};
use crate::problem::{ProblemKind, Remedy};

const fn row(
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

/// A row whose cure is another client secret: without it nobody is signed in.
const fn secret(
    numbers: &'static [u32],
    code: &'static str,
    what: &'static str,
    why: &'static str,
    admin: &'static str,
) -> Row {
    let row = row(numbers, code, what, why, Remedy::EnterClientSecret, admin);
    Row { kind: ProblemKind::SignInNeeded, ..row }
}

/// What the organisation decides.
pub static POLICY: &[Row] = &[
    // Ways of signing in.
    row(
        &[530_035],
        "device-code-blocked-by-security-defaults",
        "Your organisation does not allow signing in with a code",
        "Its security defaults block this way of signing in. A browser link is another way, and it \
         is not blocked by them.",
        Remedy::UseBrowser,
        "Security defaults block device code flow and know no exceptions. Signing in with a \
         browser needs no change. To allow codes: Entra admin center, Overview, Properties, Manage \
         security defaults: Disabled, with Conditional Access policies in their place (Entra ID \
         P1) that leave USER@DOMAIN out of the block under Conditions, Authentication flows.",
    ),
    row(
        &[53_003],
        "blocked-by-conditional-access",
        "A rule of your organisation blocks this sign-in",
        "It may forbid signing in with a code, from this place, or with this program. A browser \
         link gets past a rule about codes.",
        Remedy::UseBrowser,
        "Entra admin center, Sign-in logs, the entry of USER@DOMAIN, Conditional Access: it names \
         the policy that blocked. If it blocks codes: Conditional Access, that policy, Conditions, \
         Authentication flows; leave USER@DOMAIN or the app CLIENT-ID out of it.",
    ),
    row(
        &[530_033],
        "device-code-blocked-by-device-rule",
        "Your organisation allows a code only on computers it manages",
        "The computer that shows the code is not known to your organisation. A browser link can be \
         opened on a computer that is.",
        Remedy::UseBrowser,
        "A Conditional Access policy that asks for a managed device always fails for device code \
         flow. Signing in with a browser on a managed device needs no change. Otherwise: \
         Conditional Access, that policy; leave USER@DOMAIN or the app CLIENT-ID out of it.",
    ),
    row(
        &[530_036],
        "sign-in-barred",
        "Your organisation no longer accepts sign-ins made with a code",
        "The stored sign-in was made with a code before that was forbidden, and can never be used \
         again. A new code would meet the same rule; a browser link does not.",
        Remedy::UseBrowser,
        "A Conditional Access policy now blocks device code flow, also for sign-ins made with it \
         earlier. Signing in with a browser needs no change. Otherwise: Conditional Access, that \
         policy, Conditions, Authentication flows; leave USER@DOMAIN out of it.",
    ),
    row(
        &[50_097, 53_000, 53_001, 53_002],
        "managed-device-needed",
        "Your organisation allows mail only on computers it manages",
        "This computer is not registered with it, or not in the state it asks for. Open the \
         browser link on a computer that is, or ask an administrator to let you in without.",
        Remedy::UseBrowser,
        "A Conditional Access policy asks for a registered or compliant device, or an approved \
         app. Entra admin center, Conditional Access, that policy: leave USER@DOMAIN or the app \
         CLIENT-ID out of it.",
    ),
    row(
        &[53_004, 530_032, 530_034],
        "blocked-as-risky",
        "Your organisation has stopped this sign-in for security reasons",
        "Microsoft sees a risk for this account. Another way of signing in would be stopped too.",
        Remedy::AskAdministrator,
        "Entra admin center, ID Protection, Risky users: look at USER@DOMAIN and dismiss the risk, \
         or have the password reset. The entry in the Sign-in logs names the reason.",
    ),
    // Approval of the app.
    row(
        &[65_001],
        "consent-missing",
        "The app has not been approved for this mailbox",
        "Somebody has to approve that it reads and sends mail. The browser page asks for it; if it \
         says \"Need admin approval\", an administrator approves once for everybody.",
        Remedy::UseBrowser,
        "Open the approval link as an administrator and accept, or: Entra admin center, Enterprise \
         applications, APP-NAME (CLIENT-ID), Permissions, Grant admin consent.",
    ),
    row(
        &[90_094, 90_095],
        "admin-approval-needed",
        "An administrator has to approve this app first",
        "Your organisation does not let people approve apps that read mail. If the sign-in page \
         offers to ask for approval, you can do so there.",
        Remedy::AskAdministrator,
        "Open the approval link as an administrator and accept, or: Entra admin center, Enterprise \
         applications, APP-NAME (CLIENT-ID), Permissions, Grant admin consent. Requests that \
         people made wait under Admin consent requests.",
    ),
    row(
        &[900_941, 900_981],
        "app-unverified",
        "An administrator has to approve this app, as it is not verified",
        "Microsoft shows apps without a verified publisher to administrators only.",
        Remedy::AskAdministrator,
        "Open the approval link as an administrator and accept. The publisher of APP-NAME \
         (CLIENT-ID) is not verified, so people cannot approve it themselves.",
    ),
    row(
        &[50_105],
        "not-assigned",
        "Your organisation has not given you this app",
        "It is kept for chosen people. An administrator can add you; being in a group within a \
         group does not count.",
        Remedy::AskAdministrator,
        "Entra admin center, Enterprise applications, APP-NAME (CLIENT-ID), Users and groups: add \
         USER@DOMAIN itself or a group it is directly in; or Properties, Assignment required: No.",
    ),
    row(
        &[1_000_031],
        "app-not-accessible",
        "The app cannot be used in your organisation at the moment",
        "An administrator has to allow it first.",
        Remedy::AskAdministrator,
        "Entra admin center, Enterprise applications, APP-NAME (CLIENT-ID), Properties, Enabled \
         for users to sign in: Yes; then Permissions, Grant admin consent.",
    ),
    row(
        &[650_051],
        "app-being-added",
        "The app is just being added to your organisation",
        "Two people approved it at the same moment. Wait a minute and try again.",
        Remedy::Retry,
        "",
    ),
    // The app registration.
    row(
        &[7_000_218],
        "app-not-public",
        "This app registration asks for a secret",
        "Either it belongs to a server and has a secret that you can enter, or its owner has not \
         allowed sign-ins from a program yet.",
        Remedy::EnterClientSecret,
        "App registrations, APP-NAME (CLIENT-ID), Authentication: Allow public client flows: Yes, \
         and the redirect http://localhost under \"Mobile and desktop applications\", not under \
         Web. An entry left in the manifest under web.redirectUriSettings has the same effect.",
    ),
    row(
        &[700_025],
        "app-takes-no-secret",
        "This app registration takes no secret, but one was sent",
        "Take the client secret out of the settings of this account.",
        Remedy::EditSettings,
        "",
    ),
    secret(
        &[7_000_215],
        "app-secret-wrong",
        "The client secret is wrong",
        "Often the Secret ID was copied instead of the secret itself, its Value, which is \
         shown only once.",
        "App registrations, APP-NAME (CLIENT-ID), Certificates & secrets, New client secret: pass \
         on its Value, not its Secret ID.",
    ),
    secret(
        &[7_000_222],
        "app-secret-expired",
        "The client secret has run out",
        "The owner of the app has to make a new one, and everyone who uses it has to enter it.",
        "App registrations, APP-NAME (CLIENT-ID), Certificates & secrets, New client secret: pass \
         on its Value. Whoever uses the app needs the new one.",
    ),
    row(
        &[700_016, 70_001],
        "client-id-unknown",
        "The sign-in server does not know this client id",
        "It may be mistyped, belong to another tenant or cloud, or wait for an administrator to \
         approve it once.",
        Remedy::EditSettings,
        "Open the approval link as an administrator and accept: it adds the app CLIENT-ID to your \
         organisation. An app registered for one organisation works only there.",
    ),
    row(
        &[7_000_112],
        "client-id-disabled",
        "This client id has been switched off by its owner",
        "It worked before and will not again. Enter another client id.",
        Remedy::EditSettings,
        "If the app CLIENT-ID is yours: Enterprise applications, APP-NAME, Properties, Enabled for \
         users to sign in: Yes.",
    ),
    row(
        &[65_002],
        "client-id-not-for-mail",
        "This client id may not be used for mail",
        "It belongs to a program of Microsoft and may not open mailboxes for others. Enter a \
         client id made for mail programs.",
        Remedy::EditSettings,
        "",
    ),
    row(
        &[50_011, 500_112],
        "redirect-unknown",
        "The app registration does not know where to send the browser back to",
        "Its owner has to list the address of this computer, http://localhost. Signing in with a \
         code does without it.",
        Remedy::UseDeviceCode,
        "App registrations, APP-NAME (CLIENT-ID), Authentication, Add a platform, Mobile and \
         desktop applications: the redirect http://localhost, letter for letter, without a port.",
    ),
    row(
        &[650_052, 500_011],
        "exchange-missing",
        "Your organisation has no mail service of Microsoft",
        "There is no Exchange Online subscription, or none for this mailbox. The mailbox may be \
         somewhere else.",
        Remedy::AskAdministrator,
        "Microsoft 365 admin center, Users, Active users, USER@DOMAIN, Licenses and apps: a \
         licence with Exchange Online. Without any such licence Entra has no Office 365 Exchange \
         Online.",
    ),
    row(
        &[650_056, 650_057, 65_005, 90_008],
        "permission-not-registered",
        "The app registration leaves out the permissions for mail",
        "Its owner has to add them; then they have to be approved once.",
        Remedy::AskAdministrator,
        "App registrations, APP-NAME (CLIENT-ID), API permissions, Add a permission, Microsoft \
         Graph, Delegated permissions: IMAP.AccessAsUser.All, SMTP.Send, Mail.Send, User.Read, \
         offline_access; then Grant admin consent.",
    ),
    row(
        &[70_011, 28_000, 28_003, 700_022],
        "permissions-not-understood",
        "The sign-in server does not take the permissions that were asked for",
        "Personal and work accounts know different permissions. Check that the tenant fits the \
         mailbox.",
        Remedy::EditSettings,
        "",
    ),
];
