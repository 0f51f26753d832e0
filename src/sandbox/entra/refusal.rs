//! The refusals this server knows, with Microsoft's words and numbers
//! (Microsoft: "Microsoft Entra authentication and authorization error codes").

use std::borrow::Cow;
use std::fmt;

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
    /// The person pressed cancel in the browser.
    pub const CANCELLED: Self =
        refusal("access_denied", 65004, "User declined to consent to access the app.");
    /// Nobody got this code from a browser.
    pub const BAD_BROWSER_CODE: Self =
        refusal("invalid_grant", 9_002_313, "Invalid request. Request is malformed or invalid.");
    /// The code's time is up.
    pub const BROWSER_CODE_EXPIRED: Self = refusal(
        "invalid_grant",
        70008,
        "The provided authorization code or refresh token has expired due to inactivity.",
    );
    /// The code was issued for another way back.
    pub const OTHER_REDIRECT: Self = refusal(
        "invalid_grant",
        500_112,
        "The reply address does not match the reply address provided when requesting the code.",
    );
    /// Somebody else began the sign-in.
    pub const WRONG_VERIFIER: Self = refusal(
        "invalid_grant",
        501_481,
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
    );
    /// The sign-in was begun without a challenge.
    pub const NO_PKCE: Self =
        refusal("invalid_request", 9_002_325, "Proof Key for Code Exchange is required.");
    /// The way back is not registered.
    pub const REDIRECT_MISMATCH: Self = refusal(
        "invalid_request",
        50011,
        "The redirect URI specified in the request does not match the redirect URIs configured for \
         the application.",
    );
    /// A token for two resources at once.
    pub const TWO_RESOURCES: Self = refusal(
        "invalid_request",
        28000,
        "Provided value for the input parameter scope is not valid because it contains more than \
         one resource.",
    );
    /// A permission that does not exist.
    pub const BAD_SCOPE: Self = refusal(
        "invalid_scope",
        70011,
        "The provided value for the input parameter 'scope' is not valid.",
    );
    /// Nobody agreed to what is asked for.
    pub const NO_CONSENT: Self = refusal(
        "invalid_grant",
        65001,
        "The user or administrator has not consented to use the application.",
    );
    /// The same for a personal account.
    pub const NO_CONSENT_PERSONAL: Self = refusal(
        "invalid_grant",
        70000,
        "The request was denied because one or more scopes requested are unauthorized or expired. \
         The user must first sign in and grant the client application access to the requested scope.",
    );
    /// A public app sent a secret.
    pub const SECRET_SUPERFLUOUS: Self = refusal(
        "invalid_client",
        700_025,
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
    );
    /// A confidential app sent none.
    pub const SECRET_MISSING: Self = refusal(
        "invalid_client",
        7_000_218,
        "The request body must contain the following parameter: 'client_assertion' or \
         'client_secret'.",
    );
    /// A confidential app sent another.
    pub const SECRET_WRONG: Self = refusal(
        "invalid_client",
        7_000_215,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client \
         secret value, not the client secret ID.",
    );
    /// A confidential app sent one that has run out.
    pub const SECRET_EXPIRED: Self =
        refusal("invalid_client", 7_000_222, "The provided client secret keys are expired.");
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

/// The number and the text, as they begin every description.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AADSTS{}: {}", self.code, self.text)
    }
}
