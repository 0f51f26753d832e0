//! HTTP answers in Graph's shape.

use crate::sandbox::tokens::random_text;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

/// What goes back.
pub type Answer = Response<Full<Bytes>>;

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection was dropped on request")]
pub struct Dropped;

/// A refusal: status, code and words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(pub StatusCode, pub &'static str, pub &'static str);

impl Refusal {
    pub const INVALID_TOKEN: Self = Self(
        StatusCode::UNAUTHORIZED,
        "InvalidAuthenticationToken",
        "Access token validation failure. Invalid audience.",
    );
    pub const EXPIRED_TOKEN: Self = Self(
        StatusCode::UNAUTHORIZED,
        "InvalidAuthenticationToken",
        "Lifetime validation failed, the token is expired.",
    );
    pub const ACCESS_DENIED: Self = Self(
        StatusCode::FORBIDDEN,
        "ErrorAccessDenied",
        "Access is denied. Check credentials and try again.",
    );
    pub const SEND_AS_DENIED: Self = Self(
        StatusCode::FORBIDDEN,
        "ErrorSendAsDenied",
        "The user account which was used to submit this request does not have the right to send \
         mail on behalf of the specified sending account.",
    );
    pub const NO_SUCH_MAILBOX: Self =
        Self(StatusCode::NOT_FOUND, "ErrorInvalidUser", "The requested user is invalid.");
    pub const NO_SUCH_ITEM: Self = Self(
        StatusCode::NOT_FOUND,
        "ErrorItemNotFound",
        "The specified object was not found in the store.",
    );
    pub const UNKNOWN_PATH: Self =
        Self(StatusCode::BAD_REQUEST, "BadRequest", "Resource not found for the segment.");
    pub const NO_MIME: Self = Self(
        StatusCode::BAD_REQUEST,
        "RequestBodyRead",
        "The sandbox takes messages in MIME format only (Content-Type: text/plain).",
    );
    pub const NO_BASE64: Self = Self(
        StatusCode::BAD_REQUEST,
        "ErrorMimeContentInvalidBase64String",
        "Invalid base64 string for MIME content.",
    );
    pub const NO_RECIPIENTS: Self = Self(
        StatusCode::BAD_REQUEST,
        "ErrorInvalidRecipients",
        "At least one recipient is not valid.",
    );
    pub const BAD_PIECE: Self = Self(
        StatusCode::RANGE_NOT_SATISFIABLE,
        "InvalidRange",
        "The uploaded fragment does not follow the one before it.",
    );
    pub const TOO_SMALL: Self = Self(
        StatusCode::BAD_REQUEST,
        "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize",
        "Attachment size must be greater than the minimum size.",
    );
    pub const TOO_LARGE: Self = Self(
        StatusCode::PAYLOAD_TOO_LARGE,
        "RequestEntityTooLarge",
        "The maximum request length supported is 4MB.",
    );
}

/// A JSON answer.
pub fn json(status: StatusCode, body: &Value) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body.to_string())));
    *answer.status_mut() = status;
    let content_type = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, content_type);
    answer
}

/// An answer without a body.
pub fn nothing(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::new()));
    *answer.status_mut() = status;
    answer
}

/// A refusal with the number that support asks for.
pub fn refuse(refusal: &Refusal) -> Answer {
    let Refusal(status, code, message) = *refusal;
    let inner = json!({ "date": "2026-11-20T07:00:00", "request-id": random_text("", 12) });
    json(status, &json!({ "error": { "code": code, "message": message, "innerError": inner } }))
}

/// What a test asked for: with an error object where there is a code.
pub fn scripted(status: u16, code: &'static str, retry_after_s: Option<u32>) -> Answer {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = match code {
        "" => nothing(status),
        code => refuse(&Refusal(status, code, "The request was refused as scripted.")),
    };
    if let Some(seconds) = retry_after_s {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}
