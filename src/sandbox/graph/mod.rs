//! Microsoft Graph as far as sending goes: `/me`, `sendMail` with a MIME body, drafts with upload
//! sessions; its words, error shapes and limits.
//!
//! Microsoft: "user: sendMail", "Send Outlook messages in MIME format", "Attach large files to
//! Outlook messages", "Microsoft Graph error responses and resource types".

mod answers;
pub mod drafts;
mod send;

use crate::sandbox::control::{Counter, GraphFault, GraphStage};
use crate::sandbox::graph::answers::{Answer, Dropped, Refusal, json, nothing, refuse};
use crate::sandbox::graph::send::Caller;
use crate::sandbox::world::World;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// Longest request in bytes (Microsoft: "Microsoft Graph throttling limits": 4 MB).
const REQUEST_LIMIT_BYTES: usize = 4 * 1024 * 1024;
/// Longest wait for the head of a request; a keep-alive connection ends after it.
const HEAD_LIMIT: Duration = Duration::from_secs(60);

/// Serves one connection to its end.
pub async fn serve(stream: TlsStream<TcpStream>, world: Arc<World>) {
    let service = service_fn(move |request| answer(request, Arc::clone(&world)));
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the sandbox's Graph ended early");
    }
}

/// What is asked for, by path. A mailbox is an address, and empty for the caller's own.
#[derive(Debug, PartialEq, Eq)]
enum Route {
    Profile,
    SendMail { mailbox: String },
    NewDraft { mailbox: String },
    Draft { id: String },
    AddFile { id: String },
    NewUpload { id: String },
    SendDraft { mailbox: String, id: String },
    Piece { key: String },
    Unknown,
}

fn route(path: &str) -> Route {
    let parts: Vec<String> = path.trim_matches('/').split('/').map(unescaped).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let (mailbox, rest) = match parts.as_slice() {
        ["v1.0", "me"] => return Route::Profile,
        ["upload", key] => return Route::Piece { key: (*key).to_owned() },
        ["v1.0", "me", rest @ ..] => (String::new(), rest),
        ["v1.0", "users", mailbox, rest @ ..] => ((*mailbox).to_owned(), rest),
        _ => return Route::Unknown,
    };
    match rest {
        ["sendMail"] => Route::SendMail { mailbox },
        ["messages"] => Route::NewDraft { mailbox },
        ["messages", id] => Route::Draft { id: (*id).to_owned() },
        ["messages", id, "attachments"] => Route::AddFile { id: (*id).to_owned() },
        ["messages", id, "attachments", "createUploadSession"] => {
            Route::NewUpload { id: (*id).to_owned() }
        }
        ["messages", id, "send"] => Route::SendDraft { mailbox, id: (*id).to_owned() },
        _ => Route::Unknown,
    }
}

/// Undoes percent-encoding. A `+` in a path is a plus.
fn unescaped(part: &str) -> String {
    let form = format!("x={}", part.replace('+', "%2B"));
    let mut pairs = url::form_urlencoded::parse(form.as_bytes());
    pairs.next().map(|(_name, value)| value.into_owned()).unwrap_or_default()
}

async fn answer(request: Request<Incoming>, world: Arc<World>) -> Result<Answer, Dropped> {
    let (head, body) = request.into_parts();
    let route = route(head.uri.path());
    let Ok(body) = Limited::new(body, REQUEST_LIMIT_BYTES).collect().await else {
        return Ok(refuse(&Refusal::TOO_LARGE));
    };
    let body = body.to_bytes();
    let stage = match &route {
        Route::Profile => GraphStage::Profile,
        Route::SendMail { .. } | Route::SendDraft { .. } => GraphStage::Send,
        Route::NewDraft { .. }
        | Route::Draft { .. }
        | Route::AddFile { .. }
        | Route::NewUpload { .. }
        | Route::Piece { .. }
        | Route::Unknown => GraphStage::Draft,
    };
    let fault = world.change(|state| {
        state.count(Counter::GraphRequests);
        state.faults.next_graph(stage)
    });
    match fault {
        None => Ok(honest(&world, &head.method, route, &head.headers, &body)),
        Some(GraphFault::Answer { status, code, retry_after_s }) => {
            Ok(answers::scripted(status, code, retry_after_s))
        }
        Some(GraphFault::Cut) => Err(Dropped),
        Some(GraphFault::CutAfterwards) => {
            honest(&world, &head.method, route, &head.headers, &body);
            Err(Dropped)
        }
    }
}

fn honest(
    world: &Arc<World>,
    method: &Method,
    route: Route,
    headers: &HeaderMap,
    body: &Bytes,
) -> Answer {
    if let Route::Piece { key } = &route {
        // The address is the key; the service behind it knows no tokens.
        let named = headers.contains_key(AUTHORIZATION);
        let range = headers.get("content-range").and_then(|value| value.to_str().ok());
        return match named {
            true => refuse(&Refusal::INVALID_TOKEN),
            false => drafts::take_piece(world, key, range.unwrap_or_default(), body),
        };
    }
    let caller = match Caller::of(world, headers) {
        Ok(caller) => caller,
        Err(refusal) => return refuse(&refusal),
    };
    let mime = || match headers.get(CONTENT_TYPE).map(|value| value.as_bytes()) {
        Some(b"text/plain") => send::decoded(body),
        Some(_) | None => Err(Refusal::NO_MIME),
    };
    let done = match (method, route) {
        (&Method::GET, Route::Profile) => Ok(profile(&caller)),
        (&Method::POST, Route::SendMail { mailbox }) => {
            mime().and_then(|mime| caller.send(world, &mailbox, &mime))
        }
        (&Method::POST, Route::NewDraft { mailbox }) => {
            mime().and_then(|mime| drafts::create(world, &caller, &mailbox, mime))
        }
        (&Method::POST, Route::AddFile { id }) => drafts::add_file(world, &caller, &id, body),
        (&Method::POST, Route::NewUpload { id }) => drafts::begin(world, &caller, &id, body),
        (&Method::POST, Route::SendDraft { mailbox, id }) => {
            drafts::whole(world, &id).and_then(|mime| {
                let sent = caller.send(world, &mailbox, &mime)?;
                drafts::forget(world, &id);
                Ok(sent)
            })
        }
        (&Method::DELETE, Route::Draft { id }) => {
            drafts::forget(world, &id);
            Ok(nothing(StatusCode::NO_CONTENT))
        }
        _ => Err(Refusal::UNKNOWN_PATH),
    };
    done.unwrap_or_else(|refusal| refuse(&refusal))
}

fn profile(caller: &Caller) -> Answer {
    let person = caller.person;
    json(
        StatusCode::OK,
        &json!({
            "displayName": person.name,
            "mail": person.address,
            "userPrincipalName": person.address,
        }),
    )
}

#[cfg(test)]
mod tests {
    use crate::sandbox::graph::{Route, route};

    #[test]
    fn a_path_names_a_mailbox_and_what_is_done_there() {
        #[track_caller]
        fn check(path: &str, expected: Route) {
            assert_eq!(route(path), expected, "{path}");
        }
        let (own, shared) = (String::new(), "it+support@example.org".to_owned());
        check("/v1.0/me", Route::Profile);
        check("/v1.0/me/sendMail", Route::SendMail { mailbox: own.clone() });
        let path = "/v1.0/users/it+support%40example.org/sendMail";
        check(path, Route::SendMail { mailbox: shared });
        let id = "AAM/k=".to_owned();
        check("/v1.0/me/messages/AAM%2Fk=/send", Route::SendDraft { mailbox: own, id });
        check("/beta/me/sendMail", Route::Unknown);
        check("/", Route::Unknown);
    }
}
