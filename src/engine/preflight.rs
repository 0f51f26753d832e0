//! The checks before an account is saved, and of `account test` and `doctor`.
//!
//! Every check runs, whether or not an earlier one failed, and each is reported as it ends. What
//! they find decides how the automatic route sends.

use crate::auth::scopes;
use crate::auth::server_time;
use crate::engine::access::AccountAccess;
use crate::engine::failure::Failure;
use crate::engine::reporter::Reporter;
use crate::engine_api::event::EngineEvent;
use crate::engine_api::link::{CheckName, CheckOutcome, LinkStep};
use crate::engine_api::status::{CheckRecord, SubmissionStatus};
use crate::model::account::{AccountSettings, Resource, SentCopy, SignInMethod, SubmissionRoute};
use crate::model::endpoint::{Endpoint, Security};
use crate::model::folder::{FolderRole, ListedFolder};
use crate::model::ids::{AccountId, CommandId};
use crate::problem::Problem;
use crate::stdx::clock::{Clock, UnixSeconds};
use crate::store::facts::LearntFacts;
use crate::transport::error::TransportError;
use crate::transport::{graph, tls};

/// Difference between this machine's clock and the sign-in server's that still does no harm, in
/// seconds: tokens are good from five minutes before they are issued.
const CLOCK_SKEW_LIMIT_S: i64 = 240;

/// What the checks work with.
pub struct Preflight<'a> {
    /// The command that is answered.
    pub id: CommandId,
    /// The linked account; `None` while it is being linked.
    pub account: Option<AccountId>,
    /// What is checked.
    pub access: &'a AccountAccess,
    /// Tells the time.
    pub clock: &'a Clock,
    /// Where the steps are reported.
    pub reporter: &'a Reporter,
}

/// What the checks found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Each check, in order.
    pub records: Vec<CheckRecord>,
    /// Scopes of the token at hand; empty where none are named.
    pub scopes: Vec<String>,
    /// Until when the access token at hand is good; `None` where there is none.
    pub token_valid_until: Option<UnixSeconds>,
    /// How the automatic route sends.
    pub sends_with: SubmissionRoute,
    /// Why the account cannot be used as it is: the first failure that matters.
    pub failure: Option<Problem>,
}

impl Report {
    /// Keeps what was found among an account's facts.
    pub fn learn(self, facts: &mut LearntFacts) {
        let failed = |name| {
            self.records.iter().find_map(|record| match &record.outcome {
                CheckOutcome::Failed(problem) if record.name == name => Some(problem.clone()),
                CheckOutcome::Failed(_) | CheckOutcome::Passed(_) | CheckOutcome::Skipped(_) => {
                    None
                }
            })
        };
        let sending = match self.sends_with {
            SubmissionRoute::Graph => failed(CheckName::Graph),
            SubmissionRoute::Auto | SubmissionRoute::Smtp => failed(CheckName::Submission),
        };
        facts.submission = sending.map_or(SubmissionStatus::Works, SubmissionStatus::Failed);
        facts.sends_with = Some(self.sends_with);
        let at = self.records.last().map(|record| record.at);
        // Where everything works again, nobody is sent after what is over.
        facts.last_problem = self.failure.zip(at);
        facts.scopes = self.scopes;
        facts.token_valid_until = self.token_valid_until;
        facts.checks = self.records;
    }
}

/// What is said of permissions where the sign-in server names none.
fn nameless() -> CheckOutcome {
    CheckOutcome::Skipped("this sign-in names no permissions".to_owned())
}

impl Preflight<'_> {
    /// Runs every check and reports each.
    pub async fn run(&self) -> Report {
        let mut records = Vec::new();
        self.begin(CheckName::Dns).await;
        records.push(self.end(CheckName::Dns, self.dns().await).await);
        self.begin(CheckName::Tls).await;
        records.push(self.end(CheckName::Tls, self.identity().await).await);
        self.begin(CheckName::Clock).await;
        records.push(self.end(CheckName::Clock, self.clock().await).await);
        self.begin(CheckName::Scopes).await;
        let (outcome, scopes) = self.scopes().await;
        records.push(self.end(CheckName::Scopes, outcome).await);
        records.extend(self.reading().await);
        let (sending, sends_with) = self.sending().await;
        records.extend(sending);
        let failure = records.iter().find_map(|record| match &record.outcome {
            CheckOutcome::Failed(problem) => Some(problem.as_ref().clone()),
            CheckOutcome::Passed(_) | CheckOutcome::Skipped(_) => None,
        });
        let token_valid_until = match self.access.keeper().await {
            Ok(keeper) => keeper.valid_until(Resource::Outlook).await,
            Err(_closed) => None,
        };
        Report { records, scopes, token_valid_until, sends_with, failure }
    }

    fn settings(&self) -> &AccountSettings {
        &self.access.settings
    }

    async fn begin(&self, name: CheckName) {
        self.report(LinkStep::CheckStarted { name }).await;
    }

    async fn end(&self, name: CheckName, outcome: CheckOutcome) -> CheckRecord {
        self.report(LinkStep::Check { name, outcome: outcome.clone() }).await;
        CheckRecord { name, outcome, at: self.clock.now() }
    }

    async fn report(&self, step: LinkStep) {
        self.reporter.event(EngineEvent::LinkProgress { id: self.id, step }).await;
    }

    fn outcome(&self, result: Result<String, Failure>) -> CheckOutcome {
        match result {
            Ok(detail) => CheckOutcome::Passed(detail),
            Err(failure) => CheckOutcome::Failed(Box::new(failure.problem(self.account))),
        }
    }

    fn uses_smtp(&self) -> bool {
        match self.settings().route {
            SubmissionRoute::Auto | SubmissionRoute::Smtp => true,
            SubmissionRoute::Graph => false,
        }
    }

    fn endpoints(&self) -> Vec<&Endpoint> {
        let settings = self.settings();
        let mut endpoints = vec![&settings.imap];
        if self.uses_smtp() {
            endpoints.push(&settings.submission);
        }
        endpoints
    }

    // --- the way there ----------------------------------------------------------------------

    async fn dns(&self) -> CheckOutcome {
        let mut known = Vec::new();
        for endpoint in self.endpoints() {
            let at = &endpoint.at;
            if let Err(source) = tokio::net::lookup_host((at.host.as_str(), at.port)).await {
                let error = TransportError::Unreachable { server: at.to_string(), source };
                return self.outcome(Err(error.into()));
            }
            known.push(at.host.as_str());
        }
        known.dedup();
        CheckOutcome::Passed(known.join(", "))
    }

    async fn identity(&self) -> CheckOutcome {
        let tls = match self.access.tls().await {
            Ok(tls) => tls,
            Err(failure) => return self.outcome(Err(failure)),
        };
        let direct: Vec<_> = self
            .endpoints()
            .into_iter()
            .filter(|endpoint| endpoint.security == Security::Tls)
            .collect();
        if direct.is_empty() {
            return CheckOutcome::Skipped("proved with STARTTLS in the checks below".to_owned());
        }
        let mut proved = Vec::new();
        for endpoint in direct {
            match tls::probe(endpoint, &tls).await {
                Ok(found) => proved.push(found),
                Err(error) => return self.outcome(Err(error.into())),
            }
        }
        CheckOutcome::Passed(proved.join(", "))
    }

    async fn clock(&self) -> CheckOutcome {
        if !self.settings().method.needs_app() {
            return CheckOutcome::Skipped("no sign-in server takes part".to_owned());
        }
        let asked = async {
            let http = self.access.http().await?;
            Ok::<_, Failure>(server_time::ask(http, &self.settings().oauth).await?)
        };
        match asked.await {
            Ok(Some(server)) => {
                let skew_s = self.clock.now().since(server);
                if skew_s.abs() <= CLOCK_SKEW_LIMIT_S {
                    CheckOutcome::Passed(format!("{} s apart", skew_s.abs()))
                } else {
                    CheckOutcome::Failed(Box::new(Problem::clock_wrong(skew_s)))
                }
            }
            Ok(None) => CheckOutcome::Skipped("the sign-in server does not say".to_owned()),
            Err(failure) => self.outcome(Err(failure)),
        }
    }

    async fn scopes(&self) -> (CheckOutcome, Vec<String>) {
        let settings = self.settings();
        match settings.method {
            SignInMethod::DeviceCode | SignInMethod::Browser | SignInMethod::RefreshToken => {}
            SignInMethod::Password => return (nameless(), Vec::new()),
            SignInMethod::TokenCommand | SignInMethod::ClientCredentials => {
                let outcome = match self.access.token(Resource::Outlook).await {
                    Ok(_token) => nameless(),
                    Err(failure) => self.outcome(Err(failure)),
                };
                return (outcome, Vec::new());
            }
        }
        let granted = match self.access.token(Resource::Outlook).await {
            Ok(token) => token.scopes,
            Err(failure) => return (self.outcome(Err(failure)), Vec::new()),
        };
        let smtp_only = settings.route == SubmissionRoute::Smtp;
        let missing: Vec<String> =
            scopes::missing(Resource::Outlook, &settings.resources, &granted)
                .into_iter()
                // Without SMTP.Send mail can still leave through Graph.
                .filter(|scope| smtp_only || !scope.ends_with("/SMTP.Send"))
                .collect();
        let outcome = if missing.is_empty() {
            CheckOutcome::Passed("reading and sending are allowed".to_owned())
        } else {
            CheckOutcome::Failed(Box::new(Problem::scopes_missing(&missing.join(" "))))
        };
        (outcome, granted)
    }

    // --- reading ----------------------------------------------------------------------------

    async fn reading(&self) -> [CheckRecord; 2] {
        self.begin(CheckName::Imap).await;
        let opened = self.open_inbox().await;
        let (imap, folders) = match opened {
            Ok((detail, folders)) => (CheckOutcome::Passed(detail), Some(folders)),
            Err(failure) => (self.outcome(Err(failure)), None),
        };
        let imap = self.end(CheckName::Imap, imap).await;
        self.begin(CheckName::Folders).await;
        let folders = folders.map_or_else(
            || CheckOutcome::Skipped("the folders could not be listed".to_owned()),
            |folders| CheckOutcome::Passed(self.describe(&folders)),
        );
        [imap, self.end(CheckName::Folders, folders).await]
    }

    async fn open_inbox(&self) -> Result<(String, Vec<ListedFolder>), Failure> {
        let (mut source, _expires_at) = self.access.source().await?;
        let folders = source.list_folders().await?;
        // A session can be authenticated and still not be connected to any mailbox (Exchange
        // Online); only opening a folder tells.
        let inbox = source.open_folder("INBOX", None).await?.state;
        source.close().await;
        let server = &self.settings().imap.at;
        let detail =
            format!("{server}: {} folders, {} messages in INBOX", folders.len(), inbox.exists);
        Ok((detail, folders))
    }

    fn describe(&self, folders: &[ListedFolder]) -> String {
        let known = [
            FolderRole::Drafts,
            FolderRole::Sent,
            FolderRole::Archive,
            FolderRole::Junk,
            FolderRole::Trash,
        ]
        .into_iter()
        .filter_map(|role| folders.iter().find(|folder| folder.role == role))
        .map(|folder| folder.name.as_str())
        .collect::<Vec<_>>()
        .join(", ");
        let copies = match self.settings().sent_copy {
            SentCopy::Server => "the server files what is sent",
            SentCopy::Append => "what is sent is filed from here",
        };
        format!("{known}; {copies}")
    }

    // --- sending ----------------------------------------------------------------------------

    /// SMTP where it is wanted, Graph where it is wanted or SMTP does not work. On the automatic
    /// route one of them is enough.
    async fn sending(&self) -> ([CheckRecord; 2], SubmissionRoute) {
        self.begin(CheckName::Submission).await;
        let smtp = if self.uses_smtp() { Some(self.try_smtp().await) } else { None };
        let by_app = self.settings().method == SignInMethod::ClientCredentials;
        let graph_wanted = match (self.settings().route, &smtp) {
            // What the probe asks for needs a person; an app alone is taken at its word.
            _ if by_app => false,
            (SubmissionRoute::Graph, _) | (SubmissionRoute::Auto, Some(Err(_))) => true,
            (SubmissionRoute::Smtp, _) | (SubmissionRoute::Auto, Some(Ok(_)) | None) => false,
        };
        let graph = if graph_wanted { Some(self.try_graph().await) } else { None };
        let by_graph = matches!(graph, Some(Ok(_)))
            || (by_app && self.settings().route == SubmissionRoute::Graph);
        let submission = match smtp {
            None => CheckOutcome::Skipped("this account sends through Microsoft Graph".to_owned()),
            Some(Err(failure)) if by_graph => CheckOutcome::Skipped(format!(
                "{}; messages leave through Microsoft Graph",
                failure.problem(self.account).what
            )),
            Some(tried) => self.outcome(tried),
        };
        let submission = self.end(CheckName::Submission, submission).await;
        self.begin(CheckName::Graph).await;
        let route_needs_it = self.settings().route == SubmissionRoute::Graph;
        let graph = match graph {
            None => CheckOutcome::Skipped("not needed: messages leave over SMTP".to_owned()),
            // The reason SMTP failed is the one that matters.
            Some(Err(failure)) if !route_needs_it => CheckOutcome::Skipped(format!(
                "not a way out: {}",
                failure.problem(self.account).what
            )),
            Some(tried) => self.outcome(tried),
        };
        let graph = self.end(CheckName::Graph, graph).await;
        let sends_with = if by_graph { SubmissionRoute::Graph } else { SubmissionRoute::Smtp };
        ([submission, graph], sends_with)
    }

    async fn try_smtp(&self) -> Result<String, Failure> {
        self.access.smtp().await?.close().await;
        Ok(format!("{}: signed in, nothing sent", self.settings().submission.at))
    }

    async fn try_graph(&self) -> Result<String, Failure> {
        let token = self.access.token(Resource::Graph).await?;
        let request = self.access.graph_request(token.secret).await?;
        let who = graph::probe(&request).await?;
        Ok(format!("{who}: can send through Microsoft Graph"))
    }
}
