//! From no account to the inbox, and every way in which that can go wrong.

use crate::driver::AppDriver;
use posthaste::sandbox::control::{Counter, ImapGreeting, SmtpAuth, TokenFault};
use posthaste::sandbox::options::{Approval, SandboxOptions};
use posthaste::stdx::clock::Clock;

async fn at_the_code() -> AppDriver {
    let options =
        SandboxOptions { approval: Approval::ByHand, ..SandboxOptions::test(Clock::system()) };
    let mut driver = AppDriver::without_account(options).await;
    driver.keys("Enter Enter Enter");
    driver.see("copy code").await;
    driver
}

#[tokio::test]
async fn keys_alone_lead_from_no_account_to_the_inbox() {
    let mut driver = at_the_code().await;
    driver.see("/devicelogin").await;
    driver.keys("y u");
    let [code, link] = driver.copied.as_slice() else { panic!("{:?}", driver.copied) };
    assert_eq!(code.len(), 9, "{code}");
    assert!(link.starts_with("https://localhost:"), "{link}");
    driver.control().approve("ada@example.org").await.unwrap();
    let done = driver.see("The account is linked").await;
    for passed in ["[x] signed in", "[x] permissions", "[x] reading mail", "[x] sending mail"] {
        assert!(done.contains(passed), "{passed} is missing in\n{done}");
    }
    driver.keys("Enter");
    driver.see("31 messages").await;
}

#[tokio::test]
async fn somebody_else_who_signs_in_is_named_and_nothing_is_kept() {
    let mut driver = at_the_code().await;
    driver.control().approve("alan@example.org").await.unwrap();
    let screen = driver.see("alan@example.org, not as ada@example.org").await;
    assert!(screen.contains("try again"), "{screen}");
    driver.keys("r");
    driver.see("copy code").await;
    driver.control().approve("ada@example.org").await.unwrap();
    driver.see("The account is linked").await;
}

#[tokio::test]
async fn a_refusal_is_explained_and_can_be_started_over() {
    struct Case {
        name: &'static str,
        seen: &'static str,
    }
    for case in [
        Case { name: "declined", seen: "cancelled in the browser" },
        Case { name: "blocked by security defaults", seen: "security defaults" },
        Case { name: "blocked by conditional access", seen: "rule" },
    ] {
        let mut driver = at_the_code().await;
        let control = driver.control();
        let refused = |code| [TokenFault::Refused { error: "invalid_grant", code }];
        match case.name {
            "declined" => control.decline().await,
            "blocked by security defaults" => control.script_token(refused(530_035)),
            _ => control.script_token(refused(53_003)),
        }
        let screen = driver.see("try again").await;
        assert!(screen.contains(case.seen), "{}: no {:?} in\n{screen}", case.name, case.seen);
    }
}

#[tokio::test]
async fn a_sign_in_server_that_stumbles_does_not_end_the_sign_in() {
    let mut driver = at_the_code().await;
    let control = driver.control();
    control.script_token([TokenFault::Unavailable, TokenFault::Dropped]);
    let polls = control.count(Counter::CodePolls);
    while control.count(Counter::CodePolls) < polls + 3 {
        driver.turn().await;
    }
    control.approve("ada@example.org").await.unwrap();
    driver.see("The account is linked").await;
}

#[tokio::test]
async fn a_code_that_ran_out_is_replaced_by_itself() {
    let mut driver = at_the_code().await;
    driver.keys("y");
    driver.control().expire_code().await;
    while driver.copied.first() == driver.copied.last() {
        driver.turn().await;
        driver.keys("y");
    }
    driver.control().approve("ada@example.org").await.unwrap();
    driver.see("The account is linked").await;
}

#[tokio::test]
async fn smtp_that_is_switched_off_is_said_and_graph_takes_over() {
    let mut driver = at_the_code().await;
    driver.control().set_smtp_auth(SmtpAuth::OffForTenant);
    driver.control().approve("ada@example.org").await.unwrap();
    let screen = driver.see("The account is linked").await;
    assert!(screen.contains("through Microsoft Graph"), "{screen}");
}

#[tokio::test]
async fn a_server_that_hangs_up_is_a_failed_check() {
    let mut driver = at_the_code().await;
    let control = driver.control();
    // One for the check of the server's identity, one for the sign-in.
    control.script_imap_greeting(ImapGreeting::Bye);
    control.script_imap_greeting(ImapGreeting::Bye);
    control.approve("ada@example.org").await.unwrap();
    driver.see("try again").await;
}

#[tokio::test]
async fn escape_leads_back_and_stops_asking() {
    let mut driver = at_the_code().await;
    driver.keys("Esc");
    driver.see_gone("copy code").await;
    let control = driver.control();
    control.approve("ada@example.org").await.ok();
    let polls = control.count(Counter::CodePolls);
    driver.pass(5);
    for _turn in 0..30 {
        driver.turn().await;
    }
    assert_eq!(control.count(Counter::CodePolls), polls);
}
