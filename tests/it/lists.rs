//! Lists by keys: large folders, acting on what is chosen, what is found and whole conversations.

use crate::driver::AppDriver;
use crate::servers::{ADA, BOTH, deliver, empty, message, names, there, uid};
use posthaste::engine_api::command::{EngineCommand, SyncHold};
use posthaste::engine_api::event::EngineEvent;
use posthaste::engine_api::status::{Connection, SyncPhase};
use posthaste::model::flags::{Flag, FlagChange};
use posthaste::model::ids::CommandId;
use posthaste::sandbox::options::Personality;
use posthaste::sandbox::service::Power;

/// More than what a folder brings when it is opened.
const MANY: usize = 3_000;

fn numbered(at: usize) -> String {
    format!("number {at:04}.")
}

async fn with_many(personality: Personality) -> AppDriver {
    AppDriver::on_disk(empty(personality), |control| {
        for at in 1..=MANY {
            control.deliver(ADA, "INBOX", &message(&numbered(at), "")).unwrap();
        }
    })
    .await
}

/// Presses `G` until the oldest message is the last of the list.
async fn see_oldest(driver: &mut AppDriver) -> String {
    while !driver.screen().contains(&numbered(1)) {
        driver.keys("G");
        driver.turn().await;
    }
    driver.screen()
}

#[tokio::test]
async fn a_large_folder_shows_its_newest_first_and_fills_in_behind() {
    for personality in BOTH {
        let mut driver = with_many(personality).await;
        let screen = driver.see(&numbered(MANY)).await;
        let place = |at| screen.find(&numbered(at));
        assert!(place(MANY) < place(MANY - 1) && place(MANY - 1).is_some(), "{screen}");
        see_oldest(&mut driver).await;
        driver
            .until("every header", |driver| {
                driver.account().progress.is_none_or(|now| now.phase == SyncPhase::Bodies)
            })
            .await;
        driver.see("3,000 messages").await;
        driver.keys("g g");
        driver.see(&numbered(MANY)).await;
    }
}

/// A large inbox shows before the folders are listed.
#[tokio::test]
async fn what_is_filed_before_the_folders_are_known_is_filed_once_they_are() {
    for personality in BOTH {
        let (_trash, junk, _archive) = names(personality);
        let mut driver = with_many(personality).await;
        driver.see(&numbered(MANY)).await;
        driver.keys("g g !");
        driver.see_gone(&numbered(MANY)).await;
        let control = driver.control();
        control.wait_for(|control| (there(control, junk).len() == 1).then_some(())).await;
        driver.settled().await;
        assert_eq!(there(&control, junk), [numbered(MANY)]);
    }
}

/// The row under the cursor of the list.
fn under_cursor(driver: &AppDriver) -> String {
    let screen = driver.screen();
    // The title of the pane has the same mark. A row takes two lines: who, then what.
    let at = screen.lines().enumerate().filter(|(_, line)| line.contains("│>")).last();
    screen.lines().skip(at.unwrap().0).take(2).collect()
}

#[tokio::test]
async fn while_the_background_is_held_only_what_is_new_comes() {
    for personality in BOTH {
        let mut driver = with_many(personality).await;
        driver.keys("Ctrl-y");
        driver.until("held", |driver| driver.account().hold == SyncHold::Held).await;
        driver.see(&numbered(MANY)).await;
        for news in ["one more", "another", "the last"] {
            driver.control().deliver(ADA, "INBOX", &message(news, "")).unwrap();
            driver.keys("g g");
            driver.see(news).await;
            // Each of these took turns with a background that has all the rest to bring.
            driver.keys("G");
            driver.see_gone(news).await;
            let screen = driver.screen();
            assert!(!screen.contains(&numbered(1)) && !screen.contains(&numbered(2)), "{screen}");
            assert_eq!(driver.account().progress.map_or(0, |progress| progress.done), 0);
        }
        driver.keys("Ctrl-y");
        driver.until("released", |driver| driver.account().hold == SyncHold::Released).await;
        see_oldest(&mut driver).await;
    }
}

#[tokio::test]
async fn a_list_moves_under_no_hand_and_tells_what_came() {
    for personality in BOTH {
        let mut driver = AppDriver::on_disk(empty(personality), |control| {
            deliver(control, &["one", "two", "three"]);
        })
        .await;
        driver.see("three").await;
        driver.keys("g g j");
        assert!(under_cursor(&driver).contains("two"), "{}", driver.screen());
        deliver(&driver.control(), &["four", "five"]);
        driver.see("five").await;
        driver.see("5 messages").await;
        assert!(under_cursor(&driver).contains("two"), "{}", driver.screen());
        // Another client removes the rows around it, then the row itself.
        for (gone, left) in [("five", "4 messages"), ("one", "3 messages")] {
            let uid = uid(&driver.control(), gone);
            driver.control().remove(ADA, "INBOX", uid).unwrap();
            driver.see(left).await;
            assert!(under_cursor(&driver).contains("two"), "{}", driver.screen());
        }
        driver.keys("e");
        let archive = names(personality).2;
        let filed = |driver: &AppDriver| there(&driver.control(), archive) == ["two"];
        driver.until("the row under the cursor to be archived", filed).await;
    }
}

#[tokio::test]
async fn every_key_that_files_reaches_the_server() {
    for personality in BOTH {
        let (trash, junk, archive) = names(personality);
        let mut driver = AppDriver::on_disk(empty(personality), |control| {
            deliver(control, &["one", "two", "three", "four", "five", "six"]);
        })
        .await;
        driver.see("six").await;
        driver.keys("g g e");
        driver.see_gone("six").await;
        driver.keys("d");
        driver.see_gone("five").await;
        driver.keys("!");
        driver.see_gone("four").await;
        driver.keys("m L i s t s Enter");
        driver.see_gone("three").await;
        driver.keys("M L i s t s Enter");
        driver.keys("s");
        driver.settled().await;
        let control = driver.control();
        control
            .wait_for(|control| (there(control, "INBOX") == ["one", "two*"]).then_some(()))
            .await;
        driver.settled().await;
        assert_eq!(there(&control, archive), ["six"]);
        assert_eq!(there(&control, trash), ["five"]);
        assert_eq!(there(&control, junk), ["four"]);
        let lists = there(&control, "Lists");
        assert_eq!(lists.len(), 2, "{lists:?}");
        assert!(lists[0] == "three" && lists[1].starts_with("two"), "{lists:?}");
    }
}

#[tokio::test]
async fn undone_before_the_server_heard_of_it_and_after() {
    for personality in BOTH {
        let (_trash, _junk, archive) = names(personality);
        let mut driver =
            AppDriver::on_disk(empty(personality), |control| deliver(control, &["one", "two"]))
                .await;
        driver.see("two").await;
        driver.line(Power::Off).await;
        driver.keys("g g e");
        driver.see_gone("two").await;
        driver.keys("z");
        driver.see("two").await;
        driver.until("nothing to wait", |driver| driver.account().operations_waiting == 0).await;
        driver.line(Power::On).await;
        driver.keys("R");
        driver.until("a line", |driver| driver.account().connection == Connection::Online).await;
        assert_eq!(there(&driver.control(), "INBOX"), ["one", "two"]);

        driver.keys("g g e");
        driver.see_gone("two").await;
        let filed = there;
        driver.control().wait_for(|c| (filed(c, archive) == ["two"]).then_some(())).await;
        driver.settled().await;
        driver.keys("z");
        driver.see("two").await;
        driver.control().wait_for(|c| filed(c, archive).is_empty().then_some(())).await;
        driver.settled().await;
        assert_eq!(there(&driver.control(), "INBOX"), ["one", "two"]);
    }
}

#[tokio::test]
async fn a_whole_conversation_is_archived_at_once() {
    let mut driver = AppDriver::on_disk(empty(Personality::Exchange), |control| {
        control.deliver(ADA, "INBOX", &message("engine", "")).unwrap();
        for nth in ["second", "third"] {
            let bytes = message(&format!("Re: {nth}"), "<engine@example.org>");
            control.deliver(ADA, "INBOX", &bytes).unwrap();
        }
        deliver(control, &["other"]);
    })
    .await;
    driver.see("third").await;
    driver.keys("T");
    driver.see("(3)").await;
    driver.keys("g g j e");
    driver.see_gone("(3)").await;
    let control = driver.control();
    control.wait_for(|control| (there(control, "Archive").len() == 3).then_some(())).await;
    driver.settled().await;
    assert_eq!(there(&control, "INBOX"), ["other"]);
    driver.keys("z");
    driver.see("(3)").await;
}

#[tokio::test]
async fn everything_that_is_found_is_archived_after_a_question() {
    for personality in BOTH {
        let mut driver = AppDriver::on_disk(empty(personality), |control| {
            for at in 0..25 {
                let subject = format!("zeppelin {at}");
                control.deliver(ADA, "INBOX", &message(&subject, "")).unwrap();
            }
            deliver(control, &["one", "two"]);
        })
        .await;
        driver.see("two").await;
        driver.keys("/");
        driver.type_text("zeppelin");
        driver.see("25 messages").await;
        driver.keys("Enter *");
        driver.see("25 selected").await;
        driver.keys("e");
        driver.see("25").await;
        driver.keys("y");
        let control = driver.control();
        control.wait_for(|control| (there(control, "Archive").len() == 25).then_some(())).await;
        driver.settled().await;
        assert_eq!(there(&control, "INBOX"), ["one", "two"]);
        // One step takes all of it back.
        driver.keys("z");
        control.wait_for(|control| there(control, "Archive").is_empty().then_some(())).await;
        driver.settled().await;
        assert_eq!(there(&control, "INBOX").len(), 27);
    }
}

#[tokio::test]
async fn new_mail_is_noticed_while_another_folder_is_open() {
    for personality in BOTH {
        let mut driver =
            AppDriver::on_disk(empty(personality), |control| deliver(control, &["one"])).await;
        driver.see("one").await;
        driver.keys("g a");
        driver.see_gone("one").await;
        driver.until("a line", |driver| driver.account().connection == Connection::Online).await;
        deliver(&driver.control(), &["two"]);
        let unread =
            |screen: &str| screen.lines().any(|l| l.contains("Inbox") && l.contains(" 2 "));
        driver.until("two unread", |driver| unread(&driver.screen())).await;
        driver.keys("g i");
        driver.see("two").await;
    }
}

#[tokio::test]
async fn the_inboxes_of_two_accounts_are_one_list() {
    const ALAN: &str = "alan@example.org";
    let mut driver = AppDriver::on_disk(empty(Personality::Exchange), |control| {
        deliver(control, &["for Ada"]);
        control.share(ALAN, ADA).unwrap();
        control.deliver(ALAN, "INBOX", &message("for Alan", "")).unwrap();
    })
    .await;
    driver.see("for Ada").await;
    driver.keys("@ +");
    driver.see("Its address").await;
    driver.type_text(ALAN);
    driver.keys("Enter");
    driver.see("linked").await;
    driver.keys("Enter");
    driver.see("Inboxes").await;
    driver.keys("Esc");
    driver.see("for Alan").await;
    // From the list into the folders, whose first line holds every inbox.
    driver.keys("Esc g g Enter");
    driver.see("All inboxes  2 messages").await;
    driver.see("for Ada").await;
    driver.see("for Alan").await;
}

#[tokio::test]
async fn a_search_that_was_kept_is_a_folder() {
    let mut driver = AppDriver::on_disk(empty(Personality::Dovecot), |control| {
        deliver(control, &["zeppelin one", "balloon"]);
    })
    .await;
    driver.see("balloon").await;
    driver.keys("/");
    driver.type_text("zeppelin");
    driver.keys("Ctrl-s");
    driver.type_text("Airships");
    driver.keys("Enter");
    driver.see("Airships").await;
    driver.keys("Esc");
    let mut driver = driver.restart().await;
    driver.see("balloon").await;
    driver.see("Airships").await;
    driver.keys("Esc g g Enter");
    driver.see_gone("balloon").await;
    driver.see("zeppelin one").await;
    deliver(&driver.control(), &["zeppelin two"]);
    driver.see("zeppelin two").await;
}

#[tokio::test]
async fn counts_of_a_folder_follow_the_server_while_its_headers_come() {
    for personality in BOTH {
        let mut driver = AppDriver::on_disk(empty(personality), |control| {
            let subjects: Vec<String> = (0..300).map(|at| format!("number {at}")).collect();
            deliver(control, &subjects.iter().map(String::as_str).collect::<Vec<_>>());
        })
        .await;
        let (id, account) = (CommandId(u64::MAX), driver.account().id);
        let hold = EngineCommand::HoldSync { id, account, hold: SyncHold::Held };
        let done = |event: &EngineEvent| {
            matches!(event, EngineEvent::CommandDone { id: of } if *of == id).then_some(())
        };
        driver.ask(hold, done).await;
        driver.see("300 unread").await;
        // It listens now; not every server tells of flags then, but every one of new mail.
        driver.until("the first look", |driver| driver.account().synced_at.is_some()).await;
        let control = driver.control();
        let read = FlagChange::Add(Flag::Seen);
        for subject in ["number 290", "number 291"] {
            control.change_flag(ADA, "INBOX", uid(&control, subject), read).unwrap();
        }
        deliver(&control, &["late"]);
        driver.see("299 unread").await;
    }
}
