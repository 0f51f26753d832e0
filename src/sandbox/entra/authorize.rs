//! The authorization endpoint: what a browser is shown, and where it is sent with what
//! (RFC 6749, section 4.1; RFC 7636).

use crate::model::account::Resource;
use crate::sandbox::control::sign_in::Step;
use crate::sandbox::entra::refusal::Refusal;
use crate::sandbox::entra::{Form, account_kind, check_app, read_form, scopes};
use crate::sandbox::tokens::{AccountKind, BrowserCode, Decision, random_text, resource_of};
use crate::sandbox::world::World;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::Url;

/// Life of a code in seconds; Entra's is about ten minutes.
const CODE_LIFETIME_S: i64 = 600;
/// Bytes of a SHA-256 hash.
const HASH_BYTES: usize = 32;
/// Random bytes of a code: Entra's take about 1 kB.
const CODE_BYTES: usize = 700;

/// What an address asks for; checked, so that the browser can be sent back.
pub struct Request {
    client_id: String,
    redirect_uri: String,
    scopes: Vec<String>,
    state: String,
    challenge: String,
    account: AccountKind,
    /// Who is expected, where the client said so.
    pub login_hint: String,
}

impl Request {
    /// Reads the query of a request. What is wrong with it is shown on a page: nobody who may not
    /// be the client is sent anything.
    pub fn read(tenant: &str, query: &Form) -> Result<Self, Refusal> {
        let field = |name: &str| query.get(name).cloned().unwrap_or_default();
        let client_id = check_app(tenant, query)?;
        let redirect_uri = field("redirect_uri");
        if !is_registered(&redirect_uri) {
            return Err(Refusal::REDIRECT_MISMATCH);
        }
        if field("response_type") != "code" {
            return Err(Refusal::missing("response_type"));
        }
        let challenge = field("code_challenge");
        let hash = URL_SAFE_NO_PAD.decode(&challenge).unwrap_or_default();
        if field("code_challenge_method") != "S256" || hash.len() != HASH_BYTES {
            return Err(Refusal::NO_PKCE);
        }
        Ok(Self {
            client_id,
            redirect_uri,
            scopes: scopes(query)?,
            state: field("state"),
            challenge,
            account: account_kind(tenant),
            login_hint: field("login_hint"),
        })
    }

    /// Reads a whole address, which must be one of this server.
    pub fn of_url(world: &World, url: &str) -> Result<Self, Refusal> {
        let path = url.strip_prefix(&world.authority()).unwrap_or_default();
        let (path, query) = path.split_once('?').ok_or(Refusal::UNKNOWN_TENANT)?;
        let tenant = path.strip_prefix('/').and_then(|path| path.strip_suffix(PATH));
        Self::read(tenant.unwrap_or_default(), &read_form(query.as_bytes()))
    }

    /// Does what the person decided: the address the browser is sent to.
    pub fn decide(&self, world: &World, decision: Decision) -> String {
        let now = world.now();
        let person = match decision {
            Decision::Approved(person) => person,
            Decision::Declined | Decision::Waiting | Decision::Redeemed => {
                return self.refused(&Refusal::CANCELLED);
            }
        };
        let secret = match self.account {
            AccountKind::Work => random_text("1.AXoA", CODE_BYTES),
            // Codes of personal accounts hold characters that a query has to escape.
            AccountKind::Personal => random_text("M.C541_BAY.2.U.!*$", CODE_BYTES),
        };
        let answered = world.change(|state| {
            state.tokens.rules.check(Step::Browser)?;
            for scope in &self.scopes {
                if let Some(resource) = resource_of(scope) {
                    state.tokens.rules.agree(resource);
                }
            }
            state.tokens.keep_browser_code(BrowserCode {
                secret: secret.clone(),
                person,
                client_id: self.client_id.clone(),
                redirect_uri: self.redirect_uri.clone(),
                scopes: self.scopes.clone(),
                challenge: self.challenge.clone(),
                expires_at: now.plus(CODE_LIFETIME_S),
                decision: Decision::Approved(person),
            });
            Ok(())
        });
        match answered {
            Ok(()) => self.back(&[("code", &secret)]),
            Err(refusal) => self.refused(&refusal),
        }
    }

    fn refused(&self, refusal: &Refusal) -> String {
        let subcode = if *refusal == Refusal::CANCELLED { "cancel" } else { "" };
        let text = refusal.to_string();
        let mut fields = vec![("error", refusal.error), ("error_description", text.as_str())];
        if !subcode.is_empty() {
            fields.push(("error_subcode", subcode));
        }
        self.back(&fields)
    }

    /// The way back with these fields, `state`, and the `session_state` that people copy along.
    fn back(&self, fields: &[(&str, &str)]) -> String {
        // It was parsed when it was read.
        let Ok(mut url) = Url::parse(&self.redirect_uri) else {
            return self.redirect_uri.clone();
        };
        url.query_pairs_mut()
            .extend_pairs(fields)
            .append_pair("state", &self.state)
            .append_pair("session_state", &random_text("", 16));
        url.into()
    }

    /// What the person is asked to agree to, in words.
    pub fn wishes(&self) -> &'static str {
        let graph = self.scopes.iter().any(|scope| resource_of(scope) == Some(Resource::Graph));
        if graph {
            "Posthaste asks to read your mail, and to send mail as you, also through Microsoft Graph."
        } else {
            "Posthaste asks to read your mail and to send mail as you."
        }
    }
}

/// End of the path of an address of this endpoint.
const PATH: &str = "/oauth2/v2.0/authorize";

/// Only `http://localhost` is registered. Its port is not compared, its path is (Microsoft:
/// "Redirect URI (reply URL) restrictions and limitations").
fn is_registered(redirect_uri: &str) -> bool {
    Url::parse(redirect_uri).is_ok_and(|url| {
        let here = url.scheme() == "http" && url.host_str() == Some("localhost");
        here && url.path() == "/" && url.query().is_none() && url.fragment().is_none()
    })
}
