//! `entra guide`: how to register the app that signs in.

use crate::cli::cloud::CloudArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::output::Format;
use crate::problem::guide::{self, AppKind, Audience, Consent, GuideForm, GuideOptions};
use clap::{Args, ValueEnum};
use serde::Serialize;

/// Arguments of `entra guide`.
#[derive(Debug, Args)]
pub struct GuideArgs {
    /// Whose mailboxes
    #[arg(long, value_enum, default_value_t = AudienceWord::Both)]
    pub audience: AudienceWord,
    /// What kind of registration
    #[arg(long, value_enum, default_value_t = KindWord::Public)]
    pub kind: KindWord,
    /// Shared mailboxes as well
    #[arg(long)]
    pub shared: bool,
    /// Sending through Microsoft Graph as well
    #[arg(long)]
    pub graph: bool,
    /// Commands of the Azure command line instead of steps in the portal
    #[arg(long)]
    pub az: bool,
    /// Name of the registration; people see it when they sign in
    #[arg(long, value_name = "TEXT", default_value = "Posthaste")]
    pub app_name: String,
    /// Where it is registered
    #[command(flatten)]
    pub cloud: CloudArgs,
}

/// Whose mailboxes a registration is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AudienceWord {
    /// Your own organisation
    Work,
    /// Personal accounts (Outlook.com, Hotmail, Live)
    Personal,
    /// Any organisation and personal accounts
    Both,
}

/// What kind of registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KindWord {
    /// People sign in; there is no secret
    Public,
    /// People sign in, and the app has a secret
    Confidential,
    /// The app signs in by itself with its secret
    Service,
}

/// What an administrator sets for a shared mailbox, whatever the registration.
const SHARED: &str = "\
Shared mailboxes need nothing more in the registration for IMAP and SMTP. Whoever opens one needs
Full Access (to read) and Send As (to send). In Exchange Online PowerShell:

    Add-MailboxPermission -Identity support@example.org -User ada@example.org -AccessRights FullAccess
    Add-RecipientPermission -Identity support@example.org -Trustee ada@example.org -AccessRights SendAs

Then: posthaste account add --shared support@example.org --via ACCOUNT
";

/// And in the registration, where messages leave through Graph.
const SHARED_GRAPH: &str = "\
Sending from a shared mailbox through Graph also needs the delegated permission Mail.Send.Shared.
";

#[derive(Serialize)]
struct Text {
    guide: String,
}

/// Prints it.
///
/// # Errors
/// Those of the output.
pub fn run(context: &Context, args: &GuideArgs) -> Result<(), CliError> {
    let text = text(args, args.cloud.cloud.preset()?.authority);
    match context.output.format() {
        Format::Human => context.output.line(text.trim_end()),
        Format::Json => context.output.json(&Text { guide: text }),
    }
}

fn text(args: &GuideArgs, authority: &str) -> String {
    let options = GuideOptions {
        app_name: args.app_name.clone(),
        authority: authority.to_owned(),
        kind: match args.kind {
            KindWord::Public => AppKind::Public,
            KindWord::Confidential => AppKind::Confidential,
            KindWord::Service => AppKind::Service,
        },
        audience: match (args.kind, args.audience) {
            // An app without a person opens mailboxes of its own tenant and of no other.
            (KindWord::Service, AudienceWord::Personal | AudienceWord::Both)
            | (_, AudienceWord::Work) => Audience::OneOrganisation,
            (_, AudienceWord::Personal) => Audience::Personal,
            (_, AudienceWord::Both) => Audience::Everyone,
        },
        consent: if args.graph { Consent::MailAndGraph } else { Consent::Mail },
    };
    let form = if args.az { GuideForm::Az } else { GuideForm::Portal };
    let mut text = guide::registration(&options, form);
    if args.shared {
        text = format!("{}\n\n{SHARED}", text.trim_end());
        if args.graph {
            text.push_str(SHARED_GRAPH);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::cli::entra::guide::{GuideArgs, text};
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: GuideArgs,
    }

    #[test]
    fn what_is_asked_for_is_in_the_guide() {
        #[track_caller]
        fn check(line: &str, word: &str, expected: bool) {
            let words = std::iter::once("guide").chain(line.split_whitespace());
            let text = text(
                &Line::try_parse_from(words).unwrap().args,
                "https://login.microsoftonline.com",
            );
            assert_eq!(text.contains(word), expected, "{line}: {word}\n{text}");
        }
        check("--app-name Mailroom", "Mailroom", true);
        check("", "Add-MailboxPermission", false);
        check("--shared", "Add-MailboxPermission", true);
        check("--shared", "Mail.Send.Shared", false);
        check("--shared --graph", "Mail.Send.Shared", true);
        // Such a sign-in at `common` is refused.
        check("--kind service", "(common)", false);
        check("--kind service --audience personal", "organizational directory only", true);
    }
}
