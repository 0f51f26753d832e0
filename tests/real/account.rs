//! Linking an account of the rig.

use crate::program::{Program, Running};
use crate::rig::Rig;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

/// Users of the rig. Ada and Alan start with mail.
pub const ADA: &str = "ada@example.org";
/// See [`ADA`].
pub const ALAN: &str = "alan@example.org";
/// Starts without mail.
pub const GRACE: &str = "grace@example.org";
/// Starts without mail.
pub const EDSGER: &str = "edsger@example.org";
/// Starts without mail.
pub const BARBARA: &str = "barbara@example.org";

/// `account add --json` with its options.
pub struct AccountAdd {
    options: BTreeMap<&'static str, String>,
    flags: Vec<&'static str>,
    input: Option<String>,
}

impl AccountAdd {
    /// Everything as the rig has it.
    pub fn new(rig: &Rig, user: &str) -> Self {
        let at = &rig.at;
        let options = BTreeMap::from([
            ("--email", user.to_owned()),
            ("--provider", "custom".to_owned()),
            ("--authority", at.authority.clone()),
            ("--tenant", at.tenant.clone()),
            ("--client-id", at.client_id.clone()),
            ("--ca", at.ca_file.clone()),
            ("--imap", at.imaps.clone()),
            ("--submission", at.submission.clone()),
        ]);
        Self { options, flags: Vec::new(), input: Some(String::new()) }
    }

    /// Says one option in another way.
    pub fn with(mut self, option: &'static str, value: &str) -> Self {
        self.options.insert(option, value.to_owned());
        self
    }

    /// Says an option that stands alone.
    pub fn with_flag(mut self, flag: &'static str) -> Self {
        self.flags.push(flag);
        self
    }

    /// Has `line` on standard input.
    pub fn with_input(mut self, line: &str) -> Self {
        self.input = Some(format!("{line}\n"));
        self
    }

    /// Leaves standard input open, for [`Running::types`].
    pub fn with_open_input(mut self) -> Self {
        self.input = None;
        self
    }

    /// Starts it.
    pub fn start<'p>(&self, program: &'p Program) -> Running<'p> {
        let options = self.options.iter().flat_map(|(option, value)| [*option, value.as_str()]);
        let add = ["account", "add", "--json"].into_iter();
        // The rig has no Graph, and nothing may look for it elsewhere.
        let args: Vec<&str> = add
            .chain(options)
            .chain(self.flags.iter().copied())
            .chain(["--submission", "smtp"])
            .collect();
        match &self.input {
            Some(input) => program.start_with_input(&args, input.as_bytes()),
            None => program.start_open(&args),
        }
    }
}

/// Waits for a code and has `user` approve it; the code.
#[track_caller]
pub fn approve(rig: &Rig, running: &mut Running<'_>, user: &str) -> String {
    let code = running.event("device_code")["user_code"].as_str().unwrap().to_owned();
    rig.approve(&code, user);
    code
}

/// A program with `user`'s mailbox linked.
#[track_caller]
pub fn linked(rig: &Rig, user: &str) -> Program {
    let program = Program::new();
    link(rig, &program, &AccountAdd::new(rig, user), user);
    program
}

/// Links and gives the events.
#[track_caller]
pub fn link(rig: &Rig, program: &Program, add: &AccountAdd, user: &str) -> Vec<Value> {
    let mut running = add.start(program);
    approve(rig, &mut running, user);
    running.finish().expect(0).json()
}

/// The browser comes back to the loopback address the sign-in server sent it to; the page it shows.
#[track_caller]
pub fn come_back(redirect: &str) -> String {
    let rest = redirect.strip_prefix("http://localhost:").expect("loopback");
    let (port, path) = rest.split_once('/').unwrap_or_else(|| rest.split_once('?').unwrap());
    let mut line = TcpStream::connect(("127.0.0.1", port.parse().unwrap())).unwrap();
    let path = path.trim_start_matches('/');
    let request = format!("GET /{path} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n");
    line.write_all(request.as_bytes()).unwrap();
    let mut page = String::new();
    line.read_to_string(&mut page).unwrap();
    page
}
