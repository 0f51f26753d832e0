//! Changing folders: CREATE, RENAME, DELETE, and APPEND into one.

use crate::model::flags::{Flag, Flags};
use crate::model::folder::FolderRole;
use crate::model::ids::{Uid, UidValidity};
use crate::stdx::clock::UnixSeconds;
use crate::transport::error::{Transience, TransportError};
use crate::transport::imap::folders::listed;
use crate::transport::imap::names::quoted;
use crate::transport::imap::source::{ImapSource, Keywords};
use crate::transport::imap::wire::{Patience, answer_to, code_of};
use chrono::DateTime;
use imap_proto::rfc4315::UidSetMember;
use imap_proto::{Response, ResponseCode};

/// Literal bytes handed over at once; each piece has the time limit of its own.
const APPEND_PIECE_BYTES: usize = 64 * 1024;
/// Largest literal that need not be asked leave for with LITERAL- (RFC 7888, section 5).
const SMALL_LITERAL_BYTES: usize = 4_096;

/// Whether a literal may follow its announcement at once (RFC 7888).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiteralTurn {
    /// It may.
    AtOnce,
    /// The server says `+` first.
    Asked,
}

/// The attribute of a role (RFC 6154, section 2).
fn special_use(role: FolderRole) -> Option<&'static str> {
    match role {
        FolderRole::Drafts => Some("\\Drafts"),
        FolderRole::Sent => Some("\\Sent"),
        FolderRole::Archive => Some("\\Archive"),
        FolderRole::Junk => Some("\\Junk"),
        FolderRole::Trash => Some("\\Trash"),
        FolderRole::Inbox | FolderRole::Mail | FolderRole::Other => None,
    }
}

impl ImapSource {
    /// How a literal of this size is sent.
    pub(in crate::transport::imap) fn literal_turn(&self, size_bytes: usize) -> LiteralTurn {
        let has = |name| self.wire.capabilities.has(name);
        if has("LITERAL+") || (has("LITERAL-") && size_bytes <= SMALL_LITERAL_BYTES) {
            LiteralTurn::AtOnce
        } else {
            LiteralTurn::Asked
        }
    }

    /// Makes a folder and subscribes to it, so that other clients show it.
    pub(in crate::transport::imap) async fn create(
        &mut self,
        name: &str,
        role: Option<FolderRole>,
    ) -> Result<(), TransportError> {
        let folder = quoted(name);
        let tellable = self.wire.capabilities.has("CREATE-SPECIAL-USE");
        let special = role.and_then(special_use).filter(|_attribute| tellable);
        let subscribe = format!("SUBSCRIBE {folder}");
        if let Some(attribute) = special {
            let create = format!("CREATE {folder} (USE ({attribute}))");
            match self.run_then_follow(&[create, subscribe.clone()]).await {
                // Another folder has this use already, or the server gives it to none (USEATTR): it
                // can be made all the same.
                Err(TransportError::Refused { transient: Transience::Permanent, text }) => {
                    tracing::debug!(%text, "a folder cannot be made for its use");
                }
                other => return other,
            }
        }
        let commands = [format!("CREATE {folder}"), subscribe];
        match self.run_then_follow(&commands).await {
            Err(refused @ TransportError::Refused { transient: Transience::Permanent, .. }) => {
                // No word of it is the same on two servers, so the list decides.
                if self.is_listed(name).await? { Ok(()) } else { Err(refused) }
            }
            other => other,
        }
    }

    /// Gives a folder another name; the subscription follows.
    pub(in crate::transport::imap) async fn rename(
        &mut self,
        from: &str,
        to: &str,
    ) -> Result<(), TransportError> {
        self.step_out_of(from).await?;
        let (from, to) = (quoted(from), quoted(to));
        self.run_then_follow(&[
            format!("RENAME {from} {to}"),
            format!("UNSUBSCRIBE {from}"),
            format!("SUBSCRIBE {to}"),
        ])
        .await
    }

    /// Removes a folder.
    pub(in crate::transport::imap) async fn delete(
        &mut self,
        name: &str,
    ) -> Result<(), TransportError> {
        self.step_out_of(name).await?;
        let folder = quoted(name);
        match self
            .run_then_follow(&[format!("DELETE {folder}"), format!("UNSUBSCRIBE {folder}")])
            .await
        {
            Err(refused @ TransportError::Refused { transient: Transience::Permanent, .. }) => {
                if self.is_listed(name).await? {
                    Err(refused)
                } else {
                    Ok(())
                }
            }
            other => other,
        }
    }

    /// Runs commands in one round trip. The first decides; refusals of the others do not matter.
    async fn run_then_follow(&mut self, commands: &[String]) -> Result<(), TransportError> {
        let tags: Vec<_> =
            commands.iter().map(|command| self.wire.queue_command(command)).collect();
        self.wire.flush().await?;
        let mut outcome = None;
        for tag in tags {
            let answer = self.wire.finish(&tag, |_response| {}).await;
            match (&outcome, answer) {
                (None, answer @ (Ok(()) | Err(TransportError::Refused { .. }))) => {
                    outcome = Some(answer);
                }
                (Some(_), Ok(())) => {}
                (Some(_), Err(TransportError::Refused { text, .. })) => {
                    tracing::debug!(%text, "a subscription is refused");
                }
                (_, Err(error)) => return Err(error),
            }
        }
        outcome.unwrap_or(Ok(()))
    }

    async fn is_listed(&mut self, name: &str) -> Result<bool, TransportError> {
        let mut found = false;
        let command = format!("LIST \"\" {}", quoted(name));
        let answer = self.wire.run(&command, |response| {
            // The name may hold wildcards, which find others as well.
            found |= listed(response).is_some_and(|listed| listed.name == name);
        });
        answer.await?;
        Ok(found)
    }

    /// Leaves the open folder when it is this one or lies in it. Never with CLOSE, which expunges.
    async fn step_out_of(&mut self, name: &str) -> Result<(), TransportError> {
        let inside = self.open.as_ref().is_some_and(|open| open.name.starts_with(name));
        if !inside {
            return Ok(());
        }
        self.open = None;
        let command =
            if self.wire.capabilities.has("UNSELECT") { "UNSELECT" } else { "EXAMINE \"INBOX\"" };
        self.wire.run(command, |_response| {}).await
    }

    /// Files a message; its place where the server tells it.
    pub(in crate::transport::imap) async fn file(
        &mut self,
        folder: &str,
        flags: Flags,
        received_at: Option<UnixSeconds>,
        bytes: &[u8],
    ) -> Result<Option<(UidValidity, Uid)>, TransportError> {
        // What the folder that is open does not keep, its neighbours do not keep either.
        let refused = self.open.as_ref().is_some_and(|open| open.keywords == Keywords::Refused);
        let flags: Vec<&str> = flags
            .iter()
            .filter(|flag| !(refused && *flag == Flag::Forwarded))
            .map(Flag::imap_name)
            .collect();
        let date = received_at.and_then(date_time).map(|date| format!(" \"{date}\""));
        let size_bytes = bytes.len();
        let turn = self.literal_turn(size_bytes);
        let plus = match turn {
            LiteralTurn::AtOnce => "+",
            LiteralTurn::Asked => "",
        };
        let tag = self.wire.queue_command(&format!(
            "APPEND {} ({}){} {{{size_bytes}{plus}}}",
            quoted(folder),
            flags.join(" "),
            date.unwrap_or_default(),
        ));
        match turn {
            LiteralTurn::AtOnce => {}
            LiteralTurn::Asked => {
                self.wire.flush().await?;
                let mut going = None;
                while going.is_none() {
                    let turn = self.wire.next(Patience::Limited, |response| match response {
                        Response::Continue(_) => Some(Ok(())),
                        _ => answer_to(&tag, response),
                    });
                    going = turn.await?;
                }
                // A tagged NO before the `+`: the literal must not follow.
                going.unwrap_or(Ok(()))?;
            }
        }
        for piece in bytes.chunks(APPEND_PIECE_BYTES) {
            self.wire.queue(piece);
            self.wire.flush().await?;
        }
        self.wire.queue(b"\r\n");
        self.wire.flush().await?;
        let mut place = None;
        self.wire.finish(&tag, |response| place = appended(response).or(place)).await?;
        Ok(place)
    }
}

/// The place an APPENDUID code tells.
fn appended(response: &Response<'_>) -> Option<(UidValidity, Uid)> {
    let Some(ResponseCode::AppendUid(uid_validity, uids)) = code_of(response) else {
        return None;
    };
    let uid = match uids.first()? {
        UidSetMember::Uid(uid) => *uid,
        UidSetMember::UidRange(range) => *range.start(),
    };
    Some((UidValidity(*uid_validity), Uid::new(uid)?))
}

/// `date-time` of RFC 9051; `None` for years it cannot write.
fn date_time(at: UnixSeconds) -> Option<String> {
    let date = DateTime::from_timestamp(at.0, 0)?;
    let text = date.format("%e-%b-%Y %H:%M:%S +0000").to_string();
    (text.len() == "17-Jul-1996 02:44:25 +0000".len()).then_some(text)
}
