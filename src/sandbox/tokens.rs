//! Codes, sign-ins and access tokens, as the sign-in server remembers them.

use crate::model::account::Resource;
use crate::sandbox::entra::rules::Rules;
use crate::sandbox::options::Approval;
use crate::sandbox::people::{OWNER, Person};
use crate::stdx::clock::UnixSeconds;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

/// Random bytes of an access token: 1,800 characters of text, as Entra's are 1,500 to 4,000.
const ACCESS_TOKEN_BYTES: usize = 1_350;
/// Begin of a work account's access token: the head of a JWT. What follows is none, so that a client
/// that looks into it fails.
const WORK_TOKEN_HEAD: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.";
/// Random bytes of a refresh token: Entra's take about 1.6 kB.
const REFRESH_TOKEN_BYTES: usize = 1_200;
/// Random bytes of a device code.
const DEVICE_CODE_BYTES: usize = 96;
/// Letters of a user code: nothing that looks like something else.
const USER_CODE_LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// Letters in a user code of a work account.
const USER_CODE_LENGTH: usize = 9;

/// What a person did with a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing yet.
    Waiting,
    /// Signed in and agreed.
    Approved(Person),
    /// Pressed cancel.
    Declined,
    /// Its tokens were handed out.
    Redeemed,
}

/// A device code.
#[derive(Clone, Debug)]
pub struct DeviceCode {
    /// What the client asks with.
    pub secret: String,
    /// What the person types.
    pub user_code: String,
    /// Whose.
    pub client_id: String,
    /// What for.
    pub scopes: Vec<String>,
    /// When it was handed out.
    pub created_at: UnixSeconds,
    /// When it runs out.
    pub expires_at: UnixSeconds,
    /// What the person did.
    pub decision: Decision,
}

/// A code that went through a browser.
#[derive(Clone, Debug)]
pub struct BrowserCode {
    /// The code.
    pub secret: String,
    /// Who signed in.
    pub person: Person,
    /// Through which app.
    pub client_id: String,
    /// Where the browser was sent.
    pub redirect_uri: String,
    /// What was agreed to.
    pub scopes: Vec<String>,
    /// SHA-256 of the verifier (RFC 7636).
    pub challenge: String,
    /// When it runs out.
    pub expires_at: UnixSeconds,
    /// Approved, or redeemed already.
    pub decision: Decision,
}

/// How somebody signed in; refresh tokens stay marked by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// With a device code.
    DeviceCode,
    /// With a browser.
    Browser,
}

/// Whose account it is. Their tokens look different, and neither kind is to be parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountKind {
    /// An organisation's.
    Work,
    /// A person's own, at Outlook.com.
    Personal,
}

/// A sign-in, which lives as long as its refresh tokens.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// Who.
    pub person: Person,
    /// Through which app.
    pub client_id: String,
    /// What was agreed to, of every resource.
    pub scopes: Vec<String>,
    /// How.
    pub way: Way,
    /// Whose account.
    pub account: AccountKind,
}

/// The resource of a scope; `None` for those that every sign-in has. Unqualified names are Graph's.
pub fn resource_of(scope: &str) -> Option<Resource> {
    let everybodys = ["offline_access", "openid", "profile", "email"];
    if everybodys.contains(&scope) {
        None
    } else if scope.starts_with("https://outlook.") || scope.starts_with("https://partner.outlook.")
    {
        Some(Resource::Outlook)
    } else {
        Some(Resource::Graph)
    }
}

/// What an access token stands for.
#[derive(Clone, Debug)]
pub struct AccessGrant {
    /// Who.
    pub person: Person,
    /// What it is good for.
    pub scopes: Vec<String>,
    /// When it runs out.
    pub expires_at: UnixSeconds,
}

/// Everything handed out.
#[derive(Debug, Default)]
pub struct Tokens {
    /// What may be handed out to whom.
    pub rules: Rules,
    codes: Vec<DeviceCode>,
    browser_codes: Vec<BrowserCode>,
    refresh: HashMap<String, SignIn>,
    revoked: HashMap<String, SignIn>,
    access: HashMap<String, AccessGrant>,
    withheld: Vec<String>,
    /// Whether a client may withdraw its sign-in, which Entra does not offer.
    pub revocation: Revocation,
}

/// Whether the server takes refresh tokens back (RFC 7009).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Revocation {
    /// As Entra: it does not.
    #[default]
    NotOffered,
    /// It does, and announces where.
    Offered,
}

impl Tokens {
    /// Hands out a code for `lifetime_s` seconds.
    pub fn new_code(
        &mut self,
        client_id: String,
        scopes: Vec<String>,
        now: UnixSeconds,
        lifetime_s: i64,
    ) -> DeviceCode {
        let letter =
            |byte: u8| USER_CODE_LETTERS.get(usize::from(byte % 32)).copied().unwrap_or(b'A');
        let user_code = random_bytes(USER_CODE_LENGTH).into_iter().map(letter).map(char::from);
        let code = DeviceCode {
            secret: random_text("GAQABIQEAAAB", DEVICE_CODE_BYTES),
            user_code: user_code.collect(),
            client_id,
            scopes,
            created_at: now,
            expires_at: now.plus(lifetime_s),
            decision: Decision::Waiting,
        };
        self.codes.push(code.clone());
        code
    }

    /// The code a client asks about, decided by `approval` where its time has come.
    pub fn code(
        &mut self,
        device_code: &str,
        approval: Approval,
        now: UnixSeconds,
    ) -> Option<&mut DeviceCode> {
        let code = self.codes.iter_mut().find(|code| code.secret == device_code)?;
        match approval {
            Approval::AfterSeconds(seconds) => {
                let due = code.created_at.plus(i64::from(seconds)) <= now;
                if due && code.decision == Decision::Waiting {
                    code.decision = Decision::Approved(OWNER);
                }
            }
            Approval::ByHand => {}
        }
        Some(code)
    }

    /// The code a person may still decide about: the one typed, or the newest.
    pub fn waiting_code(
        &mut self,
        typed: Option<&str>,
        now: UnixSeconds,
    ) -> Option<&mut DeviceCode> {
        let wanted = |code: &&mut DeviceCode| {
            let same = typed.is_none_or(|typed| typed.trim().eq_ignore_ascii_case(&code.user_code));
            same && code.decision == Decision::Waiting && now < code.expires_at
        };
        self.codes.iter_mut().rev().find(wanted)
    }

    /// Whether a person could decide about any code.
    pub fn has_waiting_code(&self, now: UnixSeconds) -> bool {
        let waiting =
            |code: &DeviceCode| code.decision == Decision::Waiting && now < code.expires_at;
        self.codes.iter().any(waiting)
    }

    /// Ends every waiting code now.
    pub fn expire_codes(&mut self, now: UnixSeconds) {
        for code in &mut self.codes {
            code.expires_at = code.expires_at.min(now);
        }
    }

    /// Remembers a code that a browser is sent away with.
    pub fn keep_browser_code(&mut self, code: BrowserCode) {
        self.browser_codes.push(code);
    }

    /// The code a client redeems.
    pub fn browser_code(&mut self, secret: &str) -> Option<&mut BrowserCode> {
        self.browser_codes.iter_mut().find(|code| code.secret == secret)
    }

    /// Hands out an access token for `resource`, and a refresh token for everything when
    /// `offline_access` was agreed to. As with Entra, the access token is good for all that was
    /// agreed to of its resource.
    pub fn grant(
        &mut self,
        sign_in: &SignIn,
        resource: Resource,
        expires_at: UnixSeconds,
    ) -> Granted {
        let access_token = match sign_in.account {
            AccountKind::Work => random_text(WORK_TOKEN_HEAD, ACCESS_TOKEN_BYTES),
            AccountKind::Personal => random_text("EwB", ACCESS_TOKEN_BYTES),
        };
        let scopes = sign_in.scopes.iter().filter(|scope| resource_of(scope) == Some(resource));
        let scopes: Vec<String> = scopes.filter(|scope| self.is_granted(scope)).cloned().collect();
        let grant = AccessGrant { person: sign_in.person, scopes: scopes.clone(), expires_at };
        self.access.insert(access_token.clone(), grant);
        let offline = sign_in.scopes.iter().any(|scope| scope == "offline_access");
        let refresh_token = offline.then(|| self.new_refresh_token(sign_in));
        Granted { access_token, refresh_token, scopes }
    }

    /// Hands out a refresh token.
    pub fn new_refresh_token(&mut self, sign_in: &SignIn) -> String {
        let token = match sign_in.account {
            AccountKind::Work => random_text("1.AXoA", REFRESH_TOKEN_BYTES),
            AccountKind::Personal => random_text("M.C541_BAY.0.U.-", REFRESH_TOKEN_BYTES),
        };
        self.refresh.insert(token.clone(), sign_in.clone());
        token
    }

    fn is_granted(&self, scope: &str) -> bool {
        // Entra lists the scopes of the resource only, never `offline_access`.
        scope.contains("://") && !self.withheld.iter().any(|withheld| withheld == scope)
    }

    /// Leaves a scope out of every grant from now on, as after consent to less.
    pub fn withhold(&mut self, scope: &str) {
        self.withheld.push(scope.to_owned());
    }

    /// The sign-in of a refresh token. Its use does not end it, as with Entra.
    pub fn sign_in(&self, refresh_token: &str) -> RefreshState {
        if let Some(sign_in) = self.refresh.get(refresh_token) {
            return RefreshState::Good(sign_in.clone());
        }
        if self.revoked.contains_key(refresh_token) {
            return RefreshState::Revoked;
        }
        RefreshState::Unknown
    }

    /// What an access token stands for; `None` when it is unknown or has run out.
    pub fn access(&self, token: &str, now: UnixSeconds) -> Option<&AccessGrant> {
        self.access.get(token).filter(|grant| now < grant.expires_at)
    }

    /// Ends every access token now; refresh tokens stay good.
    pub fn expire_access(&mut self) {
        self.access.clear();
    }

    /// Ends one sign-in; a token that nobody got is none (RFC 7009, section 2.2).
    pub fn withdraw(&mut self, refresh_token: &str) {
        self.revoked.extend(self.refresh.remove_entry(refresh_token));
    }

    /// Ends every sign-in, as an administrator's "revoke sessions" does.
    pub fn revoke(&mut self) {
        self.access.clear();
        self.revoked.extend(self.refresh.drain());
    }
}

/// Tokens just handed out.
pub struct Granted {
    /// For the servers.
    pub access_token: String,
    /// For the next refresh.
    pub refresh_token: Option<String>,
    /// What the access token is good for.
    pub scopes: Vec<String>,
}

/// How a refresh token stands.
pub enum RefreshState {
    /// It belongs to this sign-in.
    Good(SignIn),
    /// It did, until somebody revoked it.
    Revoked,
    /// Nobody ever got it here.
    Unknown,
}

/// `prefix` and `bytes` random bytes as base64url.
pub fn random_text(prefix: &str, bytes: usize) -> String {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random_bytes(bytes)))
}

/// Bytes that differ in every run: the standard library's hash seeds. They guard nothing but made-up
/// mail on loopback.
fn random_bytes(count: usize) -> Vec<u8> {
    let seeds = RandomState::new();
    let words = (0_u64..).map(|index| {
        let mut hasher = seeds.build_hasher();
        hasher.write_u64(index);
        hasher.finish()
    });
    words.flat_map(u64::to_le_bytes).take(count).collect()
}
