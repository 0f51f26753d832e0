//! HTTP answers in Entra's shape.

use crate::sandbox::entra::refusal::Refusal;
use crate::sandbox::tokens::random_text;
use crate::stdx::clock::UnixSeconds;
use chrono::DateTime;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LOCATION};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

/// What goes back.
pub type Answer = Response<Full<Bytes>>;

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection was dropped on request")]
pub struct Dropped;

fn respond(status: StatusCode, content_type: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store, no-cache"));
    answer
}

/// A JSON answer.
pub fn json(status: StatusCode, body: &Value) -> Answer {
    respond(status, "application/json; charset=utf-8", body.to_string())
}

/// A page.
pub fn html(status: StatusCode, body: String) -> Answer {
    respond(status, "text/html; charset=utf-8", body)
}

/// Sends a browser elsewhere; a page when the address cannot stand in a header.
pub fn redirect(location: &str) -> Answer {
    let mut answer = html(StatusCode::FOUND, String::new());
    match HeaderValue::from_str(location) {
        Ok(location) => {
            answer.headers_mut().insert(LOCATION, location);
            answer
        }
        Err(_) => html(StatusCode::BAD_REQUEST, String::new()),
    }
}

/// A refusal: status 401 for an app that does not prove itself, else 400 whatever the reason.
pub fn refuse(refusal: &Refusal, now: UnixSeconds) -> Answer {
    let Refusal { error, code, .. } = refusal;
    let status = match *error {
        "invalid_client" => StatusCode::UNAUTHORIZED,
        _ => StatusCode::BAD_REQUEST,
    };
    let timestamp = DateTime::from_timestamp(now.0, 0).unwrap_or_default();
    let timestamp = timestamp.format("%Y-%m-%d %H:%M:%SZ").to_string();
    let trace_id = random_text("", 16);
    let correlation_id = random_text("", 16);
    json(
        status,
        &json!({
            "error": error,
            "error_description": format!(
                "{refusal} Trace ID: {trace_id} Correlation ID: {correlation_id} Timestamp: \
                 {timestamp}"
            ),
            "error_codes": [code],
            "timestamp": timestamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
            "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
        }),
    )
}
