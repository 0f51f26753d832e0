//! The refusals this server knows, with Microsoft's words and numbers
//! (Microsoft: "Microsoft Entra authentication and authorization error codes").

use std::borrow::Cow;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The OAuth word clients decide by.
    pub error: &'static str,
    /// The AADSTS number people look up.
    pub code: u32,
    /// Text behind the number.
    pub text: Cow<'static, str>,
}

const fn refusal(error: &'static str, code: u32, text: &'static str) -> Refusal {
    Refusal { error, code, text: Cow::Borrowed(text) }
}

impl Refusal {
    /// The person has not decided yet.
    pub const PENDING: Self = refusal(
        "authorization_pending",
        70016,
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
    );
    /// The client asks too often.
    pub const SLOW_DOWN: Self = refusal(
        "slow_down",
        70016,
        "OAuth 2.0 device flow error. Polling too fast. Continue polling more slowly.",
    );
    /// The person pressed cancel; the RFC says `access_denied`, Entra does not.
    pub const DECLINED: Self =
        refusal("authorization_declined", 65004, "User declined to consent to access the app.");
    /// The code's time is up.
    pub const EXPIRED: Self =
        refusal("expired_token", 70019, "The verification code has expired. Restart the sign-in.");
    /// Nobody got this device code.
    pub const BAD_CODE: Self =
        refusal("bad_verification_code", 70018, "Bad verification code. The code is not known.");
    /// The device code's tokens were handed out already.
    pub const CODE_USED: Self =
        refusal("invalid_grant", 54005, "OAuth2 Authorization code was already redeemed.");
    /// The sign-in behind a refresh token was ended.
    pub const REVOKED: Self = refusal(
        "invalid_grant",
        50173,
        "The provided grant has expired due to it being revoked, a fresh auth token is needed.",
    );
    /// Nobody got this refresh token.
    pub const BAD_REFRESH_TOKEN: Self =
        refusal("invalid_grant", 9_002_313, "Invalid request. Request is malformed or invalid.");
    /// No such tenant.
    pub const UNKNOWN_TENANT: Self = refusal(
        "invalid_request",
        90002,
        "Tenant not found. Check to make sure you have the correct tenant ID.",
    );
    /// No such app.
    pub const UNKNOWN_APP: Self = refusal(
        "unauthorized_client",
        700_016,
        "Application with that identifier was not found in the directory.",
    );
    /// A GET where a POST belongs.
    pub const NOT_A_POST: Self = refusal(
        "invalid_request",
        900_561,
        "The endpoint only accepts POST requests. Received a GET request.",
    );
    /// A grant this server does not know.
    pub const UNKNOWN_GRANT: Self =
        refusal("unsupported_grant_type", 70003, "The app requested an unsupported grant type.");

    /// A parameter is missing.
    pub fn missing(parameter: &str) -> Self {
        let text = format!("The request body must contain the following parameter: '{parameter}'.");
        Self { error: "invalid_request", code: 900_144, text: Cow::Owned(text) }
    }
}
