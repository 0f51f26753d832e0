//! What goes wrong on request: scripted answers, each used up once, before the honest ones.

use crate::sandbox::control::{
    GraphFault, GraphStage, ImapGreeting, SmtpFault, SmtpStage, TokenFault,
};
use std::collections::VecDeque;

/// Everything scripted and not yet used.
#[derive(Debug, Default)]
pub struct Faults {
    token: VecDeque<TokenFault>,
    greeting: VecDeque<ImapGreeting>,
    smtp: Vec<(SmtpStage, SmtpFault)>,
    graph: Vec<(GraphStage, GraphFault)>,
}

impl Faults {
    /// Scripts the next answers of the token endpoint.
    pub fn script_token(&mut self, faults: impl IntoIterator<Item = TokenFault>) {
        self.token.extend(faults);
    }

    /// The answer scripted for this question, if any.
    pub fn next_token(&mut self) -> Option<TokenFault> {
        self.token.pop_front()
    }

    /// Scripts the greeting of the next IMAP connection.
    pub fn script_greeting(&mut self, greeting: ImapGreeting) {
        self.greeting.push_back(greeting);
    }

    /// The greeting of this connection.
    pub fn next_greeting(&mut self) -> ImapGreeting {
        self.greeting.pop_front().unwrap_or(ImapGreeting::Ready)
    }

    /// Scripts what happens when SMTP next comes to `stage`.
    pub fn script_smtp(&mut self, stage: SmtpStage, fault: SmtpFault) {
        self.smtp.push((stage, fault));
    }

    /// What was scripted for `stage`, oldest first, if anything.
    pub fn next_smtp(&mut self, stage: SmtpStage) -> Option<SmtpFault> {
        let at = self.smtp.iter().position(|(scripted, _fault)| *scripted == stage)?;
        Some(self.smtp.remove(at).1)
    }

    /// Scripts what happens when Graph is next asked for `stage`.
    pub fn script_graph(&mut self, stage: GraphStage, fault: GraphFault) {
        self.graph.push((stage, fault));
    }

    /// What was scripted for `stage`, oldest first, if anything.
    pub fn next_graph(&mut self, stage: GraphStage) -> Option<GraphFault> {
        let at = self.graph.iter().position(|(scripted, _fault)| *scripted == stage)?;
        Some(self.graph.remove(at).1)
    }
}
