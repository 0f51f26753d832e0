//! The owner's account as if it had been linked in an earlier run: the demo opens at once, and a test
//! that is not about signing in does without it.

use crate::auth::error::AuthError;
use crate::auth::http::HttpClient;
use crate::auth::keeper::{Grant, KeeperSetup, SendSecret, TokenKeeper};
use crate::auth::scopes;
use crate::auth::token::{AccessToken, TokenSet};
use crate::config::{ConfigError, ConfigFile};
use crate::model::account::Resource;
use crate::sandbox::certificates::{CertificateError, trusting};
use crate::sandbox::people::OWNER;
use crate::sandbox::tokens::{AccountKind, SignIn, Way};
use crate::sandbox::{CLIENT_ID, Sandbox};
use crate::secrets::{SecretError, SecretPlaces};

/// Why the account could not be put in place.
#[derive(Debug, thiserror::Error)]
pub enum LinkedError {
    /// The configuration did not take it.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The place of secrets could not be opened.
    #[error(transparent)]
    Secrets(#[from] SecretError),
    /// The tokens could not be kept.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// The sandbox's authority is not usable.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

impl Sandbox {
    /// Puts the owner's account into `config` and good tokens for it into `secrets`, without a device
    /// code: what an engine started with both finds linked.
    ///
    /// # Errors
    /// [`LinkedError`].
    pub async fn link(
        &self,
        config: &mut ConfigFile,
        secrets: &SecretPlaces,
    ) -> Result<(), LinkedError> {
        let settings = self.settings();
        let http = HttpClient::new(&trusting(self.root())?).map_err(AuthError::Unreachable)?;
        let keeper = TokenKeeper::new(KeeperSetup {
            account: settings.name.clone(),
            app: settings.oauth.clone(),
            grant: Grant::RefreshToken,
            client_secret: SendSecret::Never,
            resources: settings.resources.clone(),
            secrets: secrets.open(settings.secrets).await?,
            http,
            clock: self.world.options().clock.clone(),
            lock_file: None,
        });
        keeper.store(&self.sign_in()).await?;
        config.add_account(&settings)?;
        Ok(())
    }

    /// Signs the owner in with every scope, as the token endpoint would.
    fn sign_in(&self) -> TokenSet {
        let sign_in = SignIn {
            person: OWNER,
            client_id: CLIENT_ID.to_owned(),
            scopes: scopes::consent(&self.settings.resources),
            way: Way::DeviceCode,
            account: AccountKind::Work,
        };
        let expires_at = self.world.now().plus(self.world.options().access_token_lifetime_s);
        let granted =
            self.world.change(|state| state.tokens.grant(&sign_in, Resource::Outlook, expires_at));
        TokenSet {
            access: AccessToken {
                secret: granted.access_token.into(),
                expires_at,
                scopes: granted.scopes,
            },
            refresh: granted.refresh_token.map(Into::into),
            user: Some(OWNER.address.to_owned()),
        }
    }
}
