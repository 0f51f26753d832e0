//! What has been found out about the address in the wizard, as it comes in.

use crate::model::address::EmailAddress;
use crate::model::detection::{Finding, Proposal, Source};
use crate::model::ids::CommandId;

/// How far the looking has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Progress {
    /// Nobody looks.
    #[default]
    Idle,
    /// The engine looks.
    Running,
    /// The person pressed Enter meanwhile: the next Enter goes on without.
    Held,
    /// Everything that can be known is.
    Ended,
}

/// What has been found out about one address. Its texts are harmless to show.
#[derive(Clone, Debug, Default)]
pub struct Lookup {
    address: Option<EmailAddress>,
    id: Option<CommandId>,
    progress: Progress,
    findings: Vec<Finding>,
    proposal: Option<Proposal>,
}

/// A source as it is named on screen.
fn in_words(source: Source) -> &'static str {
    match source {
        Source::KnownDomain => "Domain",
        Source::Mx => "MX",
        Source::Tenant => "Entra ID",
        Source::Autoconfig => "Autoconfig",
        Source::Ispdb => "ISPDB",
        Source::Srv => "SRV",
    }
}

impl Lookup {
    /// Whether this is about the domain of `address`.
    #[must_use]
    pub fn is_about(&self, address: &EmailAddress) -> bool {
        self.address.as_ref().is_some_and(|known| known.domain() == address.domain())
    }

    /// The engine looks for `address` under `id`.
    pub fn begin(&mut self, id: CommandId, address: EmailAddress) {
        // Enter itself starts the looking when it comes first.
        let held = self.progress == Progress::Held;
        let progress = if held { Progress::Held } else { Progress::Running };
        let (address, id) = (Some(address), Some(id));
        *self = Self { address, id, progress, ..Self::default() };
    }

    /// One source has answered.
    pub fn found(&mut self, id: CommandId, finding: Finding) {
        if self.id == Some(id) {
            self.findings.push(finding);
        }
    }

    /// Every source has answered. Says whether that is the looking that was waited for.
    pub fn ended(&mut self, id: CommandId, proposal: Option<Proposal>) -> bool {
        let awaited = self.id == Some(id);
        if awaited {
            self.progress = Progress::Ended;
            self.proposal = proposal;
        }
        awaited
    }

    /// What was found for `address`.
    #[must_use]
    pub fn proposal_for(&self, address: &EmailAddress) -> Option<&Proposal> {
        self.proposal.as_ref().filter(|_proposal| self.is_about(address))
    }

    /// Enter: whether it is worth waiting for an answer about `address`. Says so only once per
    /// address, so that nobody is kept from going on.
    pub fn hold(&mut self, address: &EmailAddress) -> bool {
        let holds = match self.progress {
            Progress::Idle | Progress::Running => true,
            Progress::Held | Progress::Ended => !self.is_about(address),
        };
        if holds {
            self.progress = Progress::Held;
        }
        holds
    }

    /// What was found, a line per source, and how far the looking has come.
    #[must_use]
    pub fn in_words(&self) -> String {
        let said = |found: &Finding| format!("{}: {}", in_words(found.source), found.said);
        let mut lines: Vec<String> = self.findings.iter().map(said).collect();
        lines.push(match (self.progress, &self.proposal) {
            (Progress::Idle, _) => return String::new(),
            (Progress::Running, _) => "looking for its servers\u{2026}".to_owned(),
            (Progress::Held, _) => {
                "looking for its servers\u{2026} Enter goes on without waiting".to_owned()
            }
            (Progress::Ended, Some(found)) => format!("proposed: {}", found.title),
            (Progress::Ended, None) => "nothing was found: choose with the arrow keys".to_owned(),
        });
        lines.join("\n")
    }
}
