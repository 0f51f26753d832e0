//! The IMAP client against both servers the sandbox plays.

use crate::model::flags::{Flag, FlagChange, Flags};
use crate::model::ids::{Uid, UidRange};
use crate::model::query::ServerTerm;
use crate::sandbox::Sandbox;
use crate::sandbox::certificates::trusting;
use crate::sandbox::control::Counter;
use crate::sandbox::options::{Personality, SandboxOptions};
use crate::sandbox::tests::client::{START, options, sign_in, start};
use crate::transport::imap::connect;
use crate::transport::{
    ConnectRequest, Credential, KnownState, MailSource, OpenedFolder, WantedMessage,
};
use tokio::sync::mpsc;

const OWNER: &str = "ada@example.org";
const MAIL: &[u8] = b"From: grace@example.org\r\nSubject: =?utf-8?q?One?=\r\n\
                      Content-Type: text/plain\r\n\r\nHello K\xc3\xbcche\r\n";

async fn connected(sandbox: &Sandbox) -> Box<dyn MailSource> {
    let token = sign_in(sandbox).await["access_token"].as_str().unwrap().to_owned();
    let request = ConnectRequest {
        endpoint: sandbox.settings().imap,
        tls: trusting(sandbox.root()).unwrap(),
        user: OWNER.parse().unwrap(),
        credential: Credential::Token(token.into()),
    };
    connect(&request).await.unwrap()
}

fn uid(raw: u32) -> Uid {
    Uid::new(raw).unwrap()
}

fn everything() -> UidRange {
    UidRange { first: uid(1), last: uid(u32::MAX) }
}

fn known(opened: &OpenedFolder) -> Option<KnownState> {
    let state = opened.state;
    Some(KnownState {
        uid_validity: state.uid_validity,
        highest_modseq: state.highest_modseq,
        uid_next: state.uid_next,
        newest: 50,
    })
}

const BOTH: [Personality; 2] = [Personality::Exchange, Personality::Dovecot];

#[tokio::test]
async fn a_large_folder_is_listed_from_the_top_and_then_downwards() {
    for personality in BOTH {
        let options = SandboxOptions { messages: 3_000, ..options(personality) };
        let sandbox = start(options).await;
        let mut source = connected(&sandbox).await;
        let commands = sandbox.control().count(Counter::ImapCommands);
        let (folders, opened) = source.list_and_open("INBOX", None).await.unwrap();
        let exists = opened.unwrap().state.exists;
        let newest = source.newest_headers(50).await.unwrap();
        assert_eq!(newest.len(), 50);
        let asked = sandbox.control().count(Counter::ImapCommands) - commands;
        assert!(asked <= 4, "{asked} commands for {} folders", folders.len());

        let (out, mut batches) = mpsc::channel(64);
        source.stream_headers(everything(), &out).await.unwrap();
        drop(out);
        let mut uids: Vec<Uid> = Vec::new();
        while let Some(batch) = batches.recv().await {
            let mut batch: Vec<Uid> = batch.iter().map(|headers| headers.uid).collect();
            assert!(batch.is_sorted() && batch.len() <= 1_000);
            batch.append(&mut uids);
            uids = batch;
        }
        assert_eq!(uids.len(), usize::try_from(exists).unwrap(), "{personality:?}");
        assert_eq!(source.uids_in(everything()).await.unwrap(), uids);
        let flags = source.flags_in(everything()).await.unwrap();
        assert!(flags.iter().map(|(uid, _flags)| uid).eq(&uids));
        assert_eq!(newest.last().map(|headers| headers.uid), uids.last().copied());
        source.close().await;
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn messages_and_folders_are_changed_and_everything_says_where_it_went() {
    for personality in BOTH {
        let sandbox = start(options(personality)).await;
        let control = sandbox.control();
        let mut source = connected(&sandbox).await;
        source.open_folder("INBOX", None).await.unwrap();

        source.create_folder("Reisen/Zürich", None).await.unwrap();
        source.create_folder("Reisen/Zürich", None).await.unwrap();
        let seen: Flags = [Flag::Seen, Flag::Forwarded].into_iter().collect();
        let place = source.append("Reisen/Zürich", seen, Some(START), MAIL).await.unwrap();
        let (uid_validity, first) = place.unwrap();
        let opened = source.open_folder("Reisen/Zürich", None).await.unwrap();
        assert_eq!((opened.state.uid_validity, opened.state.exists), (uid_validity, 1));
        let header = source.fetch_headers(&[first]).await.unwrap().remove(0);
        assert_eq!(header.received_at, Some(START));
        assert!(header.flags.contains(Flag::Seen));
        let text = String::from_utf8(header.header).unwrap();
        assert!(text.contains("Content-Type: text/plain"), "{text}");
        let body = ServerTerm::Body("Küche".to_owned());
        assert_eq!(source.search(&[body]).await.unwrap(), [first]);

        let copied = source.copy_messages(&[first], "Archive").await.unwrap().unwrap();
        let moved = source.move_messages(&[first], "Archive").await.unwrap().unwrap();
        assert_eq!((copied.pairs[0].0, moved.pairs[0].0), (first, first));
        assert_eq!(source.move_messages(&[first], "Archive").await.unwrap(), None);
        source.rename_folder("Reisen/Zürich", "Reisen/Genf").await.unwrap();
        source.delete_folder("Reisen/Genf").await.unwrap();
        source.delete_folder("Reisen/Genf").await.unwrap();
        assert!(source.open_folder("Reisen/Genf", None).await.is_err());

        source.open_folder("Archive", None).await.unwrap();
        let (kept, gone) = (copied.pairs[0].1, moved.pairs[0].1);
        source.expunge(&[gone]).await.unwrap();
        let left: Vec<u32> =
            control.messages(OWNER, "Archive").unwrap().iter().map(|held| held.uid).collect();
        assert!(left.contains(&kept.get()) && !left.contains(&gone.get()), "{left:?}");
        let (out, mut messages) = mpsc::channel(8);
        let wanted = [gone, kept].map(|uid| WantedMessage { uid, size_bytes: 0 });
        source.stream_messages(&wanted, &out).await.unwrap();
        drop(out);
        assert_eq!(messages.recv().await, Some((kept, MAIL.to_vec())));
        assert_eq!(messages.recv().await, None);
        source.close().await;
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn what_changed_meanwhile_is_told_where_the_server_can() {
    let sandbox = start(options(Personality::Dovecot)).await;
    let control = sandbox.control();
    for _ in 0..4 {
        control.deliver(OWNER, "Archive", MAIL).unwrap();
    }
    let mut source = connected(&sandbox).await;
    let before = source.open_folder("Archive", None).await.unwrap();
    let modseq = before.state.highest_modseq.unwrap();
    let held = control.messages(OWNER, "Archive").unwrap();
    let (changed, removed) = (held[0].uid, held[1].uid);
    control.change_flag(OWNER, "Archive", changed, FlagChange::Add(Flag::Flagged)).unwrap();
    control.remove(OWNER, "Archive", removed).unwrap();

    let told = source.changes_since(modseq).await.unwrap();
    let gone = UidRange { first: uid(removed), last: uid(removed) };
    assert_eq!(told.vanished, Some(vec![gone]));
    assert_eq!(told.flags.len(), 1);
    assert_eq!(told.flags[0].0, uid(changed));

    let mut again = connected(&sandbox).await;
    let after = again.open_folder("Archive", known(&before)).await.unwrap();
    let news = after.changes.unwrap();
    assert_eq!((news.vanished, news.flags), (told.vanished, told.flags));
    control.renumber(OWNER, "Archive").unwrap();
    let mut anew = connected(&sandbox).await;
    assert_eq!(anew.open_folder("Archive", known(&before)).await.unwrap().changes, None);
    sandbox.stop().await;

    let sandbox = start(options(Personality::Exchange)).await;
    let mut source = connected(&sandbox).await;
    let opened = source.open_folder("INBOX", known(&before)).await.unwrap();
    assert_eq!((opened.state.highest_modseq, opened.changes), (None, None));
    assert!(source.changes_since(1).await.is_err());
    sandbox.stop().await;
}
