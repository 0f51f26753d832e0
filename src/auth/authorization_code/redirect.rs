//! What comes back from the browser: the query of the redirect (RFC 6749, section 4.1.2), as it
//! arrives on loopback or as a person pastes it.

use crate::auth::authorization_code::AuthCode;
use crate::auth::entra::EntraError;
use crate::auth::error::AuthError;
use crate::problem::catalogue;
use secrecy::SecretString;
use url::form_urlencoded;

/// Longest text that is read, in characters. Addresses with a code have some 1,500, of which codes
/// of personal accounts are the longest part.
const PASTE_LIMIT_CHARS: usize = 16 * 1024;
/// Shortest and longest code in characters. Entra's have 300 to 2,000; what is shorter was typed.
const CODE_LENGTH_CHARS: std::ops::RangeInclusive<usize> = 16..=8 * 1024;

/// The parameters that matter. RFC 6749 forbids a parameter to come twice, so one that does is
/// `None`: nobody can say which of the two was meant.
pub(crate) struct Query {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    description: Option<String>,
    /// How personal accounts say that the person pressed Cancel.
    subcode: Option<String>,
}

impl Query {
    /// Reads a query, without its `?`.
    pub(crate) fn read(query: &str) -> Self {
        // No value of ours has a blank in it, but codes of personal accounts may have a bare `+`.
        let is_text = |name: &str| name == "error_description";
        let value = |wanted: &str| {
            let found = query.split('&').filter_map(|pair| {
                let whole =
                    if is_text(wanted) { pair.to_owned() } else { pair.replace('+', "%2B") };
                let (name, value) = form_urlencoded::parse(whole.as_bytes()).next()?;
                (name == wanted).then(|| value.into_owned())
            });
            let mut found = found.filter(|value| !value.is_empty());
            let first = found.next();
            first.filter(|_| found.next().is_none())
        };
        Self {
            code: value("code"),
            state: value("state"),
            error: value("error"),
            description: value("error_description"),
            subcode: value("error_subcode"),
        }
    }

    /// The code, if it belongs to the sign-in with this `state`.
    pub(crate) fn code(&self, state: &str) -> Result<AuthCode, AuthError> {
        match self.state.as_deref() {
            Some(found) if found == state => {}
            Some(_) => return not_understood("it belongs to another sign-in"),
            None => return not_understood("its end is missing: the whole address is needed"),
        }
        if let Some(error) = &self.error {
            return Err(self.refusal(error));
        }
        self.code.as_deref().map_or_else(|| not_understood("there is no code in it"), checked)
    }

    fn refusal(&self, error: &str) -> AuthError {
        let refusal = EntraError::in_redirect(error, self.description.as_deref());
        let known = refusal.code().and_then(catalogue::for_aadsts).is_some();
        let cancelled = self.subcode.as_deref() == Some("cancel");
        // RFC 6749 means a person by it; with a number that is known it is a rule of Entra's.
        if error == "access_denied" && (cancelled || !known) {
            return AuthError::Declined;
        }
        refusal.refused(&[])
    }
}

/// Reads what a person pasted for the sign-in with this `state`.
pub(crate) fn read_pasted(pasted: &str, state: &str) -> Result<AuthCode, AuthError> {
    if PASTE_LIMIT_CHARS < pasted.chars().count() {
        return not_understood("it is far too long");
    }
    let unbroken: String =
        pasted.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
    let text = unbroken.trim_matches(|c| matches!(c, '"' | '\'' | '<' | '>' | '`'));
    if text.is_empty() {
        return not_understood("it is empty");
    }
    if let Some((_address, query)) = text.split_once(['?', '#']) {
        return Query::read(query.split('#').next().unwrap_or_default()).code(state);
    }
    if text.contains("://") {
        return not_understood("there is no code in it");
    }
    let is_query = ["code=", "error=", "state=", "session_state="];
    if is_query.iter().any(|name| text.starts_with(name)) {
        return Query::read(text).code(state);
    }
    // A bare code, perhaps copied with what follows it.
    let (code, rest) = text.split_once('&').unwrap_or((text, ""));
    let rest = Query::read(rest);
    if rest.state.is_some_and(|found| found != state) {
        return not_understood("it belongs to another sign-in");
    }
    let code = Query::read(&format!("code={code}")).code;
    code.as_deref().map_or_else(|| not_understood("there is no code in it"), checked)
}

fn checked(code: &str) -> Result<AuthCode, AuthError> {
    let sound = code.chars().all(|c| c.is_ascii_graphic());
    if sound && CODE_LENGTH_CHARS.contains(&code.len()) {
        Ok(AuthCode(SecretString::from(code)))
    } else {
        not_understood("its code is not whole")
    }
}

fn not_understood(why: &'static str) -> Result<AuthCode, AuthError> {
    Err(AuthError::RedirectNotUnderstood(why))
}
