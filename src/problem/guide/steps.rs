//! How to register an app: steps in the portal, and commands of `az`.
//!
//! Sources: Microsoft, "Register an application", "Redirect URI restrictions", "Authenticate an
//! IMAP, POP or SMTP connection using OAuth", "Microsoft Graph permissions reference".

use crate::problem::guide::wrap::wrapped;
use crate::problem::guide::{AppKind, Audience, GuideOptions, MAIL, REDIRECT, SIGN_IN};
use std::fmt::Write;

/// Application id of Microsoft Graph, the same in every tenant. The permissions for IMAP and SMTP
/// are listed under it, although the tokens are for Exchange Online.
const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";
/// Application id of Exchange Online, the same in every tenant.
const EXCHANGE_APP: &str = "00000002-0000-0ff1-ce00-000000000000";
/// Where embedded browsers are sent back to; personal accounts need it for codes.
const NATIVE_REDIRECT: &str = "https://login.microsoftonline.com/common/oauth2/nativeclient";
/// What an app may do by itself, without anybody signed in.
const SERVICE_MAIL: [&str; 2] = ["IMAP.AccessAsApp", "SMTP.SendAsApp"];

/// Delegated permissions of Microsoft Graph and their ids, the same in every tenant.
const PERMISSION_IDS: [(&str, &str); 9] = [
    ("IMAP.AccessAsUser.All", "652390e4-393a-48de-9484-05f9b1212954"),
    ("SMTP.Send", "258f6531-6087-4cc4-bb90-092c5fb3ed3f"),
    ("Mail.Send", "e383f46e-2787-4529-855e-0e479a3ffac0"),
    ("Mail.ReadWrite", "024d486e-b451-40bb-833d-3e66d98c5c73"),
    ("User.Read", "e1fe6dd8-ba31-4d61-89e7-88639da4683d"),
    ("offline_access", "7427e0e9-2fba-42fe-b0c0-848c9e6a8182"),
    ("openid", "37f7f235-527c-4136-accd-4a02d197296e"),
    ("profile", "14dad69e-099b-42c9-810b-d002981feec1"),
    ("email", "64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0"),
];

/// What differs between Microsoft's clouds.
struct Cloud {
    portal: &'static str,
    /// Name for `az cloud set`; empty where it is the default.
    az: &'static str,
}

impl Cloud {
    fn of(authority: &str) -> Self {
        let host = authority.trim_end_matches('/');
        if host.ends_with(".us") {
            Self { portal: "https://portal.azure.us", az: "AzureUSGovernment" }
        } else if host.ends_with(".cn") {
            Self { portal: "https://portal.azure.cn", az: "AzureChinaCloud" }
        } else {
            Self { portal: "https://entra.microsoft.com", az: "" }
        }
    }
}

impl Audience {
    /// What the portal calls it.
    fn portal(self) -> &'static str {
        match self {
            Self::OneOrganisation => "Accounts in this organizational directory only",
            Self::Organisations => "Accounts in any organizational directory",
            Self::Everyone => {
                "Accounts in any organizational directory and personal Microsoft accounts"
            }
            Self::Personal => "Personal Microsoft accounts only",
        }
    }

    /// What `az` calls it.
    fn az(self) -> &'static str {
        match self {
            Self::OneOrganisation => "AzureADMyOrg",
            Self::Organisations => "AzureADMultipleOrgs",
            Self::Everyone => "AzureADandPersonalMicrosoftAccount",
            Self::Personal => "PersonalMicrosoftAccount",
        }
    }

    /// What to enter as the tenant afterwards.
    fn tenant(self) -> &'static str {
        match self {
            Self::OneOrganisation => "the Directory (tenant) ID of step 3",
            Self::Organisations => "organizations",
            Self::Everyone => "common",
            Self::Personal => "consumers",
        }
    }
}

/// Delegated permissions, in the order in which they are told.
fn delegated(options: &GuideOptions) -> Vec<&'static str> {
    MAIL.iter().chain(options.consent.graph()).chain(&SIGN_IN).copied().collect()
}

/// Numbered steps.
#[derive(Default)]
struct Steps(Vec<String>);

impl Steps {
    fn add(&mut self, step: impl Into<String>) {
        self.0.push(step.into());
    }

    fn text(&self, title: &str) -> String {
        let mut text = format!("{title}\n");
        for (number, step) in (1..).zip(&self.0) {
            let step = wrapped(step).replace('\n', "\n    ");
            // Writing to a string cannot fail.
            let _never = write!(text, "\n{number:>2}. {step}\n");
        }
        text
    }
}

/// Steps in the web portal.
pub fn portal(options: &GuideOptions) -> String {
    let mut steps = Steps::default();
    steps.add(format!(
        "Open {} and sign in. A personal account needs a directory of its own first (any Azure \
         account has one).",
        Cloud::of(&options.authority).portal
    ));
    steps.add(format!(
        "Go to App registrations, New registration.\nName: {}\nSupported account types: {}\n\
         Redirect URI: leave empty. Press Register.",
        options.app_name,
        options.audience.portal()
    ));
    steps.add("Note the Application (client) ID and the Directory (tenant) ID.");
    match options.kind {
        AppKind::Public => public_portal(&mut steps),
        AppKind::Confidential => {
            steps.add(format!(
                "Authentication, Add a platform, Web: {REDIRECT}\nUnder Web a sign-in with a code \
                 is not possible; sign in with a browser."
            ));
            secret_portal(&mut steps);
        }
        AppKind::Service => secret_portal(&mut steps),
    }
    permissions_portal(&mut steps, options);
    if options.kind == AppKind::Service {
        steps.add(format!("{SERVICE_INTRO}\n  {}", SERVICE_COMMANDS.join("\n  ")));
    }
    steps.add(link_step(options));
    steps.text("Registering an app in the portal")
}

fn public_portal(steps: &mut Steps) {
    steps.add(format!(
        "Authentication, Add a platform, Mobile and desktop applications:\n{REDIRECT}\n\
         {NATIVE_REDIRECT}\nNot under Web or Single-page \
         application: there they do not work for a program."
    ));
    steps.add("Authentication, Settings: Allow public client flows: Yes. Save.");
}

fn secret_portal(steps: &mut Steps) {
    steps.add(
        "Certificates & secrets, New client secret. Copy its Value at once (not the Secret ID): it \
         is shown only now. Note the day on which it runs out.",
    );
}

fn permissions_portal(steps: &mut Steps, options: &GuideOptions) {
    match options.kind {
        AppKind::Public | AppKind::Confidential => steps.add(format!(
            "API permissions, Add a permission, Microsoft Graph, Delegated permissions:\n{}",
            delegated(options).join(", ")
        )),
        AppKind::Service => steps.add(format!(
            "API permissions, Add a permission, APIs my organization uses, Office 365 Exchange \
             Online, Application permissions:\n{}",
            SERVICE_MAIL.join(", ")
        )),
    }
    match options.audience {
        Audience::OneOrganisation | Audience::Organisations | Audience::Everyone => {
            steps.add("API permissions, Grant admin consent (needs an administrator).");
        }
        Audience::Personal => {}
    }
}

/// What Exchange has to be told of an app that signs in by itself.
const SERVICE_INTRO: &str = "In Exchange Online PowerShell, with the Object ID that Enterprise \
                             applications shows for the app (App registrations shows another):";
/// The commands for it.
const SERVICE_COMMANDS: [&str; 3] = [
    "New-ServicePrincipal -AppId CLIENT-ID -ObjectId OBJECT-ID",
    "Add-MailboxPermission -Identity USER@DOMAIN -User OBJECT-ID -AccessRights FullAccess",
    "Add-RecipientPermission -Identity USER@DOMAIN -Trustee OBJECT-ID -AccessRights SendAs",
];

fn link_step(options: &GuideOptions) -> String {
    let secret = match options.kind {
        AppKind::Public => "",
        AppKind::Confidential | AppKind::Service => ", and the client secret",
    };
    format!(
        "Link the mailbox with this client id, the tenant ({}){secret}.",
        options.audience.tenant()
    )
}

/// Commands of the Azure command line, for a POSIX shell.
pub fn az(options: &GuideOptions) -> String {
    let mut lines = vec!["# Registering an app with the Azure command line (az)".to_owned()];
    let cloud = Cloud::of(&options.authority).az;
    if !cloud.is_empty() {
        lines.push(format!("az cloud set --name {cloud}"));
    }
    lines.push("az login --allow-no-subscriptions".to_owned());
    let redirect = match options.kind {
        AppKind::Public => format!(
            " \\\n  --is-fallback-public-client true \\\n  --public-client-redirect-uris \
             {REDIRECT} {NATIVE_REDIRECT}"
        ),
        AppKind::Confidential => format!(" \\\n  --web-redirect-uris {REDIRECT}"),
        AppKind::Service => String::new(),
    };
    lines.push(format!(
        "APP_ID=$(az ad app create --display-name {} \\\n  --sign-in-audience {}{redirect} \\\n  \
         --query appId --output tsv)",
        quoted(&options.app_name),
        options.audience.az()
    ));
    lines.push(az_permissions(options));
    match options.audience {
        Audience::OneOrganisation | Audience::Organisations | Audience::Everyone => {
            lines.push(
                "# Needs an administrator:\naz ad sp create --id \"$APP_ID\"\n\
                 az ad app permission admin-consent --id \"$APP_ID\""
                    .to_owned(),
            );
        }
        Audience::Personal => {}
    }
    match options.kind {
        AppKind::Public => {}
        AppKind::Confidential | AppKind::Service => lines.push(
            "# The secret is printed once; note it and the day on which it runs out:\n\
             az ad app credential reset --id \"$APP_ID\" --append --query password --output tsv"
                .to_owned(),
        ),
    }
    if options.kind == AppKind::Service {
        let intro = wrapped(SERVICE_INTRO).replace('\n', "\n# ");
        lines.push(format!("# {intro}\n#   {}", SERVICE_COMMANDS.join("\n#   ")));
    }
    lines.push(format!(
        "echo \"client id: $APP_ID\"  # tenant: {}",
        match options.audience {
            Audience::OneOrganisation => "az account show --query tenantId",
            Audience::Organisations | Audience::Everyone | Audience::Personal => {
                options.audience.tenant()
            }
        }
    ));
    format!("{}\n", lines.join("\n"))
}

fn az_permissions(options: &GuideOptions) -> String {
    match options.kind {
        AppKind::Public | AppKind::Confidential => {
            let names = delegated(options);
            let pairs = PERMISSION_IDS.iter().filter(|(name, _id)| names.contains(name));
            let lines = pairs.map(|(_name, id)| format!("  {id}=Scope"));
            let list = lines.collect::<Vec<_>>().join(" \\\n");
            format!(
                "# {}:\naz ad app permission add --id \"$APP_ID\" --api {GRAPH_APP} \\\n  \
                 --api-permissions \\\n{list}",
                names.join(", ")
            )
        }
        AppKind::Service => {
            let each = SERVICE_MAIL.map(|name| {
                format!(
                    "az ad app permission add --id \"$APP_ID\" --api {EXCHANGE_APP} \\\n  \
                     --api-permissions \"$(az ad sp show --id {EXCHANGE_APP} \\\n    --query \
                     \"appRoles[?value=='{name}'].id\" --output tsv)=Role\""
                )
            });
            each.join("\n")
        }
    }
}

/// A word for a POSIX shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
