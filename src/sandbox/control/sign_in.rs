//! The hand that reaches into sign-ins: the person in the browser, the administrator who blocks ways
//! in and withdraws consent, and the owner of the app registration.

use crate::model::account::Resource;
use crate::sandbox::CLIENT_ID;
use crate::sandbox::control::{Control, ControlError, known};
use crate::sandbox::entra::authorize;
use crate::sandbox::tokens::{AccountKind, Decision, SignIn, Way};

/// Where a sign-in can be refused from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The question about a device code, once the person has agreed (53003, 530033, 530035).
    DeviceCode,
    /// The browser, once the person has signed in: `error=` in the address it ends at.
    Browser,
    /// The code from the browser.
    Redemption,
    /// Every refresh.
    Refresh,
    /// Refreshes of sign-ins that were made with a device code (530036).
    RefreshAfterDeviceCode,
    /// The app signing in by itself.
    ClientCredentials,
}

/// How the sandbox's app is registered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Registration {
    /// A public client: a secret is superfluous (700025).
    #[default]
    Public,
    /// A confidential one with this secret: it may not be missing (7000218) nor wrong (7000215).
    Confidential(&'static str),
    /// A confidential one whose secret has run out (7000222).
    Expired(&'static str),
}

impl Control {
    /// Opens `url` as a browser would, signs `address` in and agrees to everything: the address the
    /// browser is sent to.
    ///
    /// # Errors
    /// [`ControlError::NoSuchPerson`]; [`ControlError::ErrorPage`] when the server shows an error of
    /// its own instead of sending the browser anywhere.
    pub fn authorize(&self, url: &str, address: &str) -> Result<String, ControlError> {
        let person = known(address)?;
        self.decide_in_browser(url, Decision::Approved(person))
    }

    /// Opens `url` as a browser would, and presses Cancel.
    ///
    /// # Errors
    /// As [`Self::authorize`].
    pub fn decline_in_browser(&self, url: &str) -> Result<String, ControlError> {
        self.decide_in_browser(url, Decision::Declined)
    }

    fn decide_in_browser(&self, url: &str, decision: Decision) -> Result<String, ControlError> {
        let request = authorize::Request::of_url(&self.world, url);
        let request = request.map_err(|refusal| ControlError::ErrorPage(refusal.to_string()))?;
        Ok(request.decide(&self.world, decision))
    }

    /// Refuses every sign-in at `step` with this OAuth word and AADSTS number, until
    /// [`Self::allow`].
    pub fn block(&self, step: Step, error: &'static str, code: u32) {
        self.world.change(|state| state.tokens.rules.block(step, error, code));
    }

    /// Ends [`Self::block`].
    pub fn allow(&self, step: Step) {
        self.world.change(|state| state.tokens.rules.allow(step));
    }

    /// Registers the app in another way.
    pub fn register(&self, registration: Registration) {
        self.world.change(|state| state.tokens.rules.registration = registration);
    }

    /// Withdraws everybody's consent for `resource`: refreshes for it are refused (65001, for
    /// personal accounts 70000) until somebody agrees to it in a browser.
    pub fn withdraw_consent(&self, resource: Resource) {
        self.world.change(|state| state.tokens.rules.withdraw_consent(resource));
    }

    /// A refresh token of `address` that was obtained elsewhere, good for `scopes`.
    ///
    /// # Errors
    /// [`ControlError::NoSuchPerson`].
    pub fn refresh_token(&self, address: &str, scopes: &[String]) -> Result<String, ControlError> {
        let sign_in = SignIn {
            person: known(address)?,
            client_id: CLIENT_ID.to_owned(),
            scopes: scopes.to_vec(),
            way: Way::Browser,
            account: AccountKind::Work,
        };
        Ok(self.world.change(|state| state.tokens.new_refresh_token(&sign_in)))
    }
}
