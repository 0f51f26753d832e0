//! The message to the IT department.

use crate::model::account::Resources;
use crate::problem::catalogue::{self, APP, CLIENT_ID, Row, USER};
use crate::problem::details::{self, Facts};
use crate::problem::guide::wrap::wrapped;
use crate::problem::guide::{Consent, ItSubject, consent_url};
use crate::problem::{Problem, ProblemKind};

/// The tenant of personal accounts, which have no administrator.
const PERSONAL_TENANT: &str = "consumers";

/// See [`crate::problem::guide::it_message`].
pub fn message(problem: &Problem, subject: &ItSubject) -> String {
    let row = catalogue::for_code(&problem.code)
        .or_else(|| catalogue::explain(&problem.code))
        .or_else(|| catalogue::explain(&problem.details));
    let facts = details::facts(&problem.details);
    let why = Some(problem.why.as_str()).filter(|why| !why.is_empty());
    let refusal =
        format!("{}.{}", problem.what, why.map_or(String::new(), |why| format!(" {why}")));
    let needed = row.map_or("", |row| row.admin);
    let paragraphs = [
        Some(format!("Subject: Mail access for {}", subject.user)),
        Some("Hello,".to_owned()),
        Some(wrapped(&format!(
            "I read and write the mail of {} in a mail program that signs in through Microsoft \
             ({}). That does not work at the moment:",
            subject.user,
            app(subject),
        ))),
        Some(wrapped(&refusal)),
        (!needed.is_empty())
            .then(|| format!("What is needed:\n\n{}", wrapped(&filled(needed, subject)))),
        approval(row, subject),
        Some(format!("To find it in the logs:\n\n{}", log_lines(problem, &facts, subject))),
        Some(wrapped(
            "Why it is safe to allow: with these permissions the program acts only as me, and only \
             on mailboxes I may open anyway. You can end its access at any time by revoking my \
             sessions.",
        )),
        Some("Thank you!".to_owned()),
    ];
    let text: Vec<String> = paragraphs.into_iter().flatten().collect();
    format!("{}\n", text.join("\n\n"))
}

fn app(subject: &ItSubject) -> String {
    match subject.app_name.as_str() {
        "" => format!("app {}", subject.client_id),
        name => format!("app {name}, {}", subject.client_id),
    }
}

/// The setting with the account at hand in its places.
fn filled(admin: &str, subject: &ItSubject) -> String {
    let name = match subject.app_name.as_str() {
        "" => "the app",
        name => name,
    };
    admin.replace(USER, &subject.user).replace(CLIENT_ID, &subject.client_id).replace(APP, name)
}

/// The link, where there is somebody to open it. It helps wherever the app may lack an approval, so
/// it is left out only where the row is about something else for certain.
fn approval(row: Option<&Row>, subject: &ItSubject) -> Option<String> {
    if subject.tenant == PERSONAL_TENANT || subject.client_id.is_empty() {
        return None;
    }
    let named = row.is_some_and(|row| row.admin.contains("approval link"));
    let intro = if named {
        "The approval link, to be opened as an administrator. A page that cannot be shown at the \
         end is no fault: the approval has been stored by then."
    } else {
        "If the app has not been approved for our organisation yet, an administrator can do so \
         here. A page that cannot be shown at the end is no fault."
    };
    let authority = authority(&subject.resources);
    let url = consent_url(
        authority,
        &subject.tenant,
        &subject.client_id,
        &subject.resources,
        Consent::MailAndGraph,
    );
    Some(format!("{}\n\n{url}", wrapped(intro)))
}

/// The sign-in server of the cloud that the resources are in (Microsoft: "Microsoft Entra
/// authentication and national clouds").
fn authority(resources: &Resources) -> &'static str {
    if resources.graph.ends_with(".microsoft.us") {
        "https://login.microsoftonline.us"
    } else if resources.graph.ends_with(".chinacloudapi.cn") {
        "https://login.partner.microsoftonline.cn"
    } else {
        "https://login.microsoftonline.com"
    }
}

fn log_lines(problem: &Problem, facts: &Facts, subject: &ItSubject) -> String {
    let known = facts.labelled();
    let code = Some(("Code", problem.code.as_str())).filter(|_| facts.code.is_none());
    let log = match problem.kind {
        ProblemKind::Failed | ProblemKind::SignInNeeded if facts.correlation_id.is_some() => {
            Some(("Log", "Entra admin center, Sign-in logs"))
        }
        ProblemKind::Failed
        | ProblemKind::SignInNeeded
        | ProblemKind::Usage
        | ProblemKind::Network => None,
    };
    let account = [
        ("User", subject.user.as_str()),
        ("App", subject.client_id.as_str()),
        ("Tenant", subject.tenant.as_str()),
    ];
    let lines = log.into_iter().chain(code).chain(known).chain(account);
    let lines = lines.filter(|(_label, value)| !value.is_empty());
    lines.map(|(label, value)| format!("  {label}: {value}")).collect::<Vec<_>>().join("\n")
}
