//! Texts for those who set things up: the app registration, the approval link, and a message to
//! the IT department. Pure; whoever shows them decides how.

mod it;
mod steps;
mod wrap;

use crate::model::account::Resources;
use crate::problem::Problem;
use url::Url;
use url::form_urlencoded::Serializer;

/// What approval is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Reading over IMAP and sending over SMTP.
    Mail,
    /// The same, and sending through Microsoft Graph.
    MailAndGraph,
}

impl Consent {
    /// Permissions of Microsoft Graph.
    fn graph(self) -> &'static [&'static str] {
        match self {
            Self::Mail => &[],
            Self::MailAndGraph => &["Mail.Send", "Mail.ReadWrite", "User.Read"],
        }
    }
}

/// Permissions of Exchange Online.
const MAIL: [&str; 2] = ["IMAP.AccessAsUser.All", "SMTP.Send"];
/// Permissions that belong to no resource: a sign-in that lasts, and whose it is.
const SIGN_IN: [&str; 4] = ["offline_access", "openid", "profile", "email"];
/// Where the browser is sent back to; every app registration for programs lists it.
const REDIRECT: &str = "http://localhost";

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
    it::message(problem, subject)
}

/// The page on which an administrator approves the app for the whole organisation (Microsoft:
/// "Admin consent on the Microsoft identity platform").
///
/// `common` and `consumers` have no administrators; the page is then the one for whichever
/// organisation the administrator signs in to.
#[must_use]
pub fn consent_url(
    authority: &str,
    tenant: &str,
    client_id: &str,
    resources: &Resources,
    graph: Consent,
) -> String {
    let tenant = match tenant {
        "" | "common" | "consumers" => "organizations",
        named => named,
    };
    let query = Serializer::new(String::new())
        .append_pair("client_id", client_id)
        .append_pair("scope", &scopes(resources, graph))
        .append_pair("redirect_uri", REDIRECT)
        .finish()
        // The one difference between a form and an address; a plus itself is %2B here.
        .replace('+', "%20");
    match admin_consent(authority, tenant) {
        Some(mut url) => {
            url.set_query(Some(&query));
            url.into()
        }
        // What is no web address cannot be taken apart; it is shown as it was entered.
        None => format!("{authority}/{tenant}/v2.0/adminconsent?{query}"),
    }
}

fn admin_consent(authority: &str, tenant: &str) -> Option<Url> {
    let mut url = Url::parse(authority).ok()?;
    let segments = [tenant, "v2.0", "adminconsent"];
    url.path_segments_mut().ok()?.pop_if_empty().extend(segments);
    Some(url)
}

/// Names without a resource would mean Graph's, so each stands with its own.
fn scopes(resources: &Resources, graph: Consent) -> String {
    let mail = MAIL.iter().map(|name| format!("{}/{name}", resources.outlook));
    let graph = graph.graph().iter().map(|name| format!("{}/{name}", resources.graph));
    let sign_in = SIGN_IN.iter().map(|name| (*name).to_owned());
    mail.chain(graph).chain(sign_in).collect::<Vec<_>>().join(" ")
}

/// How to register an app for `options`, step by step.
#[must_use]
pub fn registration(options: &GuideOptions, form: GuideForm) -> String {
    match form {
        GuideForm::Portal => steps::portal(options),
        GuideForm::Az => steps::az(options),
    }
}

#[cfg(test)]
mod tests;
