//! The token endpoint: codes, refresh tokens and secrets for access tokens.

use crate::model::account::Resource;
use crate::sandbox::TENANT_ID;
use crate::sandbox::control::sign_in::Step;
use crate::sandbox::control::{Counter, TokenFault};
use crate::sandbox::entra::answers::{Answer, Dropped, html, json, refuse};
use crate::sandbox::entra::refusal::Refusal;
use crate::sandbox::entra::{Form, account_kind, check_app, page, scopes};
use crate::sandbox::people::{OWNER, Person};
use crate::sandbox::tokens::{
    AccountKind, Decision, Granted, RefreshState, SignIn, Way, random_text, resource_of,
};
use crate::sandbox::world::{State, World};
use crate::stdx::clock::UnixSeconds;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::StatusCode;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// Grant type of RFC 8628, section 3.4.
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Answers one question. A scripted fault comes before anything else.
pub fn answer(world: &World, tenant: &str, form: &Form) -> Result<Answer, Dropped> {
    let grant_type = form.get("grant_type").map(String::as_str).unwrap_or_default();
    let fault = world.change(|state| {
        match grant_type {
            DEVICE_GRANT => state.count(Counter::CodePolls),
            "refresh_token" => state.count(Counter::Refreshes),
            _ => {}
        }
        state.faults.next_token()
    });
    let now = world.now();
    match fault {
        Some(TokenFault::SlowDown) => return Ok(refuse(&Refusal::SLOW_DOWN, now)),
        Some(TokenFault::Unavailable) => {
            return Ok(html(StatusCode::SERVICE_UNAVAILABLE, page::unavailable()));
        }
        Some(TokenFault::Dropped) => return Err(Dropped),
        Some(TokenFault::Refused { error, code }) => {
            let text = Cow::Borrowed("The request was refused as scripted.");
            return Ok(refuse(&Refusal { error, code, text }, now));
        }
        None => {}
    }
    let account = account_kind(tenant);
    let answered = check_app(tenant, form).and_then(|client_id| {
        let question = Question { world, client_id: &client_id, form, account, now };
        match grant_type {
            DEVICE_GRANT => question.redeem_device_code(),
            "authorization_code" => question.redeem_browser_code(),
            "refresh_token" => question.refresh(),
            "client_credentials" => question.sign_in_as_app(),
            "" => Err(Refusal::missing("grant_type")),
            _ => Err(Refusal::UNKNOWN_GRANT),
        }
    });
    Ok(answered.unwrap_or_else(|refusal| refuse(&refusal, now)))
}

/// A question of an app that is known.
struct Question<'a> {
    world: &'a World,
    client_id: &'a str,
    form: &'a Form,
    account: AccountKind,
    now: UnixSeconds,
}

impl Question<'_> {
    fn field(&self, name: &str) -> Result<&String, Refusal> {
        self.form.get(name).filter(|value| !value.is_empty()).ok_or_else(|| Refusal::missing(name))
    }

    fn check_secret(&self, state: &State) -> Result<(), Refusal> {
        state.tokens.rules.check_secret(self.form.get("client_secret"))
    }

    fn redeem_device_code(&self) -> Result<Answer, Refusal> {
        let device_code = self.field("device_code")?;
        let approval = self.world.options().approval;
        self.world.change(|state| {
            self.check_secret(state)?;
            let now = self.now;
            let blocked = state.tokens.rules.check(Step::DeviceCode);
            let code = state.tokens.code(device_code, approval, now);
            let code =
                code.filter(|code| code.client_id == self.client_id).ok_or(Refusal::BAD_CODE)?;
            let person = match code.decision {
                Decision::Declined => return Err(Refusal::DECLINED),
                Decision::Redeemed => return Err(Refusal::CODE_USED),
                Decision::Waiting if code.expires_at <= now => return Err(Refusal::EXPIRED),
                Decision::Waiting => return Err(Refusal::PENDING),
                Decision::Approved(person) => person,
            };
            blocked?;
            // The code was handed out, and agreed to, for both; its tokens are not.
            let resource = one_resource(&code.scopes)?;
            code.decision = Decision::Redeemed;
            let scopes = code.scopes.clone();
            let sign_in = self.sign_in(person, scopes.clone(), Way::DeviceCode);
            Ok(self.grant(state, &sign_in, resource, &scopes))
        })
    }

    fn redeem_browser_code(&self) -> Result<Answer, Refusal> {
        let secret = self.field("code")?;
        let verifier = self.field("code_verifier")?;
        let redirect_uri = self.field("redirect_uri")?;
        let wanted = scopes(self.form)?;
        let resource = one_resource(&wanted)?;
        self.world.change(|state| {
            self.check_secret(state)?;
            state.tokens.rules.check(Step::Redemption)?;
            let code = state.tokens.browser_code(secret);
            let code = code.filter(|code| code.client_id == self.client_id);
            let code = code.ok_or(Refusal::BAD_BROWSER_CODE)?;
            let person = match code.decision {
                Decision::Approved(person) if self.now < code.expires_at => person,
                Decision::Approved(_) => return Err(Refusal::BROWSER_CODE_EXPIRED),
                Decision::Redeemed | Decision::Waiting | Decision::Declined => {
                    return Err(Refusal::CODE_USED);
                }
            };
            if code.redirect_uri != *redirect_uri {
                return Err(Refusal::OTHER_REDIRECT);
            }
            if URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) != code.challenge {
                return Err(Refusal::WRONG_VERIFIER);
            }
            if !wanted.iter().all(|scope| code.scopes.contains(scope)) {
                return Err(Refusal::NO_CONSENT);
            }
            code.decision = Decision::Redeemed;
            let sign_in = self.sign_in(person, code.scopes.clone(), Way::Browser);
            Ok(self.grant(state, &sign_in, resource, &wanted))
        })
    }

    fn refresh(&self) -> Result<Answer, Refusal> {
        let token = self.field("refresh_token")?;
        let wanted = scopes(self.form)?;
        let resource = one_resource(&wanted)?;
        self.world.change(|state| {
            self.check_secret(state)?;
            let mut sign_in = match state.tokens.sign_in(token) {
                RefreshState::Good(sign_in) if sign_in.client_id == self.client_id => sign_in,
                RefreshState::Good(_) | RefreshState::Unknown => {
                    return Err(Refusal::BAD_REFRESH_TOKEN);
                }
                RefreshState::Revoked => return Err(Refusal::REVOKED),
            };
            state.tokens.rules.check(Step::Refresh)?;
            match sign_in.way {
                Way::DeviceCode => state.tokens.rules.check(Step::RefreshAfterDeviceCode)?,
                Way::Browser => {}
            }
            state.tokens.rules.check_consent(resource, sign_in.account)?;
            // What somebody has agreed to once needs no new question.
            for scope in wanted.iter().filter(|scope| resource_of(scope).is_some()) {
                if !sign_in.scopes.contains(scope) {
                    sign_in.scopes.push(scope.clone());
                }
            }
            Ok(self.grant(state, &sign_in, resource, &wanted))
        })
    }

    /// The app gets what its administrator gave it: the owner's mailbox, and no refresh token.
    fn sign_in_as_app(&self) -> Result<Answer, Refusal> {
        let wanted = scopes(self.form)?;
        let root = match wanted.as_slice() {
            [only] => only.strip_suffix("/.default").ok_or(Refusal::BAD_SCOPE)?,
            _ => return Err(Refusal::BAD_SCOPE),
        };
        let resource = one_resource(&wanted)?;
        let permissions = match resource {
            Resource::Outlook => [
                "https://outlook.office.com/IMAP.AccessAsUser.All".to_owned(),
                "https://outlook.office.com/SMTP.Send".to_owned(),
            ],
            Resource::Graph => [format!("{root}/Mail.Send"), format!("{root}/User.Read")],
        };
        self.world.change(|state| {
            // Only an app that can prove itself can sign in by itself.
            self.field("client_secret").map_err(|_| Refusal::SECRET_MISSING)?;
            self.check_secret(state)?;
            state.tokens.rules.check(Step::ClientCredentials)?;
            let sign_in = self.sign_in(OWNER, permissions.to_vec(), Way::Browser);
            let lifetime_s = self.world.options().access_token_lifetime_s;
            let granted = state.tokens.grant(&sign_in, resource, self.now.plus(lifetime_s));
            Ok(json(
                StatusCode::OK,
                &json!({
                    "token_type": "Bearer",
                    "expires_in": lifetime_s,
                    "ext_expires_in": lifetime_s,
                    "access_token": granted.access_token,
                }),
            ))
        })
    }

    fn sign_in(&self, person: Person, scopes: Vec<String>, way: Way) -> SignIn {
        let client_id = self.client_id.to_owned();
        SignIn { person, client_id, scopes, way, account: self.account }
    }

    fn grant(
        &self,
        state: &mut State,
        sign_in: &SignIn,
        resource: Resource,
        wanted: &[String],
    ) -> Answer {
        let lifetime_s = self.world.options().access_token_lifetime_s;
        let granted = state.tokens.grant(sign_in, resource, self.now.plus(lifetime_s));
        let Granted { access_token, refresh_token, scopes } = granted;
        let mut body = json!({
            "token_type": "Bearer",
            "scope": scopes.join(" "),
            "expires_in": lifetime_s,
            "ext_expires_in": lifetime_s,
            "access_token": access_token,
        });
        if let Some(members) = body.as_object_mut() {
            members.extend(refresh_token.map(|token| ("refresh_token".to_owned(), token.into())));
            if wanted.iter().any(|scope| scope == "openid") {
                let id_token = id_token(&self.world.authority(), sign_in, self.now, lifetime_s);
                members.insert("id_token".to_owned(), id_token.into());
            }
        }
        json(StatusCode::OK, &body)
    }
}

/// The one resource that scopes are about.
fn one_resource(scopes: &[String]) -> Result<Resource, Refusal> {
    let mut resources = scopes.iter().filter_map(|scope| resource_of(scope));
    let first = resources.next().ok_or(Refusal::BAD_SCOPE)?;
    if resources.all(|other| other == first) { Ok(first) } else { Err(Refusal::TWO_RESOURCES) }
}

/// An id token in the shape of version 2.0. Its signature is random: a client that got it over TLS
/// from the token endpoint need not check it (OpenID Connect Core, section 3.1.3.7, item 6).
fn id_token(authority: &str, sign_in: &SignIn, now: UnixSeconds, lifetime_s: i64) -> String {
    let person = sign_in.person;
    let head = json!({ "typ": "JWT", "alg": "RS256", "kid": "sandbox" });
    let claims = json!({
        "aud": sign_in.client_id,
        "iss": format!("{authority}/{TENANT_ID}/v2.0"),
        "iat": now.0,
        "nbf": now.0,
        "exp": now.plus(lifetime_s).0,
        "name": person.name,
        "preferred_username": person.address,
        "email": person.address,
        "sub": person.address,
        "tid": TENANT_ID,
        "ver": "2.0",
    });
    let encode = |part: &serde_json::Value| URL_SAFE_NO_PAD.encode(part.to_string());
    format!("{}.{}.{}", encode(&head), encode(&claims), random_text("", 256))
}
