//! The first line: where one is on the left, how the account stands on the right.

use crate::app::App;
use crate::app::accounts::Account;
use crate::app::board_facts::{connection_in_words, secret_in_words, token_in_words};
use crate::app::composer::Composer;
use crate::app::dates;
use crate::app::layer::Layer;
use crate::app::link_run::{RunKind, Stage};
use crate::app::sheet::Sheet;
use crate::app::wizard::{Step, Wizard};
use crate::engine_api::command::SyncHold;
use crate::engine_api::status::{SyncPhase, SyncProgress};
use crate::model::listing::ListSource;
use crate::stdx::numbers::grouped;
use crate::ui::account_form::account_form_title;
use crate::ui::text;
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// The part of the width that stays free for the left side, in hundredths: where one is, and how
/// much is chosen, is looked at more often than how long a token is good.
const LEFT_LEAST_PERCENT: usize = 40;

/// Cells between the left side and whatever stands on the right besides what matters most.
const GAP_CELLS: usize = 3;
/// Seconds after which a pace says something.
const PACE_FROM_S: u64 = 3;
/// Seconds that a change waits before the line says so.
const WAITING_FROM_S: i64 = 5;

/// Draws the first line.
pub fn render_status(app: &App, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let width = usize::from(area.width);
    let left = title(app);
    let left_least = width * LEFT_LEAST_PERCENT / 100;
    let mut right = String::new();
    for part in state_of(app) {
        let longer = if right.is_empty() { part } else { format!("{part}  {right}") };
        // What matters most may come as near as one blank.
        let gap = if right.is_empty() { 1 } else { GAP_CELLS };
        let room = width.saturating_sub(text::cells(&left).min(left_least) + gap + 2);
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
        Some(Layer::Sheet(sheet)) => match sheet.as_ref() {
            Sheet::Undo(_) => "What can be undone".to_owned(),
            Sheet::Waiting(_) => "Changes that wait for the server".to_owned(),
            Sheet::Search(_) | Sheet::Picker(_) | Sheet::Filters(_) | Sheet::Prompt(_) => {
                mail_title(app)
            }
        },
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
    let list = &app.mail.list;
    let Some(listing) = &list.listing else { return account.shown_name.clone() };
    let mut title = match listing.source {
        ListSource::Folder(_) => format!("{}  {}", account.shown_name, app.list_name()),
        ListSource::Role(_) | ListSource::Search { .. } => app.list_name(),
    };
    let unread: u32 = match listing.source {
        ListSource::Folder(id) => app.mail.folders.get(id).map_or(0, |folder| folder.unread),
        ListSource::Role(role) => {
            app.mail.folders.all_with_role(role).map(|folder| folder.unread).sum()
        }
        ListSource::Search { .. } => 0,
    };
    let chosen = list.chosen.count(list.count());
    if 0 < chosen {
        title.push_str(&format!("  {} selected", grouped(u64::try_from(chosen).unwrap_or(0))));
    } else if 0 < unread {
        title.push_str(&format!("  {} unread", grouped(u64::from(unread))));
    }
    title
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
    parts.extend(account.and_then(|known| progress_in_words(app, known)));
    parts.extend(waiting_in_words(app));
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

/// What comes in the background, or that it is held; `None` when there is nothing to bring.
fn progress_in_words(app: &App, account: &Account) -> Option<String> {
    let progress = account.shown_progress?;
    let what = match progress.phase {
        SyncPhase::Headers => "older mail",
        SyncPhase::Bodies => "offline copies",
    };
    let percent = progress.done.saturating_mul(100) / progress.total.max(1);
    let mut share = format!("{what} {}% of {}", percent.min(100), grouped(progress.total));
    if 0 < progress.bytes {
        let bytes = usize::try_from(progress.bytes).unwrap_or(usize::MAX);
        share.push_str(&format!(", {}", dates::size(bytes)));
    }
    match account.hold() {
        SyncHold::Held => Some(format!("{share}, held (Ctrl-y)")),
        SyncHold::Released => match rest_s(&progress, app.now.since(progress.began_at)) {
            Some(rest) => Some(format!("{share}, {} left", dates::span(rest))),
            None => Some(share),
        },
    }
}

/// Seconds that are left at the pace so far; `None` before there is one.
fn rest_s(progress: &SyncProgress, passed_s: i64) -> Option<i64> {
    let passed_s = u64::try_from(passed_s).ok().filter(|passed| PACE_FROM_S <= *passed)?;
    let left = progress.total.saturating_sub(progress.done);
    let rest = left.saturating_mul(passed_s).checked_div(progress.done)?;
    i64::try_from(rest).ok()
}

/// The changes of every account that wait for their servers, and since when.
fn waiting_in_words(app: &App) -> Option<String> {
    let waiting = app.accounts.all().iter().filter(|known| 0 < known.status.operations_waiting);
    let count: u32 = waiting.clone().map(|known| known.status.operations_waiting).sum();
    let since = waiting.filter_map(|known| known.status.waiting_since).min_by_key(|at| at.0)?;
    let age_s = app.now.since(since);
    // What goes through at once needs no word.
    if age_s < WAITING_FROM_S {
        return None;
    }
    let noun = if count == 1 { "change waits" } else { "changes wait" };
    Some(format!("{count} {noun} {}", dates::span(age_s)))
}
