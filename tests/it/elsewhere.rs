//! What another process does to the same databases shows on the screen, and reaches the server once.

use crate::driver::AppDriver;
use crate::servers::{BOTH, deliver, empty, message, names, there};
use posthaste::model::acting::MessageAct;
use posthaste::model::flags::{Flag, FlagChange};
use posthaste::model::folder::FolderRole;
use posthaste::model::listing::Listing;
use posthaste::store::uploads::Upload;

#[tokio::test]
async fn what_another_process_does_is_shown_and_handed_over_once() {
    for personality in BOTH {
        let (_trash, _junk, archive) = names(personality);
        let mut driver = AppDriver::on_disk(empty(personality), |control| {
            deliver(control, &["one", "two", "three"]);
        })
        .await;
        driver.see("three").await;
        let other = driver.store_of_another_process();
        let account = driver.account().id;
        let folders = other.folders(account).await.unwrap();
        let with = |role| folders.iter().find(|folder| folder.role == role).unwrap().id;
        let inbox = with(FolderRole::Inbox);
        let (rows, _known) = other.window(Listing::folder(inbox), 0, 10).await.unwrap();
        let id = |subject: &str| rows.iter().find(|row| row.subject == subject).unwrap().id;

        let star = MessageAct::Flag(FlagChange::Add(Flag::Flagged));
        other.act(vec![id("one")], star).await.unwrap();
        other.act(vec![id("three")], MessageAct::File(FolderRole::Archive)).await.unwrap();
        let four = Upload { bytes: message("four", ""), ..Upload::default() };
        other.import(inbox, four).await.unwrap();
        driver.see_gone("three").await;
        let control = driver.control();
        let done = ["four", "one*", "two"];
        driver.until("it to be handed over", |_| there(&control, "INBOX") == done).await;
        driver.see("four").await;
        driver.settled().await;
        assert_eq!(there(&control, "INBOX"), done);
        assert_eq!(there(&control, archive), ["three"]);
    }
}
