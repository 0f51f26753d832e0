//! The front end as data: no I/O, no terminal, no clock. [`update`] changes it, `ui` reads it.

pub mod effect;
pub mod msg;

use crate::app::effect::Effect;
use crate::app::msg::Msg;
use crate::model::account::SecretsKind;
use crate::stdx::clock::UnixSeconds;

/// What the front end must know before the first message.
#[derive(Clone, Debug)]
pub struct AppSetup {
    /// The time now.
    pub now: UnixSeconds,
    /// Client ids from the `[provider.NAME]` tables: provider name, client id.
    pub client_ids: Vec<(String, String)>,
    /// What "automatic" means for secrets on this machine, and why, as half a sentence.
    pub automatic_secrets: (SecretsKind, String),
    /// In the demo: the account the wizard links, filled in already.
    pub demo_link: Option<Box<crate::engine_api::link::LinkRequest>>,
    /// Half a sentence for the status line, such as "demo: nothing here is real"; empty for none.
    pub banner: String,
}

/// The whole front end.
pub struct App {
    _todo: (),
}

impl App {
    /// A front end before its first message, and what it wants done at once.
    #[must_use]
    pub fn new(_setup: AppSetup) -> (Self, Vec<Effect>) {
        todo!()
    }
}

/// Takes one message in: changes `app` and returns the rest as data.
pub fn update(_app: &mut App, _msg: Msg) -> Vec<Effect> {
    todo!()
}
