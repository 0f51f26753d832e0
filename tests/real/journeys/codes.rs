//! Device codes that are declined, run out, come slowly, or are approved by the wrong person.

use crate::account::{ADA, ALAN, AccountAdd, BARBARA, EDSGER, GRACE, approve};
use crate::program::Program;
use crate::rig::Rig;
use crate::traces::{check_nothing_saved, check_private};
use serde_json::json;

#[test]
fn a_declined_code_links_nothing() {
    let Some(rig) = Rig::take() else { return };
    for at in ["confirm", "consent"] {
        let program = Program::new();
        let mut running = AccountAdd::new(&rig, GRACE).start(&program);
        let code = running.event("device_code")["user_code"].clone();
        let decline = json!({"user_code": code, "user": GRACE, "at": at});
        rig.control("POST", "/decline", &decline);
        let outcome = running.finish().expect(3);
        let problem = outcome.problem();
        assert_eq!(problem["code"], "sign-in-declined", "{problem}");
        assert!(problem["message"].as_str().unwrap().contains("cancelled"), "{problem}");
        assert_ne!(problem["remedy"], "", "{problem}");
        check_nothing_saved(&program, "grace");
        check_private(&rig, &program);
    }
}

#[test]
fn a_code_that_runs_out_is_renewed_until_nobody_can_be_looking() {
    let Some(rig) = Rig::take() else { return };
    let program = Program::new();
    let mut running = AccountAdd::new(&rig, GRACE).start(&program);
    let mut seen = Vec::new();
    for _code in 0..3 {
        let code = running.event("device_code")["user_code"].clone();
        assert!(!seen.contains(&code), "a new code is another code");
        rig.control("POST", "/expire", &json!({ "user_code": code }));
        seen.push(code);
    }
    let problem = running.finish().expect(3).problem();
    assert_eq!(problem["code"], "code-expired", "{problem}");
    check_nothing_saved(&program, "grace");
}

#[test]
fn a_renewed_code_can_be_approved() {
    let Some(rig) = Rig::take() else { return };
    let program = Program::new();
    let mut running = AccountAdd::new(&rig, EDSGER).start(&program);
    let first = running.event("device_code")["user_code"].clone();
    rig.control("POST", "/expire", &json!({ "user_code": first }));
    approve(&rig, &mut running, EDSGER);
    running.finish().expect(0);
}

#[test]
fn polls_keep_the_interval_and_slow_down_when_asked() {
    let Some(rig) = Rig::take() else { return };
    rig.set(&json!({"interval_s": 2}));
    let program = Program::new();
    let mut running = AccountAdd::new(&rig, BARBARA).start(&program);
    let code = running.event("device_code")["user_code"].as_str().unwrap().to_owned();
    wait_for_polls(&rig, &code, 2);
    rig.approve(&code, BARBARA);
    running.finish().expect(0);
    check_gap(&rig, &code, 2_000);

    rig.set(&json!({"interval_s": 1, "slow_down_polls": 1}));
    let program = Program::new();
    let mut running = AccountAdd::new(&rig, BARBARA).start(&program);
    let code = running.event("device_code")["user_code"].as_str().unwrap().to_owned();
    wait_for_polls(&rig, &code, 1);
    rig.approve(&code, BARBARA);
    running.finish().expect(0);
    // Five seconds more after each slow_down (RFC 8628, section 3.5).
    check_gap(&rig, &code, 6_000);
}

#[track_caller]
fn check_gap(rig: &Rig, code: &str, at_least_ms: u64) {
    let state = rig.device_code(code);
    assert!(state["polls"].as_u64().unwrap() >= 2, "{state}");
    assert!(state["shortest_gap_ms"].as_u64().unwrap() >= at_least_ms, "{state}");
}

fn wait_for_polls(rig: &Rig, code: &str, polls: u64) {
    while rig.device_code(code)["polls"].as_u64().unwrap() < polls {
        std::thread::yield_now();
    }
}

#[test]
fn a_sign_in_server_that_stumbles_does_not_end_the_sign_in() {
    let Some(rig) = Rig::take() else { return };
    let grant = "device_code";
    rig.fault(&json!([
        {"endpoint": "token", "grant": grant, "status": 503, "times": 1},
        {"endpoint": "token", "grant": grant, "drop": true, "times": 1},
        {"endpoint": "token", "grant": grant, "status": 502, "body": "<html>Bad gateway</html>"},
    ]));
    let program = Program::new();
    let mut running = AccountAdd::new(&rig, EDSGER).start(&program);
    approve(&rig, &mut running, EDSGER);
    let events = running.finish().expect(0).json();
    let troubles = events.iter().filter(|event| event["event"] == "poll_trouble");
    assert_eq!(troubles.count(), 3, "{events:?}");
}

#[test]
fn a_code_approved_by_somebody_else_links_nothing() {
    let Some(rig) = Rig::take() else { return };
    let program = Program::new();
    let mut running = AccountAdd::new(&rig, ADA).start(&program);
    approve(&rig, &mut running, ALAN);
    let problem = running.finish().expect(3).problem();
    let words = format!("{} {}", problem["message"], problem["why"]);
    assert!(words.contains(ADA) && words.contains(ALAN), "{problem}");
    check_nothing_saved(&program, "ada");
    check_private(&rig, &program);
}

#[test]
fn a_permission_that_was_withheld_is_named_and_links_nothing() {
    let Some(rig) = Rig::take() else { return };
    let program = Program::new();
    let mut running = AccountAdd::new(&rig, GRACE).start(&program);
    let code = running.event("device_code")["user_code"].clone();
    let withhold = ["https://outlook.office.com/SMTP.Send"];
    let approve = json!({"user_code": code, "user": GRACE, "withhold": withhold});
    rig.control("POST", "/approve", &approve);
    let outcome = running.finish();
    assert_ne!(outcome.code, 0);
    let check = outcome.json().into_iter().find(|event| event["name"] == "scopes").unwrap();
    assert_eq!(check["ok"], false, "{check}");
    assert!(outcome.problem().to_string().contains("SMTP.Send"), "{}", outcome.report());
    check_nothing_saved(&program, "grace");
}
