//! Draws a sign-in or test as it runs: the code, the checks, what failed.

use crate::app::action::Action;
use crate::app::dates;
use crate::app::link_run::{CheckState, Code, LinkRun, RunKind, Stage, WayOn, check_in_words};
use crate::app::problem_box::Details;
use crate::app::wizard::secrets::in_words;
use crate::model::account::SignInMethod;
use crate::problem::Problem;
use crate::stdx::clock::UnixSeconds;
use crate::ui::block_letters::block_letters;
use crate::ui::browser_page::render_page;
use crate::ui::pen::{Pen, inset};
use crate::ui::qr::qr_lines;
use crate::ui::text;
use crate::ui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

/// Said beside every code: a code that somebody else sent is how accounts are stolen (RFC 8628,
/// section 5.4).
const CAUTION: &str = "Only enter this code if you started this sign-in yourself.";
/// Rows from which a screen gets free lines.
const ROOMY_ROWS: u16 = 16;
/// Columns that the text beside a QR code needs at least.
const BESIDE_QR_CELLS: u16 = 44;

/// Draws `run` into `area` and returns where the cursor is.
pub fn render_run(
    run: &LinkRun,
    now: UnixSeconds,
    theme: &Theme,
    area: Rect,
    buf: &mut Buffer,
) -> Option<Position> {
    match run.stage {
        Stage::Asking => {
            let mut pen = Pen::new(buf, inset(area, 1));
            roomy_blank(&mut pen, area);
            pen.paragraph(asking_in_words(run.method), theme.text);
            secrets_line(run, theme, &mut pen);
        }
        Stage::Page => {
            return run.page.as_ref().and_then(|page| render_page(run, page, theme, area, buf));
        }
        Stage::Code => {
            if let Some(code) = &run.code {
                render_code(run, code, now, theme, area, buf);
            }
        }
        Stage::Checks => render_checks(run, theme, area, buf),
        Stage::Done => render_done(run, theme, area, buf),
        Stage::Failed => render_failed(run, theme, area, buf),
    }
    None
}

fn asking_in_words(method: Option<SignInMethod>) -> &'static str {
    match method {
        Some(SignInMethod::DeviceCode) => "Asking the sign-in server for a code\u{2026}",
        Some(SignInMethod::Browser) => "Making a page to sign in on\u{2026}",
        Some(SignInMethod::RefreshToken) => "Trying the refresh token\u{2026}",
        Some(SignInMethod::TokenCommand) => "Running the command that prints a token\u{2026}",
        Some(SignInMethod::Password) => "Trying the password\u{2026}",
        Some(SignInMethod::ClientCredentials) => "The app signs in\u{2026}",
        None => "Signing in\u{2026}",
    }
}

fn roomy_blank(pen: &mut Pen<'_>, area: Rect) {
    if ROOMY_ROWS <= area.height {
        pen.blank();
    }
}

fn render_code(
    run: &LinkRun,
    code: &Code,
    now: UnixSeconds,
    theme: &Theme,
    area: Rect,
    buf: &mut Buffer,
) {
    let mut text_area = inset(area, 1);
    if let Some(lines) = qr_lines(&code.verification_uri) {
        let qr_width = u16::try_from(lines.first().map_or(0, |l| text::cells(l))).unwrap_or(0);
        let qr_height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
        let fits_beside = BESIDE_QR_CELLS + 1 + qr_width < area.width;
        if fits_beside && qr_height < area.height {
            let x = area.right() - qr_width - 1;
            let y = area.y + u16::from(ROOMY_ROWS <= area.height);
            let qr_area = Rect { x, y, width: qr_width, height: qr_height };
            let mut pen = Pen::new(buf, qr_area);
            for line in &lines {
                pen.text(line, theme.qr);
            }
            text_area = Rect { x: area.x + 1, width: x - area.x - 2, ..area };
        }
    }
    let mut pen = Pen::new(buf, text_area);
    roomy_blank(&mut pen, area);
    pen.paragraph("Open this page on any device:", theme.text);
    pen.paragraph(&code.verification_uri, theme.accent);
    roomy_blank(&mut pen, area);
    pen.paragraph("and enter this code:", theme.text);
    roomy_blank(&mut pen, area);
    let spaced: Vec<String> = code.user_code.chars().map(String::from).collect();
    let blocks = block_letters(&code.user_code, pen.width()).filter(|_| 12 <= area.height);
    if let Some(blocks) = blocks {
        for line in blocks {
            pen.text(&line, theme.strong);
        }
        roomy_blank(&mut pen, area);
        pen.text(&format!("in plain letters: {}", code.user_code), theme.dim);
    } else {
        pen.text(&format!("  {}", spaced.join(" ")), theme.strong);
    }
    roomy_blank(&mut pen, area);
    let left = code.expires_at.since(now);
    let waiting = if left <= 0 {
        "This code has run out; a new one is on its way.".to_owned()
    } else if 1 < run.codes {
        format!("New code. Waiting for you, {} left.", dates::countdown(left))
    } else {
        format!("Waiting for you, {} left.", dates::countdown(left))
    };
    pen.paragraph(&waiting, theme.text);
    if !run.trouble.is_empty() {
        pen.paragraph(&format!("! {}; trying again", run.trouble), theme.bad);
    }
    pen.paragraph(CAUTION, theme.dim);
    roomy_blank(&mut pen, area);
    secrets_line(run, theme, &mut pen);
}

fn secrets_line(run: &LinkRun, theme: &Theme, pen: &mut Pen<'_>) {
    if let Some((kind, reason)) = &run.secrets {
        let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        pen.paragraph(&format!("The sign-in is kept in {}{reason}.", in_words(*kind)), theme.dim);
    }
}

/// Draws the checks and leaves `below` rows free. Where not all fit, what is still to come goes
/// first, then what passed.
fn check_lines(run: &LinkRun, below: u16, theme: &Theme, pen: &mut Pen<'_>) {
    let room = usize::from(pen.left().saturating_sub(below));
    let calm = |state: &CheckState| match state {
        CheckState::Waiting => 3,
        CheckState::Skipped(_) => 2,
        CheckState::Passed(_) => 1,
        CheckState::Running | CheckState::Failed(_) => 0,
    };
    let shown = |limit: u8| run.checks.iter().filter(move |(_name, state)| calm(state) <= limit);
    let limit = (0..=3).rev().find(|limit| shown(*limit).count() <= room).unwrap_or(0);
    let skipped = shown(limit).count().saturating_sub(room);
    for (name, state) in shown(limit).skip(skipped) {
        let (mark, style, words) = match state {
            CheckState::Waiting => ("[ ]", theme.dim, String::new()),
            CheckState::Running => ("[\u{2026}]", theme.text, "checking".to_owned()),
            CheckState::Passed(found) => ("[x]", theme.good, found.clone()),
            CheckState::Skipped(why) => ("[-]", theme.dim, why.clone()),
            CheckState::Failed(problem) => ("[!]", theme.bad, problem.what.clone()),
        };
        let name = text::fit(check_in_words(*name), 20);
        let room = pen.width().saturating_sub(25);
        pen.line(&Line::from(vec![
            Span::styled(mark, style),
            Span::styled(format!(" {name} "), theme.text),
            Span::styled(text::cut(&words, room), theme.dim),
        ]));
    }
}

fn user_line(run: &LinkRun, theme: &Theme, pen: &mut Pen<'_>) {
    if let Some(user) = &run.user {
        let mark = Span::styled("[x]", theme.good);
        let name = text::fit("signed in", 20);
        let room = pen.width().saturating_sub(25);
        pen.line(&Line::from(vec![
            mark,
            Span::styled(format!(" {name} "), theme.text),
            Span::styled(text::cut(user, room), theme.dim),
        ]));
    }
}

fn render_checks(run: &LinkRun, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let mut pen = Pen::new(buf, inset(area, 1));
    roomy_blank(&mut pen, area);
    let words = match run.kind {
        RunKind::Link => "Nothing is saved before these have passed.",
        RunKind::SignIn(_) | RunKind::Test(_) => "Looking at what works.",
    };
    pen.paragraph(words, theme.text);
    roomy_blank(&mut pen, area);
    user_line(run, theme, &mut pen);
    check_lines(run, 0, theme, &mut pen);
}

fn render_done(run: &LinkRun, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let mut pen = Pen::new(buf, inset(area, 1));
    roomy_blank(&mut pen, area);
    let (words, style) = match run.kind {
        RunKind::Link if run.problem.is_some() => {
            ("The account is saved, but not everything works.", theme.bad)
        }
        RunKind::Link => ("The account is linked.", theme.strong),
        RunKind::SignIn(_) => ("You are signed in again.", theme.strong),
        RunKind::Test(_) => ("Everything works.", theme.strong),
    };
    pen.paragraph(words, style);
    roomy_blank(&mut pen, area);
    user_line(run, theme, &mut pen);
    check_lines(run, 1, theme, &mut pen);
    if ROOMY_ROWS <= area.height {
        pen.blank();
        secrets_line(run, theme, &mut pen);
        pen.blank();
    }
    let next = match run.kind {
        RunKind::Link => "[Enter] opens the inbox",
        RunKind::SignIn(_) | RunKind::Test(_) => "[Enter] goes back",
    };
    pen.paragraph(next, theme.accent);
}

fn render_failed(run: &LinkRun, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let mut pen = Pen::new(buf, inset(area, 1));
    roomy_blank(&mut pen, area);
    let ways = ways_in_words(run);
    if run.reached_checks() && run.details == Details::Hidden {
        let rows = |words: &str| text::wrap(words, pen.width()).len();
        let told = run.problem.as_ref().map_or(0, |problem| {
            let why = if problem.why.is_empty() { 0 } else { rows(&problem.why) };
            rows(&format!("! {}", problem.what)) + why + rows(problem.remedy.sentence())
        });
        let gaps = if ROOMY_ROWS <= area.height { 2 } else { 0 };
        let below = u16::try_from(told + ways.len() + gaps).unwrap_or(u16::MAX);
        if below < pen.left() {
            user_line(run, theme, &mut pen);
        }
        check_lines(run, below, theme, &mut pen);
        roomy_blank(&mut pen, area);
    }
    if let Some(problem) = &run.problem {
        problem_lines(problem, problem.remedy.sentence(), run.details, theme, &mut pen);
    }
    if !ways.is_empty() {
        roomy_blank(&mut pen, area);
    }
    for way in ways {
        pen.text(way, theme.accent);
    }
}

/// The keys that lead on, a line each.
fn ways_in_words(run: &LinkRun) -> Vec<&'static str> {
    let wrong_user = run.problem.as_ref().is_some_and(|problem| problem.code == "wrong-user");
    let way_on = match (run.way_on(), wrong_user) {
        (_, true) => Some("[r] sign in as the right person   [e] change the address"),
        (Some(WayOn::Again), false) => Some("[Enter] starts again"),
        (Some(WayOn::CheckAgain), false) => Some("[Enter] checks again, still signed in"),
        (Some(WayOn::SignIn), false) => Some("[Enter] signs in again"),
        (Some(WayOn::Renew), false) => Some("[Enter] changes what it signs in with"),
        (Some(WayOn::Edit), false) => Some("[Enter] changes what was entered"),
        (Some(WayOn::By(method)), false) => Some(match method {
            SignInMethod::Browser => "[Enter] signs in with a browser instead",
            SignInMethod::DeviceCode => "[Enter] signs in with a code instead",
            SignInMethod::RefreshToken
            | SignInMethod::TokenCommand
            | SignInMethod::Password
            | SignInMethod::ClientCredentials => "[Enter] signs in another way",
        }),
        (Some(WayOn::ByGraph), false) => Some("[Enter] sends through Microsoft Graph instead"),
        (None, false) => None,
    };
    let waits = run.offers(Action::SaveAnyway);
    let checks = waits && run.way_on() != Some(WayOn::CheckAgain);
    let check = checks.then_some("[r] checks again, still signed in");
    let save = waits.then_some("[S] saves the account all the same");
    way_on.into_iter().chain(check).chain(save).collect()
}

/// What happened, why, and what helps (`help`).
pub fn problem_lines(
    problem: &Problem,
    help: &str,
    details: Details,
    theme: &Theme,
    pen: &mut Pen<'_>,
) {
    pen.paragraph(&format!("! {}", problem.what), theme.bad);
    if !problem.why.is_empty() {
        pen.paragraph(&problem.why, theme.text);
    }
    pen.paragraph(help, theme.text);
    if details == Details::Shown {
        pen.blank();
        pen.paragraph(&format!("The server said ({}):", problem.code), theme.dim);
        for line in problem.details.lines() {
            pen.paragraph(line, theme.dim);
        }
    }
}
