//! The servers that live inside the program: Entra ID, IMAP, SMTP and Graph on loopback, with believable mail.
//!
//! `posthaste demo` shows the whole program on them, and tests drive the whole program against
//! them without anything installed. They are a second implementation of what the real servers do,
//! in the words of those servers, and never the only proof of anything.
//!
//! All state lives in `world.rs`, in memory; every server is a task that reads and changes it.
//! Nothing listens beyond 127.0.0.1 and nothing touches the disk.
//!
//! Start at [`Sandbox::start`]; tests go on with [`control::Control`].

pub mod certificates;
pub mod control;
mod entra;
mod faults;
mod graph;
mod headers;
mod imap;
pub mod linked;
pub mod mail;
pub mod mailbox;
pub mod options;
pub mod people;
mod personality;
mod post;
pub mod service;
mod smtp;
mod tokens;
mod world;
mod xoauth2;

use crate::engine_api::link::{LinkRequest, SecretsChoice};
use crate::model::account::{
    AccountName, AccountNameError, AccountSettings, OAuthApp, Resources, SecretsKind, SignInMethod,
    SubmissionRoute,
};
use crate::model::address::{AddressError, EmailAddress};
use crate::model::endpoint::{Endpoint, HostPort, Security};
use crate::sandbox::certificates::{CertificateError, Certificates};
use crate::sandbox::control::Control;
use crate::sandbox::mail::library::LibraryError;
use crate::sandbox::options::SandboxOptions;
use crate::sandbox::people::OWNER;
use crate::sandbox::service::{Handler, Service, ServiceName};
use crate::sandbox::world::World;
use rustls::pki_types::CertificateDer;
use std::io;
use std::sync::Arc;

/// Application id the sandbox's tenant knows.
pub const CLIENT_ID: &str = "00000000-0000-4000-8000-000000000a11";
/// Tenant id of the sandbox.
pub const TENANT_ID: &str = "00000000-0000-4000-8000-000000000b0b";
/// Name by which every server is reached; the certificate carries it.
pub const HOST: &str = "localhost";

/// Why the sandbox cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// No port could be opened on 127.0.0.1.
    #[error("no port can be opened on 127.0.0.1: {0}")]
    Listen(#[from] io::Error),
    /// The certificates could not be made.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The demo mail that comes with the program cannot be read.
    #[error(transparent)]
    Mail(#[from] LibraryError),
    /// The name of the sandbox's account is not usable.
    #[error(transparent)]
    Name(#[from] AccountNameError),
    /// The address of the sandbox's account is not usable.
    #[error("the address of the demo account is not usable: {0}")]
    Address(#[from] AddressError),
}

/// Running servers. Dropping it leaves them running until the runtime ends; see [`Self::stop`].
pub struct Sandbox {
    world: Arc<World>,
    services: Arc<[Service; 4]>,
    root: CertificateDer<'static>,
    settings: AccountSettings,
}

impl Sandbox {
    /// Starts the four servers on free ports of 127.0.0.1, as tasks of the current runtime. They
    /// answer from the moment this returns.
    ///
    /// # Errors
    /// [`SandboxError`] when a port cannot be opened or a certificate cannot be made.
    pub async fn start(options: SandboxOptions) -> Result<Self, SandboxError> {
        let certificates = Certificates::make()?;
        let world = Arc::new(World::new(options)?);
        let start = |name, tls| Service::start(Handler::new(name, tls, Arc::clone(&world)));
        let entra = start(ServiceName::Entra, certificates.https()).await?;
        let imap = start(ServiceName::Imap, certificates.mail()).await?;
        let smtp = start(ServiceName::Smtp, certificates.mail()).await?;
        world.set_authority(format!("https://{HOST}:{}", entra.port()));
        let graph = start(ServiceName::Graph, certificates.https()).await?;
        world.set_graph_root(format!("https://{HOST}:{}", graph.port()));
        let settings = settings(&world, &imap, &smtp)?;
        Ok(Self {
            world,
            services: Arc::new([entra, imap, smtp, graph]),
            root: certificates.root(),
            settings,
        })
    }

    /// The authority that signed every server's certificate.
    #[must_use]
    pub fn root(&self) -> CertificateDer<'static> {
        self.root.clone()
    }

    /// The owner's account, ready to link.
    #[must_use]
    pub fn settings(&self) -> AccountSettings {
        self.settings.clone()
    }

    /// What links the owner's account, secrets in memory.
    #[must_use]
    pub fn link_request(&self) -> LinkRequest {
        LinkRequest::with_device_code(self.settings(), SecretsChoice::Memory)
    }

    /// The hand that reaches into the servers.
    #[must_use]
    pub fn control(&self) -> Control {
        Control::new(Arc::clone(&self.world), Arc::clone(&self.services))
    }

    /// Ends every server and connection; returns when all are gone.
    pub async fn stop(self) {
        self.world.stop().await;
        for service in self.services.iter() {
            service.stop().await;
        }
    }
}

fn settings(
    world: &World,
    imap: &Service,
    smtp: &Service,
) -> Result<AccountSettings, SandboxError> {
    let personality = world.personality();
    let address: EmailAddress = OWNER.address.parse()?;
    let endpoint = |service: &Service, security| Endpoint {
        at: HostPort { host: HOST.to_owned(), port: service.port() },
        security,
    };
    Ok(AccountSettings {
        name: "demo".parse::<AccountName>()?,
        login: address.clone(),
        address,
        display_name: OWNER.name.to_owned(),
        provider: personality.provider().to_owned(),
        method: SignInMethod::DeviceCode,
        oauth: OAuthApp {
            authority: world.authority(),
            tenant: "common".to_owned(),
            client_id: CLIENT_ID.to_owned(),
        },
        imap: endpoint(imap, Security::Tls),
        submission: endpoint(smtp, Security::StartTls),
        route: SubmissionRoute::Auto,
        resources: Resources { graph: world.graph_root(), ..Resources::default() },
        sent_copy: personality.sent_copy(),
        ca_file: None,
        secrets: SecretsKind::Memory,
        token_command: Vec::new(),
        shared_via: None,
        secret_expires: None,
        offline_days: AccountSettings::OFFLINE_DAYS,
        identities: Vec::new(),
    })
}

#[cfg(test)]
mod tests;
