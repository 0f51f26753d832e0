//! What `doctor` looks at on this machine: version, files and their permissions, secrets, terminal,
//! clock.

use crate::cli::context::Context;
use crate::cli::doctor::Finding;
use crate::cli::error::CliError;
use crate::cli::json::rfc3339;
use crate::cli::running;
use crate::config::paths::Paths;
use crate::problem::{Problem, ProblemKind, Remedy};
use crate::runtime::terminal;
use crate::secrets::SecretPlaces;
use crate::stdx::clock::Clock;
use chrono::{Local, Offset};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a keyring may take to say that it is there.
const KEYRING_LIMIT: Duration = Duration::from_secs(5);
/// Permissions that only others need.
const OTHERS: u32 = 0o077;
/// Most files that are named in one problem.
const NAMED_LIMIT: usize = 5;
/// How deep directories are looked into: ours are shallower.
const DEPTH_LIMIT: usize = 4;

/// Looks at each of them.
#[must_use]
pub fn examine(context: &Context) -> Vec<Finding> {
    let mut findings = vec![Finding {
        name: "version",
        found: Ok(format!("posthaste {}", env!("CARGO_PKG_VERSION"))),
    }];
    match context.paths() {
        Ok(paths) => {
            findings.push(Finding { name: "config", found: config(context, &paths) });
            let directories = [
                ("data", &paths.data_dir),
                ("cache", &paths.cache_dir),
                ("state", &paths.state_dir),
            ];
            for (name, directory) in directories {
                findings.push(Finding { name, found: directory_is_private(directory) });
            }
            findings.push(Finding { name: "secrets", found: secrets(context, &paths) });
        }
        Err(error) => findings.push(Finding { name: "config", found: Err(problem_of(error)) }),
    }
    findings.push(Finding { name: "terminal", found: Ok(terminal()) });
    findings.push(Finding { name: "clock", found: Ok(clock()) });
    findings
}

fn config(context: &Context, paths: &Paths) -> Result<String, Problem> {
    let file = context.load_config().map_err(problem_of)?;
    let accounts = file.config().accounts.len();
    Ok(format!("{} (accounts: {accounts})", paths.config_file.display()))
}

fn directory_is_private(directory: &Path) -> Result<String, Problem> {
    let shown = directory.display();
    let mut open = Vec::new();
    match find_open(directory, DEPTH_LIMIT, &mut open) {
        Ok(()) if open.is_empty() => Ok(format!("{shown} (yours alone)")),
        Ok(()) => {
            let named: Vec<String> =
                open.iter().take(NAMED_LIMIT).map(|path| path.display().to_string()).collect();
            Err(Problem::new(
                ProblemKind::Failed,
                "permissions-open",
                "Others on this machine may read or change files of posthaste",
                &format!("Take their permissions away (chmod go= …): {}.", named.join(", ")),
                Remedy::CheckDisk,
            ))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(format!("{shown} (not there yet)"))
        }
        Err(error) => Err(Problem::new(
            ProblemKind::Failed,
            "directory-unreadable",
            &format!("{shown} cannot be read"),
            &error.to_string(),
            Remedy::CheckDisk,
        )),
    }
}

/// Adds whatever others may touch. What lies in a directory closed to them is out of their reach
/// but counted all the same: it may be moved.
fn find_open(path: &Path, depth: usize, open: &mut Vec<PathBuf>) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_symlink() {
        return Ok(());
    }
    if metadata.permissions().mode() & OTHERS != 0 {
        open.push(path.to_owned());
    }
    if metadata.is_dir() && 0 < depth {
        for entry in fs::read_dir(path)? {
            match find_open(&entry?.path(), depth - 1, open) {
                // Another process has taken it away meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                result => result?,
            }
        }
    }
    Ok(())
}

fn secrets(context: &Context, paths: &Paths) -> Result<String, Problem> {
    // A configuration that cannot be read has been told of already.
    let commands =
        context.load_config().ok().and_then(|file| file.config().secret_commands.clone());
    let has_commands = commands.is_some();
    let places = SecretPlaces::with_commands(paths.data_dir.clone(), commands);
    if has_commands {
        let probe = async || Ok(places.probe_commands().await.map_err(|error| error.problem()));
        running::on_runtime(probe).map_err(problem_of)??;
    }
    let found = running::on_runtime(async || {
        Ok(tokio::time::timeout(KEYRING_LIMIT, places.automatic()).await)
    });
    match found.map_err(problem_of)? {
        Ok((kind, reason)) => Ok(format!("new accounts use {} ({reason})", kind.as_str())),
        Err(_elapsed) => Err(Problem::new(
            ProblemKind::Failed,
            "keyring-silent",
            "The keyring does not answer",
            "It may be waiting for someone to unlock it on another screen.",
            Remedy::CheckSecrets,
        )),
    }
}

/// That there is no terminal is no fault: scripts have none.
fn terminal() -> String {
    let kind = std::env::var("TERM").unwrap_or_default();
    match terminal::check() {
        Ok(()) => kind,
        Err(error) => error.problem().what,
    }
}

/// Whether it is right is known only to servers: the accounts' own check asks them.
fn clock() -> String {
    let offset = Local::now().offset().fix();
    format!("{} (this machine is at {offset})", rfc3339(Clock::system().now()))
}

fn problem_of(error: CliError) -> Problem {
    match error {
        CliError::Problem(problem) => *problem,
        CliError::Told(_) | CliError::OutputClosed | CliError::Stopped(_) => {
            Problem::new(ProblemKind::Failed, "stopped", "It was stopped", "", Remedy::Retry)
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::doctor::machine::directory_is_private;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_that_others_may_read_is_named() {
        let home = tempfile::tempdir().unwrap();
        let inner = home.path().join("data");
        assert!(directory_is_private(&inner).unwrap().contains("not there yet"));
        fs::create_dir(&inner).unwrap();
        let set = |path: &std::path::Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        set(&inner, 0o700);
        let file = inner.join("vault.key");
        fs::write(&file, "key").unwrap();
        set(&file, 0o600);
        assert!(directory_is_private(&inner).is_ok());
        set(&file, 0o640);
        let problem = directory_is_private(&inner).unwrap_err();
        assert!(problem.why.contains("vault.key"), "{problem:?}");
        // A link leads elsewhere, where its own permissions count.
        set(&file, 0o600);
        std::os::unix::fs::symlink("/dev/null", inner.join("link")).unwrap();
        assert!(directory_is_private(&inner).is_ok());
    }
}
