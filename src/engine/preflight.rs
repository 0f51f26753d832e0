//! The checks before an account is saved, and of `account test`.

use crate::auth::scopes;
use crate::auth::token::AccessToken;
use crate::engine::access::connect_request;
use crate::engine::failure::Failure;
use crate::engine::reporter::Reporter;
use crate::engine_api::event::EngineEvent;
use crate::engine_api::link::{CheckName, CheckOutcome, LinkStep};
use crate::model::account::{AccountSettings, Resource};
use crate::model::ids::{AccountId, CommandId};
use crate::problem::Problem;
use crate::transport::{imap, smtp};
use std::sync::Arc;

/// What the checks work with.
pub struct Preflight<'a> {
    /// The command that is answered.
    pub id: CommandId,
    /// The linked account; `None` while it is being linked.
    pub account: Option<AccountId>,
    /// What is checked.
    pub settings: &'a AccountSettings,
    /// Trust for its servers.
    pub tls: Arc<rustls::ClientConfig>,
    /// A token as fresh as can be.
    pub token: &'a AccessToken,
    /// Where the steps are reported.
    pub reporter: &'a Reporter,
}

impl Preflight<'_> {
    /// Runs every check, whether or not an earlier one failed, and reports each.
    ///
    /// # Errors
    /// The first failure, in plain words.
    pub async fn run(&self) -> Result<(), Problem> {
        let mut first_failure = None;
        for name in [CheckName::Scopes, CheckName::Imap, CheckName::Submission] {
            self.report(LinkStep::CheckStarted { name }).await;
            let result = match name {
                CheckName::Scopes => self.scopes(),
                CheckName::Imap => self.imap().await,
                CheckName::Submission => self.submission().await,
                CheckName::Dns
                | CheckName::Tls
                | CheckName::Clock
                | CheckName::Folders
                | CheckName::Graph => continue,
            };
            let outcome = match result {
                Ok(detail) => CheckOutcome::Passed(detail),
                Err(failure) => {
                    let problem = failure.problem(self.account);
                    first_failure.get_or_insert_with(|| problem.clone());
                    CheckOutcome::Failed(Box::new(problem))
                }
            };
            self.report(LinkStep::Check { name, outcome }).await;
        }
        first_failure.map_or(Ok(()), Err)
    }

    async fn report(&self, step: LinkStep) {
        self.reporter.event(EngineEvent::LinkProgress { id: self.id, step }).await;
    }

    fn scopes(&self) -> Result<String, Failure> {
        let resources = &self.settings.resources;
        let missing = scopes::missing(Resource::Outlook, resources, &self.token.scopes);
        if missing.is_empty() {
            Ok("reading and sending are allowed".to_owned())
        } else {
            Err(Problem::scopes_missing(&missing.join(" ")).into())
        }
    }

    async fn imap(&self) -> Result<String, Failure> {
        let endpoint = &self.settings.imap;
        let request = connect_request(self.settings, endpoint, Arc::clone(&self.tls), self.token);
        let mut source = imap::connect(&request).await?;
        let folders = source.list_folders().await?;
        let inbox = source.open_folder("INBOX").await?;
        source.close().await;
        Ok(format!(
            "{}: {} folders, {} messages in INBOX",
            endpoint.at,
            folders.len(),
            inbox.exists
        ))
    }

    async fn submission(&self) -> Result<String, Failure> {
        let endpoint = &self.settings.submission;
        let request = connect_request(self.settings, endpoint, Arc::clone(&self.tls), self.token);
        smtp::connect(&request).await?.close().await;
        Ok(format!("{}: signed in, nothing sent", endpoint.at))
    }
}
