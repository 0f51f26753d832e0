//! Refusals that are not asked for again yet: the same question would get the same answer, and asking
//! it for every folder is the loop that `AADSTS50196` punishes.

use crate::auth::error::AuthError;
use crate::model::account::Resource;
use crate::stdx::clock::UnixSeconds;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;

/// The server's last refusal for each resource: repeated without asking until its time is over or
/// another proof (refresh token or client secret) is stored.
#[derive(Default)]
pub(crate) struct Refusals(BTreeMap<Resource, Refusal>);

#[derive(Clone)]
struct Refusal {
    proof: Option<SecretString>,
    until: UnixSeconds,
    code: Option<u32>,
    description: String,
    meaning: Meaning,
}

/// Which error it is repeated as.
#[derive(Clone)]
enum Meaning {
    /// The stored sign-in is not accepted.
    SignIn,
    /// It is, but not for this.
    Permission { missing: String },
    /// The app or its secret is not accepted.
    App { word: String },
    /// It passes by itself.
    Passing,
}

impl Refusals {
    /// The refusal that still stands for `resource` and this proof.
    pub(crate) fn standing(
        &self,
        resource: Resource,
        proof: Option<&SecretString>,
        now: UnixSeconds,
    ) -> Option<AuthError> {
        let same = |a: Option<&SecretString>, b: Option<&SecretString>| {
            a.map(ExposeSecret::expose_secret) == b.map(ExposeSecret::expose_secret)
        };
        let refusal = self.0.get(&resource).filter(|refusal| now < refusal.until)?;
        same(refusal.proof.as_ref(), proof).then(|| refusal.error())
    }

    /// Keeps a refusal until `until`. One that is about more than `resource` stands for all.
    pub(crate) fn keep(
        &mut self,
        resource: Resource,
        proof: Option<SecretString>,
        until: UnixSeconds,
        error: &AuthError,
    ) {
        let refusal = Refusal::new(proof, until, error);
        match refusal.meaning {
            Meaning::Permission { .. } | Meaning::SignIn => {
                self.0.insert(resource, refusal);
            }
            Meaning::App { .. } | Meaning::Passing => {
                self.0.extend(Resource::ALL.map(|resource| (resource, refusal.clone())));
            }
        }
    }

    /// Forgets the refusal for `resource`.
    pub(crate) fn lift(&mut self, resource: Resource) {
        self.0.remove(&resource);
    }
}

impl Refusal {
    fn new(proof: Option<SecretString>, until: UnixSeconds, error: &AuthError) -> Self {
        let (code, description, meaning) = match error {
            AuthError::SignInNeeded { code, description } => {
                (*code, description.clone(), Meaning::SignIn)
            }
            AuthError::PermissionMissing { missing, code, description } => {
                (*code, description.clone(), Meaning::Permission { missing: missing.clone() })
            }
            AuthError::Refused { error: word, code, description } if !error.is_transient() => {
                (*code, description.clone(), Meaning::App { word: word.clone() })
            }
            AuthError::Refused { code, description, .. } => {
                (*code, description.clone(), Meaning::Passing)
            }
            AuthError::Declined
            | AuthError::CodeExpired
            | AuthError::WrongUser { .. }
            | AuthError::UnsafePage(_)
            | AuthError::Unreachable(_)
            | AuthError::Untrusted(_)
            | AuthError::NotUnderstood(_)
            | AuthError::RedirectNotUnderstood(_)
            | AuthError::BrowserSilent { .. }
            | AuthError::CannotListen(_)
            | AuthError::CommandFailed { .. }
            | AuthError::NoClientSecret
            | AuthError::Secrets(_) => (None, error.to_string(), Meaning::Passing),
        };
        Self { proof, until, code, description, meaning }
    }

    fn error(&self) -> AuthError {
        let (code, description) = (self.code, self.description.clone());
        match &self.meaning {
            Meaning::SignIn => AuthError::SignInNeeded { code, description },
            Meaning::Permission { missing } => {
                AuthError::PermissionMissing { missing: missing.clone(), code, description }
            }
            Meaning::App { word } => AuthError::Refused { error: word.clone(), code, description },
            Meaning::Passing => {
                let error = "temporarily_unavailable".to_owned();
                AuthError::Refused { error, code, description }
            }
        }
    }
}
