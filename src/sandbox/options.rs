//! What a sandbox is like: which server it resembles, how much mail it holds, who approves sign-ins.

use crate::stdx::clock::Clock;

/// Which mail server the sandbox resembles, as far as this program can tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Personality {
    /// Exchange Online: its greeting, capability lists, folder names, error texts; files Sent copies
    /// itself, ends sessions whose token ran out, keeps no keywords, estimates sizes.
    Exchange,
    /// Dovecot: SPECIAL-USE, keywords, exact sizes, an XOAUTH2 challenge on failure; the client files
    /// Sent copies.
    Dovecot,
}

/// Who approves a device code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    /// The owner, by itself, so many seconds after the code was handed out; 0 for at once.
    AfterSeconds(u32),
    /// A person on the sandbox's own page, or a test through `Control`.
    ByHand,
}

/// Whether the sandbox's other people answer the mail they get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replies {
    /// They stay silent.
    Never,
    /// One short answer, so many seconds later; 0 for before the submission is acknowledged.
    AfterSeconds(u32),
}

/// What [`crate::sandbox::Sandbox::start`] is asked for.
#[derive(Clone, Debug)]
pub struct SandboxOptions {
    /// Which server to resemble.
    pub personality: Personality,
    /// Messages in the owner's mailbox, over all of its folders.
    pub messages: usize,
    /// Who approves sign-ins. The page and `Control` always work.
    pub approval: Approval,
    /// Whether mail is answered.
    pub replies: Replies,
    /// Life of an access token in seconds; Entra gives 60 to 90 minutes.
    pub access_token_lifetime_s: i64,
    /// Life of a device code in seconds; Entra gives 15 minutes.
    pub code_lifetime_s: i64,
    /// Seconds a client is asked to wait between two questions; Entra says 5.
    pub poll_interval_s: u32,
    /// Seed of everything that varies in the demo mail.
    pub seed: u64,
    /// Tells the time: ages of messages, life of tokens and codes.
    pub clock: Clock,
}

/// Life of an access token in seconds: the middle of Entra's 60 to 90 minutes.
const ACCESS_TOKEN_LIFETIME_S: i64 = 4_500;
/// Life of a device code in seconds (Microsoft: "OAuth 2.0 device authorization grant").
const CODE_LIFETIME_S: i64 = 900;
/// Mail of the demo: every message written for it, and no filler.
const DEMO_MESSAGES: usize = 240;
/// Mail of a test: enough for two windows, quick to fetch.
const TEST_MESSAGES: usize = 60;

impl SandboxOptions {
    /// The demo: Exchange, approved by itself after four seconds, answered after eight.
    #[must_use]
    pub fn demo(clock: Clock) -> Self {
        Self {
            messages: DEMO_MESSAGES,
            approval: Approval::AfterSeconds(4),
            replies: Replies::AfterSeconds(8),
            poll_interval_s: 1,
            ..Self::test(clock)
        }
    }

    /// Tests: Exchange, signed in at once, nobody answers.
    #[must_use]
    pub fn test(clock: Clock) -> Self {
        Self {
            personality: Personality::Exchange,
            messages: TEST_MESSAGES,
            approval: Approval::AfterSeconds(0),
            replies: Replies::Never,
            access_token_lifetime_s: ACCESS_TOKEN_LIFETIME_S,
            code_lifetime_s: CODE_LIFETIME_S,
            poll_interval_s: 1,
            seed: 1,
            clock,
        }
    }
}
