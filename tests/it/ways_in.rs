//! The ladder and the account board by keys alone.

use crate::driver::AppDriver;
use posthaste::sandbox::control::sign_in::Step;
use posthaste::sandbox::control::{GraphFault, GraphStage, SmtpAuth, SmtpFault, SmtpStage};
use posthaste::sandbox::options::{Approval, SandboxOptions};
use posthaste::stdx::clock::Clock;

const ADA: &str = "ada@example.org";

async fn wizard() -> AppDriver {
    let options =
        SandboxOptions { approval: Approval::ByHand, ..SandboxOptions::test(Clock::system()) };
    AppDriver::without_account(options).await
}

/// Opens the page in a browser on another machine and pastes where it ended.
async fn by_pasting(driver: &mut AppDriver) {
    driver.see("Open this address in a browser").await;
    driver.keys("u");
    let url = driver.copied.last().unwrap().clone();
    let ended = driver.control().authorize(&url, ADA).unwrap();
    driver.paste(&format!("{ended}\n&session_state=x\n"));
    driver.keys("Enter");
}

#[tokio::test]
async fn a_blocked_code_leads_to_the_browser_by_enter_and_pasting() {
    let mut driver = wizard().await;
    driver.control().block(Step::DeviceCode, "invalid_grant", 530_035);
    driver.keys("Enter Enter Enter");
    driver.see("copy code").await;
    driver.control().approve(ADA).await.unwrap();
    let refused = driver.see("signs in with a browser instead").await;
    assert!(refused.contains("copy for IT"), "{refused}");
    driver.keys("Enter");
    by_pasting(&mut driver).await;
    driver.see("The account is linked").await;
    driver.keys("Enter");
    driver.see("Inbox").await;
}

#[tokio::test]
async fn a_wrong_answer_is_named_and_the_page_still_waits() {
    let mut driver = wizard().await;
    driver.keys("Enter Enter Enter");
    driver.see("copy code").await;
    driver.keys("b");
    driver.see("Open this address in a browser").await;
    driver.paste("http://localhost:1/?code=stolen&state=of-somebody-else");
    driver.keys("Enter");
    driver.see("! ").await;
    by_pasting(&mut driver).await;
    driver.see("The account is linked").await;
}

#[tokio::test]
async fn where_smtp_is_off_graph_sends_and_the_checks_say_so() {
    let mut driver = wizard().await;
    driver.control().set_smtp_auth(SmtpAuth::OffForTenant);
    driver.keys("Enter Enter Enter");
    driver.see("copy code").await;
    driver.keys("b");
    by_pasting(&mut driver).await;
    let done = driver.see("The account is linked").await;
    assert!(done.contains("[-] sending mail"), "{done}");
    assert!(done.contains("[x] Microsoft Graph"), "{done}");
}

/// Refuses what the next checks try of sending, SMTP as well as Graph.
fn refuse_sending_once(driver: &AppDriver) {
    let off = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for \
               the Tenant.";
    // Once more for the silent second try with another token.
    for _try in 0..2 {
        driver.control().script_smtp(SmtpStage::Auth, SmtpFault::Reply(off.to_owned()));
    }
    let denied = GraphFault::Answer { status: 403, code: "ErrorAccessDenied", retry_after_s: None };
    driver.control().script_graph(GraphStage::Profile, denied);
}

#[tokio::test]
async fn after_failed_checks_nobody_signs_in_twice() {
    for (keys, seen) in [
        ("Enter", "[x] Microsoft Graph"),
        ("r", "[x] sending mail"),
        ("e Enter Enter", "[x] sending mail"),
        ("S y", "not everything works"),
    ] {
        let mut driver = wizard().await;
        refuse_sending_once(&driver);
        driver.keys("Enter Enter Enter");
        driver.see("copy code").await;
        driver.keys("b");
        by_pasting(&mut driver).await;
        let refused = driver.see("still signed in").await;
        assert!(refused.contains("sends through Microsoft Graph instead"), "{refused}");
        let copied = driver.copied.len();
        driver.keys(keys);
        let done = driver.see("The account is ").await;
        assert!(done.contains(seen), "{keys}:\n{done}");
        assert_eq!(driver.copied.len(), copied, "somebody signed in again after {keys}");
        driver.keys("Enter");
        driver.see("Inbox").await;
    }
}

#[tokio::test]
async fn a_linked_account_sends_another_way_by_keys() {
    let mut driver = AppDriver::with_inbox(SandboxOptions::test(Clock::system())).await;
    driver.control().set_smtp_auth(SmtpAuth::OffForTenant);
    driver.keys("@ v");
    driver.see("How messages of").await;
    driver.keys("Down Enter");
    let refused = driver.see("sends through Microsoft Graph instead").await;
    assert!(refused.contains("[!] sending mail"), "{refused}");
    driver.keys("Enter");
    driver.see("Everything works").await;
    driver.keys("Enter");
    driver.see("works (Microsoft Graph)").await;
}

#[tokio::test]
async fn the_board_tests_renames_and_tells() {
    let mut driver = AppDriver::with_inbox(SandboxOptions::test(Clock::system())).await;
    driver.keys("@");
    let board = driver.see("code on another device").await;
    for told in ["IMAP.AccessAsUser.All", "refreshable", "Checked", "account export"] {
        assert!(board.contains(told), "{told} is missing in\n{board}");
    }
    driver.keys("t");
    driver.see("Everything works").await;
    driver.keys("Enter n Ctrl-u");
    driver.type_text("office");
    driver.keys("Enter");
    driver.see("> office").await;
    driver.keys("m Down Enter");
    by_pasting(&mut driver).await;
    driver.see("browser, here or through ssh").await;
}

#[tokio::test]
async fn a_shared_mailbox_is_added_from_the_board() {
    let mut driver = AppDriver::with_inbox(SandboxOptions::test(Clock::system())).await;
    driver.control().share("grace@example.org", ADA).unwrap();
    driver.keys("@ +");
    driver.see("A shared mailbox through").await;
    driver.type_text("grace@example.org");
    driver.keys("Enter");
    driver.see("The account is linked").await;
    driver.keys("Enter @");
    driver.see("grace@example.org").await;
    driver.keys("j");
    let board = driver.see("opened by the sign-in of").await;
    assert!(board.contains("grace"), "{board}");
}
