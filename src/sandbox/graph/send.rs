//! Who asks, and what becomes of a message they send.

use crate::sandbox::control::Submitted;
use crate::sandbox::graph::answers::{Answer, Refusal, nothing};
use crate::sandbox::headers::{Subset, split, subset, value};
use crate::sandbox::people::{Person, person};
use crate::sandbox::post::{self, SentBytes};
use crate::sandbox::world::World;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap};
use std::sync::Arc;

/// Whose token it is, and what it is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whose.
    pub person: Person,
    /// Permissions without the resource, such as `Mail.Send`.
    permissions: Vec<String>,
}

impl Caller {
    /// The caller of a request. A token of another audience is none here.
    pub fn of(world: &World, headers: &HeaderMap) -> Result<Self, Refusal> {
        let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|text| text.strip_prefix("Bearer "));
        let token = token.ok_or(Refusal::INVALID_TOKEN)?;
        let now = world.now();
        let audience = format!("{}/", world.graph_root());
        world.read(|state| {
            let grant = state.tokens.access(token, now).ok_or(Refusal::EXPIRED_TOKEN)?;
            let permissions: Vec<String> = grant
                .scopes
                .iter()
                .filter_map(|scope| scope.strip_prefix(&audience))
                .map(str::to_owned)
                .collect();
            if permissions.is_empty() {
                return Err(Refusal::INVALID_TOKEN);
            }
            Ok(Self { person: grant.person, permissions })
        })
    }

    /// Fails unless the token carries this permission.
    pub fn needs(&self, permission: &str) -> Result<(), Refusal> {
        let has = self.permissions.iter().any(|held| held == permission);
        if has { Ok(()) } else { Err(Refusal::ACCESS_DENIED) }
    }

    /// The mailbox meant by an address in a path: one's own, or one shared with the caller.
    pub fn mailbox(&self, world: &World, named: &str) -> Result<Person, Refusal> {
        if named.is_empty() {
            return Ok(self.person);
        }
        let meant = person(named).ok_or(Refusal::NO_SUCH_MAILBOX)?;
        let open = world.read(|state| state.may_open(self.person, meant));
        if open { Ok(meant) } else { Err(Refusal::ACCESS_DENIED) }
    }

    /// Takes a message for all in To, Cc and Bcc. The Sent copy keeps the Bcc, nobody else sees it.
    pub fn send(&self, world: &Arc<World>, mailbox: &str, mime: &[u8]) -> Result<Answer, Refusal> {
        self.needs("Mail.Send")?;
        let mailbox = self.mailbox(world, mailbox)?;
        let from = value(mime, "From").unwrap_or_default();
        let author = addresses(&from).pop().and_then(|address| person(&address));
        let allowed =
            author.is_some_and(|author| world.read(|state| state.may_open(self.person, author)));
        if !allowed {
            return Err(Refusal::SEND_AS_DENIED);
        }
        let fields = ["To", "Cc", "Bcc"].map(|name| value(mime, name).unwrap_or_default());
        let recipients: Vec<String> = fields.iter().flat_map(|field| addresses(field)).collect();
        if recipients.is_empty() {
            return Err(Refusal::NO_RECIPIENTS);
        }
        let (_header, body) = split(mime);
        let without_bcc = subset(mime, Subset::Others, &[b"Bcc".to_vec()]);
        let bytes = [without_bcc.as_slice(), body].concat().into();
        let submitted = Submitted { sender: mailbox.address.to_owned(), recipients, bytes };
        post::accept(world, submitted, SentBytes::Kept(mime.into()));
        Ok(nothing(StatusCode::ACCEPTED))
    }
}

/// The MIME message in a body.
pub fn decoded(body: &[u8]) -> Result<Vec<u8>, Refusal> {
    STANDARD.decode(body.trim_ascii()).map_err(|_error| Refusal::NO_BASE64)
}

/// The addresses of a field; the words around them are passed over.
fn addresses(field: &str) -> Vec<String> {
    field
        .split(',')
        .map(|entry| entry.rsplit_once('<').map_or(entry, |(_name, address)| address))
        .map(|address| address.trim_matches(['<', '>', ' ', '\t', '\r', '\n']).to_owned())
        .filter(|address| address.contains('@'))
        .collect()
}
