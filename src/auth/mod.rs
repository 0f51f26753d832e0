//! Signing in: device code, tokens, and refreshing them one at a time.

pub mod device_code;
mod entra;
pub mod error;
pub mod http;
pub mod keeper;
mod refresh;
#[cfg(test)]
mod test_server;
pub mod token;

/// Scopes asked for at sign-in: IMAP and SMTP of Exchange Online, a refresh token, and who it is.
/// Unqualified names would mean Microsoft Graph (Microsoft: "Authenticate an IMAP, POP or SMTP
/// connection using OAuth").
pub const MAIL_SCOPES: [&str; 6] = [
    "https://outlook.office.com/IMAP.AccessAsUser.All",
    "https://outlook.office.com/SMTP.Send",
    "offline_access",
    "openid",
    "profile",
    "email",
];
