//! What is known of an account's sign-in and servers; kept over runs for the account board.

use crate::engine_api::link::{CheckName, CheckOutcome};
use crate::engine_api::status::{AccountFacts, CheckRecord, Quota, SubmissionStatus};
use crate::model::account::SubmissionRoute;
use crate::model::ids::AccountId;
use crate::problem::{Problem, ProblemKind, Remedy};
use crate::stdx::clock::UnixSeconds;
use crate::store::Store;
use crate::store::error::StoreError;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

/// The part of the facts that was learnt, not configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LearntFacts {
    /// Granted scopes.
    pub scopes: Vec<String>,
    /// When somebody last signed in.
    pub signed_in_at: Option<UnixSeconds>,
    /// When the sign-in was last copied to or from another machine, which may use it still.
    pub copied_at: Option<UnixSeconds>,
    /// When a token was last refreshed.
    pub refreshed_at: Option<UnixSeconds>,
    /// Until when the access token at hand is good.
    pub token_valid_until: Option<UnixSeconds>,
    /// How the automatic route sends, as the checks found; [`SubmissionRoute::Auto`] before them.
    pub sends_with: Option<SubmissionRoute>,
    /// How sending stands.
    pub submission: SubmissionStatus,
    /// The last problem and when it came up.
    pub last_problem: Option<(Problem, UnixSeconds)>,
    /// The last run of the checks.
    pub checks: Vec<CheckRecord>,
    /// Storage, where the server tells.
    pub quota: Option<Quota>,
}

impl LearntFacts {
    /// Puts what was learnt beside what is configured.
    pub fn complete(self, facts: &mut AccountFacts) {
        facts.scopes = self.scopes;
        facts.signed_in_at = self.signed_in_at;
        facts.refreshed_at = self.refreshed_at;
        // Each refresh brings a new one (Microsoft: "Refresh tokens in the identity platform").
        facts.refresh_token_since = self.refreshed_at.max(self.signed_in_at);
        facts.submission = self.submission;
        facts.last_problem = self.last_problem;
        facts.checks = self.checks;
        facts.quota = self.quota;
    }
}

/// The form in `account_facts.facts`. Missing fields are what an older version did not know.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct StoredFacts {
    scopes: Vec<String>,
    signed_in_at: Option<i64>,
    copied_at: Option<i64>,
    refreshed_at: Option<i64>,
    token_valid_until: Option<i64>,
    sends_with: Option<String>,
    submission_works: Option<bool>,
    submission_problem: Option<StoredProblem>,
    last_problem: Option<(StoredProblem, i64)>,
    checks: Vec<StoredCheck>,
    quota: Option<(u64, u64)>,
}

#[derive(Serialize, Deserialize)]
struct StoredProblem {
    exit_code: u8,
    code: String,
    what: String,
    why: String,
    details: String,
}

#[derive(Serialize, Deserialize)]
struct StoredCheck {
    name: String,
    at: i64,
    detail: String,
    skipped: bool,
    problem: Option<StoredProblem>,
}

impl From<&Problem> for StoredProblem {
    fn from(problem: &Problem) -> Self {
        Self {
            exit_code: problem.kind.exit_code(),
            code: problem.code.clone(),
            what: problem.what.clone(),
            why: problem.why.clone(),
            details: problem.details.clone(),
        }
    }
}

impl StoredProblem {
    fn of(self, account: AccountId) -> Problem {
        let kinds = [ProblemKind::Usage, ProblemKind::SignInNeeded, ProblemKind::Network];
        let kind = kinds.into_iter().find(|kind| kind.exit_code() == self.exit_code);
        let kind = kind.unwrap_or(ProblemKind::Failed);
        let remedy = match kind {
            ProblemKind::SignInNeeded => Remedy::SignInAgain(account),
            // What helped then may not be what helps now: the board offers to test again.
            ProblemKind::Failed | ProblemKind::Usage | ProblemKind::Network => Remedy::Retry,
        };
        Problem::new(kind, &self.code, &self.what, &self.why, remedy).with_details(&self.details)
    }
}

impl From<&CheckRecord> for StoredCheck {
    fn from(record: &CheckRecord) -> Self {
        let (detail, skipped, problem) = match &record.outcome {
            CheckOutcome::Passed(detail) => (detail.clone(), false, None),
            CheckOutcome::Skipped(why) => (why.clone(), true, None),
            CheckOutcome::Failed(problem) => {
                (String::new(), false, Some(StoredProblem::from(problem.as_ref())))
            }
        };
        let name = record.name.as_str().to_owned();
        Self { name, at: record.at.0, detail, skipped, problem }
    }
}

impl StoredCheck {
    fn into_record(self, account: AccountId) -> Option<CheckRecord> {
        let name = CheckName::ALL.into_iter().find(|name| name.as_str() == self.name)?;
        let outcome = match (self.problem, self.skipped) {
            (Some(problem), _) => CheckOutcome::Failed(Box::new(problem.of(account))),
            (None, true) => CheckOutcome::Skipped(self.detail),
            (None, false) => CheckOutcome::Passed(self.detail),
        };
        Some(CheckRecord { name, outcome, at: UnixSeconds(self.at) })
    }
}

impl From<&LearntFacts> for StoredFacts {
    fn from(facts: &LearntFacts) -> Self {
        let (submission_works, submission_problem) = match &facts.submission {
            SubmissionStatus::Unknown => (None, None),
            SubmissionStatus::Works => (Some(true), None),
            SubmissionStatus::Failed(problem) => (Some(false), Some(problem.as_ref().into())),
        };
        Self {
            scopes: facts.scopes.clone(),
            signed_in_at: facts.signed_in_at.map(|at| at.0),
            copied_at: facts.copied_at.map(|at| at.0),
            refreshed_at: facts.refreshed_at.map(|at| at.0),
            token_valid_until: facts.token_valid_until.map(|at| at.0),
            sends_with: facts.sends_with.map(|route| route.as_str().to_owned()),
            submission_works,
            submission_problem,
            last_problem: facts.last_problem.as_ref().map(|(problem, at)| (problem.into(), at.0)),
            checks: facts.checks.iter().map(StoredCheck::from).collect(),
            quota: facts.quota.map(|quota| (quota.used_bytes, quota.limit_bytes)),
        }
    }
}

impl StoredFacts {
    fn of(self, account: AccountId) -> LearntFacts {
        let sends_with = self.sends_with.as_deref();
        let submission = match (self.submission_works, self.submission_problem) {
            (_, Some(problem)) => SubmissionStatus::Failed(Box::new(problem.of(account))),
            (Some(true), None) => SubmissionStatus::Works,
            (Some(false) | None, None) => SubmissionStatus::Unknown,
        };
        let quota = |(used_bytes, limit_bytes): (u64, u64)| Quota { used_bytes, limit_bytes };
        let record = |check: StoredCheck| check.into_record(account);
        LearntFacts {
            scopes: self.scopes,
            signed_in_at: self.signed_in_at.map(UnixSeconds),
            copied_at: self.copied_at.map(UnixSeconds),
            refreshed_at: self.refreshed_at.map(UnixSeconds),
            token_valid_until: self.token_valid_until.map(UnixSeconds),
            sends_with: SubmissionRoute::ALL
                .into_iter()
                .find(|route| Some(route.as_str()) == sends_with),
            submission,
            last_problem: self
                .last_problem
                .map(|(problem, at)| (problem.of(account), UnixSeconds(at))),
            checks: self.checks.into_iter().filter_map(record).collect(),
            quota: self.quota.map(quota),
        }
    }
}

fn read(user: &Connection, account: AccountId) -> Result<LearntFacts, StoreError> {
    let sql = "SELECT facts FROM account_facts WHERE account_id = ?1";
    let stored: Option<String> = user.query_row(sql, [account.0], |row| row.get(0)).optional()?;
    // Facts that cannot be read cost a line on the board, never the account.
    let parsed = stored.and_then(|json| serde_json::from_str::<StoredFacts>(&json).ok());
    Ok(parsed.unwrap_or_default().of(account))
}

impl Store {
    /// What is known of an account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn facts(&self, account: AccountId) -> Result<LearntFacts, StoreError> {
        self.ask(move |databases| read(&databases.user, account)).await
    }

    /// Changes what is known of an account, as one step, and returns it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn change_facts(
        &self,
        account: AccountId,
        change: impl FnOnce(&mut LearntFacts) + Send + 'static,
    ) -> Result<LearntFacts, StoreError> {
        self.ask(move |databases| {
            let transaction = databases
                .user
                .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let mut facts = read(&transaction, account)?;
            change(&mut facts);
            let json = serde_json::to_string(&StoredFacts::from(&facts))
                .map_err(|error| StoreError::Corrupt(error.to_string()))?;
            transaction.execute(
                "INSERT INTO account_facts (account_id, facts) VALUES (?1, ?2)
                 ON CONFLICT (account_id) DO UPDATE SET facts = excluded.facts",
                params![account.0, json],
            )?;
            transaction.commit()?;
            Ok(facts)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use crate::engine_api::link::{CheckName, CheckOutcome};
    use crate::engine_api::status::{CheckRecord, Quota, SubmissionStatus};
    use crate::model::account::SubmissionRoute;
    use crate::problem::{Problem, ProblemKind, Remedy};
    use crate::stdx::clock::{Clock, UnixSeconds};
    use crate::store::Store;
    use crate::store::facts::LearntFacts;

    #[tokio::test]
    async fn facts_come_back_as_they_were_kept() {
        let store = Store::in_memory(&Clock::system()).unwrap();
        let account = store.account_id(&"work".parse().unwrap()).await.unwrap();
        assert_eq!(store.facts(account).await.unwrap(), LearntFacts::default());

        let problem = Problem::new(ProblemKind::Network, "silent", "a", "b", Remedy::Retry);
        let record = |name, outcome| CheckRecord { name, outcome, at: UnixSeconds(7) };
        let facts = LearntFacts {
            scopes: vec!["one".to_owned()],
            signed_in_at: Some(UnixSeconds(1)),
            copied_at: Some(UnixSeconds(5)),
            refreshed_at: Some(UnixSeconds(2)),
            token_valid_until: Some(UnixSeconds(4)),
            sends_with: Some(SubmissionRoute::Graph),
            submission: SubmissionStatus::Failed(Box::new(problem.clone())),
            last_problem: Some((problem.clone(), UnixSeconds(3))),
            checks: vec![
                record(CheckName::Imap, CheckOutcome::Passed("9 folders".to_owned())),
                record(CheckName::Graph, CheckOutcome::Skipped("not needed".to_owned())),
                record(CheckName::Submission, CheckOutcome::Failed(Box::new(problem))),
            ],
            quota: Some(Quota { used_bytes: 5, limit_bytes: 10 }),
        };
        let kept = facts.clone();
        store.change_facts(account, move |known| *known = kept).await.unwrap();
        assert_eq!(store.facts(account).await.unwrap(), facts);
    }

    #[tokio::test]
    async fn a_sign_in_that_has_ended_is_not_said_to_mend_itself() {
        let store = Store::in_memory(&Clock::system()).unwrap();
        let account = store.account_id(&"work".parse().unwrap()).await.unwrap();
        let remedy = Remedy::SignInAgain(account);
        let problem = Problem::new(ProblemKind::SignInNeeded, "AADSTS50173", "a", "b", remedy);
        let kept = Some((problem, UnixSeconds(3)));
        let told = kept.clone();
        store.change_facts(account, move |known| known.last_problem = told).await.unwrap();
        assert_eq!(store.facts(account).await.unwrap().last_problem, kept);
    }
}
