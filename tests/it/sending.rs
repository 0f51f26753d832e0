//! Writing: replies, refusals, doubt, drafts.

use crate::driver::AppDriver;
use posthaste::model::flags::Flag;
use posthaste::sandbox::control::{SmtpFault, SmtpStage};
use posthaste::sandbox::options::SandboxOptions;
use posthaste::sandbox::service::{Power, ServiceName};
use posthaste::stdx::clock::Clock;

const ADA: &str = "ada@example.org";
const ALAN: &str = "alan@example.org";

const QUESTION: &[u8] = b"From: Alan <alan@example.org>\r\nTo: Ada <ada@example.org>\r\n\
    Subject: Quaestio unica\r\nMessage-ID: <question@example.org>\r\n\
    Date: Fri, 20 Nov 2026 08:00:00 +0000\r\n\r\nDoes it work?\r\n";

/// A composer with an answer to [`QUESTION`] in it, not sent yet.
async fn answering() -> AppDriver {
    let mut driver = AppDriver::with_inbox(SandboxOptions::test(Clock::system())).await;
    driver.control().deliver(ADA, "INBOX", QUESTION).unwrap();
    driver.see("Quaestio unica").await;
    driver.keys("g g Enter");
    driver.see("Does it work?").await;
    driver.keys("r");
    driver.see("Re: Quaestio unica").await;
    driver.type_text("It does.\n");
    driver.see("It does.").await;
    driver
}

fn arrived(driver: &AppDriver) -> usize {
    let inbox = driver.control().messages(ALAN, "INBOX").unwrap();
    let marker = b"It does.";
    inbox.iter().filter(|held| held.bytes.windows(marker.len()).any(|w| w == marker)).count()
}

#[tokio::test]
async fn an_answer_is_threaded_arrives_once_and_marks_the_question() {
    let mut driver = answering().await;
    driver.keys("Ctrl-s");
    driver.see("The message is sent").await;
    let submitted = driver.control().submissions();
    assert_eq!(submitted.len(), 1);
    assert_eq!(submitted[0].recipients, [ALAN]);
    let text = String::from_utf8(submitted[0].bytes.to_vec()).unwrap();
    assert!(text.contains("In-Reply-To: <question@example.org>\r\n"), "{text}");
    assert!(text.contains("> Does it work?\r\n"), "{text}");
    assert_eq!(arrived(&driver), 1);
    let answered = |driver: &AppDriver| {
        let inbox = driver.control().messages(ADA, "INBOX").unwrap();
        inbox.last().unwrap().flags.contains(Flag::Answered)
    };
    while !answered(&driver) {
        driver.turn().await;
    }
    let sent = driver.control().messages(ADA, "Sent Items").unwrap();
    let copies = sent.iter().filter(|held| held.bytes == submitted[0].bytes).count();
    assert_eq!(copies, 1, "Exchange files the copy; a second one would be a double");
}

#[tokio::test]
async fn a_refused_message_comes_back_into_the_editor() {
    let mut driver = answering().await;
    let refusal = SmtpFault::Reply("550 5.1.1 User unknown".to_owned());
    driver.control().script_smtp(SmtpStage::Recipient, refusal);
    driver.keys("Ctrl-s");
    driver.see("refused").await;
    assert_eq!(arrived(&driver), 0);
    driver.keys("e");
    let screen = driver.see("It does.").await;
    assert!(screen.contains("Re: Quaestio unica"), "{screen}");
    driver.keys("Ctrl-s");
    driver.see("The message is sent").await;
    assert_eq!(arrived(&driver), 1);
}

#[tokio::test]
async fn a_cut_after_the_final_dot_is_doubt_and_never_a_second_copy() {
    let mut driver = answering().await;
    driver.control().script_smtp(SmtpStage::FinalDot, SmtpFault::CutAfterwards);
    driver.keys("Ctrl-s");
    driver.see("look into Sent").await;
    driver.pass(60);
    for _turn in 0..20 {
        driver.turn().await;
    }
    assert_eq!(arrived(&driver), 1);
}

#[tokio::test]
async fn a_server_that_is_away_gets_the_message_when_it_is_back() {
    let mut driver = answering().await;
    driver.control().switch(ServiceName::Smtp, Power::Off).await;
    driver.keys("Ctrl-s");
    driver.see("utbox").await;
    driver.control().switch(ServiceName::Smtp, Power::On).await;
    while arrived(&driver) == 0 {
        driver.turn().await;
    }
    assert_eq!(arrived(&driver), 1);
}

#[tokio::test]
async fn what_is_left_unsent_is_kept_as_a_draft() {
    let mut driver = answering().await;
    driver.keys("Esc");
    driver.see("draft").await;
    driver.keys("D");
    driver.see("Re: Quaestio unica").await;
    driver.keys("Enter");
    driver.see("It does.").await;
}

#[tokio::test]
async fn a_wrong_address_is_named_and_the_message_stays() {
    let mut driver = AppDriver::with_inbox(SandboxOptions::test(Clock::system())).await;
    driver.keys("c");
    driver.see("Subject").await;
    driver.type_text("not an address");
    driver.keys("Ctrl-s");
    driver.see("not an address").await;
    assert_eq!(driver.control().submissions().len(), 0);
}
