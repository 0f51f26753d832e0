//! Moves and copies whose line broke while the server was at them.

use crate::engine::replay::fake_server::{Cut, FakeServer};
use crate::engine::replay::tests::{Pair, kinds};
use crate::model::acting::MessageAct;
use crate::transport::Abilities;

/// The command of a first transfer, behind SELECT and STATUS.
const TRANSFER: u32 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Move,
    Copy,
}

/// What a folder shows: without what only waits to be expunged.
fn shown(server: &FakeServer, folder: &str) -> Vec<String> {
    let names = server.names(folder).into_iter();
    names.filter(|name| !name.contains("deleted")).collect()
}

/// One transfer, cut, and done again. Every message is once where it belongs, two that cannot be
/// told apart are two, and one that was there before stays.
async fn check(server: FakeServer, verb: Verb, cut: Cut) {
    let abilities = server.world.lock().unwrap().abilities;
    let context = format!("{verb:?}, {cut:?}, {abilities:?}");
    let pair = Pair::new(server).await;
    for (folder, name) in [("INBOX", "twin"), ("INBOX", "twin"), ("Other", "twin")] {
        pair.server.deliver(folder, name);
    }
    pair.look().await;
    let other = pair.folder_id("Other").await;
    let act = match verb {
        Verb::Move => MessageAct::Move(other),
        Verb::Copy => MessageAct::Copy(other),
    };
    pair.act("INBOX", &["a", "b", "twin"], act).await;
    assert!(pair.replay(Some(cut)).await.is_err(), "{context}");
    assert_eq!(pair.replay(None).await.unwrap().failures, [], "{context}");
    assert!(!pair.server.is_at_it(), "{context}");
    assert_eq!(shown(&pair.server, "Other"), ["a", "b", "twin", "twin", "twin"], "{context}");
    match verb {
        Verb::Move => assert_eq!(shown(&pair.server, "INBOX"), ["c"], "{context}"),
        Verb::Copy => assert_eq!(shown(&pair.server, "INBOX").len(), 5, "{context}"),
    }
    pair.server.log();
    pair.replay(None).await.unwrap();
    assert_eq!(pair.server.log(), [""; 0], "{context}");
}

fn servers() -> impl Iterator<Item = FakeServer> {
    let bare = FakeServer::new(Abilities::default());
    let silent = FakeServer::new(Abilities { uidplus: true, ..Abilities::default() });
    silent.world.lock().unwrap().tells_uids = false;
    kinds().into_iter().chain([bare, silent])
}

#[tokio::test(start_paused = true)]
async fn a_transfer_that_was_done_by_half_is_made_whole() {
    for verb in [Verb::Move, Verb::Copy] {
        for cut in [Cut::Before, Cut::After, Cut::Half, Cut::Both] {
            for server in servers() {
                check(server, verb, cut(TRANSFER)).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_transfer_that_is_carried_out_late_is_waited_for_or_its_doubles_go() {
    for verb in [Verb::Move, Verb::Copy] {
        for commands in 0..LAST_BEFORE_THE_CHECK {
            for server in servers() {
                check(server, verb, Cut::Late(TRANSFER, commands)).await;
            }
        }
    }
}

/// Commands of a second try until it looks for the last time at what came.
const LAST_BEFORE_THE_CHECK: u32 = 35;
