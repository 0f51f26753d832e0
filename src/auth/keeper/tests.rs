//! The keeper against a sign-in server that plays Entra's answers, and places of secrets that fail.

use crate::auth::error::AuthError;
use crate::auth::keeper::{Grant, KeeperSetup, SendSecret, TokenKeeper};
use crate::auth::test_server::{Reply, TestServer, client};
use crate::auth::token::{AccessToken, TokenSet};
use crate::model::account::{Resource, Resources, SecretsKind};
use crate::secrets::memory::MemoryStore;
use crate::secrets::{SecretError, SecretKey, SecretKind, SecretStore};
use crate::stdx::clock::{Clock, UnixSeconds};
use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// Memory that keeps a log of what is put and refuses what it is told to.
#[derive(Default)]
struct Watched {
    inner: MemoryStore,
    puts: Mutex<Vec<String>>,
    refuses: Mutex<Vec<SecretKind>>,
    /// Points that are still passed before the process is killed at the next one.
    points_left: Mutex<Option<usize>>,
    killed: Notify,
}

impl Watched {
    /// A point at which a process can be killed: from then on nothing happens any more.
    async fn point(&self) {
        let killed = match &mut *self.points_left.lock().unwrap() {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        };
        if killed {
            self.killed.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl SecretStore for Watched {
    fn kind(&self) -> SecretsKind {
        SecretsKind::Memory
    }

    async fn get(&self, key: &SecretKey) -> Result<Option<SecretString>, SecretError> {
        self.point().await;
        let found = self.inner.get(key).await;
        self.point().await;
        found
    }

    async fn put(&self, key: &SecretKey, secret: &SecretString) -> Result<(), SecretError> {
        self.puts.lock().unwrap().push(format!("{:?}", key.kind));
        if self.refuses.lock().unwrap().contains(&key.kind) {
            return Err(SecretError::Keyring("full".to_owned()));
        }
        self.point().await;
        let put = self.inner.put(key, secret).await;
        self.point().await;
        put
    }

    async fn delete(&self, key: &SecretKey) -> Result<(), SecretError> {
        self.point().await;
        let deleted = self.inner.delete(key).await;
        self.point().await;
        deleted
    }
}

struct Bench {
    server: TestServer,
    secrets: Arc<Watched>,
    clock: Clock,
    grant: Grant,
    client_secret: SendSecret,
    lock_file: Option<PathBuf>,
}

impl Bench {
    async fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self {
            server: TestServer::start(replies).await,
            secrets: Arc::new(Watched::default()),
            clock: Clock::manual(UnixSeconds(10_000)),
            grant: Grant::RefreshToken,
            client_secret: SendSecret::Never,
            lock_file: None,
        }
    }

    /// One with tokens `access1` (good for an hour) and `refresh1` stored.
    async fn signed_in(replies: impl IntoIterator<Item = Reply>) -> Self {
        let bench = Self::new(replies).await;
        bench.keeper().store(&bench.tokens()).await.unwrap();
        bench.secrets.puts.lock().unwrap().clear();
        bench
    }

    fn tokens(&self) -> TokenSet {
        let access = AccessToken {
            secret: "access1".into(),
            expires_at: self.clock.now().plus(3_600),
            scopes: Vec::new(),
        };
        TokenSet { access, refresh: Some("refresh1".into()), user: None }
    }

    fn keeper(&self) -> TokenKeeper {
        TokenKeeper::new(KeeperSetup {
            account: "work".parse().unwrap(),
            app: self.server.app.clone(),
            grant: self.grant.clone(),
            client_secret: self.client_secret,
            resources: Resources::default(),
            secrets: Arc::<Watched>::clone(&self.secrets),
            http: client(),
            clock: self.clock.clone(),
            lock_file: self.lock_file.clone(),
        })
    }

    async fn stored(&self, kind: SecretKind) -> Option<String> {
        let key = SecretKey { account: "work".parse().unwrap(), kind };
        let stored = self.secrets.get(&key).await.unwrap();
        stored.map(|secret| secret.expose_secret().to_owned())
    }

    async fn put(&self, kind: SecretKind, secret: &str) {
        let key = SecretKey { account: "work".parse().unwrap(), kind };
        self.secrets.inner.put(&key, &secret.into()).await.unwrap();
    }

    async fn stored_refresh(&self) -> Option<String> {
        self.stored(SecretKind::RefreshToken).await
    }
}

fn fresh(access: &str, refresh: Option<&str>) -> Reply {
    let json = serde_json::json!({
        "token_type": "Bearer", "scope": "s", "expires_in": 3_600, "access_token": access,
        "refresh_token": refresh,
    });
    Reply::ok(&json.to_string())
}

fn shown(answer: Result<AccessToken, AuthError>) -> String {
    match answer {
        Ok(token) => token.secret.expose_secret().to_owned(),
        Err(AuthError::SignInNeeded { code, .. }) => format!("sign in {code:?}"),
        Err(AuthError::PermissionMissing { missing, code, .. }) => {
            format!("not allowed {missing} {code:?}")
        }
        Err(AuthError::NoClientSecret) => "no client secret".to_owned(),
        Err(AuthError::Refused { error, code, .. }) => format!("refused {error} {code:?}"),
        Err(AuthError::NotUnderstood(_)) => "not understood".to_owned(),
        Err(AuthError::Unreachable(_)) => "unreachable".to_owned(),
        Err(AuthError::Secrets(_)) => "secrets".to_owned(),
        Err(other) => format!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_is_used_until_five_minutes_before_its_end() {
    let bench = Bench::signed_in([fresh("access2", Some("refresh2"))]).await;
    let keeper = bench.keeper();
    bench.clock.advance(3_300);
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "access1");
    assert_eq!(bench.server.asked().len(), 0);
    bench.clock.advance(1);
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "access2");
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "access2");
    assert_eq!(keeper.valid_until(Resource::Outlook).await, Some(bench.clock.now().plus(3_600)));
    let asked = bench.server.asked();
    assert_eq!(asked.len(), 1);
    let grant =
        "/common/oauth2/v2.0/token grant_type=refresh_token&refresh_token=refresh1&scope=https";
    assert!(asked[0].starts_with(grant), "{asked:?}");
    assert!(asked[0].ends_with("&client_id=client"), "{asked:?}");
}

#[tokio::test]
async fn the_new_refresh_token_is_stored_first_and_the_old_one_kept_when_there_is_none() {
    let bench =
        Bench::signed_in([fresh("access2", Some("refresh2")), fresh("access3", None)]).await;
    bench.clock.advance(3_600);
    assert_eq!(shown(bench.keeper().access_token(Resource::Outlook).await), "access2");
    assert_eq!(*bench.secrets.puts.lock().unwrap(), ["RefreshToken", "AccessToken"]);
    bench.clock.advance(3_600);
    assert_eq!(shown(bench.keeper().access_token(Resource::Outlook).await), "access3");
    assert_eq!(bench.stored_refresh().await.as_deref(), Some("refresh2"));
    assert!(bench.server.asked()[1].contains("refresh_token=refresh2"));
}

#[tokio::test]
async fn a_new_run_needs_no_refresh() {
    let bench = Bench::signed_in([]).await;
    let keeper = bench.keeper();
    assert_eq!(keeper.valid_until(Resource::Outlook).await, Some(UnixSeconds(13_600)));
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "access1");
    assert_eq!(bench.server.asked().len(), 0);
}

#[tokio::test]
async fn an_access_token_that_cannot_be_kept_loses_no_refresh_token() {
    let bench = Bench::signed_in([fresh("access2", Some("refresh2"))]).await;
    bench.secrets.refuses.lock().unwrap().push(SecretKind::AccessToken);
    bench.clock.advance(3_600);
    assert_eq!(shown(bench.keeper().access_token(Resource::Outlook).await), "access2");
    assert_eq!(bench.stored_refresh().await.as_deref(), Some("refresh2"));
}

#[tokio::test]
async fn a_refresh_token_that_cannot_be_kept_is_kept_next_time_without_asking_again() {
    let bench = Bench::signed_in([fresh("access2", Some("refresh2"))]).await;
    bench.secrets.refuses.lock().unwrap().push(SecretKind::RefreshToken);
    bench.clock.advance(3_600);
    let keeper = bench.keeper();
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "secrets");
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "secrets");
    assert_eq!(bench.stored_refresh().await.as_deref(), Some("refresh1"));
    bench.secrets.refuses.lock().unwrap().clear();
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "access2");
    assert_eq!(bench.stored_refresh().await.as_deref(), Some("refresh2"));
    assert_eq!(bench.server.asked().len(), 1);
}

#[tokio::test]
async fn callers_of_one_process_share_one_refresh() {
    let bench = Bench::signed_in([fresh("access2", Some("refresh2"))]).await;
    bench.clock.advance(3_600);
    let keeper = bench.keeper();
    let answers =
        futures::future::join_all((0..8).map(|_| keeper.access_token(Resource::Outlook))).await;
    assert!(answers.into_iter().all(|answer| shown(answer) == "access2"));
    assert_eq!(bench.server.asked().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_take_turns_and_the_second_uses_what_the_first_stored() {
    let home = tempfile::tempdir().unwrap();
    let mut bench = Bench::signed_in([fresh("access2", Some("refresh2"))]).await;
    bench.lock_file = Some(home.path().join("locks/work.lock"));
    bench.clock.advance(3_600);
    let (one, other) = (bench.keeper(), bench.keeper());
    let (a, b) =
        tokio::join!(one.access_token(Resource::Outlook), other.access_token(Resource::Outlook));
    assert_eq!((shown(a).as_str(), shown(b).as_str()), ("access2", "access2"));
    assert_eq!(bench.server.asked().len(), 1);
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_interrupt_the_refresh() {
    let told = Arc::new(Notify::new());
    let answer = fresh("access2", Some("refresh2"));
    let bench = Bench::signed_in([Reply::Held(Arc::clone(&told), Box::new(answer))]).await;
    bench.clock.advance(3_600);
    let keeper = Arc::new(bench.keeper());
    let caller = tokio::spawn({
        let keeper = Arc::clone(&keeper);
        async move { keeper.access_token(Resource::Outlook).await }
    });
    while bench.server.asked().is_empty() {
        tokio::task::yield_now().await;
    }
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    told.notify_one();
    // The second caller waits for its turn and finds what the first one fetched.
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "access2");
    assert_eq!(bench.server.asked().len(), 1);
    assert_eq!(bench.stored_refresh().await.as_deref(), Some("refresh2"));
}

#[tokio::test]
async fn refusals_ask_for_a_person_or_pass_and_only_dead_tokens_are_wiped() {
    async fn check(reply: Reply, expected: &str, kept: Option<&str>) {
        let bench = Bench::signed_in([reply.clone()]).await;
        bench.clock.advance(3_600);
        let keeper = bench.keeper();
        assert_eq!(shown(keeper.access_token(Resource::Outlook).await), expected, "{reply:?}");
        assert_eq!(bench.stored_refresh().await.as_deref(), kept, "{reply:?}");
    }
    let kept = Some("refresh1");
    check(Reply::error("invalid_grant", 50_078), "sign in Some(50078)", kept).await;
    check(Reply::error("invalid_grant", 53_003), "sign in Some(53003)", kept).await;
    check(Reply::error("interaction_required", 50_076), "sign in Some(50076)", kept).await;
    check(Reply::error("invalid_client", 7_000_218), "sign in Some(7000218)", kept).await;
    check(Reply::error("unauthorized_client", 700_016), "sign in Some(700016)", kept).await;
    check(Reply::error("invalid_grant", 700_082), "sign in Some(700082)", None).await;
    check(Reply::error("invalid_grant", 530_036), "sign in Some(530036)", None).await;
    check(Reply::error("invalid_grant", 50_173), "sign in Some(50173)", None).await;
    let bare = Reply::Answer(400, "", r#"{"error":"invalid_grant"}"#.to_owned());
    check(bare, "sign in None", kept).await;
    let busy = "refused temporarily_unavailable Some(90033)";
    check(Reply::error("temporarily_unavailable", 90_033), busy, kept).await;
    check(Reply::error("invalid_grant", 70_012), "refused invalid_grant Some(70012)", kept).await;
    check(Reply::error("invalid_request", 900_144), "refused invalid_request Some(900144)", kept)
        .await;
    check(Reply::Answer(503, "", String::new()), "not understood", kept).await;
    check(Reply::Answer(429, "", String::new()), "not understood", kept).await;
    check(Reply::Answer(400, "", "<html>".to_owned()), "not understood", kept).await;
    check(Reply::ok("{}"), "not understood", kept).await;
    check(Reply::Hangup, "unreachable", kept).await;
}

#[tokio::test]
async fn a_refusal_is_not_asked_for_again_until_time_passes_or_someone_signs_in() {
    let bench = Bench::signed_in([Reply::error("invalid_grant", 50_078)]).await;
    bench.clock.advance(3_600);
    let keeper = bench.keeper();
    for _ in 0..5 {
        assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "sign in Some(50078)");
    }
    assert_eq!(bench.server.asked().len(), 1);
    bench.clock.advance(60);
    bench.server.then(Reply::error("invalid_request", 50_196));
    for _ in 0..5 {
        assert!(shown(keeper.access_token(Resource::Outlook).await).ends_with("Some(50196)"));
    }
    assert_eq!(bench.server.asked().len(), 2);
    keeper.store(&bench.tokens()).await.unwrap();
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "access1");
}

#[tokio::test]
async fn a_server_that_asks_for_a_pause_gets_it() {
    let busy = Reply::Answer(503, "Retry-After: 40\r\n", String::new());
    let bench = Bench::signed_in([busy, fresh("access2", None)]).await;
    bench.clock.advance(3_600);
    let keeper = bench.keeper();
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "not understood");
    bench.clock.advance(39);
    let held = keeper.access_token(Resource::Outlook).await.unwrap_err();
    assert!(held.is_transient(), "{held:?}");
    assert_eq!(bench.server.asked().len(), 1);
    bench.clock.advance(1);
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "access2");
}

#[tokio::test]
async fn a_server_that_is_away_leaves_the_old_token_in_use() {
    let bench = Bench::signed_in([Reply::Hangup, Reply::Hangup]).await;
    let keeper = bench.keeper();
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "access1");
    bench.clock.advance(3_500);
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "access1");
    bench.clock.advance(100);
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "unreachable");
    bench.server.then(fresh("access2", None));
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "access2");
}

#[tokio::test]
async fn a_refused_token_is_replaced_by_the_stored_one_or_a_new_one() {
    let bench = Bench::signed_in([fresh("access2", None)]).await;
    let keeper = bench.keeper();
    let first = keeper.access_token(Resource::Outlook).await.unwrap();
    let second = keeper.replace(Resource::Outlook, &first).await.unwrap();
    assert_eq!(second.secret.expose_secret(), "access2");
    // A second connection that still had the first token gets the second without a refresh.
    assert_eq!(shown(keeper.replace(Resource::Outlook, &first).await), "access2");
    // So does another process.
    assert_eq!(shown(bench.keeper().replace(Resource::Outlook, &first).await), "access2");
    assert_eq!(bench.server.asked().len(), 1);
}

#[tokio::test]
async fn what_is_forgotten_is_gone() {
    let bench = Bench::signed_in([]).await;
    let keeper = bench.keeper();
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "access1");
    keeper.forget().await.unwrap();
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "sign in None");
    assert_eq!(keeper.valid_until(Resource::Outlook).await, None);
    assert_eq!(bench.stored(SecretKind::AccessToken).await, None);
}

#[tokio::test]
async fn a_process_killed_at_any_point_of_a_refresh_leaves_a_sign_in_that_works() {
    for resource in Resource::ALL {
        for point in 0.. {
            let replies = [fresh("access2", Some("refresh2")), fresh("access3", Some("refresh3"))];
            let bench = Bench::signed_in(replies).await;
            bench.clock.advance(3_600);
            *bench.secrets.points_left.lock().unwrap() = Some(point);
            let keeper = bench.keeper();
            let done = tokio::select! {
                token = keeper.access_token(resource) => Some(token),
                () = bench.secrets.killed.notified() => None,
            };
            *bench.secrets.points_left.lock().unwrap() = None;
            let before = bench.stored_refresh().await.unwrap();
            let next = shown(bench.keeper().access_token(resource).await);
            assert!(next == "access2" || next == "access3", "{point}: {next}");
            if let Some(last) = bench.server.asked().get(1) {
                let sent = format!("refresh_token={before}&");
                assert!(last.contains(&sent), "{point}: the newest stored one is used: {last}");
            }
            if let Some(token) = done {
                assert_eq!(shown(token), "access2");
                assert!(8 <= point, "the points are those of a whole refresh: {point}");
                break;
            }
        }
    }
}

#[tokio::test]
async fn one_refresh_token_serves_both_resources_with_a_token_each() {
    let bench = Bench::signed_in([fresh("graph1", Some("refresh2"))]).await;
    let keeper = bench.keeper();
    assert_eq!(shown(keeper.access_token(Resource::Graph).await), "graph1");
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "access1");
    let [asked] = bench.server.asked().try_into().unwrap();
    assert!(asked.contains("refresh_token=refresh1") && asked.contains("graph.microsoft.com"));
    assert!(!asked.contains("outlook"), "{asked}");
    assert_eq!(bench.stored_refresh().await.as_deref(), Some("refresh2"));
    // The next run has both, and a new sign-in has neither.
    let next = bench.keeper();
    assert_eq!(shown(next.access_token(Resource::Graph).await), "graph1");
    assert_eq!(next.valid_until(Resource::Graph).await, Some(UnixSeconds(13_600)));
    next.store(&bench.tokens()).await.unwrap();
    assert_eq!(next.valid_until(Resource::Graph).await, None);
    assert_eq!(bench.stored(SecretKind::GraphToken).await, None);
}

#[tokio::test]
async fn a_permission_that_is_missing_for_one_resource_does_not_touch_the_other() {
    let replies = [Reply::error("invalid_grant", 65_001), fresh("access2", None)];
    let bench = Bench::signed_in(replies).await;
    let keeper = bench.keeper();
    let missing = "not allowed https://graph.microsoft.com/Mail.Send \
                   https://graph.microsoft.com/User.Read Some(65001)";
    for _ in 0..3 {
        assert_eq!(shown(keeper.access_token(Resource::Graph).await), missing);
    }
    assert_eq!(bench.server.asked().len(), 1);
    bench.clock.advance(3_400);
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "access2");
    // A rule of the server's is about both.
    bench.server.then(Reply::error("invalid_request", 50_196));
    assert!(shown(keeper.access_token(Resource::Graph).await).ends_with("Some(50196)"));
    bench.clock.advance(299);
    let first = keeper.access_token(Resource::Outlook).await.unwrap();
    let looped = shown(keeper.replace(Resource::Outlook, &first).await);
    assert!(looped.ends_with("Some(50196)"), "{looped}");
    assert_eq!(bench.server.asked().len(), 3);
}

#[tokio::test]
async fn a_dead_sign_in_ends_the_tokens_of_both_resources() {
    let replies = [fresh("graph1", None), Reply::error("invalid_grant", 530_036)];
    let bench = Bench::signed_in(replies).await;
    bench.put(SecretKind::ClientSecret, "kept").await;
    let keeper = bench.keeper();
    assert_eq!(shown(keeper.access_token(Resource::Graph).await), "graph1");
    bench.clock.advance(3_600);
    let dead = keeper.access_token(Resource::Graph).await;
    assert_eq!(shown(dead), "sign in Some(530036)");
    for kind in SecretKind::TOKENS {
        assert_eq!(bench.stored(kind).await, None, "{kind:?}");
    }
    assert_eq!(bench.stored(SecretKind::ClientSecret).await.as_deref(), Some("kept"));
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "sign in None");
    keeper.forget().await.unwrap();
    assert_eq!(bench.stored(SecretKind::ClientSecret).await, None);
}

#[tokio::test]
async fn a_client_secret_is_sent_only_where_there_is_one_and_the_setup_allows_it() {
    async fn check(rule: SendSecret, stored: Option<&str>, expected: Option<&str>) {
        let mut bench = Bench::signed_in([fresh("access2", None)]).await;
        bench.client_secret = rule;
        if let Some(secret) = stored {
            bench.put(SecretKind::ClientSecret, secret).await;
        }
        bench.clock.advance(3_600);
        assert_eq!(shown(bench.keeper().access_token(Resource::Outlook).await), "access2");
        let [asked] = bench.server.asked().try_into().unwrap();
        let sent = asked.split('&').find_map(|field| field.strip_prefix("client_secret="));
        assert_eq!(sent, expected, "{rule:?} {stored:?}");
    }
    check(SendSecret::Never, Some("secret"), None).await;
    check(SendSecret::WhenStored, Some("secret"), Some("secret")).await;
    check(SendSecret::WhenStored, None, None).await;
}

#[tokio::test]
async fn an_app_signs_in_by_itself_with_its_stored_secret() {
    let mut bench = Bench::new([fresh("app1", None), fresh("app2", None)]).await;
    bench.grant = Grant::ClientCredentials;
    let keeper = bench.keeper();
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "no client secret");
    bench.put(SecretKind::ClientSecret, "secret").await;
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "app1");
    assert_eq!(shown(bench.keeper().access_token(Resource::Outlook).await), "app1");
    assert_eq!(shown(keeper.access_token(Resource::Graph).await), "app2");
    let asked = bench.server.asked();
    assert!(asked[0].contains("grant_type=client_credentials"), "{asked:?}");
    assert!(asked[0].contains("outlook.office365.com%2F.default"), "{asked:?}");
    assert!(asked[1].contains("graph.microsoft.com%2F.default"), "{asked:?}");
    assert_eq!(bench.stored_refresh().await, None);

    // A secret that is refused is not tried again and again, but a new one is at once.
    bench.clock.advance(3_600);
    bench.server.then(Reply::error("invalid_client", 7_000_222));
    for resource in [Resource::Outlook, Resource::Outlook, Resource::Graph] {
        let refused = shown(keeper.access_token(resource).await);
        assert_eq!(refused, "refused invalid_client Some(7000222)");
    }
    assert_eq!(bench.server.asked().len(), 3);
    bench.put(SecretKind::ClientSecret, "new").await;
    bench.server.then(fresh("app3", None));
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "app3");
}

#[tokio::test]
async fn a_token_command_is_run_when_a_token_is_needed_and_nothing_is_stored() {
    let home = tempfile::tempdir().unwrap();
    let runs = home.path().join("runs");
    let mut bench = Bench::new([]).await;
    let script = "echo x >> \"$1\"; echo EwB_$(wc -l < \"$1\")";
    let argv = ["sh", "-c", script, "sh", runs.to_str().unwrap()].map(str::to_owned).to_vec();
    bench.grant = Grant::TokenCommand(argv);
    let keeper = bench.keeper();
    let first = keeper.access_token(Resource::Outlook).await.unwrap();
    assert_eq!(first.secret.expose_secret(), "EwB_1");
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "EwB_1");
    assert_eq!(shown(keeper.replace(Resource::Outlook, &first).await), "EwB_2");
    bench.clock.advance(3_301);
    assert_eq!(shown(keeper.access_token(Resource::Outlook).await), "EwB_3");
    let graph = shown(keeper.access_token(Resource::Graph).await);
    assert_eq!(graph, "not allowed Microsoft Graph None");
    assert!(bench.secrets.puts.lock().unwrap().is_empty() && bench.server.asked().is_empty());
}

#[tokio::test]
async fn the_board_is_told_when_the_server_last_gave_tokens() {
    let bench = Bench::signed_in([fresh("graph1", Some("refresh2"))]).await;
    assert_eq!(bench.keeper().refreshed_at().await, Some(UnixSeconds(10_000)));
    bench.clock.advance(100);
    let keeper = bench.keeper();
    keeper.access_token(Resource::Graph).await.unwrap();
    assert_eq!(keeper.refreshed_at().await, Some(UnixSeconds(10_100)));
    assert_eq!(bench.keeper().refreshed_at().await, Some(UnixSeconds(10_100)));
    keeper.forget().await.unwrap();
    assert_eq!(keeper.refreshed_at().await, None);
}

#[tokio::test]
async fn no_message_or_debug_output_holds_a_token() {
    let error = |body: &str| Reply::Answer(400, "", body.to_owned());
    for reply in [
        error(r#"{"error":"invalid_grant","error_description":"bad token refresh1"}"#),
        error(r#"{"error":"invalid_request","error_description":"refresh1"}"#),
        error(r#"{"refresh_token":"CANARY"}"#),
        Reply::ok(r#"{"access_token":"CANARY","token_type":7}"#),
        Reply::ok(r#"{"access_token":"CANARY x","token_type":"Bearer"}"#),
        Reply::Answer(200, "Content-Type: text/CANARY\r\n", "CANARY".to_owned()),
        Reply::Answer(500, "", "CANARY".to_owned()),
    ] {
        let bench = Bench::signed_in([reply.clone()]).await;
        bench.clock.advance(3_600);
        let keeper = bench.keeper();
        let error = keeper.access_token(Resource::Outlook).await.unwrap_err();
        let all = format!("{error} {error:?} {:?} {keeper:?}", error.problem(None));
        for secret in ["refresh1", "access1", "CANARY"] {
            assert!(!all.contains(secret), "{reply:?}: {all}");
        }
    }
}
