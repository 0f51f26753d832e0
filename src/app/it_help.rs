//! The ready message for the IT department: for which problems, and about which account.

use crate::app::App;
use crate::app::effect::Effect;
use crate::app::layer::Layer;
use crate::app::link_run::RunKind;
use crate::app::problem_box::About;
use crate::model::account::AccountSettings;
use crate::model::ids::AccountId;
use crate::problem::guide::{self, ItSubject};
use crate::problem::{Problem, Remedy, catalogue};
use crate::provider::presets::PUBLISHED_CLIENT_IDS;

/// Whether somebody who administers the organisation can do something about it.
#[must_use]
pub fn concerns_it(problem: &Problem) -> bool {
    let row = catalogue::for_code(&problem.code).or_else(|| catalogue::explain(&problem.details));
    problem.remedy == Remedy::AskAdministrator || row.is_some_and(|row| !row.admin.is_empty())
}

fn subject_of(settings: &AccountSettings) -> ItSubject {
    let id = &settings.oauth.client_id;
    let published = PUBLISHED_CLIENT_IDS.iter().find(|known| known.client_id == id);
    ItSubject {
        user: settings.login.to_string(),
        tenant: settings.oauth.tenant.clone(),
        client_id: id.clone(),
        app_name: published.map_or("", |known| known.title).to_owned(),
        resources: settings.resources.clone(),
    }
}

impl App {
    /// `y`: the message into the clipboard.
    pub(in crate::app) fn copy_for_it(&mut self) -> Vec<Effect> {
        let told = match self.layers.last() {
            Some(Layer::Problem(told)) => {
                let account = self.account_about(told.about);
                self.settings_of(account).map(|settings| (told.problem.clone(), settings))
            }
            Some(layer) => layer.run().and_then(|run| {
                let settings = match run.kind {
                    RunKind::Link => run.request.as_ref().map(|r| r.settings.clone()),
                    RunKind::SignIn(account) | RunKind::Test(account) => {
                        self.settings_of(Some(account))
                    }
                };
                Some((run.problem.clone()?, settings?))
            }),
            None => None,
        };
        let Some((problem, settings)) = told.filter(|(problem, _)| concerns_it(problem)) else {
            return Vec::new();
        };
        self.say(
            "A message for your IT department is in your clipboard, if your terminal allows it",
        );
        vec![Effect::Copy(guide::it_message(&problem, &subject_of(&settings)))]
    }

    fn account_about(&self, about: About) -> Option<AccountId> {
        match about {
            About::Account(account) => Some(account),
            About::Folder(folder) => self.mail.folders.get(folder).map(|folder| folder.account),
            About::Nothing | About::Message(_) | About::Undone | About::Outbox(..) => {
                self.current_account()
            }
        }
    }

    fn settings_of(&self, account: Option<AccountId>) -> Option<AccountSettings> {
        let account = self.accounts.get(account?)?;
        account.status.facts.settings.as_deref().cloned()
    }
}
