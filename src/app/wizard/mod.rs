//! The wizard that links an account: one file per step, nothing saved before the checks have passed.

pub mod address;
pub mod ladder;
pub mod lookup;
pub mod method;
pub mod method_finish;
pub mod secrets;

use crate::app::form::Form;
use crate::app::link_run::{Attempt, LinkRun};
use crate::app::msg::Key;
use crate::app::text_field::Typed;
use crate::app::wizard::address::{AddressStep, Who};
use crate::app::wizard::method::MethodStep;
use crate::app::wizard::secrets::SecretsStep;
use crate::engine_api::link::{LinkRequest, Saving};
use crate::model::account::{SecretsKind, SignInMethod, SubmissionRoute};
use crate::model::address::EmailAddress;
use crate::model::ids::CommandId;
use crate::problem::{Problem, Remedy};

/// Where the wizard stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Address and provider.
    Address,
    /// Sign-in method and servers.
    Method,
    /// Where secrets are kept.
    Secrets,
    /// Sign-in, checks and the end, as the run says.
    Run,
}

/// What the wizard needs to know of the world.
#[derive(Clone, Debug)]
pub struct WizardSetup {
    /// Client ids from the configuration: provider, id.
    pub client_ids: Vec<(String, String)>,
    /// What "automatic" means for secrets, and why.
    pub automatic_secrets: (SecretsKind, String),
    /// An account filled in already: the demo's.
    pub filled: Option<Box<LinkRequest>>,
    /// Names of the accounts that are linked.
    pub taken: Vec<String>,
}

/// What "back" led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WentBack {
    /// To the step before.
    Inside,
    /// To the step before, leaving this command running in the engine.
    Stopping(CommandId),
    /// Out of the wizard.
    Outside,
}

/// The wizard.
#[derive(Clone, Debug)]
pub struct Wizard {
    /// Where it stands.
    pub step: Step,
    /// First step.
    pub address: AddressStep,
    /// Second step; made when the first is finished.
    pub method: Option<MethodStep>,
    /// Third step.
    pub secrets: SecretsStep,
    /// The sign-in and checks.
    pub run: Option<LinkRun>,
    /// A run whose checks failed and whose sign-in the engine keeps, while what was entered is
    /// corrected.
    pub waiting: Option<LinkRun>,
    setup: WizardSetup,
    who: Option<Who>,
}

impl Wizard {
    /// The wizard at its first step.
    #[must_use]
    pub fn new(setup: WizardSetup) -> Self {
        let mut address = AddressStep::new(setup.taken.clone());
        let secrets = match &setup.filled {
            Some(_demo) => SecretsStep::memory(),
            None => SecretsStep::new(&setup.automatic_secrets),
        };
        if let Some(filled) = &setup.filled {
            let settings = &filled.settings;
            address.form.set_text(address::Row::Address, settings.address.as_str());
            address.form.set_text(address::Row::DisplayName, &settings.display_name);
            address.choose_provider(&settings.provider);
            address.changed(Some(address::Row::Address));
            if !setup.taken.iter().any(|name| name == settings.name.as_str()) {
                address.form.set_text(address::Row::Name, settings.name.as_str());
                address.changed(Some(address::Row::Name));
            }
        }
        Self {
            step: Step::Address,
            address,
            method: None,
            secrets,
            run: None,
            waiting: None,
            setup,
            who: None,
        }
    }

    /// Whether nothing has been entered yet.
    #[must_use]
    pub fn untouched(&self) -> bool {
        self.step == Step::Address && self.address.form.text(address::Row::Address).is_empty()
    }

    /// A key for the form of the step at hand.
    pub fn key(&mut self, key: Key) {
        match self.step {
            Step::Address => {
                let row = self.address.form.focused();
                if self.address.form.key(key) == Typed::Changed {
                    self.address.changed(row);
                }
            }
            Step::Method => {
                let Some(method) = &mut self.method else { return };
                let row = method.form.focused();
                if method.form.key(key) == Typed::Changed {
                    method.changed(row);
                }
            }
            Step::Secrets => {
                if self.secrets.form.key(key) == Typed::Changed {
                    self.secrets.changed();
                }
            }
            Step::Run => {
                if let Some(run) = &mut self.run {
                    run.key(key);
                }
            }
        }
    }

    /// Up, down, Tab and Shift-Tab.
    pub fn vertical(&mut self, key: Key) {
        fn go<K: Copy + PartialEq>(form: &mut Form<K>, key: Key) {
            form.vertical(key);
        }
        match self.step {
            Step::Address => go(&mut self.address.form, key),
            Step::Method => {
                if let Some(method) = &mut self.method {
                    go(&mut method.form, key);
                }
            }
            Step::Secrets => {
                go(&mut self.secrets.form, key);
                self.secrets.changed();
            }
            Step::Run => {}
        }
    }

    /// Pasted text.
    pub fn paste(&mut self, text: &str) {
        match self.step {
            Step::Address => {
                let row = self.address.form.focused();
                self.address.form.paste(text);
                self.address.changed(row);
            }
            Step::Method => {
                if let Some(method) = &mut self.method {
                    let row = method.form.focused();
                    method.form.paste(text);
                    method.changed(row);
                }
            }
            Step::Secrets => {
                self.secrets.form.paste(text);
            }
            Step::Run => {
                if let Some(run) = &mut self.run {
                    run.paste(text);
                }
            }
        }
    }

    /// Goes on from a form. The request comes back when everything is entered.
    pub fn advance(&mut self) -> Option<LinkRequest> {
        match self.step {
            Step::Address => {
                if self.address.awaits_detection() {
                    return None;
                }
                let who = self.address.finish()?;
                if self.who.as_ref() != Some(&who) {
                    self.method = Some(self.method_step(&who));
                    self.who = Some(who);
                }
                self.step = Step::Method;
                None
            }
            Step::Method => {
                self.method.as_mut()?.finish(self.who.as_ref()?)?;
                self.step = Step::Secrets;
                None
            }
            Step::Secrets => self.request(),
            Step::Run => None,
        }
    }

    fn method_step(&self, who: &Who) -> MethodStep {
        let provider = who.preset.map_or(address::CUSTOM, |preset| preset.name);
        let configured = self.setup.client_ids.iter().find(|(name, _id)| name == provider);
        let mut step = MethodStep::new(who, configured.map(|(_name, id)| id.clone()));
        if let Some(filled) = &self.setup.filled
            && filled.settings.address == who.address
        {
            step.fill(&filled.settings);
        }
        step
    }

    /// Everything that was entered, for a first or another try.
    pub fn request(&mut self) -> Option<LinkRequest> {
        let secrets = self.secrets.finish()?;
        let sign_in = self.method.as_mut()?.finish(self.who.as_ref()?)?;
        Some(LinkRequest {
            settings: sign_in.settings,
            secrets,
            sign_in: sign_in.input,
            client_secret: sign_in.client_secret,
            saving: Saving::AfterAsking,
        })
    }

    /// The kept sign-in that is good for `request`, to go on with.
    pub fn take_attempt(&mut self, request: &LinkRequest) -> Option<LinkRun> {
        let fits = |run: &LinkRun| {
            run.attempt == Attempt::Waits
                && run.request.as_ref().is_some_and(|known| known.signs_in_like(request))
        };
        let kept = if self.step == Step::Run { &mut self.run } else { &mut self.waiting };
        kept.take_if(|run| fits(run))
    }

    /// The engine links now, as `run` shows.
    pub fn begin(&mut self, run: LinkRun) {
        self.run = Some(run);
        self.step = Step::Run;
    }

    /// Takes another way in, where it makes sense.
    pub fn choose_method(&mut self, method: SignInMethod) {
        if let Some(step) = &mut self.method {
            step.choose_method(method);
        }
    }

    /// Lets messages leave another way.
    pub fn choose_route(&mut self, route: SubmissionRoute) {
        if let Some(step) = &mut self.method {
            step.choose_route(route);
        }
    }

    /// The address whose mailbox is to be looked for now, if it is time; `None` in the demo, where
    /// nothing reaches the network.
    pub fn wants_detection(&mut self) -> Option<EmailAddress> {
        if self.step != Step::Address || self.setup.filled.is_some() {
            return None;
        }
        self.address.wants_detection()
    }

    /// One step back.
    pub fn back(&mut self) -> WentBack {
        match self.step {
            Step::Address => WentBack::Outside,
            Step::Method => {
                self.step = Step::Address;
                WentBack::Inside
            }
            Step::Secrets => {
                self.step = Step::Method;
                WentBack::Inside
            }
            Step::Run => {
                self.step = Step::Secrets;
                match self.run.take() {
                    Some(run) if run.attempt == Attempt::Waits => {
                        self.waiting = Some(run);
                        WentBack::Inside
                    }
                    Some(run) if run.running() => WentBack::Stopping(run.id),
                    Some(run) if run.linked.is_some() => WentBack::Outside,
                    Some(_) | None => WentBack::Inside,
                }
            }
        }
    }

    /// Back to what was entered, after a failure: a wrong person is corrected at the address, a
    /// client secret at its field, everything else at the sign-in settings.
    pub fn edit_after(&mut self, problem: Option<&Problem>) {
        self.waiting = self.run.take().filter(|run| run.attempt == Attempt::Waits);
        if problem.is_some_and(|problem| problem.code == "wrong-user") {
            self.step = Step::Address;
            self.address.form.focus(address::Row::Address);
            return;
        }
        self.step = Step::Method;
        let asks_secret = problem.is_some_and(|p| p.remedy == Remedy::EnterClientSecret);
        if let Some(method) = self.method.as_mut().filter(|_method| asks_secret) {
            method.ask_for_client_secret();
        }
    }
}
