//! What Graph's answers mean, as a pure function of status and body.

use crate::transport::error::{Transience, TransportError};
use serde::Deserialize;
use std::time::Duration;

/// Most of Graph's own words taken into an error, in characters.
const MESSAGE_LIMIT_CHARS: usize = 500;
/// Longest pause that is waited out here: a longer one is left to the outbox.
const PAUSE_LIMIT: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Pause asked for with `Retry-After`, in seconds.
    pub retry_after_s: Option<u64>,
    /// The body, cut at the limit of [`crate::transport::graph::client`].
    pub body: Vec<u8>,
}

/// Graph's error object (Microsoft: "Microsoft Graph error responses and resource types").
#[derive(Debug, Deserialize)]
struct ErrorBody {
    error: ErrorObject,
}

#[derive(Debug, Deserialize)]
struct ErrorObject {
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default, rename = "innerError")]
    inner: InnerError,
}

#[derive(Debug, Default, Deserialize)]
struct InnerError {
    #[serde(default, rename = "request-id")]
    request_id: String,
}

impl Answer {
    /// Whether the request was done.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    fn error(&self) -> Option<ErrorObject> {
        let body: ErrorBody = serde_json::from_slice(&self.body).ok()?;
        Some(body.error).filter(|error| !error.code.is_empty())
    }

    /// Status, Graph's code, its words and the number its support asks for, in one line.
    fn text(&self) -> String {
        let Some(ErrorObject { code, message, inner }) = self.error() else {
            let status = http::StatusCode::from_u16(self.status).ok();
            let reason = status.and_then(|status| status.canonical_reason()).unwrap_or_default();
            return format!("{} {reason}", self.status).trim_end().to_owned();
        };
        let message: String =
            message.trim().chars().filter(|c| !c.is_control()).take(MESSAGE_LIMIT_CHARS).collect();
        let mut text = format!("{} {code}: {message}", self.status);
        if !inner.request_id.is_empty() {
            text.push_str(&format!(" (request-id {})", inner.request_id));
        }
        text
    }

    /// The error that an answer other than the one hoped for is.
    #[must_use]
    pub fn refusal(&self, server: &str) -> TransportError {
        let text = self.text();
        match self.status {
            401 => TransportError::AuthRefused { server: server.to_owned(), text },
            408 | 429 | 500 | 502..=504 => {
                TransportError::Refused { text, transient: Transience::Transient }
            }
            _ => TransportError::Refused { text, transient: Transience::Permanent },
        }
    }

    /// Judges the answer to the request that sends the message: 202 and nothing else is a yes.
    ///
    /// # Errors
    /// [`TransportError::InDoubt`] when a gateway answered in Graph's place: what stands behind it
    /// may have taken the message. Otherwise as [`Self::refusal`].
    pub fn accepted(&self, server: &str) -> Result<(), TransportError> {
        match self.status {
            202 => Ok(()),
            502 | 504 => Err(TransportError::InDoubt),
            500..=599 if self.error().is_none() => Err(TransportError::InDoubt),
            200..=299 => Err(TransportError::Refused {
                text: format!("{}: Microsoft Graph did not take the message (202)", self.text()),
                transient: Transience::Permanent,
            }),
            _ => Err(self.refusal(server)),
        }
    }
}

/// How long to wait before asking again after `tries` tries: what the server says, or twice as long
/// each time. `None` when that is too long to wait here.
#[must_use]
pub fn pause(retry_after_s: Option<u64>, tries: u32) -> Option<Duration> {
    let pause = match retry_after_s {
        Some(seconds) => Duration::from_secs(seconds),
        None => Duration::from_secs(1_u64 << tries.min(10)),
    };
    (pause <= PAUSE_LIMIT).then_some(pause)
}

#[cfg(test)]
mod tests {
    use crate::transport::error::{Transience, TransportError};
    use crate::transport::graph::answer::{Answer, pause};
    use std::time::Duration;

    fn outcome(result: Result<(), TransportError>) -> String {
        match result {
            Ok(()) => "sent".to_owned(),
            Err(TransportError::AuthRefused { text, .. }) => format!("auth: {text}"),
            Err(TransportError::Refused { text, transient: Transience::Transient }) => {
                format!("later: {text}")
            }
            Err(TransportError::Refused { text, transient: Transience::Permanent }) => {
                format!("no: {text}")
            }
            Err(TransportError::InDoubt) => "in doubt".to_owned(),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_202_is_a_yes_and_only_a_clear_no_is_a_no() {
        #[track_caller]
        fn check(status: u16, code: &str, expected: &str) {
            let body = if code.is_empty() {
                b"<html>".to_vec()
            } else {
                let error = serde_json::json!({ "code": code, "message": "why\r\n" });
                serde_json::json!({ "error": error }).to_string().into_bytes()
            };
            let answer = Answer { status, retry_after_s: None, body };
            assert_eq!(outcome(answer.accepted("graph:443")), expected, "{status} {code}");
        }
        check(202, "", "sent");
        check(200, "", "no: 200 OK: Microsoft Graph did not take the message (202)");
        check(201, "", "no: 201 Created: Microsoft Graph did not take the message (202)");
        check(302, "", "no: 302 Found");
        check(
            400,
            "ErrorMimeContentInvalidBase64String",
            "no: 400 ErrorMimeContentInvalidBase64String: why",
        );
        check(401, "InvalidAuthenticationToken", "auth: 401 InvalidAuthenticationToken: why");
        check(401, "", "auth: 401 Unauthorized");
        check(403, "ErrorAccessDenied", "no: 403 ErrorAccessDenied: why");
        check(403, "ErrorSendAsDenied", "no: 403 ErrorSendAsDenied: why");
        check(404, "MailboxNotEnabledForRESTAPI", "no: 404 MailboxNotEnabledForRESTAPI: why");
        check(413, "ErrorMessageSizeExceeded", "no: 413 ErrorMessageSizeExceeded: why");
        check(413, "", "no: 413 Payload Too Large");
        check(429, "ApplicationThrottled", "later: 429 ApplicationThrottled: why");
        check(429, "", "later: 429 Too Many Requests");
        check(500, "ErrorInternalServerError", "later: 500 ErrorInternalServerError: why");
        check(503, "ServiceUnavailable", "later: 503 ServiceUnavailable: why");
        // A gateway does not know what became of the request behind it.
        check(500, "", "in doubt");
        check(502, "", "in doubt");
        check(503, "", "in doubt");
        check(504, "UnknownError", "in doubt");
    }

    #[test]
    fn the_number_that_support_asks_for_is_kept() {
        let body = r#"{"error":{"code":"ErrorAccessDenied","message":"Access is denied.",
                      "innerError":{"date":"x","request-id":"7f","client-request-id":"8a"}}}"#;
        let answer = Answer { status: 403, retry_after_s: None, body: body.into() };
        let text = "403 ErrorAccessDenied: Access is denied. (request-id 7f)";
        assert_eq!(outcome(Err(answer.refusal("graph:443"))), format!("no: {text}"));
    }

    #[test]
    fn a_pause_is_what_the_server_says_or_grows() {
        let seconds = |s| Some(Duration::from_secs(s));
        assert_eq!(pause(Some(0), 3), seconds(0));
        assert_eq!(pause(Some(60), 0), seconds(60));
        assert_eq!(pause(Some(61), 0), None);
        assert_eq!([pause(None, 0), pause(None, 1), pause(None, 2)], [1, 2, 4].map(seconds));
        assert_eq!(pause(None, u32::MAX), None);
    }
}
