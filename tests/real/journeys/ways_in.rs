//! Every way in, by keys alone: from nothing to a message of the first folder on the screen.

use crate::account::{ADA, ALAN, AccountAdd, come_back, linked};
use crate::program::Program;
use crate::rig::Rig;
use crate::terminal::Terminal;
use crate::traces::{check_nothing_saved, check_private};
use crate::wizard::{ENTER, Form, fill, pasted, stay_on_loopback};
use serde_json::json;

const BROWSER: &str = "browser, here or through ssh";
const APP: &str = "app without a person";
/// A message that Ada has from the start, and one that Alan has.
const LUNCH: &str = "Lunch?";
const MOVE: &str = "Your move";
/// A length no other token has, to know a refresh token by.
const REFRESH_TOKEN_CHARS: usize = 1500;
/// Where terminals and mail programs break long lines.
const LINE_CHARS: usize = 72;

/// Links `user` by `method` on the screen and sees `subject` in the first folder; `on_screen` does
/// what stands between the form and the checks.
#[track_caller]
fn check(
    rig: &Rig,
    (user, subject): (&str, &str),
    method: &str,
    filled: impl FnOnce(&mut Form<'_, '_>),
    on_screen: impl FnOnce(&mut Terminal<'_>),
) {
    let program = Program::new();
    stay_on_loopback(&program);
    let mut screen = Terminal::open(&program);
    fill(rig, &mut screen, user, method, filled);
    on_screen(&mut screen);
    screen.sees("The account is linked");
    screen.types(ENTER);
    screen.sees(subject);
    screen.types("q");
    assert_eq!(screen.ends(), 0);
    check_private(rig, &program);
}

/// The address to open, as a person copies it, and where the browser ends with it.
#[track_caller]
fn browser_ends(rig: &Rig, screen: &mut Terminal<'_>) -> String {
    screen.sees("Open this address in a browser");
    screen.types("u");
    let url = screen.copies(&rig.at.authority);
    rig.authorize(&url, ADA)
}

/// A text over several lines.
fn broken(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let lines: Vec<String> = letters.chunks(LINE_CHARS).map(|line| line.iter().collect()).collect();
    lines.join("\r\n")
}

#[test]
fn by_a_browser_that_comes_back() {
    let Some(rig) = Rig::take() else { return };
    check(
        &rig,
        (ADA, LUNCH),
        BROWSER,
        |_form| (),
        |screen| {
            let page = come_back(&browser_ends(&rig, screen));
            assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        },
    );
}

#[test]
fn by_pasting_where_the_browser_ended_with_line_breaks() {
    let Some(rig) = Rig::take() else { return };
    check(
        &rig,
        (ADA, LUNCH),
        BROWSER,
        |_form| (),
        |screen| {
            let ended = format!("{}&session_state=0f", browser_ends(&rig, screen));
            screen.types("p");
            screen.gone("p to type");
            screen.types(&pasted(&broken(&ended)));
            screen.sees("session_state=0f");
            screen.types(ENTER);
        },
    );
}

#[test]
fn by_a_refresh_token_with_line_breaks() {
    let Some(rig) = Rig::take() else { return };
    rig.set(&json!({ "refresh_token_chars": REFRESH_TOKEN_CHARS }));
    let _other = linked(&rig, ADA);
    let of_that_length = |token: &String| token.len() == REFRESH_TOKEN_CHARS;
    let token = rig.tokens().into_iter().find(of_that_length).expect("a refresh token");
    let method = "refresh token from elsewhere";
    let bring = |form: &mut Form<'_, '_>| {
        form.write("Refresh token", &pasted(&broken(&token)));
    };
    check(&rig, (ADA, LUNCH), method, bring, |_screen| ());
}

#[test]
fn by_a_command_that_prints_a_token() {
    let Some(rig) = Rig::take() else { return };
    let owner = linked(&rig, ADA);
    let home = owner.home().to_str().unwrap();
    let command = format!("'{}' --home '{home}' token ada", env!("CARGO_BIN_EXE_posthaste"));
    let name = |form: &mut Form<'_, '_>| {
        form.write("Command", &command);
    };
    check(&rig, (ADA, LUNCH), "command that prints a token", name, |_screen| ());
    assert_eq!(rig.requests("token:device_code"), 1, "only the owner has signed in");
}

#[test]
fn by_a_password() {
    let Some(rig) = Rig::take() else { return };
    let say = |form: &mut Form<'_, '_>| {
        form.write("Password", "ada-password");
    };
    check(&rig, (ADA, LUNCH), "password", say, |_screen| ());
    assert_eq!(rig.requests("token"), 0, "nobody asked for a token");
}

#[test]
fn by_an_app_without_a_person() {
    let Some(rig) = Rig::take() else { return };
    let at = &rig.at;
    let say = |form: &mut Form<'_, '_>| {
        form.write("Client id", &at.app_client_id).write("Client secret", &at.app_client_secret);
    };
    check(&rig, (ALAN, MOVE), APP, say, |_screen| ());
    assert_eq!(rig.requests("devicecode") + rig.requests("authorize"), 0, "no person took part");
}

#[test]
fn forty_columns_and_twelve_rows_are_enough() {
    let Some(rig) = Rig::take() else { return };
    let program = Program::new();
    stay_on_loopback(&program);
    let mut screen = Terminal::open_small(&program);
    fill(&rig, &mut screen, ADA, BROWSER, |_form| ());
    let ended = format!("{}&session_state=0f", browser_ends(&rig, &mut screen));
    screen.types("p");
    screen.gone("p to type");
    screen.types(&pasted(&ended));
    screen.sees("session_state=0f");
    screen.types(ENTER);
    screen.sees("[Enter] opens the inbox");
    screen.types(ENTER);
    screen.until("a message", |shown| shown.lines().any(|l| l.starts_with('>')).then_some(()));
    screen.types("G");
    screen.types(ENTER);
    screen.sees("Bernoulli");
}

#[test]
fn a_wrong_password_is_entered_again_on_one_key() {
    let Some(rig) = Rig::take() else { return };
    let say = |form: &mut Form<'_, '_>| {
        form.write("Password", "alan-password");
    };
    check(&rig, (ADA, LUNCH), "password", say, |screen| {
        screen.sees("The password is wrong");
        screen.sees("[Enter] changes what was entered");
        screen.types(ENTER);
        Form::on(screen).write("Password", "ada-password");
        screen.types(ENTER);
        screen.sees("where the sign-in is kept");
        screen.types(ENTER);
    });
}

/// The id of a secret in place of its value is what people enter most.
#[test]
fn a_wrong_client_secret_is_entered_again_on_one_key() {
    let Some(rig) = Rig::take() else { return };
    let at = &rig.at;
    let say = |form: &mut Form<'_, '_>| {
        form.write("Client id", &at.app_client_id).write("Client secret", &at.app_client_id);
    };
    check(&rig, (ALAN, MOVE), APP, say, |screen| {
        screen.sees("client secret");
        screen.sees("[Enter] changes what was entered");
        screen.types(ENTER);
        screen.sees("> Client secret");
        screen.types(&["\x15", &at.app_client_secret, ENTER].concat());
        screen.sees("where the sign-in is kept");
        screen.types(ENTER);
    });
}

fn by_app(rig: &Rig, mailbox: &str, secret: &str) -> AccountAdd {
    AccountAdd::new(rig, mailbox)
        .with("--method", "client-credentials")
        .with("--client-id", &rig.at.app_client_id)
        .with_flag("--client-secret-stdin")
        .with_input(secret)
}

#[test]
fn an_app_is_linked_from_the_command_line_and_signs_in_again_by_itself() {
    let Some(rig) = Rig::take() else { return };
    let program = Program::new();
    let events = by_app(&rig, ALAN, &rig.at.app_client_secret).start(&program).finish().expect(0);
    assert_eq!(events.json().last().expect("an event")["event"], "linked", "{}", events.report());
    // The server no longer takes the token, and nobody is there to sign in.
    rig.control("POST", "/expire", &json!({ "app": true }));
    let rows = program.run(&["message", "list", "--json"]).expect(0).json();
    assert!(rows.iter().any(|row| row["subject"] == MOVE), "{rows:?}");
    let subject = rig.unique("By an app");
    program.run(&["message", "send", "--to", ADA, "--subject", &subject]).expect(0);
    crate::inbox::Inbox::of(&rig, ADA).wait_for(&subject);
    assert_eq!(rig.requests("token:refresh_token"), 0);
    check_private(&rig, &program);
}

#[test]
fn an_app_is_refused_in_words() {
    let Some(rig) = Rig::take() else { return };
    for (mailbox, secret, code, exit_code, remedy) in [
        (ALAN, rig.at.app_client_id.as_str(), "AADSTS7000215", 3, "client secret"),
        // A mailbox that nobody has given it.
        (ADA, rig.at.app_client_secret.as_str(), "token-refused", 3, "administrator"),
    ] {
        let program = Program::new();
        let outcome = by_app(&rig, mailbox, secret).start(&program).finish();
        let problem = outcome.expect(exit_code).problem();
        assert_eq!(problem["code"], code, "{problem}");
        assert!(problem["remedy"].as_str().unwrap().contains(remedy), "{problem}");
        check_nothing_saved(&program, mailbox.split('@').next().unwrap());
    }
}

/// Outlook.com: nobody's tokens can be read, and everybody is in one tenant, `consumers`.
#[test]
fn a_personal_account_has_tokens_that_nobody_can_read() {
    let Some(rig) = Rig::take() else { return };
    let program = Program::new();
    let add = AccountAdd::new(&rig, ADA).with("--tenant", "consumers");
    crate::account::link(&rig, &program, &add, ADA);
    assert!(rig.tokens().iter().all(|token| !token.contains('.')), "a token is a JWT");
    let account = program.run(&["account", "list", "--json"]).expect(0).object();
    assert_eq!((&account["login"], &account["tenant"]), (&json!(ADA), &json!("consumers")));
    rig.control("POST", "/expire", &json!({ "user": ADA }));
    let rows = program.run(&["message", "list", "--json"]).expect(0).json();
    assert!(rows.iter().any(|row| row["subject"] == LUNCH), "{rows:?}");
}
