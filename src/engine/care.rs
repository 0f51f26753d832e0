//! Changes of the accounts themselves: saving, renaming, moving secrets, exporting, importing,
//! removing.
//!
//! Each keeps the order that a crash cannot hurt: secrets first where they are needed, the
//! configuration last; what is superfluous is removed only after that.

use crate::config::{ConfigError, ConfigFile};
use crate::engine::access::AccountAccess;
use crate::engine::facts::learn;
use crate::engine::failure::Failure;
use crate::engine::link::{LinkResult, choose_place};
use crate::engine::supervisor::Supervisor;
use crate::engine::withdrawal::Withdrawal;
use crate::engine_api::command::AccountChange;
use crate::engine_api::link::SecretsChoice;
use crate::engine_api::status::SubmissionStatus;
use crate::model::account::{
    AccountName, AccountSettings, SecretsKind, SignInMethod, SubmissionRoute,
};
use crate::model::ids::AccountId;
use crate::problem::Problem;
use crate::secrets::{SecretKind, SecretPlaces, bundle};
use crate::stdx::clock::UnixSeconds;
use crate::store::facts::LearntFacts;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Format of an exported file; another number is refused.
const BUNDLE_VERSION: u32 = 1;

/// The content of an exported file.
#[derive(Serialize, Deserialize)]
struct Bundle {
    version: u32,
    /// `[[account]]` tables.
    config: String,
    /// Secrets by account name, then by kind.
    secrets: BTreeMap<String, BTreeMap<String, String>>,
}

impl Supervisor {
    /// Saves a new account and starts it.
    pub(in crate::engine) async fn save(
        &mut self,
        result: LinkResult,
    ) -> Result<AccountId, Failure> {
        let LinkResult { settings, secrets, report } = result;
        // Its name may have been taken since the sign-in began, and with it the place of its secrets.
        if self.config.config().account(&settings.name).is_some() {
            return Err(ConfigError::Duplicate(settings.name).problem().into());
        }
        self.take_over(&secrets, &settings).await?;
        let id = self.store.account_id(&settings.name).await?;
        let now = self.clock.now();
        self.store
            .change_facts(id, move |facts| {
                facts.signed_in_at = Some(now);
                report.learn(facts);
            })
            .await?;
        self.config.add_account(&settings).map_err(|error| Failure::from(error.problem()))?;
        Ok(self.start_account(settings).await?)
    }

    /// Keeps the secrets of a new sign-in to a linked account, and its rung of the ladder.
    pub(in crate::engine) async fn keep_sign_in(
        &mut self,
        account: AccountId,
        result: LinkResult,
    ) -> Result<(), Failure> {
        let LinkResult { settings, secrets, report } = result;
        self.take_over(&secrets, &settings).await?;
        let now: UnixSeconds = self.clock.now();
        let learnt = move |facts: &mut LearntFacts| {
            facts.signed_in_at = Some(now);
            facts.copied_at = None;
            report.learn(facts);
        };
        learn(&self.store, &self.reporter, account, learnt).await;
        // The keeper may hold tokens of the earlier sign-in in memory.
        self.replace(account, settings).await
    }

    /// Keeps what a sign-in gathered in memory where the account's secrets belong.
    async fn take_over(
        &self,
        gathered: &SecretPlaces,
        settings: &AccountSettings,
    ) -> Result<(), Failure> {
        let secrets = gathered.read_account(&settings.name, SecretsKind::Memory).await?;
        let places = &self.access.secrets;
        Ok(places.write_account(&settings.name, settings.secrets, &secrets).await?)
    }

    /// Removes an account here; what is returned can still be withdrawn at the sign-in server.
    pub(in crate::engine) async fn remove(
        &mut self,
        account: AccountId,
    ) -> Result<Option<Withdrawal>, Failure> {
        let access = self.linked(account)?;
        let counts = self.store.outbox_counts(account).await?;
        if 0 < counts.waiting + counts.stuck {
            return Err(Problem::outbox_not_empty().into());
        }
        let name = access.settings.name.clone();
        let sign_in = self.own_sign_in(&access).await;
        self.config.remove_account(&name).map_err(|error| Failure::from(error.problem()))?;
        self.stop(account);
        self.access.secrets.delete_account(&name, access.settings.secrets).await?;
        self.store.remove_account(account).await?;
        self.reporter.remove_account(account);
        Ok(sign_in)
    }

    pub(in crate::engine) async fn rename(
        &mut self,
        account: AccountId,
        name: AccountName,
    ) -> Result<(), Failure> {
        let access = self.linked(account)?;
        let (old, kind) = (access.settings.name.clone(), access.settings.secrets);
        if old == name {
            return Ok(());
        }
        if self.config.config().account(&name).is_some() {
            return Err(ConfigError::Duplicate(name).problem().into());
        }
        let places = self.access.secrets.clone();
        places.copy_to_name(&old, &name, kind).await?;
        if let Err(error) = self.config.rename_account(&old, &name) {
            places.delete_account(&name, kind).await?;
            return Err(error.problem().into());
        }
        self.store.rename_account(account, &name).await?;
        self.restart_all_from_config().await?;
        Ok(places.delete_account(&old, kind).await?)
    }

    /// Changes how an account works, and runs it that way.
    pub(in crate::engine) async fn change(
        &mut self,
        account: AccountId,
        change: AccountChange,
    ) -> Result<(), Failure> {
        let access = self.linked(account)?;
        let AccountChange { route, display_name, secret_expires } = change;
        let before = access.settings.clone();
        let settings = AccountSettings {
            route: route.unwrap_or(before.route),
            display_name: display_name.unwrap_or_else(|| before.display_name.clone()),
            secret_expires: secret_expires.or(before.secret_expires),
            ..before.clone()
        };
        if settings == before {
            return Ok(());
        }
        let graph = settings.route == SubmissionRoute::Graph;
        if graph && settings.method == SignInMethod::Password {
            return Err(Problem::no_token_for_password().into());
        }
        if settings.route != before.route {
            // What is known of sending was learnt on the way that is left.
            let untried = |facts: &mut LearntFacts| facts.submission = SubmissionStatus::Unknown;
            self.store.change_facts(account, untried).await?;
        }
        self.replace(account, settings).await
    }

    pub(in crate::engine) async fn move_secrets(
        &mut self,
        account: AccountId,
        to: SecretsChoice,
    ) -> Result<(), Failure> {
        let access = self.linked(account)?;
        let from = access.settings.secrets;
        let (to, _reason) = choose_place(&self.access.secrets, to).await?;
        if from == to {
            return Ok(());
        }
        let name = access.settings.name.clone();
        let places = self.access.secrets.clone();
        // In memory every place is the same one.
        if Arc::ptr_eq(&places.open(from).await?, &places.open(to).await?) {
            return Ok(());
        }
        places.copy_account(&name, from, to).await?;
        let settings = AccountSettings { secrets: to, ..access.settings.clone() };
        self.replace(account, settings).await?;
        Ok(places.delete_account(&name, from).await?)
    }

    pub(in crate::engine) async fn export(
        &self,
        accounts: &[AccountId],
        passphrase: SecretString,
    ) -> Result<Vec<u8>, Failure> {
        let mut config = ConfigFile::in_memory();
        let mut secrets = BTreeMap::new();
        for account in accounts {
            let access = self.linked(*account)?;
            let settings = &access.settings;
            config.add_account(settings).map_err(|error| Failure::from(error.problem()))?;
            let places = &self.access.secrets;
            let kept = places.read_account(&settings.name, settings.secrets).await?;
            let kept = kept
                .into_iter()
                .map(|(kind, secret)| (kind.as_str().to_owned(), secret.expose_secret().to_owned()))
                .collect::<BTreeMap<_, _>>();
            secrets.insert(settings.name.as_str().to_owned(), kept);
        }
        let content = Bundle { version: BUNDLE_VERSION, config: config.text().to_owned(), secrets };
        let json = serde_json::to_vec(&content).map(Zeroizing::new);
        let json = json.map_err(|error| Problem::bundle_unusable(&error.to_string()))?;
        let bundle = sealed(json, passphrase).await?;
        for account in accounts {
            self.mark_copied(*account).await?;
        }
        Ok(bundle)
    }

    async fn mark_copied(&self, account: AccountId) -> Result<(), Failure> {
        let now = self.clock.now();
        self.store.change_facts(account, move |facts| facts.copied_at = Some(now)).await?;
        Ok(())
    }

    pub(in crate::engine) async fn import(
        &mut self,
        sealed: Vec<u8>,
        passphrase: SecretString,
        secrets: SecretsChoice,
    ) -> Result<Vec<AccountId>, Failure> {
        let bundle = unsealed(sealed, passphrase).await?;
        let mut accounts = ConfigFile::parse(&bundle.config)
            .map_err(|error| Failure::from(error.problem()))?
            .accounts;
        // A shared mailbox names the account whose sign-in it borrows, so that one comes first.
        accounts.sort_by_key(|settings| settings.shared_via.is_some());
        let known = &self.config.config().accounts;
        if let Some(taken) =
            accounts.iter().find(|new| known.iter().any(|old| old.name == new.name))
        {
            return Err(Problem::bundle_unusable(&format!(
                "There is already an account named {}.",
                taken.name
            ))
            .into());
        }
        let (kind, _reason) = choose_place(&self.access.secrets, secrets).await?;
        let mut imported = Vec::new();
        for settings in accounts {
            let kept = bundle.secrets.get(settings.name.as_str());
            let secrets = SecretKind::ALL
                .into_iter()
                .filter_map(|kind| {
                    let secret = kept?.get(kind.as_str())?;
                    Some((kind, SecretString::from(secret.clone())))
                })
                .collect();
            self.access.secrets.write_account(&settings.name, kind, &secrets).await?;
            let settings = AccountSettings { secrets: kind, ..settings };
            self.config.add_account(&settings).map_err(|error| Failure::from(error.problem()))?;
            let account = self.start_account(settings).await?;
            self.mark_copied(account).await?;
            imported.push(account);
        }
        Ok(imported)
    }

    fn linked(&self, account: AccountId) -> Result<Arc<AccountAccess>, Problem> {
        let running = self.accounts.get(&account).ok_or_else(Problem::no_such_account)?;
        Ok(Arc::clone(&running.access))
    }

    fn stop(&mut self, account: AccountId) {
        if let Some(running) = self.accounts.remove(&account) {
            running.cancel.cancel();
        }
    }

    /// Writes changed settings and runs the account with them, and every account that borrows its
    /// sign-in.
    async fn replace(
        &mut self,
        account: AccountId,
        settings: AccountSettings,
    ) -> Result<(), Failure> {
        self.config.replace_account(&settings).map_err(|error| Failure::from(error.problem()))?;
        let name = settings.name.clone();
        self.stop(account);
        self.start_account(settings).await?;
        let borrowers: Vec<_> = self
            .accounts
            .values()
            .map(|running| Arc::clone(&running.access))
            .filter(|access| access.settings.shared_via.as_ref() == Some(&name))
            .collect();
        for borrower in borrowers {
            self.stop(borrower.id);
            self.start_account(borrower.settings.clone()).await?;
        }
        Ok(())
    }

    async fn restart_all_from_config(&mut self) -> Result<(), Failure> {
        let ids: Vec<_> = self.accounts.keys().copied().collect();
        for id in ids {
            self.stop(id);
        }
        let (shared, own): (Vec<_>, Vec<_>) = self
            .config
            .config()
            .accounts
            .clone()
            .into_iter()
            .partition(|settings| settings.shared_via.is_some());
        for settings in own.into_iter().chain(shared) {
            self.start_account(settings).await?;
        }
        Ok(())
    }
}

async fn sealed(json: Zeroizing<Vec<u8>>, passphrase: SecretString) -> Result<Vec<u8>, Failure> {
    let seal = move || bundle::seal(&json, &passphrase);
    let sealed = tokio::task::spawn_blocking(seal).await;
    Ok(sealed.map_err(|error| Problem::bundle_unusable(&error.to_string()))??)
}

async fn unsealed(sealed: Vec<u8>, passphrase: SecretString) -> Result<Bundle, Failure> {
    let open = move || bundle::open(&sealed, &passphrase);
    let opened = tokio::task::spawn_blocking(open).await;
    let json = opened.map_err(|error| Problem::bundle_unusable(&error.to_string()))??;
    let bundle: Bundle = serde_json::from_slice(&json)
        .map_err(|_error| Problem::bundle_unusable("It is not an export of Posthaste."))?;
    if bundle.version != BUNDLE_VERSION {
        let reason = "It was written by another version of Posthaste.";
        return Err(Problem::bundle_unusable(reason).into());
    }
    Ok(bundle)
}
