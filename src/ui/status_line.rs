//! The first line: where one is on the left, how the account stands on the right.

use crate::app::App;
use crate::app::accounts::Account;
use crate::app::composer::Composer;
use crate::app::dates;
use crate::app::layer::Layer;
use crate::app::link_run::{RunKind, Stage};
use crate::app::wizard::{Step, Wizard};
use crate::engine_api::status::Connection;
use crate::ui::account_form::account_form_title;
use crate::ui::board::secret_in_words;
use crate::ui::text;
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Cells that stay free for the left side.
const LEFT_LEAST_CELLS: usize = 16;

/// Draws the first line.
pub fn render_status(app: &App, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let width = usize::from(area.width);
    let left = title(app);
    let mut right = String::new();
    for part in state_of(app) {
        let longer = if right.is_empty() { part } else { format!("{part}  {right}") };
        let room = width.saturating_sub(text::cells(&left).min(LEFT_LEAST_CELLS) + 3);
        if room < text::cells(&longer) {
            break;
        }
        right = longer;
    }
    let left_cells = width.saturating_sub(text::cells(&right) + 2);
    let line = format!("{} {right} ", text::fit(&format!(" {left}"), left_cells));
    let line = text::fit(&line, width);
    buf.set_stringn(area.x, area.y, line, width, theme.bar);
}

/// What stands on the left.
fn title(app: &App) -> String {
    let whole =
        app.layers.iter().rev().find(|layer| layer.extent() == crate::app::layer::Extent::Whole);
    match whole {
        Some(Layer::Wizard(wizard)) => wizard_title(wizard),
        Some(Layer::Run(run)) => match run.kind {
            RunKind::Link => "Link a shared mailbox".to_owned(),
            RunKind::SignIn(_) => "Sign in again".to_owned(),
            RunKind::Test(_) => "Test the connection".to_owned(),
        },
        Some(Layer::Composer(composer)) => composer_title(composer).to_owned(),
        Some(Layer::Accounts(_)) => "Accounts".to_owned(),
        Some(Layer::AccountForm(about)) => account_form_title(about),
        Some(Layer::Outbox(_)) => "Outbox: messages that are not sent yet".to_owned(),
        Some(Layer::Drafts(_)) => "Unfinished messages".to_owned(),
        Some(Layer::Help(_)) => "Keys".to_owned(),
        Some(Layer::Problem(_) | Layer::Question(_)) | None => mail_title(app),
    }
}

fn wizard_title(wizard: &Wizard) -> String {
    let (number, step) = match wizard.step {
        Step::Address => (1, "your address"),
        Step::Method => (2, "how to sign in"),
        Step::Secrets => (3, "where the sign-in is kept"),
        Step::Run => match wizard.run.as_ref().map(|run| run.stage) {
            Some(Stage::Checks) => (5, "checks"),
            Some(Stage::Done) => return "Link an account: done".to_owned(),
            Some(Stage::Failed) => return "Link an account: not linked yet".to_owned(),
            Some(Stage::Asking | Stage::Code | Stage::Page) | None => (4, "sign in"),
        },
    };
    format!("Link an account {number}/5: {step}")
}

fn composer_title(composer: &Composer) -> &'static str {
    if composer.sending.is_some() { "Putting the message into the outbox" } else { "Write" }
}

fn mail_title(app: &App) -> String {
    let account = app.current_account().and_then(|id| app.accounts.get(id));
    let Some(account) = account else { return "Posthaste".to_owned() };
    let folder = app.mail.list.folder.and_then(|id| app.mail.folders.get(id));
    let Some(folder) = folder else { return account.shown_name.clone() };
    let unread = match folder.unread {
        0 => String::new(),
        many => format!("  {many} unread"),
    };
    format!("{}  {}{unread}", account.shown_name, app.folder_name())
}

/// What stands on the right, the most important first.
fn state_of(app: &App) -> Vec<String> {
    let mut parts = Vec::new();
    let account = app.current_account().and_then(|id| app.accounts.get(id));
    if let Some(account) = account {
        parts.push(connection_in_words(app, account));
    }
    let needing = app.accounts.all().iter().filter(|account| account.needs_sign_in());
    let others = needing.filter(|other| Some(*other) != account).count();
    if 0 < others {
        parts.push("another account: sign in with Ctrl-g".to_owned());
    }
    let stuck: u32 = app.accounts.all().iter().map(|a| a.status.outbox_stuck).sum();
    let waiting: u32 = app.accounts.all().iter().map(|a| a.status.outbox_waiting).sum();
    if 0 < stuck {
        parts.push(format!("outbox: {stuck} need you"));
    } else if 0 < waiting {
        parts.push(format!("outbox: {waiting} waiting"));
    }
    parts.extend(app.accounts.all().iter().find_map(|known| secret_in_words(app, known)));
    if let Some(account) = account {
        parts.extend(token_in_words(app, account));
    }
    if !app.setup.banner.is_empty() {
        parts.push(app.setup.banner.clone());
    }
    parts
}

/// How an account stands with its servers.
#[must_use]
pub fn connection_in_words(app: &App, account: &Account) -> String {
    match &account.status.connection {
        Connection::Idle => "not connected yet".to_owned(),
        Connection::Connecting => "connecting\u{2026}".to_owned(),
        Connection::Online => "online".to_owned(),
        Connection::Syncing => "fetching\u{2026}".to_owned(),
        Connection::Waiting { problem: _, retry_at } => {
            format!("offline, next try in {}", dates::span(retry_at.since(app.now)))
        }
        Connection::SignInNeeded { problem: _ } => "sign in again: Ctrl-g".to_owned(),
    }
}

/// How long the token at hand is good; `None` when there is none. A clock does not know that a
/// server has stopped taking it.
#[must_use]
pub fn token_in_words(app: &App, account: &Account) -> Option<String> {
    let left = account.status.token_valid_until?.since(app.now);
    Some(if account.needs_sign_in() {
        "token not accepted".to_owned()
    } else if 0 < left {
        format!("token valid {}", dates::span(left))
    } else {
        "token being renewed".to_owned()
    })
}
