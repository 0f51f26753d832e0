//! Reading: lists, messages, flags, and connections that break.

use crate::driver::AppDriver;
use posthaste::model::flags::Flag;
use posthaste::sandbox::control::{Counter, Held};
use posthaste::sandbox::options::{Personality, SandboxOptions};
use posthaste::sandbox::service::{Power, ServiceName};
use posthaste::stdx::clock::Clock;

const ADA: &str = "ada@example.org";

async fn inbox() -> AppDriver {
    AppDriver::with_inbox(SandboxOptions::test(Clock::system())).await
}

fn message(subject: &str, body: &str) -> Vec<u8> {
    format!(
        "From: Alan <alan@example.org>\r\nTo: Ada <ada@example.org>\r\nSubject: {subject}\r\n\
         Message-ID: <test-1@example.org>\r\nDate: Fri, 20 Nov 2026 08:00:00 +0000\r\n\r\n{body}\r\n"
    )
    .into_bytes()
}

fn newest(driver: &AppDriver) -> Held {
    driver.control().messages(ADA, "INBOX").unwrap().into_iter().last().unwrap()
}

#[tokio::test]
async fn new_mail_appears_by_itself_and_opening_it_marks_it_read_on_the_server() {
    for personality in [Personality::Exchange, Personality::Dovecot] {
        let options = SandboxOptions { personality, ..SandboxOptions::test(Clock::system()) };
        let mut driver = AppDriver::with_inbox(options).await;
        driver.control().deliver(ADA, "INBOX", &message("Just arrived", "Read me.")).unwrap();
        driver.see("Just arrived").await;
        driver.keys("g g Enter");
        driver.see("Read me.").await;
        while !newest(&driver).flags.contains(Flag::Seen) {
            driver.turn().await;
        }
    }
}

#[tokio::test]
async fn what_another_program_removed_or_read_changes_here() {
    let mut driver = inbox().await;
    let uid = driver.control().deliver(ADA, "INBOX", &message("Soon gone", "x")).unwrap();
    driver.see("Soon gone").await;
    driver.control().remove(ADA, "INBOX", uid).unwrap();
    driver.see_gone("Soon gone").await;
}

#[tokio::test]
async fn a_star_set_without_a_connection_reaches_the_server_later() {
    let mut driver = inbox().await;
    driver.control().deliver(ADA, "INBOX", &message("Star me", "x")).unwrap();
    driver.see("Star me").await;
    driver.control().switch(ServiceName::Imap, Power::Off).await;
    driver.keys("g g s");
    assert!(!newest(&driver).flags.contains(Flag::Flagged));
    driver.control().switch(ServiceName::Imap, Power::On).await;
    while !newest(&driver).flags.contains(Flag::Flagged) {
        driver.turn().await;
    }
}

#[tokio::test]
async fn a_token_that_runs_out_is_replaced_without_a_word() {
    let mut driver = inbox().await;
    let control = driver.control();
    let refreshes = control.count(Counter::Refreshes);
    control.expire_access_tokens();
    control.deliver(ADA, "INBOX", &message("After the hour", "x")).unwrap();
    driver.see("After the hour").await;
    assert_eq!(control.count(Counter::Refreshes), refreshes + 1);
}

#[tokio::test]
async fn a_sign_in_that_was_withdrawn_is_mended_by_one_key_over_any_screen() {
    let mut driver = inbox().await;
    driver.keys("c");
    driver.see("Subject").await;
    driver.control().revoke_sign_ins();
    driver.control().expire_access_tokens();
    driver.see("sign in").await;
    driver.keys("Ctrl-g");
    driver.see("sending mail").await;
    driver.keys("Enter");
    let screen = driver.see("online").await;
    assert!(screen.contains("Subject"), "the composer is gone:\n{screen}");
}

#[tokio::test]
async fn a_message_sent_while_the_sign_in_is_dead_leaves_after_one_key() {
    let mut driver = inbox().await;
    driver.keys("c");
    driver.see("Subject").await;
    driver.type_text("alan@example.org");
    driver.keys("Tab Tab Tab");
    driver.type_text("Interrupted");
    driver.control().revoke_sign_ins();
    driver.control().expire_access_tokens();
    driver.see("sign in").await;
    driver.keys("Ctrl-s");
    driver.see_gone("Bcc").await;
    assert_eq!(driver.control().submissions().len(), 0);
    driver.keys("Ctrl-g");
    driver.see("The message is sent").await;
    assert_eq!(driver.control().submissions().len(), 1);
}

#[tokio::test]
async fn renumbered_folders_are_read_anew() {
    let mut driver = inbox().await;
    driver.control().renumber(ADA, "INBOX").unwrap();
    driver.control().deliver(ADA, "INBOX", &message("New numbers", "Still right.")).unwrap();
    driver.see("New numbers").await;
    driver.keys("g g Enter");
    driver.see("Still right.").await;
}

#[tokio::test]
async fn hostile_text_is_shown_harmless() {
    let mut driver = inbox().await;
    let hostile = message("\u{1b}[2Jgone \u{202e}backwards", "\u{1b}]0;title\u{7}body \u{9b}31m");
    driver.control().deliver(ADA, "INBOX", &hostile).unwrap();
    driver.see("backwards").await;
    driver.keys("g g Enter");
    let screen = driver.see("body").await;
    let bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!screen.contains(bad), "{screen:?}");
}
