//! `message reply`: answers a message, with the old text quoted below.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::folder::AccountArgs;
use crate::cli::message::{body, delivery};
use crate::cli::running::with_session;
use crate::engine_api::command::Outgoing;
use crate::mime::quote::{self, ReplyScope};
use crate::model::address::EmailAddress;
use crate::model::ids::MessageId;
use clap::Args;

/// Arguments of `message reply`.
#[derive(Debug, Args)]
pub struct ReplyArgs {
    /// Id of the message, as `message list` gives it
    #[arg(value_name = "ID")]
    pub id: i64,
    /// Which account it lies in
    #[command(flatten)]
    pub account: AccountArgs,
    /// Answer everybody, not the sender alone
    #[arg(long)]
    pub all: bool,
    /// Text of the answer; - reads it from standard input
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub body: String,
}

/// Answers and waits until the server has taken the answer.
///
/// # Errors
/// Why it is not sent.
pub fn run(context: &Context, args: &ReplyArgs) -> Result<(), CliError> {
    let text = body::text(&args.body)?;
    let scope = if args.all { ReplyScope::All } else { ReplyScope::Sender };
    let message = MessageId(args.id);
    with_session(context, async |session| {
        session.known(vec![message]).await?;
        let (row, readable) = session.readable(message).await?;
        let account = match args.account.account.as_deref() {
            None => row.account,
            named => session.account(named)?.id,
        };
        let own: Vec<EmailAddress> =
            session.accounts().into_iter().map(|account| account.address).collect();
        let mut draft = quote::reply(&readable, scope, &own);
        draft.body = above(&text, &draft.body);
        let outgoing = Outgoing::Draft(draft);
        delivery::send(session, context.output, account, outgoing, Some(message)).await?;
        // The question is marked as answered where it lies. The answer is sent all the same.
        if let Err(error) = session.hand_over_of(row.account).await {
            tracing::debug!(?error, "the mark waits for another time");
        }
        Ok(())
    })
}

/// The answer, a blank line, the quoted text.
fn above(text: &str, quoted: &str) -> String {
    format!("{}\n\n{}", text.trim_end(), quoted.trim_start_matches('\n'))
}

#[cfg(test)]
mod tests {
    use crate::cli::message::reply::above;

    #[test]
    fn the_answer_stands_above_the_quotation() {
        assert_eq!(above("Yes.\n", "\n\nAda wrote:\n> ?\n"), "Yes.\n\nAda wrote:\n> ?\n");
    }
}
