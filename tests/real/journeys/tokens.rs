//! Tokens that run out, rotate, are revoked, or cannot be renewed for a while.

use crate::account::{ADA, ALAN, BARBARA, EDSGER, GRACE, approve, linked};
use crate::program::Program;
use crate::rig::Rig;
use crate::traces::{check_private, kept_secret};
use posthaste::secrets::SecretKind;
use serde_json::json;

const LIST: [&str; 3] = ["message", "list", "--json"];

fn expire(rig: &Rig, user: &str) {
    rig.control("POST", "/expire", &json!({ "user": user }));
}

fn refresh_token(program: &Program, account: &str) -> String {
    kept_secret(program, account, SecretKind::RefreshToken).expect("a refresh token")
}

#[test]
fn an_access_token_that_ran_out_is_renewed_in_the_middle() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, ADA);
    let first = refresh_token(&program, "ada");
    assert!(rig.tokens().contains(&first), "what is kept is what was handed out");
    program.run(&LIST).expect(0);
    assert_eq!(rig.requests("token:refresh_token"), 0, "a good token is used again");
    // By the clock of the program it is good for an hour; the server knows better.
    expire(&rig, ADA);
    let rows = program.run(&LIST).expect(0).json();
    assert!(rows.len() >= 7, "{rows:?}");
    assert_eq!(rig.requests("token:refresh_token"), 1);
    assert_ne!(refresh_token(&program, "ada"), first, "the rotated token is kept");
    check_private(&rig, &program);
}

#[test]
fn a_token_that_ends_within_five_minutes_is_renewed_before_use() {
    let Some(rig) = Rig::take() else { return };
    rig.set(&json!({"access_token_lifetime_s": 200}));
    let program = linked(&rig, EDSGER);
    rig.set(&json!({"access_token_lifetime_s": 3600}));
    // The checks of linking have renewed it too: it was never good for five minutes.
    let linking = rig.requests("token:refresh_token");
    program.run(&LIST).expect(0);
    assert_eq!(rig.requests("token:refresh_token"), linking + 1);
    program.run(&LIST).expect(0);
    assert_eq!(rig.requests("token:refresh_token"), linking + 1);
}

#[test]
fn a_message_is_sent_although_the_token_ran_out() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, EDSGER);
    expire(&rig, EDSGER);
    let subject = rig.unique("Late");
    program.run(&["message", "send", "--to", GRACE, "--subject", &subject]).expect(0);
    crate::inbox::Inbox::of(&rig, GRACE).wait_for(&subject);
    assert_eq!(rig.requests("token:refresh_token"), 1);
}

#[test]
fn refresh_tokens_that_work_once_are_kept_before_they_are_used() {
    let Some(rig) = Rig::take() else { return };
    rig.set(&json!({"rotation": "strict"}));
    let program = linked(&rig, GRACE);
    for round in 1..=3 {
        expire(&rig, GRACE);
        program.run(&LIST).expect(0);
        assert_eq!(rig.requests("token:refresh_token"), round);
    }
}

#[test]
fn a_server_that_keeps_the_refresh_token_is_fine_too() {
    let Some(rig) = Rig::take() else { return };
    rig.set(&json!({"rotation": "keep"}));
    let program = linked(&rig, GRACE);
    for _round in 0..2 {
        expire(&rig, GRACE);
        program.run(&LIST).expect(0);
    }
}

#[test]
fn a_revoked_sign_in_asks_for_another_and_works_again_after_it() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, ALAN);
    check_private(&rig, &program);
    rig.control("POST", "/revoke", &json!({ "user": ALAN }));
    let problem = program.run(&LIST).expect(3).problem();
    assert!(problem["remedy"].as_str().unwrap().to_lowercase().contains("sign in"), "{problem}");

    let mut running = program.start(&["account", "sign-in", "alan", "--json"]);
    approve(&rig, &mut running, ALAN);
    running.finish().expect(0);
    let rows = program.run(&LIST).expect(0).json();
    assert!(rows.len() >= 2, "{rows:?}");
    program.run(&["account", "test", "alan", "--json"]).expect(0);
    check_private(&rig, &program);
}

#[test]
fn signing_in_again_as_somebody_else_changes_nothing() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, BARBARA);
    let before = refresh_token(&program, "barbara");
    let mut running = program.start(&["account", "sign-in", "barbara", "--json"]);
    approve(&rig, &mut running, GRACE);
    running.finish().expect(3);
    assert_eq!(refresh_token(&program, "barbara"), before);
    program.run(&LIST).expect(0);
}

#[test]
fn a_sign_in_server_that_is_down_costs_no_token() {
    let Some(rig) = Rig::take() else { return };
    let program = linked(&rig, BARBARA);
    expire(&rig, BARBARA);
    let before = refresh_token(&program, "barbara");
    for fault in [
        json!({"endpoint": "token", "status": 503, "times": 20}),
        json!({"endpoint": "token", "drop": true, "times": 20}),
        json!({"endpoint": "token", "status": 429, "headers": {"retry-after": "1"}, "times": 20}),
    ] {
        rig.fault(&fault);
        let outcome = program.run(&LIST);
        assert_eq!(outcome.code, 4, "{fault}: {}", outcome.report());
        rig.clear_faults();
        assert_eq!(refresh_token(&program, "barbara"), before);
    }
    program.run(&LIST).expect(0);
    assert_eq!(rig.requests("token:device_code"), 1, "nobody had to sign in again");
}

#[test]
fn two_programs_at_once_renew_the_token_once() {
    let Some(rig) = Rig::take() else { return };
    rig.set(&json!({"rotation": "strict"}));
    let program = linked(&rig, ALAN);
    expire(&rig, ALAN);
    let runs: Vec<_> = (0..4).map(|_run| program.start(&LIST)).collect();
    for run in runs {
        run.finish().expect(0);
    }
    assert_eq!(rig.requests("token:refresh_token"), 1);
}
