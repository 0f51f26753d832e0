//! Every rung of the ladder from the command line, and the way on when one is refused.

use crate::world::{World, lines, names, refusal, text};
use posthaste::sandbox::control::Control;
use posthaste::sandbox::control::sign_in::{Registration, Step};
use posthaste::secrets::SecretKind;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use url::Url;

const OWNER: &str = "ada@example.org";

#[test]
fn a_secret_is_no_argument() {
    let world = World::new();
    for flag in ["--password", "--refresh-token", "--client-secret"] {
        let output = world.add("work", &[flag, "CANARY"], "");
        assert_eq!(output.status.code(), Some(2), "{flag}");
    }
}

#[test]
fn a_refresh_token_from_elsewhere_links_an_account() {
    let world = World::linked();
    let token = world.secret("work", SecretKind::RefreshToken);
    let flags = ["--refresh-token-stdin", "--secrets", "vault-key"];
    let output = world.add("second", &flags, &format!("{token}\n"));
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(!said.contains(&token));
    let events = lines(&output.stdout);
    assert!(!names(&events, "event").contains(&"device_code"));
    assert_eq!(events.last().unwrap()["event"], "linked");
    assert_eq!(world.account("second")["method"], "refresh-token");

    let output = world.add("third", &flags, "no such token\n");
    assert_ne!(output.status.code(), Some(0));
    assert!(!text(&output.stdout).contains("no such token"), "{}", text(&output.stdout));
    let output = world.add("third", &flags, "");
    assert_eq!(refusal(&output), ("secret-empty".to_owned(), 2));
    assert_eq!(world.json(&["account", "list"]).len(), 2);
}

#[test]
fn a_program_that_prints_tokens_links_an_account() {
    let world = World::linked();
    let token = world.path("a token");
    std::fs::write(&token, world.run(&["token", "work"]).stdout).unwrap();
    let command = format!("cat '{}'", token.display());
    let flags = ["--token-command", &command, "--secrets", "vault-key"];
    let output = world.add("second", &flags, "");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert_eq!(world.account("second")["method"], "token-command");

    let output = world.add("third", &["--token-command", "false"], "");
    assert_ne!(output.status.code(), Some(0));
    let output = world.add("third", &["--token-command", "cat 'x"], "");
    assert_eq!(refusal(&output), ("bad-command".to_owned(), 2));
}

/// Links `work` in a browser. `visit` gets the page's event and says what to paste, each once the one
/// before it is answered; the events behind the page and the exit code.
fn by_browser(
    world: &World,
    (more, input): (&[&str], &str),
    visit: impl FnOnce(&Value) -> Vec<String>,
) -> (Vec<Value>, Option<i32>) {
    let flags = ["--method", "browser", "--secrets", "vault-key"];
    let words = world.adding("work", &[&flags, more].concat());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut child = world.command(&words).spawn().unwrap();
    let mut paste = child.stdin.take().unwrap();
    paste.write_all(input.as_bytes()).unwrap();
    let events = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut events = events.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let page = events.find(|event| event["event"] == "browser_page").unwrap();
    let mut after = Vec::new();
    for (count, pasted) in visit(&page).into_iter().enumerate() {
        if 0 < count {
            after.extend(events.next());
        }
        paste.write_all(pasted.as_bytes()).unwrap();
    }
    after.extend(events);
    (after, child.wait().unwrap().code())
}

/// Where the browser ends when the owner agrees to everything.
fn agree(control: &Control, page: &Value) -> String {
    control.authorize(page["url"].as_str().unwrap(), OWNER).unwrap()
}

#[test]
fn where_the_browser_ended_can_be_pasted_in_pieces() {
    let world = World::new();
    let control = world.sandbox.control();
    let (events, code) = by_browser(&world, (&[], ""), |page| {
        let port = page["port"].as_u64().unwrap();
        let line = format!("{port}:localhost:{port}");
        assert!(page["ssh_command"].as_str().unwrap().contains(&line), "{page}");
        let end = agree(&control, page);
        let (one, two) = end.split_at(end.len() / 2);
        vec![format!("{one}\n{two}\n")]
    });
    assert_eq!(code, Some(0), "{events:?}");
    assert_eq!(events[0]["event"], "signed_in", "{events:?}");
    assert_eq!(events.last().unwrap()["event"], "linked");
    assert_eq!(world.account("work")["method"], "browser");
}

#[test]
fn the_browser_comes_back_by_itself() {
    let world = World::new();
    let control = world.sandbox.control();
    let (events, code) = by_browser(&world, (&[], ""), |page| {
        let end = Url::parse(&agree(&control, page)).unwrap();
        let at = (end.host_str().unwrap(), end.port().unwrap());
        let path = format!("{}?{}", end.path(), end.query().unwrap());
        let mut browser = TcpStream::connect(at).unwrap();
        let host = format!("{}:{}", at.0, at.1);
        write!(browser, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        browser.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        Vec::new()
    });
    assert_eq!(code, Some(0), "{events:?}");
}

#[test]
fn a_wrong_paste_is_told_and_a_refusal_ends_it() {
    let world = World::new();
    let control = world.sandbox.control();
    let (events, code) = by_browser(&world, (&[], ""), |page| {
        let declined = control.decline_in_browser(page["url"].as_str().unwrap()).unwrap();
        vec!["http://localhost/what\n".to_owned(), declined + "\n"]
    });
    assert_eq!(names(&events, "event"), ["poll_trouble", "error"], "{events:?}");
    assert_ne!(code, Some(0));
    assert!(world.json(&["account", "list"]).is_empty());
}

#[test]
fn a_blocked_code_names_the_next_way_in() {
    let world = World::new();
    world.sandbox.control().block(Step::DeviceCode, "access_denied", 530_035);
    let output = world.link("vault-key");
    let error = lines(&output.stdout).pop().unwrap();
    assert_eq!(error["code"], "AADSTS530035", "{error}");
    assert!(error["remedy"].as_str().unwrap().contains("browser"), "{error}");
    assert_ne!(output.status.code(), Some(0));
}

#[test]
fn a_confidential_app_takes_its_secret_from_a_line_or_a_command() {
    let world = World::new();
    let control = world.sandbox.control();
    control.register(Registration::Confidential("CANARY-secret"));
    let (events, code) =
        by_browser(&world, (&["--client-secret-stdin"], "CANARY-secret\n"), |page| {
            vec![agree(&control, page) + "\n"]
        });
    assert_eq!(code, Some(0), "{events:?}");
    assert!(!format!("{events:?}").contains("CANARY"));
    world.json(&["account", "remove", "work"]);

    let flags = ["--method", "client-credentials", "--secrets", "vault-key"];
    let command = ["--client-secret-command", "printf 'CANARY-secret'"];
    let output = world.add("work", &[flags.as_slice(), &command].concat(), "");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert_eq!(world.account("work")["method"], "client-credentials");
    let output = world.add("second", &flags, "CANARY-wrong\n");
    let said = text(&output.stdout);
    assert!(output.status.code() != Some(0) && !said.contains("CANARY"), "{said}");
}
