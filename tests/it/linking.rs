//! From no account to the inbox.

use crate::driver::AppDriver;
use posthaste::sandbox::options::SandboxOptions;
use posthaste::stdx::clock::Clock;

#[tokio::test]
async fn keys_alone_lead_from_no_account_to_the_inbox() {
    let mut driver = AppDriver::without_account(SandboxOptions::test(Clock::system())).await;
    for _ in 0..12 {
        eprintln!("{}", driver.screen());
        driver.keys("Enter");
        for _ in 0..30 {
            driver.turn().await;
        }
    }
    panic!("look");
}
