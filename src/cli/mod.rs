//! The command line: arguments, one file per command, exit codes.
//!
//! Every command drives the engine through the same contract as the screen ([`session`]), so
//! whatever the screen can do a script can do. Exit codes: 0 done, 1 failed, 2 usage, 3 sign-in
//! needed, 4 network, 128 and the number of a signal.

pub mod account;
pub mod cache;
pub mod changes;
pub mod cloud;
pub mod completions;
pub mod config;
pub mod context;
pub mod demo;
pub mod doctor;
pub mod draft;
pub mod entra;
pub mod error;
pub mod examples;
pub mod folder;
pub mod hidden_prompt;
pub mod json;
pub mod man;
pub mod message;
pub mod outbox;
pub mod output;
pub mod passphrase;
pub mod pasted;
pub mod running;
pub mod secret_input;
pub mod session;
pub mod status_line;
pub mod sync;
pub mod token;
pub mod tui;
pub mod undo;

use crate::cli::context::{Context, GlobalArgs};
use crate::cli::error::CliError;
use crate::cli::output::Format;
use crate::runtime::hardening;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// A mailbox manager for the terminal that makes Microsoft 365 and Outlook.com easy over SSH.
///
/// Without a command the screen opens; `posthaste demo` shows it on mail that is not real.
#[derive(Debug, Parser)]
#[command(name = "posthaste", version, after_help = EXIT_CODES)]
pub struct Arguments {
    /// For every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do; the screen when nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
}

const EXIT_CODES: &str =
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 sign-in needed, 4 network.";

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Try everything on servers inside the program; nothing is real and nothing is kept
    Demo(demo::DemoArgs),
    /// Link mailboxes and look after them
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Folders of an account
    #[command(subcommand, after_help = examples::FOLDER)]
    Folder(folder::FolderCommand),
    /// List, read, find, file, send, export and import messages
    #[command(subcommand)]
    Message(message::MessageCommand),
    /// Bring everything for reading without a network, and hand over what waits
    #[command(after_help = examples::SYNC)]
    Sync(sync::SyncArgs),
    /// Take back the last action, or an earlier one
    #[command(after_help = examples::UNDO)]
    Undo(undo::UndoArgs),
    /// What was done here and has not reached its server yet
    #[command(subcommand, after_help = examples::CHANGES)]
    Changes(changes::ChangesCommand),
    /// Messages that wait to be sent
    #[command(subcommand)]
    Outbox(outbox::OutboxCommand),
    /// Unfinished messages
    #[command(subcommand)]
    Draft(draft::DraftCommand),
    /// Print a fresh access token for another mail program, and nothing else
    Token(token::TokenArgs),
    /// What Microsoft's sign-in means, and what an administrator sets up
    #[command(subcommand)]
    Entra(entra::EntraCommand),
    /// The copy of the mail on this machine
    #[command(subcommand, after_help = examples::CACHE)]
    Cache(cache::CacheCommand),
    /// Check this installation and every account
    Doctor,
    /// The configuration file
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
    /// Print the manual page (roff)
    Man,
}

/// The whole program: arguments in, exit code out.
#[must_use]
pub fn main() -> ExitCode {
    hardening::protect_memory();
    let Arguments { global, command } = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return ExitCode::from(misunderstood(&error)),
    };
    let context = Context::new(global);
    let result = run(&context, command);
    ExitCode::from(match result {
        Ok(code) => code,
        Err(error) => error.report(context.output.format()),
    })
}

/// Tells what is wrong with the arguments, as JSON where that was asked for; help and version are
/// printed. The exit code.
fn misunderstood(error: &clap::Error) -> u8 {
    let asks_json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && asks_json {
        let text = error.to_string();
        let (what, why) = text.split_once('\n').unwrap_or((&text, ""));
        let what = what.trim_start_matches("error: ");
        return CliError::usage("usage", what, why.trim()).report(Format::Json);
    }
    // A reader that is gone, as behind `--help | head`, is no failure.
    let _closed = error.print();
    u8::try_from(error.exit_code()).unwrap_or(u8::MAX)
}

fn run(context: &Context, command: Option<Command>) -> Result<u8, CliError> {
    let done = |()| 0;
    if command.as_ref().is_some_and(keeps_log) {
        context.log_on_request()?;
    }
    match command {
        None => tui::run(context),
        Some(Command::Demo(args)) => demo::run(&args),
        Some(Command::Account(command)) => account::run(context, command).map(done),
        Some(Command::Folder(command)) => folder::run(context, command).map(done),
        Some(Command::Message(command)) => message::run(context, command).map(done),
        Some(Command::Sync(args)) => sync::run(context, &args).map(done),
        Some(Command::Undo(args)) => undo::run(context, &args).map(done),
        Some(Command::Changes(command)) => changes::run(context, command).map(done),
        Some(Command::Outbox(command)) => outbox::run(context, command).map(done),
        Some(Command::Draft(command)) => draft::run(context, command).map(done),
        Some(Command::Token(args)) => token::run(context, &args).map(done),
        Some(Command::Entra(command)) => entra::run(context, command).map(done),
        Some(Command::Cache(command)) => cache::run(context, command).map(done),
        Some(Command::Doctor) => doctor::run(context).map(done),
        Some(Command::Config(command)) => config::run(context, command).map(done),
        Some(Command::Completions(args)) => completions::run(context, &args).map(done),
        Some(Command::Man) => man::run(context).map(done),
    }
}

/// Whether a run of `command` may leave a log: the demo keeps nothing, and what only prints has
/// nothing to tell.
fn keeps_log(command: &Command) -> bool {
    match command {
        Command::Account(_)
        | Command::Folder(_)
        | Command::Message(_)
        | Command::Sync(_)
        | Command::Undo(_)
        | Command::Changes(_)
        | Command::Outbox(_)
        | Command::Draft(_)
        | Command::Token(_)
        | Command::Cache(_)
        | Command::Doctor
        | Command::Config(_) => true,
        Command::Demo(_) | Command::Entra(_) | Command::Completions(_) | Command::Man => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::Arguments;
    use clap::{CommandFactory, Parser};

    #[test]
    fn the_arguments_fit_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_command_line_is_understood_whole_or_not_at_all() {
        #[track_caller]
        fn check(line: &str, accepted: bool) {
            let parsed = Arguments::try_parse_from(line.split(' '));
            assert_eq!(parsed.is_ok(), accepted, "{line}");
        }
        check("posthaste", true);
        check("posthaste --home h demo --first-run --messages 40 --personality dovecot", true);
        check("posthaste account add --email ada@example.org --json", true);
        check("posthaste account add --email ada", false);
        check("posthaste account add", false);
        check("posthaste account add --email ada@example.org --imap localhost:993", true);
        check("posthaste account add --email ada@example.org --imap localhost", false);
        check("posthaste account add --email ada@example.org --secrets vault-passphrase", true);
        check("posthaste account add --email ada@example.org --secrets memory", false);
        check("posthaste folder list --account work --json", true);
        check("posthaste message list --folder INBOX --limit 5 --json", true);
        check("posthaste message list --limit 0", false);
        check("posthaste message read 7 --raw", true);
        check("posthaste message read seven", false);
        check("posthaste message send --to alan@example.org --subject s --body -", true);
        check("posthaste message send --to a@b --to c@d --subject s --attach x --attach y", true);
        check("posthaste message send --eml", true);
        check("posthaste message send --eml --to alan@example.org", false);
        check("posthaste message send --subject s", false);
        check("posthaste message reply 7 --all --body -", true);
        check("posthaste message reply 7", false);
        check("posthaste account add --email a@b.example --submission graph", true);
        check("posthaste account add --email a@b.example --submission post", false);
        check("posthaste account add --email a@b.example --method browser --port 8400", true);
        check("posthaste account add --email a@b.example --method magic", false);
        check("posthaste account add --email a@b.example --password secret", false);
        check("posthaste account add --shared a@b.example --via work", true);
        check("posthaste account add --shared a@b.example", false);
        check("posthaste account add --email a@b.example --via work", false);
        check("posthaste account add --email a@b.example --cloud china", true);
        check("posthaste account add --email a@b.example --client-secret-expires soon", false);
        check("posthaste account sign-in work --method browser", true);
        check("posthaste account rename work office", true);
        check("posthaste account rename work", false);
        check("posthaste account secrets work --to keyring", true);
        check("posthaste account secrets work", false);
        check("posthaste account export --output accounts.age", true);
        check("posthaste account import accounts.age", true);
        check("posthaste token work --resource graph --xoauth2", true);
        check("posthaste token", false);
        check("posthaste doctor --json", true);
        check("posthaste entra explain AADSTS530035", true);
        check("posthaste entra explain", false);
        check("posthaste entra guide --audience both --shared --graph --az", true);
        check("posthaste entra consent-url --tenant t --client-id c --graph", true);
        check("posthaste entra consent-url --tenant t", false);
        check("posthaste message send --from a@b.example --to c@d.example --subject s", true);
        check("posthaste message send --eml --from a@b.example", false);
        check("posthaste sync --once --account work --json", true);
        check("posthaste sync --once --watch", false);
        check("posthaste message search from:alan is:unread --folder INBOX --server", true);
        check("posthaste message search", false);
        check("posthaste message search --json -- -from:ada tea", true);
        check("posthaste message flag --query=-from:ada --add seen", true);
        check("posthaste message flag --query --add seen", false);
        check("posthaste message flag 7 8 --add seen --remove flagged", true);
        check("posthaste message flag 7", false);
        check("posthaste message flag 7 --add read", false);
        check("posthaste message move 7 --to archive", true);
        check("posthaste message move --to archive", false);
        check("posthaste message archive --query from:alan --dry-run", true);
        check("posthaste message archive 7 --query from:alan", false);
        check("posthaste message delete 7", false);
        check("posthaste message delete 7 --yes", true);
        check("posthaste message export 7 --format mbox --output mail.mbox", true);
        check("posthaste message save 7 --part 2 --to files", true);
        check("posthaste message list --all-accounts --cached", true);
        check("posthaste message list --all-accounts --account work", false);
        check("posthaste folder list --all-accounts", true);
        check("posthaste message import a.eml b.mbox --to INBOX", true);
        check("posthaste folder create Projects/Engine", true);
        check("posthaste folder rename Projects Work", true);
        check("posthaste folder empty trash --yes", true);
        check("posthaste undo", true);
        check("posthaste undo 7 --json", true);
        check("posthaste undo --list", true);
        check("posthaste undo 7 --list", false);
        check("posthaste changes list", true);
        check("posthaste changes flush", true);
        check("posthaste changes", false);
        check("posthaste config check", true);
        check("posthaste nonsense", false);
    }
}
