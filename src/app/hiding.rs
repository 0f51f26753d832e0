//! Rows that an action took off a list before the engine has confirmed it.

use crate::model::ids::{CommandId, MessageId, ThreadId};
use crate::model::message::MessageRow;
use std::collections::BTreeSet;

/// What an action takes off a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Taken {
    /// Nothing: rows stay.
    #[default]
    Nothing,
    /// These messages and every message of these conversations.
    Some {
        /// Messages.
        messages: BTreeSet<MessageId>,
        /// Conversations.
        threads: BTreeSet<ThreadId>,
    },
    /// Every row.
    Everything,
}

impl Taken {
    /// Whether `row` goes.
    #[must_use]
    pub fn takes(&self, row: &MessageRow) -> bool {
        match self {
            Self::Nothing => false,
            Self::Some { messages, threads } => {
                messages.contains(&row.id) || threads.contains(&row.thread.id)
            }
            Self::Everything => true,
        }
    }
}

/// Rows hidden under the command that took them.
#[derive(Clone, Debug)]
pub struct Hiding {
    /// The command.
    pub id: CommandId,
    /// What it takes.
    pub taken: Taken,
    /// The rows that were at hand, with their places among the rows of the window.
    pub rows: Vec<(usize, MessageRow)>,
    /// Where the window began.
    pub first: usize,
    /// How many rows of the list went, at hand or not.
    pub count: usize,
}
