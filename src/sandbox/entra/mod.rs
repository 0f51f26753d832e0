//! The sign-in server: the paths, words and error shapes of Entra ID's v2.0 endpoints.
//!
//! Microsoft: "OAuth 2.0 device authorization grant", "`OpenID` Connect on the Microsoft identity
//! platform", "Microsoft Entra authentication and authorization error codes".

mod answers;
pub mod authorize;
mod page;
pub mod refusal;
pub mod rules;
mod token;

use crate::sandbox::control::Counter;
use crate::sandbox::entra::answers::{Answer, Dropped, html, json, redirect, refuse};
use crate::sandbox::entra::refusal::Refusal;
use crate::sandbox::people::DOMAIN;
use crate::sandbox::tokens::{AccountKind, Revocation};
use crate::sandbox::world::World;
use crate::sandbox::{CLIENT_ID, TENANT_ID};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// Longest form in bytes: a refresh token and its company take two to three thousand.
const FORM_LIMIT_BYTES: usize = 64 * 1024;
/// Longest wait for the head of a request; a keep-alive connection ends after it.
const HEAD_LIMIT: Duration = Duration::from_secs(60);
/// Tenants that stand for groups of accounts, beside the sandbox's own id and domain.
const TENANTS: [&str; 5] = ["common", "organizations", "consumers", TENANT_ID, DOMAIN];

/// The fields of a form, and of a query.
pub type Form = HashMap<String, String>;

/// Serves one connection to its end.
pub async fn serve(stream: TlsStream<TcpStream>, world: Arc<World>) {
    let service = service_fn(move |request| answer(request, Arc::clone(&world)));
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the sandbox's sign-in server ended early");
    }
}

/// What is asked for, by path.
enum Route {
    Authorize { tenant: String },
    DeviceCode { tenant: String },
    Token { tenant: String },
    Revoke,
    Configuration { tenant: String },
    Page,
    Unknown,
}

fn route(path: &str) -> Route {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        [tenant, "oauth2", "v2.0", "authorize"] => {
            Route::Authorize { tenant: (*tenant).to_owned() }
        }
        [tenant, "oauth2", "v2.0", "devicecode"] => {
            Route::DeviceCode { tenant: (*tenant).to_owned() }
        }
        [tenant, "oauth2", "v2.0", "token"] => Route::Token { tenant: (*tenant).to_owned() },
        [_tenant, "oauth2", "v2.0", "revoke"] => Route::Revoke,
        [tenant, "v2.0", ".well-known", "openid-configuration"] => {
            Route::Configuration { tenant: (*tenant).to_owned() }
        }
        ["devicelogin"] => Route::Page,
        _ => Route::Unknown,
    }
}

async fn answer(request: Request<Incoming>, world: Arc<World>) -> Result<Answer, Dropped> {
    let method = request.method().clone();
    let route = route(request.uri().path());
    let raw_query = request.uri().query().unwrap_or_default().to_owned();
    let query = read_form(raw_query.as_bytes());
    let form = match Limited::new(request.into_body(), FORM_LIMIT_BYTES).collect().await {
        Ok(body) => read_form(&body.to_bytes()),
        Err(_too_long) => return Ok(html(StatusCode::PAYLOAD_TOO_LARGE, page::too_long())),
    };
    let post = method == Method::POST;
    match route {
        Route::Authorize { tenant } if post => Ok(sent_back(&world, &tenant, &form)),
        Route::Authorize { tenant } => Ok(match authorize::Request::read(&tenant, &query) {
            Ok(request) => html(StatusCode::OK, page::authorize(&request, &raw_query)),
            Err(refusal) => html(StatusCode::BAD_REQUEST, page::refused(&refusal)),
        }),
        Route::DeviceCode { tenant } if post => Ok(device_code(&world, &tenant, &form)),
        Route::Token { tenant } if post => token::answer(&world, &tenant, &form),
        Route::Revoke if post && offers_revocation(&world) => Ok(withdraw(&world, &form)),
        Route::Configuration { tenant } => Ok(configuration(&world, &tenant)),
        Route::Page if post => Ok(html(StatusCode::OK, page::decide(&world, &form))),
        Route::Page => Ok(html(StatusCode::OK, page::ask(query.get("otc")))),
        Route::DeviceCode { .. } | Route::Token { .. } => {
            Ok(refuse(&Refusal::NOT_A_POST, world.now()))
        }
        Route::Revoke | Route::Unknown => Ok(html(StatusCode::NOT_FOUND, page::not_found())),
    }
}

fn read_form(bytes: &[u8]) -> Form {
    url::form_urlencoded::parse(bytes).into_owned().collect()
}

/// Checks what every request names: the tenant, and the app in it.
fn check_app(tenant: &str, form: &Form) -> Result<String, Refusal> {
    if !TENANTS.iter().any(|known| known.eq_ignore_ascii_case(tenant)) {
        return Err(Refusal::UNKNOWN_TENANT);
    }
    let client_id = form.get("client_id").filter(|id| !id.is_empty());
    let client_id = client_id.ok_or_else(|| Refusal::missing("client_id"))?;
    if client_id != CLIENT_ID {
        return Err(Refusal::UNKNOWN_APP);
    }
    Ok(client_id.clone())
}

/// The scopes asked for; none is an error (AADSTS900144).
fn scopes(form: &Form) -> Result<Vec<String>, Refusal> {
    let scopes = form.get("scope").map(String::as_str).unwrap_or_default();
    let scopes: Vec<String> = scopes.split_whitespace().map(str::to_owned).collect();
    if scopes.is_empty() { Err(Refusal::missing("scope")) } else { Ok(scopes) }
}

/// Whose accounts a tenant holds; `common` is taken for work accounts.
fn account_kind(tenant: &str) -> AccountKind {
    if tenant.eq_ignore_ascii_case("consumers") { AccountKind::Personal } else { AccountKind::Work }
}

/// Does what a person decided on the page of the authorization endpoint.
fn sent_back(world: &World, tenant: &str, form: &Form) -> Answer {
    let query = form.get("request").map(String::as_str).unwrap_or_default();
    match (authorize::Request::read(tenant, &read_form(query.as_bytes())), page::decision(form)) {
        (Ok(request), Some(decision)) => redirect(&request.decide(world, decision)),
        (Ok(_), None) => html(StatusCode::OK, page::undecided()),
        (Err(refusal), _) => html(StatusCode::BAD_REQUEST, page::refused(&refusal)),
    }
}

fn device_code(world: &World, tenant: &str, form: &Form) -> Answer {
    let now = world.now();
    let asked = check_app(tenant, form).and_then(|client| Ok((client, scopes(form)?)));
    let (client_id, scopes) = match asked {
        Ok(asked) => asked,
        Err(refusal) => return refuse(&refusal, now),
    };
    let lifetime_s = world.options().code_lifetime_s;
    let code = world.change(|state| {
        state.count(Counter::CodesAsked);
        state.tokens.new_code(client_id, scopes, now, lifetime_s)
    });
    let page = format!("{}/devicelogin", world.authority());
    let user_code = &code.user_code;
    json(
        StatusCode::OK,
        &json!({
            "user_code": user_code,
            "device_code": code.secret,
            "verification_uri": page,
            "expires_in": lifetime_s,
            "interval": world.options().poll_interval_s,
            "message": format!(
                "To sign in, use a web browser to open the page {page} and enter the code \
                 {user_code} to authenticate."
            ),
        }),
    )
}

fn offers_revocation(world: &World) -> bool {
    world.read(|state| state.tokens.revocation) == Revocation::Offered
}

/// RFC 7009, section 2.2: status 200 also for a token that is none.
fn withdraw(world: &World, form: &Form) -> Answer {
    world.change(|state| {
        state.count(Counter::Withdrawals);
        state.tokens.withdraw(form.get("token").map(String::as_str).unwrap_or_default());
    });
    html(StatusCode::OK, String::new())
}

/// The discovery document. The issuer of `common` and its like carries a literal `{tenantid}`.
fn configuration(world: &World, tenant: &str) -> Answer {
    if !TENANTS.iter().any(|known| known.eq_ignore_ascii_case(tenant)) {
        return refuse(&Refusal::UNKNOWN_TENANT, world.now());
    }
    let root = world.authority();
    let issuer_tenant = match tenant {
        "common" | "organizations" | "consumers" => "{tenantid}",
        _ => TENANT_ID,
    };
    let mut document = json!({
        "issuer": format!("{root}/{issuer_tenant}/v2.0"),
        "authorization_endpoint": format!("{root}/{tenant}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{root}/{tenant}/oauth2/v2.0/token"),
        "device_authorization_endpoint": format!("{root}/{tenant}/oauth2/v2.0/devicecode"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "cloud_instance_name": "sandbox.invalid",
        "tenant_region_scope": null,
    });
    if let Some(fields) = document.as_object_mut().filter(|_| offers_revocation(world)) {
        let endpoint = format!("{root}/{tenant}/oauth2/v2.0/revoke");
        fields.insert("revocation_endpoint".to_owned(), endpoint.into());
    }
    json(StatusCode::OK, &document)
}
