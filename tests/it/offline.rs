//! What is done without a line survives an end of the program, and happens once.

use crate::driver::AppDriver;
use crate::servers::{ADA, BOTH, deliver, empty, message, names, there, uid};
use posthaste::engine_api::command::EngineCommand;
use posthaste::engine_api::event::EngineEvent;
use posthaste::engine_api::status::Connection;
use posthaste::model::flags::{Flag, FlagChange, Flags};
use posthaste::model::folder::FolderRole;
use posthaste::model::ids::{CommandId, FolderId};
use posthaste::sandbox::options::Personality;
use posthaste::sandbox::service::Power;

/// No command of the screen has an id like this.
const ID: CommandId = CommandId(u64::MAX);

async fn inbox(driver: &mut AppDriver) -> FolderId {
    let account = driver.account().id;
    driver
        .ask(EngineCommand::ListFolders { id: ID, account }, |event| match event {
            EngineEvent::FoldersLoaded { id: ID, folders, .. } => {
                folders.iter().find(|folder| folder.role == FolderRole::Inbox).map(|f| f.id)
            }
            _ => None,
        })
        .await
}

async fn import(driver: &mut AppDriver, subject: &str) {
    let folder = inbox(driver).await;
    let bytes = message(subject, "");
    let (flags, received_at, step) = (Flags::default(), None, None);
    driver
        .ask(EngineCommand::Import { id: ID, folder, bytes, flags, received_at, step }, |event| {
            matches!(event, EngineEvent::Acted { id: ID, .. }).then_some(())
        })
        .await;
}

async fn online(driver: &mut AppDriver) {
    driver.until("a line", |driver| driver.account().connection == Connection::Online).await;
}

#[tokio::test]
async fn what_was_done_without_a_line_is_done_once_after_a_restart() {
    for personality in BOTH {
        let (trash, _junk, archive) = names(personality);
        let mut driver = AppDriver::on_disk(empty(personality), |control| {
            deliver(control, &["one", "two", "three", "four", "five"]);
        })
        .await;
        driver.see("five").await;
        online(&mut driver).await;
        driver.line(Power::Off).await;
        driver.keys("g g Space Space e");
        driver.see_gone("four").await;
        driver.keys("g g d");
        driver.see_gone("three").await;
        driver.keys("g g M L i s t s Enter");
        driver.keys("s");
        import(&mut driver, "six").await;
        driver.until("five acts", |driver| driver.account().operations_waiting == 5).await;

        let mut driver = driver.restart().await;
        let screen = driver.see("one").await;
        assert!(screen.contains("two") && !screen.contains("three"), "{screen}");
        assert_eq!(driver.account().operations_waiting, 5);
        driver.keys("W");
        driver.see("Changes that wait").await;
        driver.keys("q");
        assert_eq!(there(&driver.control(), "INBOX").len(), 5, "nothing was done yet");

        driver.line(Power::On).await;
        driver.keys("R");
        driver.settled().await;
        let control = driver.control();
        assert_eq!(there(&control, "INBOX"), ["one", "six", "two*"]);
        assert_eq!(there(&control, archive), ["five", "four"]);
        assert_eq!(there(&control, trash), ["three"]);
        let copies = there(&control, "Lists");
        assert_eq!(copies.len(), 1, "{copies:?}");

        let mut driver = driver.restart().await;
        online(&mut driver).await;
        driver.see("six").await;
        assert_eq!(there(&control, "INBOX"), ["one", "six", "two*"]);
        assert_eq!(there(&control, "Lists").len(), 1);
    }
}

#[tokio::test]
async fn another_client_at_the_same_messages_meanwhile() {
    for personality in BOTH {
        let (_trash, _junk, archive) = names(personality);
        let mut driver = AppDriver::on_disk(empty(personality), |control| {
            deliver(control, &["one", "two", "three", "four"]);
        })
        .await;
        driver.see("four").await;
        online(&mut driver).await;
        driver.line(Power::Off).await;
        // Archives "four" and "three", stars "two" and leaves "one".
        driver.keys("g g e");
        driver.see_gone("four").await;
        driver.keys("g g e");
        driver.see_gone("three").await;
        driver.keys("g g s");
        driver.until("three acts", |driver| driver.account().operations_waiting == 3).await;
        let control = driver.control();
        control.remove(ADA, "INBOX", uid(&control, "four")).unwrap();
        let star = FlagChange::Add(Flag::Flagged);
        control.change_flag(ADA, "INBOX", uid(&control, "three"), star).unwrap();
        control.change_flag(ADA, "INBOX", uid(&control, "one"), star).unwrap();
        control.remove(ADA, "INBOX", uid(&control, "two")).unwrap();

        let mut driver = driver.restart().await;
        driver.line(Power::On).await;
        driver.keys("R");
        driver.settled().await;
        online(&mut driver).await;
        assert_eq!(there(&control, "INBOX"), ["one*"]);
        assert_eq!(there(&control, archive), ["three*"]);
        driver.see_gone("two").await;
        driver.see("one").await;
    }
}

#[tokio::test]
async fn of_a_renumbered_folder_uploads_are_kept_and_flags_dropped_with_a_word() {
    for personality in BOTH {
        let mut driver = AppDriver::on_disk(empty(personality), |control| {
            deliver(control, &["one", "two"]);
        })
        .await;
        driver.see("two").await;
        online(&mut driver).await;
        driver.line(Power::Off).await;
        driver.keys("g g s");
        import(&mut driver, "three").await;
        driver.until("two acts", |driver| driver.account().operations_waiting == 2).await;
        driver.control().renumber(ADA, "INBOX").unwrap();
        driver.line(Power::On).await;
        driver.see("came too late").await;
        driver.settled().await;
        assert_eq!(there(&driver.control(), "INBOX"), ["one", "three", "two"]);
        driver.see("three").await;
    }
}

#[tokio::test]
async fn without_a_server_a_start_shows_what_is_cached() {
    let mut driver = AppDriver::on_disk(empty(Personality::Exchange), |control| {
        deliver(control, &["one", "two"]);
    })
    .await;
    driver.see("two").await;
    online(&mut driver).await;
    driver.keys("g g Enter");
    driver.see("Written about two").await;
    driver.line(Power::Off).await;
    let mut driver = driver.restart().await;
    driver.see("offline").await;
    driver.see("two").await;
    driver.keys("g g Enter");
    driver.see("Written about two").await;
}
