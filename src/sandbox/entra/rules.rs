//! What the organisation's rules and the app's registration make of sign-ins.

use crate::model::account::Resource;
use crate::sandbox::control::sign_in::{Registration, Step};
use crate::sandbox::entra::refusal::Refusal;
use crate::sandbox::tokens::AccountKind;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// The rules; none at first, as in an organisation whose administrator has agreed to the app.
#[derive(Debug, Default)]
pub struct Rules {
    /// How the app is registered.
    pub registration: Registration,
    blocked: HashMap<Step, Refusal>,
    unagreed: HashSet<Resource>,
}

impl Rules {
    /// Refuses at `step` from now on.
    pub fn block(&mut self, step: Step, error: &'static str, code: u32) {
        let text = match code {
            53_003 => "Access has been blocked by Conditional Access policies.",
            530_033 => {
                "Access has been blocked: remote device flow is blocked due to device based \
                        conditional access."
            }
            530_035 => "Access has been blocked by security defaults.",
            530_036 => {
                "The token was issued by a flow that is blocked. It will never be usable and \
                        should be deleted."
            }
            65_001 => "The user or administrator has not consented to use the application.",
            _ => "The request was refused as scripted.",
        };
        self.blocked.insert(step, Refusal { error, code, text: Cow::Borrowed(text) });
    }

    /// Refuses at `step` no longer.
    pub fn allow(&mut self, step: Step) {
        self.blocked.remove(&step);
    }

    /// Fails while `step` is blocked.
    pub fn check(&self, step: Step) -> Result<(), Refusal> {
        self.blocked.get(&step).map_or(Ok(()), |refusal| Err(refusal.clone()))
    }

    /// Withdraws consent for `resource`.
    pub fn withdraw_consent(&mut self, resource: Resource) {
        self.unagreed.insert(resource);
    }

    /// Somebody agrees to `resource`.
    pub fn agree(&mut self, resource: Resource) {
        self.unagreed.remove(&resource);
    }

    /// Fails unless somebody has agreed to `resource`.
    pub fn check_consent(&self, resource: Resource, account: AccountKind) -> Result<(), Refusal> {
        match (self.unagreed.contains(&resource), account) {
            (false, _) => Ok(()),
            (true, AccountKind::Work) => Err(Refusal::NO_CONSENT),
            (true, AccountKind::Personal) => Err(Refusal::NO_CONSENT_PERSONAL),
        }
    }

    /// Fails unless the client secret sent is the one the registration asks for.
    pub fn check_secret(&self, sent: Option<&String>) -> Result<(), Refusal> {
        match (self.registration, sent) {
            (Registration::Public, None) => Ok(()),
            (Registration::Public, Some(_)) => Err(Refusal::SECRET_SUPERFLUOUS),
            (Registration::Confidential(_) | Registration::Expired(_), None) => {
                Err(Refusal::SECRET_MISSING)
            }
            (Registration::Confidential(secret), Some(sent)) if sent == secret => Ok(()),
            (Registration::Expired(secret), Some(sent)) if sent == secret => {
                Err(Refusal::SECRET_EXPIRED)
            }
            (Registration::Confidential(_) | Registration::Expired(_), Some(_)) => {
                Err(Refusal::SECRET_WRONG)
            }
        }
    }
}
