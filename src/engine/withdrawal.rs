//! What the sign-in server is told about an account that was removed: its sign-in is over.
//!
//! The account is gone already, so that nothing here can keep it.

use crate::auth::revocation::{Revoked, revoke};
use crate::engine::access::AccountAccess;
use crate::engine::supervisor::Supervisor;
use crate::model::account::SignInMethod;
use crate::secrets::SecretKind;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;

/// Longest wait for the sign-in server, twice a slow handshake: somebody looks at the screen.
const LIMIT: Duration = Duration::from_secs(5);

/// A sign-in to withdraw.
pub(in crate::engine) struct Withdrawal {
    access: Arc<AccountAccess>,
    refresh_token: SecretString,
    client_secret: Option<SecretString>,
}

impl Supervisor {
    /// The sign-in of an account that is about to be removed; `None` when it is not ours alone:
    /// made by another program, or copied to or from another machine.
    pub(in crate::engine) async fn own_sign_in(
        &self,
        access: &Arc<AccountAccess>,
    ) -> Option<Withdrawal> {
        let settings = &access.settings;
        let sends_secret = match settings.method {
            SignInMethod::DeviceCode => false,
            SignInMethod::Browser => true,
            SignInMethod::RefreshToken
            | SignInMethod::TokenCommand
            | SignInMethod::Password
            | SignInMethod::ClientCredentials => return None,
        };
        let facts = self.store.facts(access.id).await.ok()?;
        if settings.shared_via.is_some() || facts.copied_at.is_some() {
            return None;
        }
        let places = &self.access.secrets;
        let kept = places.read_account(&settings.name, settings.secrets).await.ok()?;
        let find = |kind| kept.iter().find(|(known, _)| *known == kind).map(|(_, s)| s.clone());
        let refresh_token = find(SecretKind::RefreshToken)?;
        let client_secret = find(SecretKind::ClientSecret).filter(|_| sends_secret);
        Some(Withdrawal { access: Arc::clone(access), refresh_token, client_secret })
    }
}

impl Withdrawal {
    /// Withdraws it as well as can be within [`LIMIT`]; a failure is logged only.
    pub(in crate::engine) async fn carry_out(self) {
        let account = self.access.id.0;
        match tokio::time::timeout(LIMIT, self.ask()).await {
            Ok(Some(Revoked::Yes)) => tracing::info!(account, "the sign-in is withdrawn"),
            Ok(Some(Revoked::NotOffered)) => {
                tracing::debug!(account, "the sign-in server withdraws nothing");
            }
            Ok(None) => {}
            Err(_elapsed) => tracing::warn!(account, "withdrawing the sign-in took too long"),
        }
    }

    async fn ask(&self) -> Option<Revoked> {
        let account = self.access.id.0;
        let http = match self.access.http().await {
            Ok(http) => http,
            Err(failure) => {
                let problem = failure.problem(None);
                tracing::warn!(account, code = problem.code, "the sign-in is not withdrawn");
                return None;
            }
        };
        let app = &self.access.settings.oauth;
        let secret = self.client_secret.as_ref();
        match revoke(http, app, secret, &self.refresh_token).await {
            Ok(revoked) => Some(revoked),
            Err(error) => {
                tracing::warn!(account, %error, "the sign-in is not withdrawn");
                None
            }
        }
    }
}
