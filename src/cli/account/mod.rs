//! `account`: linking mailboxes and looking after them.

pub mod add;
pub mod list;
pub mod progress;
pub mod remove;
pub mod request;
pub mod sign_in;
pub mod test;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use clap::{Args, Subcommand};

/// What can be done with accounts.
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Link a mailbox; nothing is saved before every check has passed
    Add(Box<request::AddArgs>),
    /// List the linked accounts
    List,
    /// Check an account: permissions, reading, sending
    Test(NameArgs),
    /// Sign in to an account again
    SignIn(NameArgs),
    /// Forget an account, its secrets and its cached mail
    Remove(NameArgs),
}

/// Names one account.
#[derive(Debug, Args)]
pub struct NameArgs {
    /// Name of the account
    pub name: String,
}

/// Runs one of them.
///
/// # Errors
/// Its problem, told by then where the output is a stream of events.
pub fn run(context: &Context, command: AccountCommand) -> Result<(), CliError> {
    match command {
        AccountCommand::Add(args) => progress::told(context, add::run(context, &args)),
        AccountCommand::List => list::run(context),
        AccountCommand::Test(args) => progress::told(context, test::run(context, &args)),
        AccountCommand::SignIn(args) => progress::told(context, sign_in::run(context, &args)),
        AccountCommand::Remove(args) => remove::run(context, &args),
    }
}
