//! Finding out where the mailbox of the wizard lives, while typing goes on.

use crate::app::App;
use crate::app::effect::Effect;
use crate::app::layer::Layer;
use crate::app::pending::Purpose;
use crate::app::wizard::Wizard;
use crate::engine_api::command::EngineCommand;
use crate::model::detection::{Finding, Proposal};
use crate::model::ids::CommandId;

impl App {
    fn wizard_mut(&mut self) -> Option<&mut Wizard> {
        self.layers.iter_mut().find_map(|layer| {
            let Layer::Wizard(wizard) = layer else { return None };
            Some(wizard.as_mut())
        })
    }

    /// Starts looking when an address has been entered that nobody has looked for.
    pub(in crate::app) fn detect(&mut self) -> Vec<Effect> {
        let wanted = self.wizard_mut().and_then(Wizard::wants_detection);
        let Some(address) = wanted else { return Vec::new() };
        let id = self.pending.open(Purpose::Detect);
        if let Some(wizard) = self.wizard_mut() {
            wizard.address.looking(id, address.clone());
        }
        vec![Effect::Send(EngineCommand::Detect { id, address })]
    }

    /// The same once typing has paused for a second.
    pub(in crate::app) fn detect_when_settled(&mut self) -> Vec<Effect> {
        let settled = self.wizard_mut().is_some_and(|wizard| wizard.address.settled());
        if settled { self.detect() } else { Vec::new() }
    }

    pub(in crate::app) fn detect_progress(&mut self, id: CommandId, finding: Finding) {
        if let Some(wizard) = self.wizard_mut() {
            wizard.address.found(id, finding);
        }
    }

    pub(in crate::app) fn detected(&mut self, id: CommandId, proposal: Option<Proposal>) {
        self.pending.close(id);
        if let Some(wizard) = self.wizard_mut() {
            wizard.address.detected(id, proposal);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::app::layer::Layer;
    use crate::app::tests::Desk;
    use crate::app::wizard::Step;
    use crate::app::wizard::address::Row;
    use crate::engine_api::command::EngineCommand;
    use crate::engine_api::event::EngineEvent;
    use crate::model::account::{OAuthApp, Resources, SentCopy, SignInMethod};
    use crate::model::detection::{Finding, Proposal, Source};
    use crate::model::endpoint::{Endpoint, HostPort, Security};
    use crate::model::ids::CommandId;

    fn proposal() -> Proposal {
        let at = |host: &str, port| Endpoint {
            at: HostPort { host: host.to_owned(), port },
            security: Security::Tls,
        };
        Proposal {
            provider: "custom".to_owned(),
            title: "Example mail".to_owned(),
            source: Source::Autoconfig,
            methods: vec![SignInMethod::Password],
            oauth: OAuthApp {
                authority: String::new(),
                tenant: String::new(),
                client_id: String::new(),
            },
            imap: at("imap.example.net", 993),
            submission: at("smtp.example.net", 465),
            sent_copy: SentCopy::Append,
            resources: Resources::default(),
        }
    }

    fn asked(desk: &Desk) -> Vec<(CommandId, String)> {
        let asked = desk.commands.iter().filter_map(|command| match command {
            EngineCommand::Detect { id, address } => Some((*id, address.to_string())),
            _other => None,
        });
        asked.collect()
    }

    fn step(desk: &Desk) -> Step {
        match desk.app.layers.last() {
            Some(Layer::Wizard(wizard)) => wizard.step,
            other => panic!("no wizard but {other:?}"),
        }
    }

    fn typed(address: &str) -> Desk {
        let mut desk = Desk::empty();
        desk.status(Vec::new());
        desk.type_text(address);
        desk
    }

    #[test]
    fn looking_starts_when_the_address_is_entered_and_never_waits() {
        let mut desk = typed("ada@example.net");
        assert!(asked(&desk).is_empty());
        desk.press("Enter");
        assert_eq!(asked(&desk).len(), 1);
        assert_eq!(step(&desk), Step::Address);
        // Offline nothing answers, and a second press goes on all the same.
        desk.press("Enter");
        assert_eq!((step(&desk), asked(&desk).len()), (Step::Method, 1));
        let mut desk = typed("ada@outlook.com");
        desk.press("Enter");
        assert_eq!((step(&desk), asked(&desk).len()), (Step::Method, 0));
    }

    #[test]
    fn a_pause_in_typing_starts_it_too_but_not_for_every_letter() {
        let mut desk = typed("ada@example.net");
        desk.tick(1);
        assert!(asked(&desk).is_empty());
        desk.tick(2);
        desk.tick(3);
        let asked: Vec<_> = asked(&desk).into_iter().map(|(_id, address)| address).collect();
        assert_eq!(asked, ["ada@example.net"]);
    }

    #[test]
    fn what_was_found_fills_in_the_servers_unless_a_person_chose() {
        let mut desk = typed("ada@example.net");
        desk.press("Tab");
        let (id, _address) = asked(&desk)[0].clone();
        let said = "imap.example.net".to_owned();
        let finding = Finding { source: Source::Autoconfig, said };
        desk.event(EngineEvent::DetectProgress { id, finding });
        desk.event(EngineEvent::Detected { id, proposal: Some(Box::new(proposal())) });
        desk.press("Enter");
        let Some(Layer::Wizard(wizard)) = desk.app.layers.last_mut() else { panic!("no wizard") };
        assert_eq!(wizard.step, Step::Method);
        let who = wizard.address.finish().unwrap();
        assert_eq!(who.preset, None);
        let method = wizard.method.as_mut().unwrap();
        assert_eq!(method.method(), SignInMethod::Password);
        method.form.set_text(crate::app::wizard::method::Row::Password, "secret");
        let sign_in = method.finish(&who).unwrap();
        assert_eq!(sign_in.settings.imap.at.to_string(), "imap.example.net:993");
        // Chosen by hand: what is found later is only shown.
        let mut desk = typed("ada@example.net");
        desk.press("Tab Right");
        let (id, _address) = asked(&desk)[0].clone();
        desk.event(EngineEvent::Detected { id, proposal: Some(Box::new(proposal())) });
        let Some(Layer::Wizard(wizard)) = desk.app.layers.last_mut() else { panic!("no wizard") };
        assert!(wizard.address.preset().is_some());
        assert_eq!(wizard.address.form.focused(), Some(Row::Provider));
    }

    #[test]
    fn an_answer_about_an_earlier_address_changes_nothing() {
        let mut desk = typed("ada@example.net");
        desk.press("Tab");
        desk.press("Shift-Tab");
        desk.press("Backspace Backspace Backspace o r g Tab");
        let ids: Vec<_> = asked(&desk).into_iter().map(|(id, _address)| id).collect();
        assert_eq!(ids.len(), 2);
        let id = ids[0];
        desk.event(EngineEvent::Detected { id, proposal: Some(Box::new(proposal())) });
        let Some(Layer::Wizard(wizard)) = desk.app.layers.last_mut() else { panic!("no wizard") };
        assert_eq!(wizard.address.finish().unwrap().found, None);
    }
}
