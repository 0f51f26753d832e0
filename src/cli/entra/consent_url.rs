//! `entra consent-url`: the page on which an administrator approves the app.

use crate::cli::cloud::CloudArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::Format;
use crate::problem::guide::{self, Consent};
use crate::provider::presets::published_client_id;
use clap::Args;
use serde::Serialize;

/// Arguments of `entra consent-url`.
#[derive(Debug, Args)]
pub struct ConsentUrlArgs {
    /// Tenant: an id or a domain of the organisation
    #[arg(long)]
    pub tenant: String,
    /// Application (client) id, or the name of a published one: thunderbird
    #[arg(long, value_name = "ID")]
    pub client_id: String,
    /// Ask for sending through Microsoft Graph too
    #[arg(long)]
    pub graph: bool,
    /// Where the tenant is
    #[command(flatten)]
    pub cloud: CloudArgs,
}

#[derive(Serialize)]
struct Link {
    url: String,
}

/// Prints the address.
///
/// # Errors
/// Those of the output.
pub fn run(context: &Context, args: &ConsentUrlArgs) -> Result<(), CliError> {
    let published = published_client_id(&args.client_id).map(|published| published.client_id);
    let client_id = published.unwrap_or(&args.client_id);
    let consent = if args.graph { Consent::MailAndGraph } else { Consent::Mail };
    let cloud = args.cloud.cloud.preset()?;
    let resources = cloud.resources();
    let url = guide::consent_url(cloud.authority, &args.tenant, client_id, &resources, consent);
    match context.output.format() {
        Format::Human => context.output.line(&url),
        Format::Json => context.output.json(&Link { url }),
    }
}
