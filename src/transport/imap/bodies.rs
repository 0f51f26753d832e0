//! Whole messages of the open folder: as many in one command as their sizes allow.
//!
//! A message that cannot be had, because the server refuses it or its answer cannot be read, costs
//! itself only: what is missing from a command that went wrong is asked for once more, one by one.

use crate::model::ids::Uid;
use crate::transport::WantedMessage;
use crate::transport::error::TransportError;
use crate::transport::imap::fetch::{Fetched, uid_sets};
use crate::transport::imap::fetching::{MESSAGE_ITEMS, passing_is_fatal};
use crate::transport::imap::source::{ImapSource, gone_is_fine};
use crate::transport::imap::wire::Tag;
use imap_proto::Response;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use tokio::sync::mpsc;

/// Announced bytes of the messages in one command; a larger message has one of its own. Answers lie
/// in memory until their command ends, and a cut loses no more than this.
const COMMAND_BYTES: u64 = 1024 * 1024;
/// Messages in one command at most: their UIDs fit into a line that every server takes.
const COMMAND_MESSAGES: usize = 250;
/// What counts for a message whose size nobody has told, in bytes.
const UNKNOWN_SIZE_BYTES: u32 = 32 * 1024;
/// Commands under way at once: while one is answered the next is there already.
const COMMANDS_AHEAD: usize = 2;
/// Bytes of answers held at once, for a server that announces little and sends much. What comes
/// beyond is asked for again, one by one.
const HELD_LIMIT_BYTES: usize = 32 * 1024 * 1024;

/// A command under way.
struct Asked {
    uids: Vec<Uid>,
    tag: Tag,
    /// What could not be read before it was sent.
    left_out: u64,
}

/// What has come and is not handed over yet. An answer may come before its turn (RFC 9051, section
/// 5.5).
#[derive(Default)]
struct Held {
    bodies: BTreeMap<Uid, Vec<u8>>,
    bytes: usize,
    /// What came and found no room.
    dropped: BTreeSet<Uid>,
}

impl Held {
    fn take(&mut self, response: &Response<'_>, is_wanted: impl Fn(Uid) -> bool) {
        let body = Fetched::read(response).and_then(Fetched::into_any_body);
        let Some((uid, bytes)) = body.filter(|(uid, _bytes)| is_wanted(*uid)) else { return };
        if HELD_LIMIT_BYTES < self.bytes.saturating_add(bytes.len()) && !self.bodies.is_empty() {
            self.dropped.insert(uid);
            return;
        }
        self.bytes += bytes.len();
        let before = self.bodies.insert(uid, bytes);
        self.bytes -= before.map_or(0, |bytes| bytes.len());
    }

    fn give(&mut self, uid: Uid) -> Option<Vec<u8>> {
        let bytes = self.bodies.remove(&uid)?;
        self.bytes -= bytes.len();
        Some(bytes)
    }
}

impl ImapSource {
    /// Whole messages in the order of `wanted`, with the next ones under way.
    pub(in crate::transport::imap) async fn messages(
        &mut self,
        wanted: &[WantedMessage],
        out: &mpsc::Sender<(Uid, Vec<u8>)>,
    ) -> Result<(), TransportError> {
        let mut waiting = commands(wanted);
        let mut ahead: VecDeque<Asked> = VecDeque::new();
        let mut held = Held::default();
        let mut refused = None;
        let mut answered = 0_usize;
        loop {
            while ahead.len() < COMMANDS_AHEAD
                && !out.is_closed()
                && let Some(uids) = waiting.pop_front()
            {
                // One set: its messages are few.
                let set = uid_sets(&uids).join(",");
                let tag = self.wire.queue_command(&format!("UID FETCH {set} {MESSAGE_ITEMS}"));
                ahead.push_back(Asked { uids, tag, left_out: self.wire.left_out() });
            }
            self.wire.flush().await?;
            let Some(Asked { uids, tag, left_out }) = ahead.pop_front() else {
                // When none can be had, the refusal was not about a message.
                return match refused {
                    Some(error) if answered == 0 => Err(error),
                    Some(_) | None => Ok(()),
                };
            };
            let is_wanted =
                |uid: Uid| uids.contains(&uid) || ahead.iter().any(|next| next.uids.contains(&uid));
            let answer = self.wire.finish(&tag, |response| held.take(response, is_wanted)).await;
            let answer = gone_is_fine(passing_is_fatal(answer)?);
            let unread = left_out != self.wire.left_out();
            let mut again = Vec::new();
            for uid in &uids {
                match held.give(*uid) {
                    // A receiver that is gone ends the loop; what is under way is read first.
                    Some(body) => drop(out.send((*uid, body)).await),
                    None if held.dropped.remove(uid) => again.push(*uid),
                    None if 1 < uids.len() && (unread || answer.is_err()) => again.push(*uid),
                    None => {}
                }
            }
            match answer {
                Ok(_done) => answered += 1,
                Err(error) if uids.len() == 1 => {
                    tracing::warn!(?uids, %error, "a message is refused");
                    refused = Some(error);
                }
                Err(error) => tracing::info!(%error, "messages are asked for one by one"),
            }
            for uid in again.into_iter().rev() {
                waiting.push_front(vec![uid]);
            }
        }
    }
}

/// Which messages go into one command each, in order.
fn commands(wanted: &[WantedMessage]) -> VecDeque<Vec<Uid>> {
    let mut commands: VecDeque<Vec<Uid>> = VecDeque::new();
    let mut bytes = 0_u64;
    for WantedMessage { uid, size_bytes } in wanted {
        let size_bytes = if *size_bytes == 0 { UNKNOWN_SIZE_BYTES } else { *size_bytes };
        bytes += u64::from(size_bytes);
        match commands.back_mut() {
            Some(command) if bytes <= COMMAND_BYTES && command.len() < COMMAND_MESSAGES => {
                command.push(*uid);
            }
            Some(_) | None => {
                commands.push_back(vec![*uid]);
                bytes = u64::from(size_bytes);
            }
        }
    }
    commands
}

#[cfg(test)]
mod tests {
    use crate::model::ids::Uid;
    use crate::transport::WantedMessage;
    use crate::transport::imap::bodies::{COMMAND_MESSAGES, commands};
    use crate::transport::imap::tests::{LOGIN, outcome, session, streamed, wanted};

    /// Brings messages 1 to 3 of one byte each, asked for in one command.
    #[track_caller]
    fn check(script: &'static str, expected: Result<Vec<u32>, &str>) -> impl Future<Output = ()> {
        let expected = expected.map_err(str::to_owned);
        async move {
            let (found, _heard) = session(LOGIN, script, |source| {
                Box::pin(async { streamed(source, &wanted(&[3, 2, 1], 1)).await })
            })
            .await;
            let words = outcome(&found);
            let found = found.map(|found| found.into_iter().map(|(uid, _bytes)| uid).collect());
            assert_eq!(found.map_err(|_error| words), expected, "{script}");
        }
    }

    #[tokio::test]
    async fn many_messages_take_one_command_and_come_in_the_order_they_were_asked_for() {
        check(
            "C: $ UID FETCH 1:3 (UID BODY.PEEK[])
            S: * 1 FETCH (UID 1 BODY[] {1}
            S: a)
            S: * 3 FETCH (UID 3 BODY[] {1}
            S: c)
            S: * 9 FETCH (UID 9 BODY[] {1}
            S: z)
            S: $ OK done",
            Ok(vec![3, 1]),
        )
        .await;
    }

    #[tokio::test]
    async fn a_refused_message_costs_itself_only() {
        check(
            "C: $ UID FETCH 1:3 (UID BODY.PEEK[])
            S: * 3 FETCH (UID 3 BODY[] {1}
            S: c)
            S: $ NO this message is broken
            C: $ UID FETCH 2 (UID BODY.PEEK[])
            C: $ UID FETCH 1 (UID BODY.PEEK[])
            S: A0005 NO this message is broken
            S: * 1 FETCH (UID 1 BODY[] {1}
            S: a)
            S: $ OK done",
            Ok(vec![3, 1]),
        )
        .await;
    }

    #[tokio::test]
    async fn a_refusal_of_everything_is_no_empty_answer() {
        check(
            "C: $ UID FETCH 1:3 (UID BODY.PEEK[])
            S: $ NO not today
            C: $ UID FETCH 3 (UID BODY.PEEK[])
            C: $ UID FETCH 2 (UID BODY.PEEK[])
            S: A0005 NO not today
            C: $ UID FETCH 1 (UID BODY.PEEK[])
            S: A0006 NO not today
            S: $ NO not today",
            Err("no: not today"),
        )
        .await;
    }

    #[tokio::test]
    async fn an_answer_that_cannot_be_read_is_asked_for_once_more() {
        check(
            "C: $ UID FETCH 1:3 (UID BODY.PEEK[])
            S: * 1 FETCH (UID 1 BODY[] {1}
            S: a)
            S: * 2 FETCH (UID 2 BODY[] (b))
            S: $ OK done
            C: $ UID FETCH 3 (UID BODY.PEEK[])
            C: $ UID FETCH 2 (UID BODY.PEEK[])
            S: A0005 OK gone
            S: * 2 FETCH (UID 2 BODY[] {1}
            S: b)
            S: $ OK done",
            Ok(vec![1, 2]),
        )
        .await;
    }

    #[test]
    fn commands_ask_for_what_fits_in_order_and_a_large_message_has_its_own() {
        #[track_caller]
        fn check(sizes: &[u32], expected: &[usize]) {
            let wanted: Vec<WantedMessage> = (1..)
                .zip(sizes)
                .map(|(uid, size)| WantedMessage { uid: Uid::new(uid).unwrap(), size_bytes: *size })
                .collect();
            let commands = commands(&wanted);
            assert_eq!(commands.iter().map(Vec::len).collect::<Vec<_>>(), expected, "{sizes:?}");
            let asked: Vec<Uid> = commands.into_iter().flatten().collect();
            assert_eq!(asked, wanted.iter().map(|wanted| wanted.uid).collect::<Vec<_>>());
        }
        let mib = 1024 * 1024;
        check(&[], &[]);
        check(&[1], &[1]);
        check(&[mib / 2, mib / 2, 1], &[2, 1]);
        check(&[1, 30 * mib, 1, 1], &[1, 1, 2]);
        check(&[u32::MAX, u32::MAX], &[1, 1]);
        check(&[0; 33], &[32, 1]);
        check(&vec![1; COMMAND_MESSAGES + 1], &[COMMAND_MESSAGES, 1]);
    }
}
