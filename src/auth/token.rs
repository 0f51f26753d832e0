//! Tokens as the sign-in server hands them out.

use crate::stdx::clock::UnixSeconds;
use secrecy::SecretString;

/// An access token with what is known of it. Opaque: never parsed (tokens of personal accounts are
/// no JWTs).
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The token.
    pub secret: SecretString,
    /// When it runs out.
    pub expires_at: UnixSeconds,
    /// What it is good for.
    pub scopes: Vec<String>,
}

/// The answer to a finished sign-in or a refresh.
#[derive(Clone, Debug)]
pub struct TokenSet {
    /// For the servers.
    pub access: AccessToken,
    /// For the next refresh; `None` when the server sent none and the old one stays good.
    pub refresh: Option<SecretString>,
    /// Who signed in: `preferred_username` of the id token, or `upn`, or `email`; `None` without
    /// an id token. It came over TLS from the token endpoint, so its signature is not checked
    /// (OpenID Connect Core, section 3.1.3.7, item 6).
    pub user: Option<String>,
}

/// Placeholder.
pub fn check_user(
    _expected: &crate::model::address::EmailAddress,
    _tokens: &TokenSet,
) -> Result<(), crate::auth::error::AuthError> {
    todo!()
}
