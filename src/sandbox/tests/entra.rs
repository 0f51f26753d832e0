//! The sign-in server answers as Entra ID does.

use crate::auth::http::HttpClient;
use crate::auth::keeper::{Grant, KeeperSetup, SendSecret, TokenKeeper};
use crate::config::ConfigFile;
use crate::model::account::{AccountSettings, Resource};
use crate::sandbox::certificates::trusting;
use crate::sandbox::control::{Counter, TokenFault};
use crate::sandbox::options::{Approval, Personality, SandboxOptions};
use crate::sandbox::service::{Power, ServiceName};
use crate::sandbox::tests::client::{
    Client, START, device_code, http, options, poll, post, sasl, sign_in, start,
};
use crate::secrets::SecretPlaces;
use crate::stdx::clock::Clock;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::net::TcpStream;

fn by_hand() -> SandboxOptions {
    SandboxOptions { approval: Approval::ByHand, ..options(Personality::Exchange) }
}

fn device(code: &Value) -> &str {
    code["device_code"].as_str().unwrap()
}

#[track_caller]
fn check_refused(answer: &(u16, Value), error: &str, code: u32) {
    let (status, body) = answer;
    assert_eq!((*status, body["error"].as_str()), (400, Some(error)), "{body}");
    assert_eq!(body["error_codes"][0].as_u64(), Some(u64::from(code)));
    let description = body["error_description"].as_str().unwrap();
    assert!(description.starts_with(&format!("AADSTS{code}: ")), "{description}");
    assert!(body["trace_id"].is_string() && body["correlation_id"].is_string());
}

#[tokio::test]
async fn a_code_goes_from_pending_to_tokens_once() {
    let sandbox = start(by_hand()).await;
    let code = device_code(&sandbox).await;
    let page = code["verification_uri"].as_str().unwrap();
    assert!(page.starts_with("https://localhost:") && page.ends_with("/devicelogin"), "{page}");
    assert!(code["message"].as_str().unwrap().contains(code["user_code"].as_str().unwrap()));
    assert!(code.get("verification_uri_complete").is_none());
    assert_eq!(code["expires_in"], 900);
    check_refused(&poll(&sandbox, device(&code)).await, "authorization_pending", 70016);

    sandbox.control().approve("ada@example.org").await.unwrap();
    let (status, tokens) = poll(&sandbox, device(&code)).await;
    assert_eq!((status, tokens["token_type"].as_str()), (200, Some("Bearer")));
    let granted =
        "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send";
    assert_eq!(tokens["scope"], granted);
    assert!(1_500 < tokens["access_token"].as_str().unwrap().len());
    let claims = tokens["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["preferred_username"], "ada@example.org");

    check_refused(&poll(&sandbox, device(&code)).await, "invalid_grant", 54005);
    assert_eq!(sandbox.control().count(Counter::CodePolls), 3);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_code_is_refused_in_the_words_of_entra() {
    let sandbox = start(by_hand()).await;
    let control = sandbox.control();

    let declined = device_code(&sandbox).await;
    control.decline().await;
    check_refused(&poll(&sandbox, device(&declined)).await, "authorization_declined", 65004);

    let expired = device_code(&sandbox).await;
    control.expire_code().await;
    check_refused(&poll(&sandbox, device(&expired)).await, "expired_token", 70019);
    check_refused(&poll(&sandbox, "made up").await, "bad_verification_code", 70018);

    let client = ("client_id", "somebody else");
    check_refused(&post(&sandbox, "devicecode", &[client]).await, "unauthorized_client", 700_016);
    let client_id = sandbox.settings().oauth.client_id;
    let client = ("client_id", client_id.as_str());
    check_refused(&post(&sandbox, "devicecode", &[client]).await, "invalid_request", 900_144);
    let password = ("grant_type", "password");
    let refused = post(&sandbox, "token", &[client, password]).await;
    check_refused(&refused, "unsupported_grant_type", 70003);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_code_is_approved_by_itself_when_its_time_has_come() {
    let options =
        SandboxOptions { approval: Approval::AfterSeconds(4), ..options(Personality::Exchange) };
    let clock = options.clock.clone();
    let sandbox = start(options).await;
    let code = device_code(&sandbox).await;
    clock.advance(3);
    check_refused(&poll(&sandbox, device(&code)).await, "authorization_pending", 70016);
    clock.advance(1);
    assert_eq!(poll(&sandbox, device(&code)).await.0, 200);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_person_decides_on_the_page() {
    let sandbox = start(by_hand()).await;
    let code = device_code(&sandbox).await;
    let user_code = code["user_code"].as_str().unwrap();
    let (status, page) = http(&sandbox, "GET", "/devicelogin", "").await;
    assert!(status == 200 && page.contains("ada@example.org"), "{page}");

    let wrong = "code=AAAAAAAAA&user=ada%40example.org&decision=approve";
    assert!(http(&sandbox, "POST", "/devicelogin", wrong).await.1.contains("not known"));
    check_refused(&poll(&sandbox, device(&code)).await, "authorization_pending", 70016);

    let form =
        format!("code={}&user=alan%40example.org&decision=approve", user_code.to_lowercase());
    assert!(http(&sandbox, "POST", "/devicelogin", &form).await.1.contains("signed in"));
    assert_eq!(poll(&sandbox, device(&code)).await.0, 200);
    sandbox.stop().await;
}

#[tokio::test]
async fn refresh_tokens_are_rotated_until_they_are_revoked() {
    let sandbox = start(options(Personality::Exchange)).await;
    let client_id = sandbox.settings().oauth.client_id;
    let refresh = async |token: &str| {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", client_id.as_str()),
            ("refresh_token", token),
            ("scope", "https://outlook.office.com/SMTP.Send offline_access"),
        ];
        post(&sandbox, "token", &form).await
    };
    let tokens = sign_in(&sandbox).await;
    let first = tokens["refresh_token"].as_str().unwrap();
    let (status, renewed) = refresh(first).await;
    // All that was agreed to of the resource, whatever was asked for.
    let granted =
        "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send";
    assert_eq!((status, &renewed["scope"]), (200, &granted.into()));
    let second = renewed["refresh_token"].as_str().unwrap();
    assert_ne!(first, second);
    assert_eq!(refresh(first).await.0, 200, "the use of a refresh token does not end it");

    sandbox.control().revoke_sign_ins();
    check_refused(&refresh(second).await, "invalid_grant", 50173);
    check_refused(&refresh("made up").await, "invalid_grant", 9_002_313);
    assert_eq!(sandbox.control().count(Counter::Refreshes), 4);
    sandbox.stop().await;
}

#[tokio::test]
async fn the_token_endpoint_fails_as_scripted_and_then_recovers() {
    let sandbox = start(options(Personality::Exchange)).await;
    let code = device_code(&sandbox).await;
    sandbox.control().script_token([
        TokenFault::SlowDown,
        TokenFault::Unavailable,
        TokenFault::Dropped,
        TokenFault::Refused { error: "access_denied", code: 530_035 },
    ]);
    check_refused(&poll(&sandbox, device(&code)).await, "slow_down", 70016);
    assert_eq!(poll(&sandbox, device(&code)).await.0, 503);
    assert_eq!(poll(&sandbox, device(&code)).await.0, 0);
    check_refused(&poll(&sandbox, device(&code)).await, "access_denied", 530_035);
    assert_eq!(poll(&sandbox, device(&code)).await.0, 200);
    sandbox.stop().await;
}

#[tokio::test]
async fn tenants_are_discovered() {
    let sandbox = start(options(Personality::Exchange)).await;
    let get = async |tenant: &str| {
        let path = format!("/{tenant}/v2.0/.well-known/openid-configuration");
        let (status, body) = http(&sandbox, "GET", &path, "").await;
        (status, serde_json::from_str::<Value>(&body).unwrap())
    };
    let (status, found) = get("example.org").await;
    assert_eq!(status, 200);
    assert!(found["token_endpoint"].as_str().unwrap().ends_with("/example.org/oauth2/v2.0/token"));
    assert!(get("common").await.1["issuer"].as_str().unwrap().contains("{tenantid}"));
    check_refused(&get("nowhere.test").await, "invalid_request", 90002);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_server_is_switched_off_and_on_at_its_port() {
    let sandbox = start(options(Personality::Exchange)).await;
    let control = sandbox.control();
    let port = sandbox.settings().imap.at.port;
    control.switch(ServiceName::Imap, Power::Off).await;
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
    control.switch(ServiceName::Imap, Power::On).await;
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_ok());
    sandbox.stop().await;
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}

#[tokio::test]
async fn an_account_linked_before_has_tokens_the_servers_take() {
    let sandbox = start(options(Personality::Exchange)).await;
    let (mut config, secrets) = (ConfigFile::in_memory(), SecretPlaces::in_memory());
    sandbox.link(&mut config, &secrets).await.unwrap();
    let [account]: [AccountSettings; 1] = config.config().accounts.clone().try_into().unwrap();
    assert_eq!(account, sandbox.settings());
    assert!(sandbox.link(&mut config, &secrets).await.is_err(), "linked twice");
    assert_eq!(sandbox.control().count(Counter::CodesAsked), 0);

    let keeper = TokenKeeper::new(KeeperSetup {
        account: account.name.clone(),
        app: account.oauth.clone(),
        grant: Grant::RefreshToken,
        client_secret: SendSecret::Never,
        resources: account.resources.clone(),
        secrets: secrets.open(account.secrets).await.unwrap(),
        http: HttpClient::new(&trusting(sandbox.root()).unwrap()).unwrap(),
        clock: Clock::manual(START),
        lock_file: None,
    });
    let token = keeper.access_token(Resource::Outlook).await.unwrap();
    let token = serde_json::json!({ "access_token": token.secret.expose_secret() });
    let mut client = Client::imap(&sandbox).await;
    client.line().await;
    let command = format!("AUTHENTICATE XOAUTH2 {}", sasl("ada@example.org", &token));
    assert_eq!(client.imap_command(&command).await, ["t OK AUTHENTICATE completed."]);
    assert_eq!(sandbox.control().count(Counter::Refreshes), 0);

    sandbox.control().expire_access_tokens();
    let refused = keeper.access_token(Resource::Outlook).await.unwrap();
    keeper.replace(Resource::Outlook, &refused).await.unwrap();
    assert_eq!(sandbox.control().count(Counter::Refreshes), 1);
    sandbox.stop().await;
}
