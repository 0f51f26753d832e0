//! Acting on messages and folders, with and without a connection, beside a second client.

use crate::driver::AppDriver;
use posthaste::engine_api::command::{AskedBy, EngineCommand};
use posthaste::engine_api::event::EngineEvent;
use posthaste::engine_api::status::Connection;
use posthaste::model::acting::{FolderAct, MessageAct, PendingOperation, Target};
use posthaste::model::flags::{Flag, FlagChange, Flags};
use posthaste::model::folder::{Folder, FolderRole};
use posthaste::model::ids::{CommandId, FolderId};
use posthaste::model::listing::Listing;
use posthaste::model::message::MessageRow;
use posthaste::sandbox::options::{Personality, SandboxOptions};
use posthaste::sandbox::service::{Power, ServiceName};
use posthaste::stdx::clock::Clock;

const ADA: &str = "ada@example.org";
/// No command of the screen has an id like this.
const ID: CommandId = CommandId(u64::MAX);
const ARCHIVE: MessageAct = MessageAct::File(FolderRole::Archive);
const STAR: MessageAct = MessageAct::Flag(FlagChange::Add(Flag::Flagged));

fn message(subject: &str) -> Vec<u8> {
    format!(
        "From: Alan <alan@example.org>\r\nTo: Ada <ada@example.org>\r\nSubject: {subject}\r\n\
         Message-ID: <{subject}@example.org>\r\nDate: Fri, 20 Nov 2026 08:00:00 +0000\r\n\r\nx\r\n"
    )
    .into_bytes()
}

struct Desk {
    driver: AppDriver,
}

impl Desk {
    /// `one`, `two` and `three` are the newest in the inbox.
    async fn new(personality: Personality) -> Self {
        let options = SandboxOptions { personality, ..SandboxOptions::test(Clock::system()) };
        let mut driver = AppDriver::with_inbox(options).await;
        for subject in ["one", "two", "three"] {
            driver.control().deliver(ADA, "INBOX", &message(subject)).unwrap();
            driver.see(subject).await;
        }
        Self { driver }
    }

    async fn line(&self, power: Power) {
        self.driver.control().switch(ServiceName::Imap, power).await;
    }

    async fn folders(&mut self) -> Vec<Folder> {
        let account = self.driver.account().id;
        let list = EngineCommand::ListFolders { id: ID, account };
        self.driver
            .ask(list, |event| match event {
                EngineEvent::FoldersLoaded { id: ID, folders, .. } => Some(folders.clone()),
                _ => None,
            })
            .await
    }

    async fn folder(&mut self, role: FolderRole) -> Folder {
        self.folders().await.into_iter().find(|folder| folder.role == role).unwrap()
    }

    async fn named(&mut self, name: &str) -> FolderId {
        self.folders().await.into_iter().find(|folder| folder.name == name).unwrap().id
    }

    async fn rows(&mut self, folder: FolderId) -> Vec<MessageRow> {
        let listing = Box::new(Listing::folder(folder));
        let load = EngineCommand::LoadWindow { id: ID, listing, first: 0, count: 20 };
        self.driver
            .ask(load, |event| match event {
                EngineEvent::WindowLoaded { id: ID, rows, .. } => Some(rows.clone()),
                _ => None,
            })
            .await
    }

    async fn act(&mut self, folder: FolderId, subjects: &[&str], act: MessageAct) -> u32 {
        let rows = self.rows(folder).await;
        let chosen = rows.iter().filter(|row| subjects.contains(&row.subject.as_str()));
        let target = Target::Messages(chosen.map(|row| row.id).collect());
        self.acted(EngineCommand::Act { id: ID, target, act, asked_by: AskedBy::Person }).await
    }

    async fn acted(&mut self, command: EngineCommand) -> u32 {
        self.driver
            .ask(command, |event| match event {
                EngineEvent::Acted { id: ID, messages, .. } => Some(Ok(*messages)),
                EngineEvent::CommandFailed { id: ID, problem } => Some(Err(problem.clone())),
                _ => None,
            })
            .await
            .unwrap()
    }

    async fn undo(&mut self) {
        self.driver
            .ask(EngineCommand::Undo { id: ID, step: None }, |event| match event {
                EngineEvent::Undone { id: ID, step } => Some(step.clone().unwrap()),
                _ => None,
            })
            .await;
    }

    async fn pending(&mut self) -> Vec<PendingOperation> {
        self.driver
            .ask(EngineCommand::ListPending { id: ID }, |event| match event {
                EngineEvent::PendingLoaded { id: ID, operations } => Some(operations.clone()),
                _ => None,
            })
            .await
    }

    /// Waits until nothing waits for the server.
    async fn settled(&mut self) {
        while self.driver.account().operations_waiting != 0 {
            self.driver.turn().await;
        }
    }

    /// Which of the three lie in a folder of the server, a `*` behind the starred.
    fn there(&self, folder: &str) -> Vec<String> {
        let held = self.driver.control().messages(ADA, folder).unwrap();
        let found = held.into_iter().filter_map(|held| {
            let text = String::from_utf8_lossy(&held.bytes).into_owned();
            let subject = text.lines().find_map(|line| line.strip_prefix("Subject: "))?.to_owned();
            let star = if held.flags.contains(Flag::Flagged) { "*" } else { "" };
            ["one", "two", "three", "four"]
                .contains(&subject.as_str())
                .then(|| format!("{subject}{star}"))
        });
        found.collect()
    }
}

#[tokio::test]
async fn archived_at_once_and_undone_on_the_server() {
    for personality in [Personality::Exchange, Personality::Dovecot] {
        let mut desk = Desk::new(personality).await;
        let inbox = desk.folder(FolderRole::Inbox).await.id;
        let archive = desk.folder(FolderRole::Archive).await;
        assert_eq!(desk.act(inbox, &["one", "two"], ARCHIVE).await, 2);
        desk.settled().await;
        assert_eq!(desk.there("INBOX"), ["three"]);
        assert_eq!(desk.there(&archive.name), ["one", "two"]);
        desk.undo().await;
        desk.settled().await;
        assert_eq!(desk.there("INBOX"), ["three", "one", "two"]);
        assert_eq!(desk.there(&archive.name), [""; 0]);
    }
}

#[tokio::test]
async fn what_is_done_without_a_line_is_done_once_there_is_one() {
    for personality in [Personality::Exchange, Personality::Dovecot] {
        let mut desk = Desk::new(personality).await;
        let inbox = desk.folder(FolderRole::Inbox).await.id;
        let archive = desk.folder(FolderRole::Archive).await;
        let account = desk.driver.account().id;
        desk.line(Power::Off).await;
        desk.act(inbox, &["one", "two"], STAR).await;
        desk.act(inbox, &["one"], ARCHIVE).await;
        desk.act(archive.id, &["one"], MessageAct::Move(inbox)).await;
        desk.act(inbox, &["two"], ARCHIVE).await;
        desk.undo().await;
        let create = FolderAct::Create { account, name: "Plans".to_owned() };
        desk.acted(EngineCommand::ActOnFolder { id: ID, act: create }).await;
        let plans = desk.named("Plans").await;
        desk.act(inbox, &["three"], MessageAct::Move(plans)).await;
        let import = EngineCommand::Import {
            id: ID,
            folder: plans,
            bytes: message("four"),
            flags: Flags::default(),
            received_at: None,
            step: None,
        };
        assert_eq!(desk.acted(import).await, 1);
        let shown: Vec<_> = desk.rows(plans).await.into_iter().map(|row| row.subject).collect();
        assert_eq!(shown, ["three"]);
        let status = desk.driver.account();
        assert_eq!((status.operations_waiting, desk.pending().await.len()), (6, 6));
        assert!(status.waiting_since.is_some());
        assert_eq!(desk.there("INBOX"), ["one", "two", "three"]);

        desk.line(Power::On).await;
        desk.settled().await;
        assert_eq!(desk.there("INBOX"), ["two*", "one*"]);
        assert_eq!(desk.there(&archive.name), [""; 0]);
        assert_eq!(desk.there("Plans"), ["three", "four"]);
        assert_eq!(desk.driver.account().waiting_since, None);
    }
}

#[tokio::test]
async fn a_second_client_that_was_quicker_wins() {
    let mut desk = Desk::new(Personality::Exchange).await;
    let inbox = desk.folder(FolderRole::Inbox).await.id;
    let archive = desk.folder(FolderRole::Archive).await;
    desk.line(Power::Off).await;
    desk.act(inbox, &["one", "two"], ARCHIVE).await;
    desk.act(inbox, &["three"], STAR).await;
    let control = desk.driver.control();
    let held = control.messages(ADA, "INBOX").unwrap();
    let uid = |subject: &str| {
        let line = format!("Subject: {subject}\r\n");
        let is = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(&line);
        held.iter().find(|held| is(&held.bytes)).unwrap().uid
    };
    control.remove(ADA, "INBOX", uid("one")).unwrap();
    control.remove(ADA, "INBOX", uid("three")).unwrap();
    desk.line(Power::On).await;
    desk.settled().await;
    assert_eq!(desk.there("INBOX"), [""; 0]);
    assert_eq!(desk.there(&archive.name), ["two"]);
}

#[tokio::test]
async fn actions_on_renumbered_mail_are_dropped_and_said() {
    let mut desk = Desk::new(Personality::Dovecot).await;
    let inbox = desk.folder(FolderRole::Inbox).await.id;
    desk.line(Power::Off).await;
    desk.act(inbox, &["one"], ARCHIVE).await;
    desk.driver.control().renumber(ADA, "INBOX").unwrap();
    desk.line(Power::On).await;
    desk.driver.see("came too late").await;
    assert_eq!(desk.there("INBOX"), ["one", "two", "three"]);
    assert_eq!(desk.pending().await, []);
}

#[tokio::test]
async fn a_connection_that_a_command_opened_brings_the_news_too() {
    let mut desk = Desk::new(Personality::Dovecot).await;
    let inbox = desk.folder(FolderRole::Inbox).await.id;
    let account = desk.driver.account().id;
    desk.line(Power::Off).await;
    desk.act(inbox, &["one"], STAR).await;
    while !matches!(desk.driver.account().connection, Connection::Waiting { .. }) {
        desk.driver.turn().await;
    }
    desk.driver.control().deliver(ADA, "INBOX", &message("four")).unwrap();
    desk.line(Power::On).await;
    desk.driver
        .ask(EngineCommand::Replay { id: ID, account }, |event| match event {
            EngineEvent::CommandDone { id: ID } => Some(()),
            _ => None,
        })
        .await;
    desk.driver.see("four").await;
    assert_eq!(desk.there("INBOX"), ["one*", "two", "three", "four"]);
}
