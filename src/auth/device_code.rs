//! The device authorization grant (RFC 8628) as Entra ID speaks it.

use crate::auth::error::AuthError;
use crate::auth::http::HttpClient;
use crate::auth::token::TokenSet;
use crate::model::account::OAuthApp;
use crate::stdx::clock::{Clock, UnixSeconds};

/// A code waiting for a person.
#[derive(Clone, Debug)]
pub struct DeviceCode {
    /// What the person types.
    pub user_code: String,
    /// Where: exactly what the server sent, checked to be https (or loopback).
    pub verification_uri: String,
    /// When it runs out.
    pub expires_at: UnixSeconds,
    // The helper adds private fields (the device code itself as a secret, the interval).
}

/// Asks for a code.
///
/// # Errors
/// [`AuthError::Refused`], [`AuthError::Unreachable`], [`AuthError::UnsafePage`], [`AuthError::NotUnderstood`].
pub async fn request(
    _http: &HttpClient,
    _app: &OAuthApp,
    _scopes: &[&str],
    _clock: &Clock,
) -> Result<DeviceCode, AuthError> {
    todo!()
}

/// Asks again and again, no faster than the server allows, until someone has signed in.
/// `on_trouble` hears of questions that got no answer; they are asked again.
///
/// # Errors
/// [`AuthError::Declined`], [`AuthError::CodeExpired`], [`AuthError::Refused`].
///
/// # Cancel safety
/// Cancel safe: dropping it stops the questions; the code then runs out by itself.
pub async fn wait(
    _http: &HttpClient,
    _app: &OAuthApp,
    _code: &DeviceCode,
    _clock: &Clock,
    _on_trouble: &(dyn Fn(String) + Send + Sync),
) -> Result<TokenSet, AuthError> {
    todo!()
}
