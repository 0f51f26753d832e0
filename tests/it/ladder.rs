//! Every rung of the ladder, and what becomes of an account afterwards, through the engine alone.

use chrono::NaiveDate;
use posthaste::config::ConfigFile;
use posthaste::engine::{Engine, EngineSetup, Liveness};
use posthaste::engine_api::command::{AccountChange, EngineCommand, Outgoing};
use posthaste::engine_api::event::EngineEvent;
use posthaste::engine_api::link::{
    CheckName, CheckOutcome, ClientSecretChange, LinkAnswer, LinkRequest, LinkStep, Renewal,
    Saving, SecretsChoice, SignInInput,
};
use posthaste::engine_api::status::{AccountStatus, SubmissionStatus};
use posthaste::model::account::{
    AccountName, AccountSettings, Resource, SignInMethod, SubmissionRoute,
};
use posthaste::model::detection::Lookup;
use posthaste::model::ids::{AccountId, CommandId};
use posthaste::model::outgoing::{Draft, OutboxState};
use posthaste::problem::{Problem, Remedy};
use posthaste::sandbox::Sandbox;
use posthaste::sandbox::control::sign_in::{Registration, Step};
use posthaste::sandbox::control::{Counter, SmtpAuth};
use posthaste::sandbox::options::SandboxOptions;
use posthaste::secrets::SecretPlaces;
use posthaste::stdx::clock::Clock;
use posthaste::store::Store;
use secrecy::{ExposeSecret, SecretString};
use std::collections::VecDeque;
use std::time::Duration;

const ADA: &str = "ada@example.org";
const ALAN: &str = "alan@example.org";

/// An engine on the sandbox, asked without a screen.
struct Desk {
    engine: Engine,
    sandbox: Sandbox,
    next: u64,
    steps: Vec<LinkStep>,
    /// What the person says to failed checks, in order.
    replies: VecDeque<Reply>,
}

/// What a person does when checks fail.
enum Reply {
    Answer(LinkAnswer),
    Cancel,
    /// Goes away.
    Nothing,
}

impl Desk {
    async fn new() -> Self {
        let clock = Clock::system();
        let sandbox = Sandbox::start(SandboxOptions::test(clock.clone())).await.unwrap();
        let engine = Engine::start(EngineSetup {
            config: ConfigFile::in_memory(),
            store: Store::in_memory(&clock).unwrap(),
            secrets: SecretPlaces::in_memory(),
            clock,
            extra_roots: vec![sandbox.root()],
            lock_dir: None,
            liveness: Liveness::OnDemand,
            detect: Lookup::Offline,
        })
        .await
        .unwrap();
        Self { engine, sandbox, next: 0, steps: Vec::new(), replies: VecDeque::new() }
    }

    fn request(&self, sign_in: SignInInput) -> LinkRequest {
        LinkRequest { sign_in, ..self.sandbox.link_request() }
    }

    /// Asks and returns the closing event; the browser, where one is needed, is `browser`.
    async fn ask(&mut self, make: impl FnOnce(CommandId) -> EngineCommand) -> EngineEvent {
        self.next += 1;
        let id = CommandId(self.next);
        self.engine.commands.send(make(id)).await.unwrap();
        loop {
            let event = self.engine.events.recv().await.unwrap();
            match event {
                EngineEvent::LinkProgress { step, .. } => self.step(id, step).await,
                EngineEvent::CommandFailed { id: of, .. }
                | EngineEvent::CommandDone { id: of }
                | EngineEvent::CommandCancelled { id: of }
                | EngineEvent::Linked { id: of, .. }
                | EngineEvent::TokenReady { id: of, .. }
                | EngineEvent::Exported { id: of, .. }
                | EngineEvent::Imported { id: of, .. }
                | EngineEvent::Detected { id: of, .. }
                | EngineEvent::Queued { id: of, .. }
                    if of == id =>
                {
                    return event;
                }
                _other => {}
            }
        }
    }

    /// Plays the person: pastes where the browser ended.
    async fn step(&mut self, id: CommandId, step: LinkStep) {
        if let LinkStep::BrowserPage { url, ssh_command, port } = &step {
            assert!(ssh_command.contains(&format!("-L {port}:localhost:{port}")), "{ssh_command}");
            let ended = self.sandbox.control().authorize(url, ADA).unwrap();
            let pasted = SecretString::from(format!("  {ended}&session_state=x\n"));
            self.answer(id, LinkAnswer::Pasted(pasted)).await;
        }
        if let LinkStep::Refused { .. } = &step {
            match self.replies.pop_front().expect("nobody expected failed checks") {
                Reply::Answer(answer) => self.answer(id, answer).await,
                Reply::Cancel => {
                    self.engine.commands.send(EngineCommand::Cancel { id }).await.unwrap();
                }
                Reply::Nothing => {
                    tokio::time::pause();
                    tokio::time::advance(Duration::from_secs(15 * 60 + 1)).await;
                    tokio::time::resume();
                }
            }
        }
        self.steps.push(step);
    }

    /// How often somebody had to sign in.
    fn sign_ins(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step, LinkStep::BrowserPage { .. })).count()
    }

    /// A request whose submission server is not there, that waits for an answer.
    fn without_submission(&self) -> LinkRequest {
        let mut settings = self.sandbox.settings();
        settings.submission.at.port = 1;
        settings.route = SubmissionRoute::Smtp;
        let saving = Saving::AfterAsking;
        LinkRequest { settings, saving, ..self.request(SignInInput::Browser { port: 0 }) }
    }

    async fn answer(&self, id: CommandId, answer: LinkAnswer) {
        self.engine.commands.send(EngineCommand::AnswerLink { id, answer }).await.unwrap();
    }

    async fn link(&mut self, request: LinkRequest) -> Result<AccountId, Problem> {
        let request = Box::new(request);
        match self.ask(|id| EngineCommand::Link { id, request }).await {
            EngineEvent::Linked { account, .. } => Ok(account),
            EngineEvent::CommandFailed { problem, .. } => Err(problem),
            other => panic!("{other:?}"),
        }
    }

    fn status(&self, account: AccountId) -> AccountStatus {
        let status = self.engine.status.borrow();
        status.accounts.iter().find(|found| found.id == account).unwrap().clone()
    }

    /// Sends one message and waits for its end.
    async fn send(&mut self, account: AccountId, from: &str) -> OutboxState {
        let draft = Draft {
            from: from.to_owned(),
            to: ALAN.to_owned(),
            subject: "Ladder".to_owned(),
            body: "Up we go.\n".to_owned(),
            ..Draft::default()
        };
        let outgoing = Box::new(Outgoing::Draft(draft));
        let sent = self
            .ask(|id| EngineCommand::Send { id, account, outgoing, answers: None, draft: None })
            .await;
        assert!(matches!(sent, EngineEvent::Queued { .. }), "{sent:?}");
        loop {
            if let EngineEvent::OutboxChanged { state, problem, .. } =
                self.engine.events.recv().await.unwrap()
            {
                match state {
                    OutboxState::Sending | OutboxState::Accepted => {}
                    OutboxState::Queued if problem.is_none() => {}
                    ended => return ended,
                }
            }
        }
    }

    fn outcome(&self, wanted: CheckName) -> CheckOutcome {
        let mut outcomes = self.steps.iter().filter_map(|step| match step {
            LinkStep::Check { name, outcome } if *name == wanted => Some(outcome.clone()),
            _other => None,
        });
        outcomes.next_back().unwrap()
    }
}

#[tokio::test]
async fn a_browser_sign_in_comes_back_by_pasting_and_consents_to_graph_too() {
    let mut desk = Desk::new().await;
    let request = desk.request(SignInInput::Browser { port: 0 });
    let account = desk.link(request).await.unwrap();
    assert_eq!(desk.status(account).facts.method, Some(SignInMethod::Browser));
    for resource in Resource::ALL {
        let token = desk.ask(|id| EngineCommand::GetToken { id, account, resource }).await;
        let EngineEvent::TokenReady { user, .. } = token else { panic!("{token:?}") };
        assert_eq!(user.as_str(), ADA);
    }
}

#[tokio::test]
async fn an_imported_refresh_token_is_proved_at_once() {
    let mut desk = Desk::new().await;
    let scopes = posthaste::auth::scopes::consent(&desk.sandbox.settings().resources);
    let token = desk.sandbox.control().refresh_token(ADA, &scopes).unwrap();
    let good = desk.request(SignInInput::RefreshToken(token.into()));
    let account = desk.link(good).await.unwrap();
    assert_eq!(desk.send(account, "").await, OutboxState::Sent);

    let mut settings = desk.sandbox.settings();
    settings.name = "other".parse().unwrap();
    let bad = LinkRequest {
        settings,
        ..desk.request(SignInInput::RefreshToken("not-a-token".to_owned().into()))
    };
    desk.link(bad).await.unwrap_err();
    assert_eq!(desk.engine.status.borrow().accounts.len(), 1);
}

#[tokio::test]
async fn a_refused_device_code_names_the_browser_as_the_next_way_in() {
    let mut desk = Desk::new().await;
    desk.sandbox.control().block(Step::DeviceCode, "invalid_grant", 530_035);
    let request = desk.sandbox.link_request();
    let problem = desk.link(request).await.unwrap_err();
    assert_eq!((problem.code.as_str(), problem.remedy), ("AADSTS530035", Remedy::UseBrowser));
    let request = desk.request(SignInInput::Browser { port: 0 });
    desk.link(request).await.unwrap();
}

#[tokio::test]
async fn where_smtp_is_switched_off_messages_leave_through_graph() {
    for off in [SmtpAuth::OffForTenant, SmtpAuth::OffForMailbox] {
        let mut desk = Desk::new().await;
        desk.sandbox.control().set_smtp_auth(off);
        let request = desk.request(SignInInput::Browser { port: 0 });
        let account = desk.link(request).await.unwrap();
        assert!(matches!(desk.outcome(CheckName::Submission), CheckOutcome::Skipped(_)));
        assert!(matches!(desk.outcome(CheckName::Graph), CheckOutcome::Passed(_)));
        assert_eq!(desk.send(account, "").await, OutboxState::Sent);
        let control = desk.sandbox.control();
        assert!(0 < control.count(Counter::GraphRequests));
        let arrived = desk.sandbox.control().messages(ALAN, "INBOX").unwrap();
        let arrived = arrived
            .iter()
            .filter(|held| String::from_utf8_lossy(&held.bytes).contains("Subject: Ladder"));
        assert_eq!(arrived.count(), 1);
    }
}

#[tokio::test]
async fn smtp_only_is_not_saved_where_smtp_is_off_unless_the_person_says_so() {
    let mut desk = Desk::new().await;
    desk.sandbox.control().set_smtp_auth(SmtpAuth::OffForTenant);
    let base = desk.sandbox.settings();
    let settings = AccountSettings { route: SubmissionRoute::Smtp, ..base };
    let request = LinkRequest { settings, ..desk.sandbox.link_request() };
    let problem = desk.link(request.clone()).await.unwrap_err();
    assert_eq!(problem.remedy, Remedy::UseGraph, "{problem:?}");
    assert_eq!(desk.engine.status.borrow().accounts.len(), 0);
    let account = desk.link(LinkRequest { saving: Saving::Anyway, ..request }).await.unwrap();
    assert!(desk.status(account).facts.last_problem.is_some());
}

#[tokio::test]
async fn after_failed_checks_the_same_sign_in_goes_on_with_other_servers() {
    let mut desk = Desk::new().await;
    let request = desk.without_submission();
    // Refused twice: the wrong port, then SMTP switched off; then through Graph, renamed meanwhile.
    desk.sandbox.control().set_smtp_auth(SmtpAuth::OffForTenant);
    let smtp = AccountSettings { route: SubmissionRoute::Smtp, ..desk.sandbox.settings() };
    let name: AccountName = "office".parse().unwrap();
    let graph =
        AccountSettings { route: SubmissionRoute::Graph, name: name.clone(), ..smtp.clone() };
    // Who signed in cannot be changed by an answer.
    let graph = AccountSettings { login: ALAN.parse().unwrap(), ..graph };
    for settings in [smtp, graph] {
        desk.replies.push_back(Reply::Answer(LinkAnswer::CheckAgain(Box::new(settings))));
    }
    let account = desk.link(request).await.unwrap();
    assert_eq!(desk.sign_ins(), 1);
    let refused = desk.steps.iter().filter_map(|step| match step {
        LinkStep::Refused { problem } => Some(problem.remedy),
        _other => None,
    });
    assert_eq!(refused.collect::<Vec<_>>(), [Remedy::CheckNetwork, Remedy::UseGraph]);
    let status = desk.status(account);
    assert_eq!((status.name, status.facts.route), (name, Some(SubmissionRoute::Graph)));
    assert_eq!(status.facts.settings.unwrap().login.as_str(), ADA);
    assert_eq!(desk.send(account, "").await, OutboxState::Sent);
}

#[tokio::test]
async fn a_kept_sign_in_is_saved_all_the_same_when_the_person_says_so() {
    let mut desk = Desk::new().await;
    desk.replies.push_back(Reply::Answer(LinkAnswer::SaveAnyway));
    let account = desk.link(desk.without_submission()).await.unwrap();
    assert_eq!(desk.sign_ins(), 1);
    assert!(desk.status(account).facts.last_problem.is_some());
    let token = |id| EngineCommand::GetToken { id, account, resource: Resource::Outlook };
    assert!(matches!(desk.ask(token).await, EngineEvent::TokenReady { .. }));
}

#[tokio::test]
async fn a_kept_sign_in_is_dropped_when_it_is_cancelled_or_forgotten() {
    let mut desk = Desk::new().await;
    desk.replies.push_back(Reply::Cancel);
    let request = Box::new(desk.without_submission());
    let ended = desk.ask(|id| EngineCommand::Link { id, request }).await;
    assert!(matches!(ended, EngineEvent::CommandCancelled { .. }), "{ended:?}");
    desk.replies.push_back(Reply::Nothing);
    let problem = desk.link(desk.without_submission()).await.unwrap_err();
    assert_eq!(problem.code, "sign-in-forgotten");
    assert!(desk.engine.status.borrow().accounts.is_empty());
}

#[tokio::test]
async fn a_name_taken_while_a_sign_in_waits_is_not_overwritten() {
    let mut desk = Desk::new().await;
    let work = desk.link(desk.sandbox.link_request()).await.unwrap();
    let taken = desk.status(work).name;
    let request = desk.without_submission();
    let settings = AccountSettings { name: "second".parse().unwrap(), ..request.settings };
    let clash = AccountSettings { name: taken, ..desk.sandbox.settings() };
    desk.replies.push_back(Reply::Answer(LinkAnswer::CheckAgain(Box::new(clash))));
    let request = LinkRequest { settings, ..desk.without_submission() };
    let problem = desk.link(request).await.unwrap_err();
    assert_eq!(problem.code, "account-exists", "{problem:?}");
    assert_eq!(desk.send(work, "").await, OutboxState::Sent);
}

#[tokio::test]
async fn a_linked_account_sends_another_way_when_it_is_told_to() {
    let mut desk = Desk::new().await;
    let settings = AccountSettings { route: SubmissionRoute::Smtp, ..desk.sandbox.settings() };
    let request = LinkRequest { settings, ..desk.request(SignInInput::Browser { port: 0 }) };
    let account = desk.link(request).await.unwrap();
    desk.sandbox.control().set_smtp_auth(SmtpAuth::OffForMailbox);
    assert_ne!(desk.send(account, "").await, OutboxState::Sent);
    let change = AccountChange {
        route: Some(SubmissionRoute::Graph),
        display_name: Some("Ada L.".to_owned()),
        secret_expires: None,
    };
    let changed = desk.ask(|id| EngineCommand::ChangeAccount { id, account, change }).await;
    assert!(matches!(changed, EngineEvent::CommandDone { .. }), "{changed:?}");
    let status = desk.status(account);
    assert_eq!(status.facts.route, Some(SubmissionRoute::Graph));
    assert_eq!(status.display_name, "Ada L.");
    assert_eq!(status.facts.submission, SubmissionStatus::Unknown);
    assert_eq!(desk.send(account, "").await, OutboxState::Sent);
}

#[tokio::test]
async fn a_linked_account_takes_new_secrets_and_other_ways_in() {
    let mut desk = Desk::new().await;
    let control = desk.sandbox.control();
    control.register(Registration::Confidential("first"));
    let client_secret = Some(SecretString::from("first"));
    let request = desk.request(SignInInput::Browser { port: 0 });
    let account = desk.link(LinkRequest { client_secret, ..request }).await.unwrap();

    let renew = async |desk: &mut Desk, renewal: Renewal| {
        let renewal = Box::new(renewal);
        match desk.ask(|id| EngineCommand::SignInAgain { id, account, renewal }).await {
            EngineEvent::Linked { .. } => Ok(()),
            EngineEvent::CommandFailed { problem, .. } => Err(problem),
            other => panic!("{other:?}"),
        }
    };
    control.register(Registration::Confidential("second"));
    let problem = renew(&mut desk, Renewal::default()).await.unwrap_err();
    assert_eq!(problem.remedy, Remedy::EnterClientSecret, "{problem:?}");
    let client_secret = ClientSecretChange::Replace(SecretString::from("second"));
    let day = NaiveDate::from_ymd_opt(2031, 5, 1);
    let renewal = Renewal { client_secret, secret_expires: day, ..Renewal::default() };
    renew(&mut desk, renewal).await.unwrap();
    assert_eq!(desk.status(account).facts.secret_expires, day);
    // The new secret is stored: the app can sign in by itself with it.
    renew(&mut desk, Renewal::by(SignInInput::ClientCredentials)).await.unwrap();
    assert_eq!(desk.status(account).facts.method, Some(SignInMethod::ClientCredentials));

    let problem = renew(&mut desk, Renewal::by(SignInInput::TokenCommand)).await.unwrap_err();
    assert_eq!(problem.code, "sign-in-incomplete");
    // A registration that has become public takes no secret any more.
    control.register(Registration::Public);
    let browser = || Renewal::by(SignInInput::Browser { port: 0 });
    let problem = renew(&mut desk, browser()).await.unwrap_err();
    assert_eq!(problem.code, "AADSTS700025");
    let client_secret = ClientSecretChange::Remove;
    renew(&mut desk, Renewal { client_secret, ..browser() }).await.unwrap();
    assert_eq!(desk.status(account).facts.secret_expires, None);
    renew(&mut desk, browser()).await.unwrap();
    let scopes = posthaste::auth::scopes::consent(&desk.sandbox.settings().resources);
    let token = control.refresh_token(ADA, &scopes).unwrap();
    renew(&mut desk, Renewal::by(SignInInput::RefreshToken(token.into()))).await.unwrap();
    assert_eq!(desk.status(account).facts.method, Some(SignInMethod::RefreshToken));
    assert_eq!(desk.send(account, "").await, OutboxState::Sent);
}

#[tokio::test]
async fn a_shared_mailbox_is_read_as_itself_and_sent_for_by_the_delegate() {
    let mut desk = Desk::new().await;
    let work = desk.link(desk.sandbox.link_request()).await.unwrap();
    desk.sandbox.control().share("grace@example.org", ADA).unwrap();
    let settings = AccountSettings {
        name: "support".parse().unwrap(),
        address: "grace@example.org".parse().unwrap(),
        // Whoever is named as signing in, it is the shared mailbox that is opened.
        login: ADA.parse().unwrap(),
        shared_via: Some(desk.status(work).name),
        ..desk.sandbox.settings()
    };
    let request = LinkRequest { settings, ..desk.request(SignInInput::Shared) };
    let shared = desk.link(request).await.unwrap();
    let inbox = desk.sandbox.control().messages("grace@example.org", "INBOX").unwrap().len();
    let CheckOutcome::Passed(found) = desk.outcome(CheckName::Imap) else { panic!() };
    assert!(found.contains(&format!("{inbox} messages in INBOX")), "{found}");
    assert_eq!(desk.send(shared, "").await, OutboxState::Sent);
    let submitted = desk.sandbox.control().submissions();
    assert_eq!(submitted.last().unwrap().sender, "grace@example.org");
}

#[tokio::test]
async fn an_account_survives_renaming_moving_exporting_and_importing() {
    let mut desk = Desk::new().await;
    let account = desk.link(desk.sandbox.link_request()).await.unwrap();
    let name = "renamed".parse().unwrap();
    let renamed = desk.ask(|id| EngineCommand::RenameAccount { id, account, name }).await;
    assert!(matches!(renamed, EngineEvent::CommandDone { .. }), "{renamed:?}");
    assert_eq!(desk.status(account).name.as_str(), "renamed");
    assert_eq!(desk.send(account, "").await, OutboxState::Sent);

    let passphrase = || SecretString::from("correct horse".to_owned());
    let accounts = vec![account];
    let exported = desk
        .ask(|id| EngineCommand::ExportAccounts { id, accounts, passphrase: passphrase() })
        .await;
    let EngineEvent::Exported { bundle, .. } = exported else { panic!("{exported:?}") };
    let secrets = SecretsChoice::Memory;
    let twice = desk
        .ask(|id| EngineCommand::ImportAccounts {
            id,
            bundle: bundle.clone(),
            passphrase: passphrase(),
            secrets,
        })
        .await;
    assert!(matches!(twice, EngineEvent::CommandFailed { .. }), "the name is taken: {twice:?}");

    desk.ask(|id| EngineCommand::RemoveAccount { id, account }).await;
    let secrets = SecretsChoice::Memory;
    let wrong = SecretString::from("wrong".to_owned());
    let refused = desk
        .ask(|id| EngineCommand::ImportAccounts {
            id,
            bundle: bundle.clone(),
            passphrase: wrong,
            secrets,
        })
        .await;
    assert!(matches!(refused, EngineEvent::CommandFailed { .. }), "{refused:?}");
    let secrets = SecretsChoice::Memory;
    let imported = desk
        .ask(|id| EngineCommand::ImportAccounts { id, bundle, passphrase: passphrase(), secrets })
        .await;
    let EngineEvent::Imported { accounts, .. } = imported else { panic!("{imported:?}") };
    assert_eq!(desk.send(accounts[0], "").await, OutboxState::Sent);
}

#[tokio::test]
async fn the_board_tells_what_was_learnt() {
    let mut desk = Desk::new().await;
    let account = desk.link(desk.sandbox.link_request()).await.unwrap();
    let tested = desk.ask(|id| EngineCommand::TestAccount { id, account }).await;
    assert!(matches!(tested, EngineEvent::CommandDone { .. }));
    let facts = desk.status(account).facts;
    assert_eq!(facts.checks.len(), CheckName::ALL.len());
    assert!(facts.signed_in_at.is_some() && !facts.scopes.is_empty(), "{facts:?}");

    desk.sandbox.control().revoke_sign_ins();
    desk.sandbox.control().expire_access_tokens();
    desk.ask(|id| EngineCommand::TestAccount { id, account }).await;
    assert!(desk.status(account).facts.last_problem.is_some());
    let again =
        desk.ask(|id| EngineCommand::SignInAgain { id, account, renewal: Box::default() }).await;
    assert!(matches!(again, EngineEvent::Linked { .. }), "{again:?}");
    let token = |id| EngineCommand::GetToken { id, account, resource: Resource::Outlook };
    let EngineEvent::TokenReady { token, .. } = desk.ask(token).await else { panic!() };
    assert!(!token.expose_secret().is_empty());
}

/// The sign-in that another machine may still use is left alone.
#[tokio::test]
async fn removing_an_account_withdraws_its_sign_in_where_that_is_offered() {
    async fn check(offered: bool, exported: bool, withdrawals: u64) {
        let mut desk = Desk::new().await;
        if offered {
            desk.sandbox.control().offer_revocation();
        }
        let account = desk.link(desk.sandbox.link_request()).await.unwrap();
        if exported {
            let passphrase = SecretString::from("correct horse".to_owned());
            let accounts = vec![account];
            desk.ask(|id| EngineCommand::ExportAccounts { id, accounts, passphrase }).await;
        }
        let removed = desk.ask(|id| EngineCommand::RemoveAccount { id, account }).await;
        assert!(matches!(removed, EngineEvent::CommandDone { .. }), "{removed:?}");
        let count = desk.sandbox.control().count(Counter::Withdrawals);
        assert_eq!(count, withdrawals, "offered {offered}, exported {exported}");
    }
    check(true, false, 1).await;
    check(false, false, 0).await;
    check(true, true, 0).await;
}
