//! The screen on servers inside the program: nothing is real, nothing is kept.

use crate::app::AppSetup;
use crate::app::dates::Zone;
use crate::cli::error::CliError;
use crate::cli::running;
use crate::config::ConfigFile;
use crate::engine::{EngineSetup, Liveness};
use crate::model::account::SecretsKind;
use crate::model::detection::Lookup;
use crate::problem::{Problem, ProblemKind, Remedy};
use crate::runtime::editor::{EditorDirectory, EditorSettings};
use crate::runtime::event_loop::{self, Shell};
use crate::runtime::state_file::StateFile;
use crate::runtime::terminal;
use crate::sandbox::Sandbox;
use crate::sandbox::options::{Personality, SandboxOptions};
use crate::secrets::SecretPlaces;
use crate::stdx::clock::Clock;
use crate::store::Store;
use clap::{Args, ValueEnum};
use std::fmt::Display;

/// Most messages of a demo mailbox: they are made at start and live in memory.
const MESSAGES_LIMIT: i64 = 1_000_000;

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Begin with the wizard, as on the very first start
    #[arg(long)]
    pub first_run: bool,
    /// How many messages the mailbox holds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MESSAGES_LIMIT))]
    pub messages: Option<u32>,
    /// Which mail server it resembles
    #[arg(long, value_enum, default_value_t = PersonalityWord::Exchange)]
    pub personality: PersonalityWord,
}

/// A mail server to resemble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PersonalityWord {
    /// Exchange Online
    Exchange,
    /// Dovecot
    Dovecot,
}

/// Opens the screen on the sandbox; the exit code.
///
/// # Errors
/// Whatever keeps it from opening.
pub fn run(args: &DemoArgs) -> Result<u8, CliError> {
    terminal::check().map_err(|error| error.problem())?;
    running::on_runtime(async || {
        let clock = Clock::system();
        let sandbox =
            Sandbox::start(options(args, &clock)).await.map_err(|error| failed(&error))?;
        let mut config = ConfigFile::in_memory();
        let secrets = SecretPlaces::in_memory();
        let mut demo_link = None;
        if args.first_run {
            demo_link = Some(Box::new(sandbox.link_request()));
        } else {
            sandbox.link(&mut config, &secrets).await.map_err(|error| failed(&error))?;
        }
        let engine = running::start(EngineSetup {
            config,
            store: Store::in_memory(&clock).map_err(|error| error.problem())?,
            secrets,
            clock: clock.clone(),
            extra_roots: vec![sandbox.root()],
            lock_dir: None,
            liveness: Liveness::Live,
            detect: Lookup::Offline,
        })
        .await?;
        let shell = Shell {
            engine,
            setup: AppSetup {
                now: clock.now(),
                zone: Zone::Local,
                client_ids: Vec::new(),
                automatic_secrets: (SecretsKind::Memory, "the demo keeps nothing".to_owned()),
                demo_link,
                banner: "demo: nothing here is real".to_owned(),
                remembered: String::new(),
            },
            screen_state: StateFile::none(),
            clock,
            editor: EditorSettings {
                configured: String::new(),
                directory: EditorDirectory::Temporary,
            },
        };
        event_loop::run(shell).await.map_err(|error| error.problem().into())
    })
}

fn options(args: &DemoArgs, clock: &Clock) -> SandboxOptions {
    let mut options = SandboxOptions::demo(clock.clone());
    options.personality = match args.personality {
        PersonalityWord::Exchange => Personality::Exchange,
        PersonalityWord::Dovecot => Personality::Dovecot,
    };
    if let Some(messages) = args.messages.and_then(|messages| usize::try_from(messages).ok()) {
        options.messages = messages;
    }
    options
}

fn failed(error: &dyn Display) -> CliError {
    let why = error.to_string();
    Problem::new(ProblemKind::Failed, "demo-failed", "The demo cannot start", &why, Remedy::Retry)
        .into()
}
