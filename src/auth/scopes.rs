//! Which permissions are asked for: of one resource for a token, of both for consent in a browser.
//!
//! Unqualified names would mean Microsoft Graph (Microsoft: "Authenticate an IMAP, POP or SMTP
//! connection using OAuth"), so each stands under the root of its resource. Entra redeems a code or
//! a refresh token for one resource at a time (AADSTS28000); only `/authorize` takes both.

use crate::model::account::{Resource, Resources};

/// Reading through IMAP and sending through SMTP.
const OUTLOOK: [&str; 2] = ["IMAP.AccessAsUser.All", "SMTP.Send"];
/// Sending through Graph, and asking whose mailbox it is.
const GRAPH: [&str; 2] = ["Mail.Send", "User.Read"];
/// Needed for nothing but upload sessions of large messages. Many organisations let no person agree
/// to it, so it is never asked for on its own.
const GRAPH_UPLOAD: &str = "Mail.ReadWrite";
/// A refresh token.
const OFFLINE: &str = "offline_access";
/// Who signed in.
const IDENTITY: [&str; 3] = ["openid", "profile", "email"];
/// Stands for every permission an administrator gave to an app.
const DEFAULT: &str = ".default";
/// Where apps without a person find IMAP and SMTP in the global cloud, which differs from where
/// people find them (Microsoft: "Use client credentials grant flow").
const OUTLOOK_FOR_APPS: (&str, &str) =
    ("https://outlook.office.com", "https://outlook.office365.com");

/// What a token for `resource` is asked for with.
#[must_use]
pub fn wanted(resource: Resource, resources: &Resources) -> Vec<String> {
    let mut scopes = permissions(resource, resources);
    scopes.push(OFFLINE.to_owned());
    match resource {
        Resource::Outlook => scopes.extend(IDENTITY.map(str::to_owned)),
        Resource::Graph => {}
    }
    scopes
}

/// What a person agrees to in a browser: reading and every way of sending, in one go.
#[must_use]
pub fn consent(resources: &Resources) -> Vec<String> {
    let mut scopes = wanted(Resource::Outlook, resources);
    scopes.extend(permissions(Resource::Graph, resources));
    scopes.push(qualified(&resources.graph, GRAPH_UPLOAD));
    scopes
}

/// What an app without a person asks for: everything an administrator gave it.
#[must_use]
pub fn app_only(resource: Resource, resources: &Resources) -> String {
    let root = root(resource, resources);
    let (for_people, for_apps) = OUTLOOK_FOR_APPS;
    qualified(if root == for_people { for_apps } else { root }, DEFAULT)
}

/// Permissions for `resource` that are not among the `granted` ones. Empty when `granted` is empty
/// or stands for whatever an administrator gave: then nothing is known to be missing.
#[must_use]
pub fn missing(resource: Resource, resources: &Resources, granted: &[String]) -> Vec<String> {
    if granted.is_empty() || granted.iter().any(|scope| name(scope) == DEFAULT) {
        return Vec::new();
    }
    let mut missing = permissions(resource, resources);
    missing.retain(|wanted| !is_granted(wanted, granted));
    missing
}

/// Whether `wanted` is among the `granted` ones. Servers differ in how they qualify a name they give
/// back, and in its case.
pub(crate) fn is_granted(wanted: &str, granted: &[String]) -> bool {
    granted.iter().any(|scope| name(scope).eq_ignore_ascii_case(name(wanted)))
}

/// The permissions among `scopes`, without those that every sign-in asks for.
pub(crate) fn of_a_resource(scopes: &[String]) -> impl Iterator<Item = &String> {
    scopes.iter().filter(|scope| scope.contains("://"))
}

fn permissions(resource: Resource, resources: &Resources) -> Vec<String> {
    let names = match resource {
        Resource::Outlook => OUTLOOK,
        Resource::Graph => GRAPH,
    };
    names.map(|name| qualified(root(resource, resources), name)).to_vec()
}

fn root(resource: Resource, resources: &Resources) -> &str {
    match resource {
        Resource::Outlook => &resources.outlook,
        Resource::Graph => &resources.graph,
    }
}

fn qualified(root: &str, name: &str) -> String {
    format!("{}/{name}", root.trim_end_matches('/'))
}

fn name(scope: &str) -> &str {
    scope.rsplit('/').next().unwrap_or(scope)
}

#[cfg(test)]
mod tests {
    use crate::auth::scopes::{app_only, consent, missing, wanted};
    use crate::model::account::{Resource, Resources};

    fn gov() -> Resources {
        Resources {
            outlook: "https://outlook.office365.us".to_owned(),
            graph: "https://graph.microsoft.us".to_owned(),
        }
    }

    #[test]
    fn a_token_is_asked_for_one_resource_and_consent_for_both() {
        let global = Resources::default();
        assert_eq!(
            wanted(Resource::Outlook, &global).join(" "),
            "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send \
             offline_access openid profile email"
        );
        assert_eq!(
            wanted(Resource::Graph, &global).join(" "),
            "https://graph.microsoft.com/Mail.Send https://graph.microsoft.com/User.Read \
             offline_access"
        );
        assert_eq!(
            consent(&gov()).join(" "),
            "https://outlook.office365.us/IMAP.AccessAsUser.All \
             https://outlook.office365.us/SMTP.Send offline_access openid profile email \
             https://graph.microsoft.us/Mail.Send https://graph.microsoft.us/User.Read \
             https://graph.microsoft.us/Mail.ReadWrite"
        );
    }

    #[test]
    fn an_app_asks_for_what_it_was_given() {
        #[track_caller]
        fn check(resource: Resource, resources: &Resources, expected: &str) {
            assert_eq!(app_only(resource, resources), expected);
        }
        let global = Resources::default();
        check(Resource::Outlook, &global, "https://outlook.office365.com/.default");
        check(Resource::Graph, &global, "https://graph.microsoft.com/.default");
        check(Resource::Outlook, &gov(), "https://outlook.office365.us/.default");
    }

    #[test]
    fn what_is_missing_is_named_however_the_server_writes_the_rest() {
        #[track_caller]
        fn check(resource: Resource, granted: &[&str], expected: &[&str]) {
            let granted: Vec<String> = granted.iter().map(|&scope| scope.to_owned()).collect();
            assert_eq!(missing(resource, &Resources::default(), &granted), expected, "{granted:?}");
        }
        let imap = "https://outlook.office.com/IMAP.AccessAsUser.All";
        let smtp = "https://outlook.office.com/SMTP.Send";
        check(Resource::Outlook, &[imap, smtp], &[]);
        check(Resource::Outlook, &[imap], &[smtp]);
        check(Resource::Outlook, &["https://outlook.office365.com/smtp.send"], &[imap]);
        check(Resource::Outlook, &["https://outlook.office365.com/.default"], &[]);
        check(Resource::Outlook, &[], &[]);
        check(Resource::Graph, &["Mail.Send", "user.read"], &[]);
        check(
            Resource::Graph,
            &["openid"],
            &["https://graph.microsoft.com/Mail.Send", "https://graph.microsoft.com/User.Read"],
        );
    }
}
