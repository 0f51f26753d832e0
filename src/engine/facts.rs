//! What the account board tells: configured and learnt facts, put together.

use crate::engine::reporter::Reporter;
use crate::engine_api::status::AccountFacts;
use crate::model::account::AccountSettings;
use crate::model::ids::AccountId;
use crate::store::Store;
use crate::store::facts::LearntFacts;

/// The facts that stand in the configuration.
#[must_use]
pub fn configured(settings: &AccountSettings) -> AccountFacts {
    let (tenant, client_id) = if settings.method.needs_app() {
        (settings.oauth.tenant.clone(), settings.oauth.client_id.clone())
    } else {
        (String::new(), String::new())
    };
    AccountFacts {
        method: Some(settings.method),
        route: Some(settings.route),
        tenant,
        client_id,
        shared_via: settings.shared_via.clone(),
        secret_expires: settings.secret_expires,
        identities: settings.all_identities(),
        settings: Some(Box::new(settings.clone())),
        ..AccountFacts::default()
    }
}

/// Keeps something learnt and shows it. Facts that cannot be kept cost a line on the board only.
pub async fn learn(
    store: &Store,
    reporter: &Reporter,
    account: AccountId,
    change: impl FnOnce(&mut LearntFacts) + Send + 'static,
) {
    match store.change_facts(account, change).await {
        Ok(learnt) => {
            reporter.change_account(account, |status| learnt.complete(&mut status.facts));
        }
        Err(error) => tracing::warn!(account = account.0, "a fact is not kept: {error}"),
    }
}
