//! The token endpoint: device codes and refresh tokens for access tokens.

use crate::sandbox::TENANT_ID;
use crate::sandbox::control::{Counter, TokenFault};
use crate::sandbox::entra::answers::{Answer, Dropped, html, json, refuse};
use crate::sandbox::entra::refusal::Refusal;
use crate::sandbox::entra::{Form, check_app, page, scopes};
use crate::sandbox::tokens::{Decision, Granted, RefreshState, SignIn, random_text};
use crate::sandbox::world::{State, World};
use crate::stdx::clock::UnixSeconds;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::StatusCode;
use serde_json::json;
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
    let answered = check_app(tenant, form).and_then(|client_id| match grant_type {
        DEVICE_GRANT => redeem_code(world, &client_id, form),
        "refresh_token" => refresh(world, &client_id, form),
        "" => Err(Refusal::missing("grant_type")),
        _ => Err(Refusal::UNKNOWN_GRANT),
    });
    Ok(answered.unwrap_or_else(|refusal| refuse(&refusal, now)))
}

fn redeem_code(world: &World, client_id: &str, form: &Form) -> Result<Answer, Refusal> {
    let device_code = form.get("device_code").ok_or_else(|| Refusal::missing("device_code"))?;
    let now = world.now();
    let approval = world.options().approval;
    world.change(|state| {
        let code = state.tokens.code(device_code, approval, now);
        let code = code.filter(|code| code.client_id == client_id).ok_or(Refusal::BAD_CODE)?;
        let person = match code.decision {
            Decision::Declined => return Err(Refusal::DECLINED),
            Decision::Redeemed => return Err(Refusal::CODE_USED),
            Decision::Waiting if code.expires_at <= now => return Err(Refusal::EXPIRED),
            Decision::Waiting => return Err(Refusal::PENDING),
            Decision::Approved(person) => person,
        };
        code.decision = Decision::Redeemed;
        let sign_in =
            SignIn { person, client_id: client_id.to_owned(), scopes: code.scopes.clone() };
        Ok(grant(world, state, &sign_in, now))
    })
}

fn refresh(world: &World, client_id: &str, form: &Form) -> Result<Answer, Refusal> {
    let token = form.get("refresh_token").ok_or_else(|| Refusal::missing("refresh_token"))?;
    let wanted = scopes(form)?;
    let now = world.now();
    world.change(|state| {
        let mut sign_in = match state.tokens.sign_in(token) {
            RefreshState::Good(sign_in) if sign_in.client_id == client_id => sign_in,
            RefreshState::Good(_) | RefreshState::Unknown => {
                return Err(Refusal::BAD_REFRESH_TOKEN);
            }
            RefreshState::Revoked => return Err(Refusal::REVOKED),
        };
        sign_in.scopes.retain(|agreed| agreed == "offline_access" || wanted.contains(agreed));
        Ok(grant(world, state, &sign_in, now))
    })
}

fn grant(world: &World, state: &mut State, sign_in: &SignIn, now: UnixSeconds) -> Answer {
    let lifetime_s = world.options().access_token_lifetime_s;
    let granted = state.tokens.grant(sign_in, now.plus(lifetime_s));
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
        if sign_in.scopes.iter().any(|scope| scope == "openid") {
            let id_token = id_token(&world.authority(), sign_in, now, lifetime_s);
            members.insert("id_token".to_owned(), id_token.into());
        }
    }
    json(StatusCode::OK, &body)
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
