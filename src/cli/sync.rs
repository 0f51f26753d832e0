//! `sync`: bring everything and exit, or go on and tell what happens.

pub mod watch;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::folder::AccountArgs;
use crate::cli::message::act::waits;
use crate::cli::output::{Format, Output};
use crate::cli::running::{with_live_session, with_session};
use crate::cli::session::Session;
use crate::cli::status_line::StatusLine;
use crate::engine_api::command::EngineCommand;
use crate::engine_api::status::{AccountStatus, SyncPhase, SyncProgress};
use crate::model::ids::AccountId;
use clap::Args;
use serde::Serialize;

/// Arguments of `sync`.
#[derive(Debug, Args)]
pub struct SyncArgs {
    /// Hand over what waits, bring all headers and the whole messages of the offline period, then
    /// exit; the default
    #[arg(long, conflicts_with = "watch")]
    pub once: bool,
    /// Stay connected, bring what arrives, and tell of it until a signal ends it
    #[arg(long)]
    pub watch: bool,
    /// Only this account
    #[command(flatten)]
    pub account: AccountArgs,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Told<'a> {
    Progress { account: &'a str, phase: &'static str, done: u64, total: u64, bytes: u64 },
    Synced { account: &'a str, waiting: u32 },
}

/// Brings everything.
///
/// # Errors
/// Its problem; with several accounts each is told at once, the others are tried all the same, and
/// the exit code is that of the first.
pub fn run(context: &Context, args: &SyncArgs) -> Result<(), CliError> {
    let name = args.account.account.as_deref();
    if args.watch {
        return with_live_session(context, async |session| {
            session.some_account()?;
            let only = name.map(|name| session.account(Some(name))).transpose()?;
            watch::run(context.output, session, only.map(|account| account.id)).await
        });
    }
    with_session(context, async |session| {
        session.some_account()?;
        let accounts = match name {
            Some(name) => vec![session.account(Some(name))?],
            None => session.accounts(),
        };
        let mut failed = None;
        for account in accounts {
            match once(context.output, session, &account).await {
                Ok(()) => {}
                Err(CliError::Problem(problem)) => {
                    let code = CliError::Problem(problem).report(context.output.format());
                    failed.get_or_insert(code);
                }
                Err(end) => return Err(end),
            }
        }
        failed.map_or(Ok(()), |code| Err(CliError::Told(code)))
    })
}

async fn once(
    output: Output,
    session: &mut Session,
    account: &AccountStatus,
) -> Result<(), CliError> {
    let id = account.id;
    let mut status = session.status();
    let mut shown = None;
    let line = StatusLine::new();
    let mut progress = Progress { output, account: account.name.as_str(), line };
    {
        let synced = session.do_it(|command| EngineCommand::Sync { id: command, account: id });
        tokio::pin!(synced);
        loop {
            tokio::select! {
                biased;
                synced = &mut synced => {
                    progress.line.clear();
                    synced?;
                    break;
                }
                Ok(()) = status.changed() => {
                    let now = progress_of(&status.borrow_and_update().accounts, id);
                    if now != shown {
                        shown = now;
                        progress.show(now)?;
                    }
                }
            }
        }
    }
    let known = session.accounts();
    let waiting = known.iter().find(|known| known.id == id).map_or(0, |a| a.operations_waiting);
    match output.format() {
        Format::Json => output.json(&Told::Synced { account: account.name.as_str(), waiting }),
        Format::Human => output.line(&format!("{}: up to date.{}", account.name, waits(waiting))),
    }
}

fn progress_of(accounts: &[AccountStatus], id: AccountId) -> Option<SyncProgress> {
    accounts.iter().find(|account| account.id == id)?.progress
}

struct Progress<'a> {
    output: Output,
    account: &'a str,
    line: StatusLine,
}

impl Progress<'_> {
    /// A JSON line, or a line at a terminal; nothing into files.
    fn show(&mut self, progress: Option<SyncProgress>) -> Result<(), CliError> {
        let Some(SyncProgress { phase, done, total, bytes, .. }) = progress else {
            return Ok(());
        };
        let (word, account) = (phase_word(phase), self.account);
        match self.output.format() {
            Format::Json => {
                self.output.json(&Told::Progress { account, phase: word, done, total, bytes })
            }
            Format::Human => {
                self.line.show(&format!("{account}: {word} {done} of {total}"));
                Ok(())
            }
        }
    }
}

fn phase_word(phase: SyncPhase) -> &'static str {
    match phase {
        SyncPhase::Headers => "headers",
        SyncPhase::Bodies => "messages",
    }
}
