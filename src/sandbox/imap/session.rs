//! The state of one IMAP session, and which command goes where.

use crate::sandbox::control::Counter;
use crate::sandbox::imap::fetch::{FetchJob, flag_list};
use crate::sandbox::imap::folders::uid_set;
use crate::sandbox::imap::reader::Extension;
use crate::sandbox::imap::view::{Access, Change, Expunge, Numbers, View};
use crate::sandbox::options::Personality;
use crate::sandbox::people::{OWNER, person};
use crate::sandbox::world::World;
use crate::sandbox::xoauth2;
use imap_codec::imap_types::auth::AuthMechanism;
use imap_codec::imap_types::command::{Command, CommandBody};
use imap_codec::imap_types::extensions::enable::CapabilityEnable;
use std::sync::Arc;
use std::time::Duration;

/// Scope an access token must carry (Microsoft: "Authenticate an IMAP, POP or SMTP connection using
/// OAuth").
const IMAP_SCOPE: &str = "https://outlook.office.com/IMAP.AccessAsUser.All";
/// Bad commands before Exchange hangs up.
const BAD_COMMAND_LIMIT: u32 = 10;
/// How long a session without a token of its own goes on between two looks.
const NO_TOKEN: Duration = Duration::from_secs(3_600);

/// What the connection does next.
pub enum Next {
    /// Send what was written and read on.
    Continue,
    /// Send what was written and close.
    Close,
    /// Write messages, part by part.
    Fetch(FetchJob),
    /// Ask for the SASL response.
    AskCredentials {
        /// Of the command.
        tag: String,
    },
    /// Judge the SASL response.
    Authenticate {
        /// Of the command.
        tag: String,
        /// Decoded.
        credentials: Vec<u8>,
    },
    /// Push changes until DONE.
    Idle {
        /// Of the command.
        tag: String,
    },
}

/// How a command ends.
pub enum Done {
    /// Tagged OK with this text.
    Ok(String),
    /// Tagged NO with this text.
    No(String),
    /// Tagged BAD: not understood or not in its place.
    BadCommand,
    /// Tagged BAD: an argument is not supported.
    BadArgument,
}

impl Done {
    /// `OK NAME completed.`
    pub fn completed(name: &str) -> Self {
        Self::Ok(format!("{name} completed."))
    }
}

/// Who is signed in.
enum Phase {
    NotAuthenticated,
    Authenticated {
        address: &'static str,
        /// `None` for PREAUTH.
        token: Option<String>,
    },
    /// Exchange accepts a sound token for somebody else's mailbox and then opens nothing.
    NotConnected,
}

/// Which extension the client has switched on (RFC 5161, RFC 7162).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// None.
    Plainly,
    /// Change numbers.
    Condstore,
    /// Change numbers, and VANISHED in place of EXPUNGE.
    Qresync,
}

/// One session.
pub struct Session {
    /// What the servers share.
    pub world: Arc<World>,
    /// What is still to be sent.
    pub out: Vec<u8>,
    /// The open folder.
    pub view: Option<View>,
    /// What the client has switched on.
    pub speaks: Speaks,
    phase: Phase,
    bad_commands: u32,
}

impl Session {
    /// A session right after the greeting.
    pub fn new(world: Arc<World>) -> Self {
        let phase = Phase::NotAuthenticated;
        let speaks = Speaks::Plainly;
        Self { world, out: Vec::new(), view: None, speaks, phase, bad_commands: 0 }
    }

    /// Which server is played.
    pub fn personality(&self) -> Personality {
        self.world.personality()
    }

    /// Whose mailbox is open; empty before authentication.
    pub fn address(&self) -> &'static str {
        match self.phase {
            Phase::NotAuthenticated | Phase::NotConnected => "",
            Phase::Authenticated { address, .. } => address,
        }
    }

    /// Writes one line.
    pub fn line(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
        self.out.extend_from_slice(b"\r\n");
    }

    /// The owner is in without asking: what a PREAUTH greeting means.
    pub fn preauthenticate(&mut self) {
        self.phase = Phase::Authenticated { address: OWNER.address, token: None };
    }

    /// Judges a decoded XOAUTH2 response.
    pub fn authenticate(&mut self, decoded: &[u8]) -> bool {
        let Some(credentials) = xoauth2::read(decoded) else {
            return false;
        };
        let now = self.world.now();
        let signed_in = self.world.read(|state| {
            let grant = state.tokens.access(&credentials.token, now)?;
            grant.scopes.iter().any(|scope| scope == IMAP_SCOPE).then_some(grant.person)
        });
        let Some(signed_in) = signed_in else {
            return false;
        };
        let opened = person(&credentials.user)
            .filter(|whose| self.world.read(|state| state.may_open(signed_in, *whose)));
        let Some(opened) = opened else {
            return match self.personality() {
                Personality::Exchange => {
                    self.phase = Phase::NotConnected;
                    true
                }
                Personality::Dovecot => false,
            };
        };
        let token = Some(credentials.token);
        self.phase = Phase::Authenticated { address: opened.address, token };
        self.world.change(|state| state.count(Counter::ImapSignIns));
        true
    }

    /// How long the session's token is still good; `None` when it has run out. Dovecot asks about a
    /// token only at sign-in.
    pub fn token_lives_for(&self) -> Option<Duration> {
        let token = match (&self.phase, self.personality()) {
            (Phase::Authenticated { token: Some(token), .. }, Personality::Exchange) => token,
            (Phase::Authenticated { .. } | Phase::NotAuthenticated | Phase::NotConnected, _) => {
                return Some(NO_TOKEN);
            }
        };
        let now = self.world.now();
        let expires_at =
            self.world.read(|state| Some(state.tokens.access(token, now)?.expires_at))?;
        u64::try_from(expires_at.since(now)).ok().map(Duration::from_secs)
    }

    /// A line that is no command.
    pub fn malformed(&mut self, tag: &str) -> Next {
        self.finish(tag, "", Done::BadCommand)
    }

    /// Runs one command.
    pub fn run(&mut self, command: Command<'static>, extension: Extension) -> Next {
        let tag = command.tag.inner().to_owned();
        self.world.change(|state| state.count(Counter::ImapCommands));
        if self.token_lives_for().is_none() {
            self.line("* BYE Session invalidated - AccessTokenExpired");
            return Next::Close;
        }
        if self.is_renumbered() {
            self.line("* BYE The folder was rebuilt, select it again.");
            return Next::Close;
        }
        match command.body {
            CommandBody::Capability => self.capability(&tag),
            CommandBody::Noop => self.finish(&tag, "NOOP", Done::completed("NOOP")),
            CommandBody::Logout => {
                self.line("* BYE Microsoft Exchange Server IMAP4 server signing off.");
                self.line(&format!("{tag} OK LOGOUT completed."));
                Next::Close
            }
            CommandBody::Id { .. } => {
                self.line("* ID (\"name\" \"posthaste-sandbox\")");
                self.finish(&tag, "ID", Done::completed("ID"))
            }
            CommandBody::Authenticate { mechanism, initial_response } => self.begin_sign_in(
                tag,
                &mechanism,
                initial_response.map(|ir| ir.declassify().to_vec()),
            ),
            CommandBody::Login { .. } => {
                let text = "LOGIN failed.".to_owned();
                self.finish(&tag, "LOGIN", Done::No(text))
            }
            body => match self.phase {
                Phase::NotAuthenticated => self.finish(&tag, "", Done::BadCommand),
                Phase::NotConnected => {
                    self.line(&format!("{tag} BAD User is authenticated but not connected."));
                    self.count_bad()
                }
                Phase::Authenticated { .. } => self.run_authenticated(tag, body, extension),
            },
        }
    }

    fn begin_sign_in(
        &mut self,
        tag: String,
        mechanism: &AuthMechanism<'_>,
        response: Option<Vec<u8>>,
    ) -> Next {
        match (&self.phase, mechanism) {
            (Phase::NotAuthenticated, AuthMechanism::XOAuth2) => match response {
                Some(credentials) => Next::Authenticate { tag, credentials },
                None => Next::AskCredentials { tag },
            },
            (Phase::NotAuthenticated, _) => {
                let text = self.personality().authentication_failed().to_owned();
                self.finish(&tag, "AUTHENTICATE", Done::No(text))
            }
            (Phase::Authenticated { .. } | Phase::NotConnected, _) => {
                self.finish(&tag, "AUTHENTICATE", Done::BadCommand)
            }
        }
    }

    fn run_authenticated(
        &mut self,
        tag: String,
        body: CommandBody<'static>,
        extension: Extension,
    ) -> Next {
        let name = body.name();
        let done = match body {
            CommandBody::Namespace => {
                self.line("* NAMESPACE ((\"\" \"/\")) NIL NIL");
                Done::completed("NAMESPACE")
            }
            CommandBody::List { mailbox_wildcard, .. } => {
                self.list("LIST", &mailbox_wildcard, extension)
            }
            CommandBody::Lsub { mailbox_wildcard, .. } => {
                self.list("LSUB", &mailbox_wildcard, extension)
            }
            CommandBody::Subscribe { .. }
            | CommandBody::Unsubscribe { .. }
            | CommandBody::Check => Done::completed(name),
            CommandBody::Status { mailbox, item_names } => self.status(&mailbox, &item_names),
            CommandBody::Select { mailbox, parameters } => {
                self.select(&mailbox, &parameters, Access::ReadWrite)
            }
            CommandBody::Examine { mailbox, parameters } => {
                self.select(&mailbox, &parameters, Access::ReadOnly)
            }
            CommandBody::Enable { capabilities } => self.enable(capabilities.as_ref()),
            CommandBody::Create { mailbox } => self.create(&mailbox),
            CommandBody::Rename { from, to } => self.rename(&from, &to),
            CommandBody::Delete { mailbox } => self.delete(&mailbox),
            CommandBody::Append { mailbox, flags, date, message } => {
                self.append(&mailbox, &flags, date.as_ref(), &message)
            }
            CommandBody::Idle => return Next::Idle { tag },
            body => return self.run_selected(tag, body, extension),
        };
        self.finish(&tag, name, done)
    }

    fn run_selected(
        &mut self,
        tag: String,
        body: CommandBody<'static>,
        extension: Extension,
    ) -> Next {
        let name = body.name();
        let Some(view) = &self.view else {
            return self.finish(&tag, name, Done::BadCommand);
        };
        let done = match body {
            CommandBody::Unselect => {
                self.view = None;
                Done::completed("UNSELECT")
            }
            CommandBody::Close => self.close(),
            CommandBody::Fetch { sequence_set, macro_or_item_names, modifiers, uid } => {
                let targets = view.select(&sequence_set, Numbers::of(uid));
                let numbers = Numbers::of(uid);
                let since = match self.changed_since(&modifiers) {
                    Ok(since) => since,
                    Err(refusal) => return self.finish(&tag, name, refusal),
                };
                match self.plan_fetch(tag.clone(), targets, macro_or_item_names, numbers, since) {
                    Some(job) => return Next::Fetch(job),
                    None => Done::BadArgument,
                }
            }
            CommandBody::Search { criteria, uid, .. } => {
                self.search(&tag, &criteria, Numbers::of(uid), extension)
            }
            CommandBody::Store { sequence_set, kind, response, flags, uid, .. } => {
                let targets = view.select(&sequence_set, Numbers::of(uid));
                self.store(&targets, kind, response, &flags, Numbers::of(uid))
            }
            CommandBody::Copy { sequence_set, mailbox, uid } => {
                let targets = view.select(&sequence_set, Numbers::of(uid));
                self.copy(&targets, &mailbox)
            }
            CommandBody::Move { sequence_set, mailbox, uid } => {
                let targets = view.select(&sequence_set, Numbers::of(uid));
                self.move_to(&targets, &mailbox)
            }
            CommandBody::Expunge => self.expunge(None),
            CommandBody::ExpungeUid { sequence_set } => {
                let targets = view.select(&sequence_set, Numbers::Uid);
                self.expunge(Some(&targets))
            }
            // Whatever else the codec reads is not advertised.
            _ => Done::BadCommand,
        };
        self.finish(&tag, name, done)
    }

    fn capability(&mut self, tag: &str) -> Next {
        let personality = self.personality();
        let list = match self.phase {
            Phase::NotAuthenticated => personality.capabilities_before(),
            Phase::Authenticated { .. } | Phase::NotConnected => personality.capabilities_after(),
        };
        self.line(&format!("* CAPABILITY {list}"));
        self.finish(tag, "CAPABILITY", Done::completed("CAPABILITY"))
    }

    /// Reports what has changed and writes the tagged line. FETCH, STORE and SEARCH by number may not
    /// be told of removals (RFC 9051, section 7.5.1); to be simple, none of the three is.
    fn finish(&mut self, tag: &str, name: &str, done: Done) -> Next {
        let expunge = match name {
            "FETCH" | "STORE" | "SEARCH" => Expunge::Withhold,
            _ => Expunge::Report,
        };
        self.report(expunge);
        let personality = self.personality();
        let ending = match done {
            Done::Ok(text) => format!("{tag} OK {text}"),
            Done::No(text) => format!("{tag} NO {text}"),
            Done::BadCommand => format!("{tag} BAD {}", personality.bad_command()),
            Done::BadArgument => format!("{tag} BAD {}", personality.bad_argument()),
        };
        let bad = ending.starts_with(&format!("{tag} BAD"));
        self.line(&ending);
        if bad { self.count_bad() } else { Next::Continue }
    }

    /// Ends a FETCH whose messages have all been written.
    pub fn finish_fetch(&mut self, tag: &str) {
        self.report(Expunge::Withhold);
        self.line(&format!("{tag} OK FETCH completed."));
    }

    fn count_bad(&mut self) -> Next {
        self.bad_commands += 1;
        if self.bad_commands < BAD_COMMAND_LIMIT {
            return Next::Continue;
        }
        self.line("* BYE Connection closed. 14");
        Next::Close
    }

    fn modseq(&self, uid: u32) -> String {
        let found = self.world.read(|state| {
            let folder = state.mailbox(self.address())?.folder(&self.view.as_ref()?.folder)?;
            Some(folder.message(uid)?.modseq)
        });
        found.map(|modseq| format!(" MODSEQ ({modseq})")).unwrap_or_default()
    }

    /// ENABLE (RFC 5161). What is not known is left out of the answer.
    fn enable(&mut self, asked: &[CapabilityEnable<'_>]) -> Done {
        match self.personality() {
            Personality::Exchange => return Done::BadCommand,
            Personality::Dovecot => {}
        }
        let asked: Vec<String> = asked.iter().map(|name| name.to_string().to_uppercase()).collect();
        let has = |name: &str| asked.iter().any(|asked| asked == name);
        let (speaks, enabled) = match (has("QRESYNC"), has("CONDSTORE")) {
            (true, _) => (Speaks::Qresync, " QRESYNC"),
            (false, true) => (Speaks::Condstore, " CONDSTORE"),
            (false, false) => (self.speaks, ""),
        };
        self.speaks = speaks;
        self.line(&format!("* ENABLED{enabled}"));
        Done::completed("ENABLE")
    }

    fn is_renumbered(&self) -> bool {
        let Some(view) = &self.view else {
            return false;
        };
        let now = self.world.read(|state| {
            let folder = state.mailbox(self.address())?.folder(&view.folder)?;
            Some(folder.uid_validity)
        });
        now != Some(view.uid_validity)
    }

    /// Writes every change of the open folder the client has not been told of.
    pub fn report_changes(&mut self) {
        self.report(Expunge::Report);
    }

    fn report(&mut self, expunge: Expunge) {
        let address = self.address();
        let Some(view) = &mut self.view else {
            return;
        };
        let changes = self.world.read(|state| {
            let folder = state.mailbox(address).and_then(|mailbox| mailbox.folder(&view.folder));
            folder.map(|folder| view.catch_up(folder, expunge)).unwrap_or_default()
        });
        if self.speaks == Speaks::Qresync {
            let mut gone: Vec<u32> = changes.iter().filter_map(Change::gone).collect();
            gone.sort_unstable();
            if !gone.is_empty() {
                self.line(&format!("* VANISHED {}", uid_set(&gone)));
            }
        }
        for change in changes {
            let line = match change {
                Change::Expunge(_number, _uid) if self.speaks == Speaks::Qresync => continue,
                Change::Expunge(number, _uid) => format!("* {number} EXPUNGE"),
                Change::Exists(count) => format!("* {count} EXISTS"),
                Change::Flags(number, known) => {
                    let flags = flag_list(known.flags);
                    let modseq = match self.speaks {
                        Speaks::Plainly => String::new(),
                        Speaks::Condstore | Speaks::Qresync => self.modseq(known.uid),
                    };
                    format!("* {number} FETCH (UID {} FLAGS {flags}{modseq})", known.uid)
                }
            };
            self.line(&line);
        }
    }
}
