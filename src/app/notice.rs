//! A short line that says what just happened and goes by itself.

use crate::stdx::clock::UnixSeconds;

/// How long a notice stays, in seconds: long enough to be read twice.
const SHORT_S: i64 = 6;
/// How long an offer stays, in seconds: nobody is hurried into a decision.
const LONG_S: i64 = 20;

/// What a notice is about; decides how long it stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// Something is done.
    Done,
    /// Something can be done now.
    Offer,
}

/// A notice on the bottom line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The text, harmless to show.
    pub text: String,
    /// When it goes.
    pub until: UnixSeconds,
}

impl Notice {
    /// A notice shown from `now` on.
    #[must_use]
    pub fn new(kind: NoticeKind, text: &str, now: UnixSeconds) -> Self {
        let stays_s = match kind {
            NoticeKind::Done => SHORT_S,
            NoticeKind::Offer => LONG_S,
        };
        Self { text: text.to_owned(), until: now.plus(stays_s) }
    }
}
