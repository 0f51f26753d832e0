//! No secret is ever seen outside the vault: the real program runs at the loudest log level through
//! linking, reading, sending and failing, and everything it leaves behind is searched for the
//! tokens, the key and the passphrase it was given.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)]

mod panics;
mod screen;
mod shapes;
mod world;

use crate::world::{ACCOUNT, OTHER_ACCOUNTS, USER, World};
use posthaste::sandbox::control::sign_in::Registration;
use posthaste::sandbox::control::{
    GraphFault, GraphStage, ImapGreeting, SmtpFault, SmtpStage, TokenFault,
};
use serde_json::Value;
use std::fs;

const MESSAGE: &[u8] = b"To: alan@example.org\nSubject: hello\n\nhello\n";

/// Everything a person does on a good day.
fn a_good_day(world: &mut World) {
    assert_eq!(world.link(), 0, "{}", world.last_words());
    world.succeeds(&["account", "list", "--json"], b"");
    world.succeeds(&["account", "test", ACCOUNT, "--json"], b"");
    world.succeeds(&["folder", "list", "--json"], b"");
    world.succeeds(&["message", "list", "--limit", "5", "--json"], b"");
    let list = world.seen.iter().rev().nth(1).unwrap().1.clone();
    let first: Value = serde_json::from_slice(list.split(|b| *b == b'\n').next().unwrap()).unwrap();
    let id = first["id"].to_string();
    world.succeeds(&["message", "read", &id, "--json"], b"");
    world.succeeds(&["message", "read", &id, "--raw"], b"");
    world.succeeds(&["message", "send", "--eml", "--json"], MESSAGE);
    world.succeeds(&["message", "reply", &id, "--body", "Thank you.", "--json"], b"");
    world.control.expire_access_tokens();
    world.succeeds(&["message", "list", "--json"], b"");
}

fn blocked() -> TokenFault {
    TokenFault::Refused { error: "access_denied", code: 530_035 }
}

/// Everything that goes wrong around signing in.
fn a_bad_day(world: &mut World) {
    let list = ["message", "list", "--json"];
    world.control.script_imap_greeting(ImapGreeting::Bye);
    let _either = world.run(&list, b"");
    world.control.script_imap_greeting(ImapGreeting::PreAuth);
    let _either = world.run(&list, b"");
    for reply in ["535 5.7.3 Authentication unsuccessful", "535 5.7.139 disabled for the Tenant."] {
        for _with_the_old_token_and_a_new_one in 0..2 {
            let fault = SmtpFault::Reply(reply.to_owned());
            world.control.script_smtp(SmtpStage::Auth, fault);
        }
        let _either = world.run(&["message", "send", "--eml", "--json"], MESSAGE);
    }
    world.control.script_smtp(SmtpStage::FinalDot, SmtpFault::Cut);
    let _either = world.run(&["message", "send", "--eml", "--json"], MESSAGE);
    for fault in [TokenFault::Unavailable, TokenFault::Dropped] {
        world.control.expire_access_tokens();
        world.control.script_token([fault]);
        let _either = world.run(&list, b"");
    }
    world.control.expire_access_tokens();
    world.control.script_token([TokenFault::Refused { error: "invalid_grant", code: 530_036 }]);
    world.fails(&list);
    world.control.script_token([blocked()]);
    world.fails(&["account", "sign-in", ACCOUNT, "--json"]);
    world.succeeds(&["account", "sign-in", ACCOUNT, "--json"], b"");
    world.control.revoke_sign_ins();
    world.fails(&["account", "test", ACCOUNT, "--json"]);
    world.succeeds(&["account", "sign-in", ACCOUNT, "--json"], b"");
}

#[test]
fn tokens_stay_in_the_vault_on_good_and_bad_days() {
    let mut world = World::new("vault-key");
    world.control.script_token([blocked()]);
    assert_ne!(world.link(), 0, "{}", world.last_words());
    a_good_day(&mut world);
    a_bad_day(&mut world);
    world.in_the_terminal();
    let log = fs::read_to_string(world.home.path().join("state/posthaste.log")).unwrap();
    // Left to itself the log holds warnings alone.
    assert!(log.contains(" INFO "), "the log is not as loud as asked for: {log}");
    // Tokens were there to be found, and were renewed on the way.
    assert!(2 < world.secrets_named("/access-token"), "{}", world.secrets.len());
    assert!(2 < world.secrets_named("/refresh-token"), "{}", world.secrets.len());
    assert_eq!(world.secrets_named("vault key"), 1);
    assert!(world.seen.iter().any(|(place, _bytes)| place.contains("-wal during")));
    world.check();
    assert_eq!(world.open_to_others(), Vec::<String>::new());
}

#[test]
fn a_passphrase_is_never_seen() {
    let mut world = World::new("vault-passphrase");
    a_good_day(&mut world);
    assert!(0 < world.secrets_named("/refresh-token"));
    world.check();
    assert_eq!(world.open_to_others(), Vec::<String>::new());
    world.succeeds(&["account", "remove", ACCOUNT, "--json"], b"");
    world.check();
}

/// Given by a person, wrong or right; each holds characters that are written differently elsewhere.
const PASSWORD: &str = "Stieglitz +/=&% \"sings\" here";
const CLIENT_SECRET: &str = "Kan8Q~ary+/secret=of&the%app~2";
const WRONG_CLIENT_SECRET: &str = "Wr0ng~ary+/secret=of&the%app~2";
const WRONG_REFRESH_TOKEN: &str = "0.Canary-that_no+server/ever=made&of%nothing";

/// Sends, fails to send, refreshes, fails to refresh, tests.
fn an_ordinary_day(world: &mut World, account: &str) {
    world.succeeds(&["account", "list", "--json"], b"");
    let send = ["message", "send", "--account", account, "--eml", "--json"];
    for expired in [false, true] {
        if expired {
            world.control.expire_access_tokens();
        }
        let _either = world.run(&["account", "test", account, "--json"], b"");
        let _either = world.run(&["folder", "list", "--account", account, "--json"], b"");
        let _either = world.run(&send, MESSAGE);
    }
    let _either = world.run(&["doctor", "--json"], b"");
    let _either = world.run(&["doctor"], b"");
}

#[test]
fn what_a_person_brings_along_stays_hidden() {
    let mut world = World::new("vault-key");
    let brought = [
        ("password", PASSWORD),
        ("client secret", CLIENT_SECRET),
        ("wrong client secret", WRONG_CLIENT_SECRET),
        ("wrong refresh token", WRONG_REFRESH_TOKEN),
    ];
    world.secrets.extend(brought.map(|(name, secret)| (name.to_owned(), secret.to_owned())));
    let line = |secret: &str| format!("{secret}\n").into_bytes();

    let [mine, pasted, app] = OTHER_ACCOUNTS;

    // A password: the servers here take none, so every way to say so is heard.
    let anyway = ["--method", "password", "--password-stdin", "--save-anyway"];
    let _either = world.link_with(mine, &anyway, &line(PASSWORD));
    an_ordinary_day(&mut world, mine);
    let _either = world.run(&["account", "sign-in", mine, "--json"], &line(PASSWORD));
    assert_eq!(world.secrets_named("/password"), 1, "{}", world.last_words());
    let words = world.adding("bad", &["--method", "password"]);
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|w| *w != "--json").collect();
    world.answers_a_prompt(&words, "Password (not shown)", PASSWORD);

    // A refresh token from elsewhere: a good one, then a bad one.
    let scopes = ["IMAP.AccessAsUser.All", "SMTP.Send"];
    let mut scopes = scopes.map(|scope| format!("https://outlook.office.com/{scope}")).to_vec();
    scopes.push("offline_access".to_owned());
    let token = world.control.refresh_token(USER, &scopes).unwrap();
    world.secrets.insert(("pasted refresh token".to_owned(), token.clone()));
    let by_token = ["--refresh-token-stdin"];
    assert_eq!(world.link_with(pasted, &by_token, &line(&token)), 0, "{}", world.last_words());
    an_ordinary_day(&mut world, pasted);
    assert_ne!(world.link_with("bad", &by_token, &line(WRONG_REFRESH_TOKEN)), 0);
    let words = world.adding("bad", &["--method", "refresh-token"]);
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|w| *w != "--json").collect();
    world.answers_a_prompt(&words, "Refresh token (not shown)", WRONG_REFRESH_TOKEN);

    // A client secret: wrong, right, then changed on the server.
    world.control.register(Registration::Confidential(CLIENT_SECRET));
    let as_app = ["--method", "client-credentials", "--client-secret-stdin"];
    assert_ne!(world.link_with(app, &as_app, &line(WRONG_CLIENT_SECRET)), 0);
    assert_eq!(world.link_with(app, &as_app, &line(CLIENT_SECRET)), 0, "{}", world.last_words());
    an_ordinary_day(&mut world, app);
    world.control.register(Registration::Confidential("changed"));
    an_ordinary_day(&mut world, app);
    assert_eq!(world.secrets_named("/client-secret"), 1);
    assert!(1 < world.secrets_named("/access-token"), "{}", world.secrets.len());
    world.check();
    assert_eq!(world.open_to_others(), Vec::<String>::new());
}

#[test]
fn tokens_for_graph_stay_hidden() {
    let mut world = World::new("vault-key");
    let by_graph = ["--submission", "graph"];
    assert_eq!(world.link_with(ACCOUNT, &by_graph, b""), 0, "{}", world.last_words());
    an_ordinary_day(&mut world, ACCOUNT);
    let refused =
        GraphFault::Answer { status: 401, code: "InvalidAuthenticationToken", retry_after_s: None };
    for fault in [refused, GraphFault::Cut, GraphFault::CutAfterwards] {
        world.control.script_graph(GraphStage::Profile, fault);
        world.control.script_graph(GraphStage::Send, fault);
        an_ordinary_day(&mut world, ACCOUNT);
    }
    let names: Vec<&String> = world.secrets.iter().map(|(name, _secret)| name).collect();
    assert!(0 < world.secrets_named("/graph-token"), "{names:?}");
    world.check();
    assert_eq!(world.open_to_others(), Vec::<String>::new());
}

#[test]
fn commands_of_ones_own_get_secrets_by_standard_input_alone() {
    let mut world = World::new("command");
    world.configure_commands();
    assert_eq!(world.link(), 0, "{}", world.last_words());
    an_ordinary_day(&mut world, ACCOUNT);
    assert!(1 < world.secrets_named("/access-token"), "{}", world.secrets.len());
    assert!(1 < world.secrets_named("/refresh-token"), "{}", world.secrets.len());
    let trace = fs::read_to_string(world.home.path().join("tmp/commands")).unwrap();
    assert!(trace.contains("work/refresh-token") && trace.contains("HOME="));
    world.check();
}
