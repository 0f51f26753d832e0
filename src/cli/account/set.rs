//! `account set`: changes how a linked account works.

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::Format;
use crate::cli::running::with_session;
use crate::engine_api::command::{AccountChange, EngineCommand};
use crate::model::account::SubmissionRoute;
use chrono::NaiveDate;
use clap::{Args, ValueEnum};
use serde::Serialize;

/// Arguments of `account set`.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// Name of the account
    pub name: String,
    /// How messages leave
    #[arg(long, value_enum, value_name = "ROUTE", required_unless_present_any = ["display_name", "client_secret_expires"])]
    pub submission: Option<RouteWord>,
    /// Name others see beside the address; empty for none
    #[arg(long, value_name = "TEXT")]
    pub display_name: Option<String>,
    /// The day on which the client secret runs out; you are warned before
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub client_secret_expires: Option<NaiveDate>,
}

/// How messages leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RouteWord {
    /// SMTP, or Microsoft Graph where the checks find SMTP switched off
    Auto,
    /// SMTP only
    Smtp,
    /// Microsoft Graph only
    Graph,
}

impl RouteWord {
    /// What it stands for.
    #[must_use]
    pub fn route(self) -> SubmissionRoute {
        match self {
            Self::Auto => SubmissionRoute::Auto,
            Self::Smtp => SubmissionRoute::Smtp,
            Self::Graph => SubmissionRoute::Graph,
        }
    }
}

#[derive(Serialize)]
struct Changed<'a> {
    account: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires: Option<String>,
}

/// Changes it; no server is asked.
///
/// # Errors
/// Why it is as before.
pub fn run(context: &Context, args: &SetArgs) -> Result<(), CliError> {
    let change = AccountChange {
        route: args.submission.map(RouteWord::route),
        display_name: args.display_name.clone(),
        secret_expires: args.client_secret_expires,
    };
    with_session(context, async |session| {
        let account = session.account(Some(&args.name))?.id;
        session.do_it(|id| EngineCommand::ChangeAccount { id, account, change }).await
    })?;
    let changed = Changed {
        account: &args.name,
        route: args.submission.map(|word| word.route().as_str()),
        display_name: args.display_name.as_deref(),
        client_secret_expires: args.client_secret_expires.map(|day| day.to_string()),
    };
    match context.output.format() {
        Format::Json => context.output.json(&changed),
        Format::Human => {
            context.output.line(&format!("Changed. posthaste account test {} tries it.", args.name))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::account::set::{RouteWord, SetArgs};
    use crate::model::account::SubmissionRoute;
    use clap::{Parser, ValueEnum};

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: SetArgs,
    }

    #[test]
    fn every_route_has_its_word_and_something_has_to_change() {
        for route in SubmissionRoute::ALL {
            let word = RouteWord::from_str(route.as_str(), false).unwrap();
            assert_eq!(word.route(), route);
        }
        assert!(Line::try_parse_from(["set", "work"]).is_err());
        let both = ["set", "work", "--submission", "graph", "--display-name", ""];
        assert!(Line::try_parse_from(both).is_ok());
    }
}
