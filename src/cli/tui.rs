//! The screen on the person's own accounts.

use crate::app::AppSetup;
use crate::app::dates::Zone;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::passphrase::Unlock;
use crate::cli::running::{self, Opened};
use crate::engine::Liveness;
use crate::model::account::SecretsKind;
use crate::runtime::editor::{EditorDirectory, EditorSettings};
use crate::runtime::event_loop::{self, Shell};
use crate::runtime::state_file::StateFile;
use crate::runtime::terminal;
use crate::secrets::SecretPlaces;
use crate::store::lock::FileLock;
use std::time::Duration;

/// A keyring that waits for somebody to unlock it must not hold up the first frame.
const KEYRING_LIMIT: Duration = Duration::from_secs(1);
/// In the state directory: how lists are arranged, where messages open.
const SCREEN_STATE_FILE: &str = "screen.json";

/// Opens the screen; the exit code.
///
/// # Errors
/// Whatever keeps it from opening.
pub fn run(context: &Context) -> Result<u8, CliError> {
    terminal::check().map_err(|error| error.problem())?;
    let paths = context.paths()?;
    context.log()?;
    running::on_runtime(async || {
        let Opened { setup, places } =
            running::open(context, Liveness::Live, Unlock::Required).await?;
        let _only_screen = FileLock::instance(&paths.data_dir).map_err(|error| error.problem())?;
        let config = setup.config.config().clone();
        let clock = setup.clock.clone();
        let screen_state = StateFile::at(paths.state_dir.join(SCREEN_STATE_FILE));
        let shell = Shell {
            engine: running::start(setup).await?,
            setup: AppSetup {
                now: clock.now(),
                zone: Zone::Local,
                client_ids: config.client_ids,
                automatic_secrets: automatic_secrets(&places).await,
                demo_link: None,
                banner: String::new(),
                remembered: screen_state.read(),
            },
            screen_state,
            clock,
            editor: EditorSettings {
                configured: config.editor,
                directory: EditorDirectory::Kept(paths.state_dir.join("editor")),
            },
        };
        event_loop::run(shell).await.map_err(|error| error.problem().into())
    })
}

async fn automatic_secrets(places: &SecretPlaces) -> (SecretsKind, String) {
    match tokio::time::timeout(KEYRING_LIMIT, places.automatic()).await {
        Ok(found) => found,
        Err(_elapsed) => (SecretsKind::VaultKey, "the keyring does not answer".to_owned()),
    }
}
