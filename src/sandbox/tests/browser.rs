//! Sign-ins other than by device code, our own client against the sandbox's sign-in server.

use crate::auth::authorization_code::{BrowserSignIn, begin, redeem};
use crate::auth::error::AuthError;
use crate::auth::http::HttpClient;
use crate::auth::keeper::{Grant, KeeperSetup, SendSecret, TokenKeeper};
use crate::auth::loopback::Listener;
use crate::auth::token::TokenSet;
use crate::auth::{client_credentials, device_code, refresh, scopes};
use crate::model::account::{AccountSettings, Resource, Resources};
use crate::sandbox::Sandbox;
use crate::sandbox::certificates::trusting;
use crate::sandbox::control::ControlError;
use crate::sandbox::control::sign_in::{Registration, Step};
use crate::sandbox::options::Personality;
use crate::sandbox::tests::client::{Client, START, http, options, sasl, start};
use crate::secrets::{SecretKey, SecretKind, SecretPlaces};
use crate::stdx::clock::Clock;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ADA: &str = "ada@example.org";
const PORT: u16 = 22_345;

/// A sandbox and our client for it.
struct Bench {
    sandbox: Sandbox,
    settings: AccountSettings,
    http: HttpClient,
    clock: Clock,
}

impl Bench {
    async fn new() -> Self {
        let options = options(Personality::Exchange);
        let clock = options.clock.clone();
        let sandbox = start(options).await;
        let http = HttpClient::new(&trusting(sandbox.root()).unwrap()).unwrap();
        let settings = sandbox.settings();
        Self { sandbox, settings, http, clock }
    }

    fn resources(&self) -> &Resources {
        &self.settings.resources
    }

    fn begin(&self, port: u16) -> BrowserSignIn {
        let consent = scopes::consent(self.resources());
        begin(&self.settings.oauth, &consent, port, &self.settings.login).unwrap()
    }

    async fn redeem(
        &self,
        sign_in: &BrowserSignIn,
        ended_at: &str,
        secret: Option<&str>,
    ) -> Result<TokenSet, AuthError> {
        let code = sign_in.code_from(ended_at)?;
        let secret = secret.map(SecretString::from);
        let wanted = scopes::wanted(Resource::Outlook, self.resources());
        let (http, app) = (&self.http, &self.settings.oauth);
        redeem(http, app, secret.as_ref(), sign_in, &code, &wanted, &self.clock).await
    }

    /// Through the browser to tokens.
    async fn sign_in(&self, secret: Option<&str>) -> Result<TokenSet, AuthError> {
        let sign_in = self.begin(PORT);
        let ended_at = self.sandbox.control().authorize(&sign_in.url, ADA).unwrap();
        self.redeem(&sign_in, &ended_at, secret).await
    }

    async fn import(&self, token: &str, secret: Option<&str>) -> Result<TokenSet, AuthError> {
        let wanted = scopes::wanted(Resource::Outlook, self.resources());
        let (http, app) = (&self.http, &self.settings.oauth);
        let secret = secret.map(SecretString::from);
        refresh::import(http, app, secret.as_ref(), &token.into(), &wanted, &self.clock).await
    }

    async fn by_device_code(&self) -> Result<TokenSet, AuthError> {
        let wanted = scopes::wanted(Resource::Outlook, self.resources());
        let (http, app) = (&self.http, &self.settings.oauth);
        let code = device_code::request(http, app, &wanted, &self.clock).await?;
        device_code::wait(http, app, &code, &self.clock, &|trouble| panic!("{trouble}")).await
    }

    async fn as_app(&self, secret: &str) -> Result<TokenSet, AuthError> {
        let scope = scopes::app_only(Resource::Outlook, self.resources());
        let (http, app) = (&self.http, &self.settings.oauth);
        client_credentials::request(http, app, &secret.into(), &scope, &self.clock).await
    }

    async fn keeper(&self, tokens: &TokenSet) -> (TokenKeeper, SecretPlaces) {
        let secrets = SecretPlaces::in_memory();
        let keeper = TokenKeeper::new(KeeperSetup {
            account: self.settings.name.clone(),
            app: self.settings.oauth.clone(),
            grant: Grant::RefreshToken,
            client_secret: SendSecret::WhenStored,
            resources: self.resources().clone(),
            secrets: secrets.open(self.settings.secrets).await.unwrap(),
            http: self.http.clone(),
            clock: self.clock.clone(),
            lock_file: None,
        });
        keeper.store(tokens).await.unwrap();
        (keeper, secrets)
    }

    /// What IMAP says to a token.
    async fn imap(&self, tokens: &TokenSet) -> String {
        let mut client = Client::imap(&self.sandbox).await;
        client.line().await;
        let token = json!({ "access_token": tokens.access.secret.expose_secret() });
        let command = format!("AUTHENTICATE XOAUTH2 {}", sasl(ADA, &token));
        client.imap_command(&command).await.pop().unwrap()
    }
}

/// The number of a refusal, or what else went wrong.
fn code_of<T>(result: Result<T, AuthError>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(error) => error.problem(None).code,
    }
}

#[tokio::test]
async fn a_browser_sign_in_opens_mail_and_graph_with_one_refresh_token() {
    let bench = Bench::new().await;
    let tokens = bench.sign_in(None).await.unwrap();
    assert_eq!(tokens.user.as_deref(), Some(ADA));
    assert_eq!(
        scopes::missing(Resource::Outlook, bench.resources(), &tokens.access.scopes),
        [""; 0]
    );
    assert!(bench.imap(&tokens).await.starts_with("t OK "));

    let (keeper, _secrets) = bench.keeper(&tokens).await;
    let graph = keeper.access_token(Resource::Graph).await.unwrap();
    let upload = format!("{}/Mail.ReadWrite", bench.resources().graph);
    assert!(graph.scopes.contains(&upload), "consent in the browser was to uploads too: {graph:?}");
    // A token of another audience is none.
    let mixed_up = TokenSet { access: graph, ..tokens };
    assert!(bench.imap(&mixed_up).await.starts_with("t NO "));
    assert!(keeper.access_token(Resource::Outlook).await.is_ok());
    bench.sandbox.stop().await;
}

#[tokio::test]
async fn the_browser_comes_back_to_the_listener() {
    let bench = Bench::new().await;
    let listener = Listener::bind(0).unwrap();
    let sign_in = bench.begin(listener.port());
    let ended_at = bench.sandbox.control().authorize(&sign_in.url, ADA).unwrap();
    let path = ended_at.strip_prefix(&format!("http://localhost:{}", listener.port())).unwrap();
    let browser = async {
        let mut stream = TcpStream::connect(("127.0.0.1", listener.port())).await.unwrap();
        let host = format!("localhost:{}", listener.port());
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).await.unwrap();
        page
    };
    let (code, page) = tokio::join!(listener.wait(&sign_in), browser);
    assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
    let wanted = scopes::wanted(Resource::Outlook, bench.resources());
    let (http, app, clock) = (&bench.http, &bench.settings.oauth, &bench.clock);
    let tokens = redeem(http, app, None, &sign_in, &code.unwrap(), &wanted, clock).await.unwrap();
    assert!(tokens.refresh.is_some());
    bench.sandbox.stop().await;
}

#[tokio::test]
async fn a_code_is_good_once_for_whoever_began_and_for_ten_minutes() {
    let bench = Bench::new().await;
    let control = bench.sandbox.control();
    let sign_in = bench.begin(PORT);
    let ended_at = control.authorize(&sign_in.url, ADA).unwrap();
    assert!(bench.redeem(&sign_in, &ended_at, None).await.is_ok());
    assert_eq!(code_of(bench.redeem(&sign_in, &ended_at, None).await), "AADSTS54005");

    // Somebody else's code, smuggled in bare: their challenge is not ours.
    let theirs = bench.begin(PORT);
    let ended_at = control.authorize(&theirs.url, "alan@example.org").unwrap();
    let code = ended_at.split_once("code=").unwrap().1.split('&').next().unwrap();
    assert_eq!(code_of(bench.redeem(&sign_in, code, None).await), "AADSTS501481");
    // The same for another way back.
    let elsewhere = bench.begin(PORT + 1);
    let ended_at = control.authorize(&elsewhere.url, ADA).unwrap();
    let code = ended_at.split_once("code=").unwrap().1.split('&').next().unwrap();
    assert_eq!(code_of(bench.redeem(&sign_in, code, None).await), "AADSTS500112");

    let late = bench.begin(PORT);
    let ended_at = control.authorize(&late.url, ADA).unwrap();
    bench.clock.advance(600);
    assert_eq!(code_of(bench.redeem(&late, &ended_at, None).await), "AADSTS70008");
    let made_up = "0.AXoA_made_up_by_nobody";
    assert_eq!(code_of(bench.redeem(&late, made_up, None).await), "AADSTS9002313");
    bench.sandbox.stop().await;
}

#[tokio::test]
async fn codes_and_tokens_of_personal_accounts_are_as_good_as_others() {
    let mut bench = Bench::new().await;
    let work = bench.sign_in(None).await.unwrap();
    assert!(work.access.secret.expose_secret().starts_with("eyJ0"));
    bench.settings.oauth.tenant = "consumers".to_owned();
    let sign_in = bench.begin(PORT);
    let ended_at = bench.sandbox.control().authorize(&sign_in.url, ADA).unwrap();
    assert!(ended_at.contains("code=M.C541_BAY.2.U.%21*%24"), "{ended_at}");
    let tokens = bench.redeem(&sign_in, &ended_at, None).await.unwrap();
    assert!(tokens.access.secret.expose_secret().starts_with("EwB"));
    assert!(tokens.refresh.as_ref().unwrap().expose_secret().starts_with("M.C541_BAY"));
    assert!(bench.imap(&tokens).await.starts_with("t OK "));

    bench.sandbox.control().withdraw_consent(Resource::Graph);
    let (keeper, _secrets) = bench.keeper(&tokens).await;
    let refused = keeper.access_token(Resource::Graph).await;
    assert!(matches!(refused, Err(AuthError::PermissionMissing { code: Some(70_000), .. })));
    bench.sandbox.stop().await;
}

#[tokio::test]
async fn what_organisations_block_is_refused_where_entra_refuses_it() {
    let bench = Bench::new().await;
    let control = bench.sandbox.control();

    for code in [53_003, 530_033, 530_035] {
        control.block(Step::DeviceCode, "access_denied", code);
        assert_eq!(code_of(bench.by_device_code().await), format!("AADSTS{code}"));
        assert!(bench.sign_in(None).await.is_ok(), "the browser is the way round {code}");
    }
    control.allow(Step::DeviceCode);

    control.block(Step::Browser, "access_denied", 53_003);
    assert_eq!(code_of(bench.sign_in(None).await), "AADSTS53003");
    control.block(Step::Browser, "consent_required", 65_001);
    assert_eq!(code_of(bench.sign_in(None).await), "AADSTS65001");
    control.allow(Step::Browser);
    control.block(Step::Redemption, "invalid_grant", 53_003);
    assert_eq!(code_of(bench.sign_in(None).await), "AADSTS53003");
    control.allow(Step::Redemption);

    // A refresh token made with a code dies; one made in a browser does not.
    let by_code = bench.by_device_code().await.unwrap();
    let by_browser = bench.sign_in(None).await.unwrap();
    control.block(Step::RefreshAfterDeviceCode, "invalid_grant", 530_036);
    let (keeper, secrets) = bench.keeper(&by_code).await;
    assert_eq!(code_of(keeper.access_token(Resource::Graph).await), "AADSTS530036");
    let left = secrets.read_account(&bench.settings.name, bench.settings.secrets).await.unwrap();
    assert!(left.is_empty(), "the dead token is deleted");
    let (keeper, _secrets) = bench.keeper(&by_browser).await;
    assert_eq!(code_of(keeper.access_token(Resource::Graph).await), "ok");
    control.block(Step::Refresh, "invalid_grant", 50_078);
    bench.clock.advance(4_500);
    assert_eq!(code_of(keeper.access_token(Resource::Outlook).await), "AADSTS50078");
    bench.sandbox.stop().await;
}

#[tokio::test]
async fn consent_that_is_missing_is_named_and_comes_back_with_a_browser() {
    let bench = Bench::new().await;
    let control = bench.sandbox.control();
    let by_code = bench.by_device_code().await.unwrap();
    control.withdraw_consent(Resource::Graph);
    let (keeper, _secrets) = bench.keeper(&by_code).await;
    let refused = keeper.access_token(Resource::Graph).await;
    assert!(matches!(refused, Err(AuthError::PermissionMissing { code: Some(65_001), .. })));
    assert_eq!(code_of(keeper.access_token(Resource::Outlook).await), "ok");

    let (keeper, _secrets) = bench.keeper(&bench.sign_in(None).await.unwrap()).await;
    assert_eq!(code_of(keeper.access_token(Resource::Graph).await), "ok");
    bench.sandbox.stop().await;
}

#[tokio::test]
async fn a_client_secret_has_to_fit_the_registration() {
    let bench = Bench::new().await;
    let control = bench.sandbox.control();
    let elsewhere = control.refresh_token(ADA, &scopes::consent(bench.resources())).unwrap();
    let confidential = Registration::Confidential("right");
    for (registration, secret, expected) in [
        (Registration::Public, None, "ok"),
        (Registration::Public, Some("right"), "AADSTS700025"),
        (confidential, None, "AADSTS7000218"),
        (confidential, Some("wrong"), "AADSTS7000215"),
        (confidential, Some("right"), "ok"),
        (Registration::Expired("right"), Some("right"), "AADSTS7000222"),
        (Registration::Expired("right"), Some("wrong"), "AADSTS7000215"),
    ] {
        control.register(registration);
        let said = format!("{registration:?} {secret:?}");
        assert_eq!(code_of(bench.sign_in(secret).await), expected, "browser: {said}");
        assert_eq!(code_of(bench.import(&elsewhere, secret).await), expected, "import: {said}");
        if let Some(secret) = secret {
            assert_eq!(code_of(bench.as_app(secret).await), expected, "app: {said}");
        }
    }
    // Device codes are for public apps.
    control.register(confidential);
    assert_eq!(code_of(bench.by_device_code().await), "AADSTS7000218");
    // A stored secret goes along with refreshes.
    let (keeper, secrets) = bench.keeper(&bench.sign_in(Some("right")).await.unwrap()).await;
    assert_eq!(code_of(keeper.access_token(Resource::Graph).await), "AADSTS7000218");
    let store = secrets.open(bench.settings.secrets).await.unwrap();
    let key = SecretKey { account: bench.settings.name.clone(), kind: SecretKind::ClientSecret };
    store.put(&key, &"right".into()).await.unwrap();
    bench.clock.advance(60);
    assert_eq!(code_of(keeper.access_token(Resource::Graph).await), "ok");
    bench.sandbox.stop().await;
}

#[tokio::test]
async fn an_app_reads_the_mailbox_it_was_given() {
    let bench = Bench::new().await;
    let control = bench.sandbox.control();
    control.register(Registration::Confidential("right"));
    let tokens = bench.as_app("right").await.unwrap();
    assert!(tokens.refresh.is_none() && tokens.user.is_none());
    assert!(bench.imap(&tokens).await.starts_with("t OK "));
    control.block(Step::ClientCredentials, "unauthorized_client", 700_016);
    assert_eq!(code_of(bench.as_app("right").await), "AADSTS700016");
    bench.sandbox.stop().await;
}

#[tokio::test]
async fn a_refresh_token_from_elsewhere_is_good_for_what_was_agreed_to() {
    let bench = Bench::new().await;
    let control = bench.sandbox.control();
    let good = control.refresh_token(ADA, &scopes::consent(bench.resources())).unwrap();
    let tokens = bench.import(&good, None).await.unwrap();
    assert!(bench.imap(&tokens).await.starts_with("t OK "));
    control.withdraw_consent(Resource::Outlook);
    let refused = bench.import(&good, None).await;
    assert!(matches!(refused, Err(AuthError::PermissionMissing { code: Some(65_001), .. })));
    assert_eq!(code_of(bench.import("made up", None).await), "AADSTS9002313");
    control.revoke_sign_ins();
    assert_eq!(code_of(bench.import(&good, None).await), "AADSTS50173");
    bench.sandbox.stop().await;
}

#[tokio::test]
async fn a_person_signs_in_on_the_page() {
    let bench = Bench::new().await;
    let sign_in = bench.begin(PORT);
    let path = sign_in.url.strip_prefix(&bench.settings.oauth.authority).unwrap();
    let (status, page) = http(&bench.sandbox, "GET", path, "").await;
    assert!(status == 200 && page.contains("value=\"ada@example.org\" checked"), "{page}");
    assert!(page.contains("Graph"), "{page}");
    let query = path.split_once('?').unwrap().1;
    let form = |decision: &str| {
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("request", query)
            .append_pair("user", ADA)
            .append_pair("decision", decision)
            .finish()
    };
    assert_eq!(http(&bench.sandbox, "POST", path, &form("approve")).await.0, 302);
    assert!(http(&bench.sandbox, "POST", path, &form("")).await.1.contains("Choose"));

    let declined = bench.sandbox.control().decline_in_browser(&sign_in.url).unwrap();
    let declined = sign_in.code_from(&declined);
    assert!(matches!(declined, Err(AuthError::Declined)), "{declined:?}");
    bench.sandbox.stop().await;
}

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_registered() {
    let bench = Bench::new().await;
    let good = bench.begin(PORT).url;
    let check = |from: &str, to: &str, expected: &str| {
        assert!(good.contains(from), "{from}");
        let url = good.replacen(from, to, 1);
        match bench.sandbox.control().authorize(&url, ADA) {
            Err(ControlError::ErrorPage(text)) => assert!(text.starts_with(expected), "{text}"),
            other => panic!("{other:?}"),
        }
    };
    let back = "redirect_uri=http%3A%2F%2Flocalhost%3A22345";
    check(back, "redirect_uri=https%3A%2F%2Fevil.example", "AADSTS50011:");
    check(back, "redirect_uri=http%3A%2F%2Flocalhost.evil.example%3A22345", "AADSTS50011:");
    check(back, "redirect_uri=http%3A%2F%2Flocalhost%3A22345%2Fx", "AADSTS50011:");
    check(back, "redirect_uri=http%3A%2F%2F127.0.0.1%3A22345", "AADSTS50011:");
    check("code_challenge_method=S256", "code_challenge_method=plain", "AADSTS9002325:");
    check("code_challenge=", "code_challenge=x", "AADSTS9002325:");
    check("client_id=", "client_id=x", "AADSTS700016:");
    check("/common/", "/nowhere.test/", "AADSTS90002:");
    check("scope=", "other=", "AADSTS900144:");
    let nobody = bench.sandbox.control().authorize(&good, "nobody@example.org");
    assert!(matches!(nobody, Err(ControlError::NoSuchPerson(_))));
    assert_eq!(bench.clock.now(), START);
    bench.sandbox.stop().await;
}

#[tokio::test]
async fn a_token_is_for_one_resource() {
    let bench = Bench::new().await;
    let consent = scopes::consent(bench.resources());
    let sign_in = bench.begin(PORT);
    let ended_at = bench.sandbox.control().authorize(&sign_in.url, ADA).unwrap();
    let code = sign_in.code_from(&ended_at).unwrap();
    let (http, app, clock) = (&bench.http, &bench.settings.oauth, &bench.clock);
    let both = redeem(http, app, None, &sign_in, &code, &consent, clock).await;
    assert_eq!(code_of(both), "AADSTS28000");
    let asked = device_code::request(http, app, &consent, clock).await.unwrap();
    let both = device_code::wait(http, app, &asked, clock, &|trouble| panic!("{trouble}")).await;
    assert_eq!(code_of(both), "AADSTS28000");
    bench.sandbox.stop().await;
}
