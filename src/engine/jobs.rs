//! Work that waits for servers or people, beside the supervisor: signing in, checks, tokens,
//! detection. Each job ends by itself or is cancelled, and comes back as `Finished`.

use crate::config::ConfigError;
use crate::engine::access::AccountAccess;
use crate::engine::account_task::AccountCommand;
use crate::engine::detect_net;
use crate::engine::facts::learn;
use crate::engine::failure::Failure;
use crate::engine::link::{LinkJob, LinkResult, SignIn};
use crate::engine::preflight::{Preflight, Report};
use crate::engine::supervisor::Supervisor;
use crate::engine_api::command::EngineCommand;
use crate::engine_api::event::EngineEvent;
use crate::engine_api::link::{
    ClientSecretChange, LinkAnswer, LinkRequest, Renewal, Saving, SignInInput,
};
use crate::model::account::{AccountSettings, Resource, SignInMethod};
use crate::model::address::EmailAddress;
use crate::model::ids::{AccountId, CommandId};
use crate::problem::Problem;
use crate::provider::detect::detect;
use crate::secrets::{SecretKey, SecretKind};
use secrecy::SecretString;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Answers that may wait for a sign-in; nobody pastes faster than they are read.
const ANSWERS_LIMIT: usize = 4;

/// How long a command waits for folders that are being listed for the first time.
const LISTED_LIMIT: Duration = Duration::from_secs(30);

/// A job on its way.
pub(in crate::engine) struct Job {
    /// Stops it.
    pub(in crate::engine) cancel: CancellationToken,
    /// Takes what the person answers, for a sign-in.
    answers: Option<mpsc::Sender<LinkAnswer>>,
}

/// A job that came back.
pub(in crate::engine) struct Finished {
    id: CommandId,
    outcome: Outcome,
}

enum Outcome {
    /// A new account passed its checks.
    Linked(Box<LinkResult>),
    /// A linked account was signed in to again.
    SignedIn(AccountId, Box<LinkResult>),
    /// The checks of a linked account have run.
    Tested(AccountId, Box<Report>),
    /// A command that waited is due.
    Again(Box<EngineCommand>),
    /// The answer itself.
    Answer(Box<EngineEvent>),
    /// The job failed.
    Failed(Problem),
    /// The job was stopped.
    Cancelled,
}

impl Supervisor {
    pub(in crate::engine) async fn link(&mut self, id: CommandId, request: LinkRequest) {
        let name = request.settings.name.clone();
        if self.config.config().accounts.iter().any(|account| account.name == name) {
            self.reporter.failed(id, ConfigError::Duplicate(name).problem()).await;
            return;
        }
        let delegate = match &request.settings.shared_via {
            None => None,
            Some(via) => match self.access_of(via) {
                Some(access) => Some(access),
                None => {
                    self.reporter.failed(id, Problem::no_such_account()).await;
                    return;
                }
            },
        };
        let (job, answers) = self.link_job(id, None, delegate);
        self.spawn_job(id, Some(answers), async move {
            match job.link(request).await {
                Ok(result) => Outcome::Linked(Box::new(result)),
                Err(failure) => Outcome::Failed(failure.problem(None)),
            }
        });
    }

    pub(in crate::engine) async fn sign_in_again(
        &mut self,
        id: CommandId,
        account: AccountId,
        renewal: Renewal,
    ) {
        let Some(running) = self.accounts.get(&account) else {
            self.reporter.failed(id, Problem::no_such_account()).await;
            return;
        };
        let access = Arc::clone(&running.access);
        let delegate = access.settings.shared_via.as_ref().and_then(|via| self.access_of(via));
        let (job, answers) = self.link_job(id, Some(account), delegate);
        self.spawn_job(id, Some(answers), async move {
            let signed_in = async {
                let mut stored = stored_secrets(&access).await?;
                let Renewal { sign_in, client_secret, secret_expires, client_id, token_command } =
                    renewal;
                let input = match sign_in {
                    Some(input) => input,
                    None => same_rung(&access, &stored)?,
                };
                let mut settings = access.settings.clone();
                settings.secret_expires = secret_expires.or(settings.secret_expires);
                settings.oauth.client_id = client_id.unwrap_or(settings.oauth.client_id);
                if !token_command.is_empty() {
                    settings.token_command = token_command;
                }
                let client_secret = match client_secret {
                    ClientSecretChange::Keep => None,
                    ClientSecretChange::Replace(secret) => Some(secret),
                    ClientSecretChange::Remove => {
                        stored.retain(|(kind, _secret)| *kind != SecretKind::ClientSecret);
                        settings.secret_expires = None;
                        None
                    }
                };
                complete(&settings, &input)?;
                // The account is saved already; a failed check is told, and the tokens are kept.
                let saving = Saving::Anyway;
                job.sign_in(settings, SignIn { input, client_secret, stored, saving }).await
            };
            match signed_in.await {
                Ok(result) => Outcome::SignedIn(account, Box::new(result)),
                Err(failure) => Outcome::Failed(failure.problem(Some(account))),
            }
        });
    }

    pub(in crate::engine) fn answer_link(&self, id: CommandId, answer: LinkAnswer) {
        let sender = self.jobs.get(&id).and_then(|job| job.answers.as_ref());
        if sender.is_none_or(|sender| sender.try_send(answer).is_err()) {
            tracing::info!(command = id.0, "nobody waits for the answer");
        }
    }

    pub(in crate::engine) async fn test(&mut self, id: CommandId, account: AccountId) {
        let Some(running) = self.accounts.get(&account) else {
            self.reporter.failed(id, Problem::no_such_account()).await;
            return;
        };
        let access = Arc::clone(&running.access);
        let (reporter, clock) = (self.reporter.clone(), self.clock.clone());
        self.spawn_job(id, None, async move {
            let checks = Preflight {
                id,
                account: Some(account),
                access: &access,
                clock: &clock,
                reporter: &reporter,
            };
            Outcome::Tested(account, Box::new(checks.run().await))
        });
    }

    pub(in crate::engine) async fn get_token(
        &mut self,
        id: CommandId,
        account: AccountId,
        resource: Resource,
    ) {
        let Some(running) = self.accounts.get(&account) else {
            self.reporter.failed(id, Problem::no_such_account()).await;
            return;
        };
        let access = Arc::clone(&running.access);
        self.spawn_job(id, None, async move {
            match access.token(resource).await {
                Ok(token) => Outcome::Answer(Box::new(EngineEvent::TokenReady {
                    id,
                    token: token.secret,
                    user: access.settings.login.clone(),
                    expires_at: token.expires_at,
                })),
                Err(failure) => Outcome::Failed(failure.problem(Some(account))),
            }
        });
    }

    pub(in crate::engine) fn look_up(&mut self, id: CommandId, address: EmailAddress) {
        let (reporter, lookup) = (self.reporter.clone(), self.detect);
        let extra_roots = self.access.extra_roots.clone();
        self.spawn_job(id, None, async move {
            let net = match detect_net(lookup, &extra_roots).await {
                Ok(net) => net,
                Err(failure) => return Outcome::Failed(failure.problem(None)),
            };
            let (findings, mut found) = mpsc::unbounded_channel();
            let on_finding = move |finding| {
                // The receiver lives as long as the detection below.
                let _closed = findings.send(finding);
            };
            let detection = detect(&address, &net, &on_finding);
            tokio::pin!(detection);
            let proposal = loop {
                tokio::select! {
                    biased;
                    Some(finding) = found.recv() => {
                        reporter.event(EngineEvent::DetectProgress { id, finding }).await;
                    }
                    proposal = &mut detection => break proposal,
                }
            };
            while let Ok(finding) = found.try_recv() {
                reporter.event(EngineEvent::DetectProgress { id, finding }).await;
            }
            let proposal = proposal.map(Box::new);
            Outcome::Answer(Box::new(EngineEvent::Detected { id, proposal }))
        });
    }

    /// Runs work that ends in `CommandDone`, beside the supervisor. Work without an end, because the
    /// task that was to answer is gone, is a cancelled command.
    pub(in crate::engine) fn spawn_done(
        &mut self,
        id: CommandId,
        work: impl Future<Output = Option<Result<(), Problem>>> + Send + 'static,
    ) {
        self.spawn_job(id, None, async move {
            match work.await {
                Some(Ok(())) => Outcome::Answer(Box::new(EngineEvent::CommandDone { id })),
                Some(Err(problem)) => Outcome::Failed(problem),
                None => Outcome::Cancelled,
            }
        });
    }

    /// Serves a command again once the folders of an account are listed.
    pub(in crate::engine) fn serve_once_listed(
        &mut self,
        id: CommandId,
        mut listed: watch::Receiver<bool>,
        command: EngineCommand,
    ) {
        self.spawn_job(id, None, async move {
            match timeout(LISTED_LIMIT, listed.wait_for(|listed| *listed)).await {
                Ok(Ok(_listed)) => Outcome::Again(Box::new(command)),
                Ok(Err(_)) | Err(_) => Outcome::Failed(Problem::folders_not_listed()),
            }
        });
    }

    fn link_job(
        &self,
        id: CommandId,
        account: Option<AccountId>,
        delegate: Option<Arc<AccountAccess>>,
    ) -> (LinkJob, mpsc::Sender<LinkAnswer>) {
        let (answers_in, answers) = mpsc::channel(ANSWERS_LIMIT);
        let job = LinkJob {
            id,
            account,
            delegate,
            access: self.access.clone(),
            reporter: self.reporter.clone(),
            answers: Mutex::new(answers),
        };
        (job, answers_in)
    }

    fn spawn_job(
        &mut self,
        id: CommandId,
        answers: Option<mpsc::Sender<LinkAnswer>>,
        work: impl Future<Output = Outcome> + Send + 'static,
    ) {
        let cancel = self.cancel.child_token();
        self.jobs.insert(id, Job { cancel: cancel.clone(), answers });
        let finished = self.finished_in.clone();
        self.tasks.spawn(async move {
            let outcome = tokio::select! {
                biased;
                () = cancel.cancelled() => Outcome::Cancelled,
                outcome = work => outcome,
            };
            if finished.send(Finished { id, outcome }).await.is_err() {
                tracing::debug!(command = id.0, "a job ended after the engine");
            }
        });
    }

    pub(in crate::engine) async fn finish(&mut self, Finished { id, outcome }: Finished) {
        self.jobs.remove(&id);
        match outcome {
            Outcome::Linked(result) => {
                let saved = self.save(*result).await;
                let linked = saved.map(|account| EngineEvent::Linked { id, account });
                self.close(id, linked).await;
            }
            Outcome::SignedIn(account, result) => {
                let kept = self.keep_sign_in(account, *result).await;
                let linked = kept.map(|()| EngineEvent::Linked { id, account });
                self.close(id, linked).await;
                self.hand_on(account, AccountCommand::Reconnect).await;
                self.wake_outbox(account);
            }
            Outcome::Tested(account, report) => {
                learn(&self.store, &self.reporter, account, |facts| report.learn(facts)).await;
                self.reporter.done(id).await;
            }
            Outcome::Again(command) => self.serve(*command).await,
            Outcome::Answer(event) => self.reporter.event(*event).await,
            Outcome::Failed(problem) => self.reporter.failed(id, problem).await,
            Outcome::Cancelled => {
                self.reporter.event(EngineEvent::CommandCancelled { id }).await;
            }
        }
    }
}

/// The secrets of an account that a new sign-in uses again.
async fn stored_secrets(
    access: &AccountAccess,
) -> Result<Vec<(SecretKind, SecretString)>, Failure> {
    let place = access.secrets().await?;
    let mut stored = Vec::new();
    for kind in [SecretKind::RefreshToken, SecretKind::ClientSecret, SecretKind::Password] {
        let key = SecretKey { account: access.settings.name.clone(), kind };
        if let Some(secret) = place.get(&key).await? {
            stored.push((kind, secret));
        }
    }
    Ok(stored)
}

/// Whether `settings` have what `input` needs beside it.
fn complete(settings: &AccountSettings, input: &SignInInput) -> Result<(), Problem> {
    let app = &settings.oauth;
    match input {
        SignInInput::TokenCommand if settings.token_command.is_empty() => {
            Err(Problem::sign_in_lacks("Name the program that prints tokens."))
        }
        SignInInput::DeviceCode
        | SignInInput::Browser { .. }
        | SignInInput::RefreshToken(_)
        | SignInInput::ClientCredentials
            if app.client_id.is_empty() || app.authority.is_empty() =>
        {
            Err(Problem::sign_in_lacks(
                "Give the client id of an app registration. An account of servers without a known \
                 sign-in server has to be linked anew for it.",
            ))
        }
        SignInInput::DeviceCode
        | SignInInput::Browser { .. }
        | SignInInput::RefreshToken(_)
        | SignInInput::TokenCommand
        | SignInInput::Password(_)
        | SignInInput::ClientCredentials
        | SignInInput::Shared => Ok(()),
    }
}

/// The account's own rung of the ladder once more, with what is stored.
fn same_rung(
    access: &AccountAccess,
    stored: &[(SecretKind, SecretString)],
) -> Result<SignInInput, Problem> {
    let secret = |wanted| {
        let found = stored.iter().find(|(kind, _secret)| *kind == wanted);
        found.map(|(_kind, secret)| secret.clone()).ok_or_else(Problem::secret_not_stored)
    };
    if access.settings.shared_via.is_some() {
        return Ok(SignInInput::Shared);
    }
    Ok(match access.settings.method {
        SignInMethod::DeviceCode => SignInInput::DeviceCode,
        SignInMethod::Browser => SignInInput::Browser { port: 0 },
        SignInMethod::RefreshToken => SignInInput::RefreshToken(secret(SecretKind::RefreshToken)?),
        SignInMethod::TokenCommand => SignInInput::TokenCommand,
        SignInMethod::Password => SignInInput::Password(secret(SecretKind::Password)?),
        SignInMethod::ClientCredentials => SignInInput::ClientCredentials,
    })
}
