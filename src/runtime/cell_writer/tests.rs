//! What arrives on a terminal is what was drawn, and in how many bytes.

use crate::app::tests::{Behaviour, Desk, mailbox, sample_message, sample_row};
use crate::model::flags::Flags;
use crate::model::message::{BodySource, MessageRow, ReadableMessage};
use crate::runtime::cell_writer::CellWriter;
use crate::ui::theme::{Colours, Theme};
use crate::ui::{mend_halves, render};
use proptest::prelude::{Just, Strategy, prop_oneof, proptest};
use proptest::sample::select;
use ratatui::Terminal;
use ratatui::buffer::{Buffer, Cell, CellWidth};
use ratatui::style::{Color, Modifier, Style};
use std::num::NonZero;

/// A terminal of the sort people have, behind a [`CellWriter`].
struct Line {
    terminal: Terminal<CellWriter>,
    shown: vt100::Parser,
}

impl Line {
    fn new(width: u16, height: u16) -> Self {
        let Ok(terminal) = Terminal::new(CellWriter::new(width, height));
        let cells = |number| NonZero::new(number).unwrap();
        let shown = vt100::Parser::new(cells(height), cells(width), 0);
        let mut line = Self { terminal, shown };
        let Ok(()) = line.terminal.clear();
        line.bytes();
        line
    }

    /// What is written since the last time, and how much.
    fn bytes(&mut self) -> usize {
        let bytes = self.terminal.backend_mut().take();
        self.shown.process(&bytes);
        bytes.len()
    }

    /// Draws a frame and returns how many bytes that took.
    fn draw(&mut self, draw: impl FnOnce(&mut Buffer)) -> usize {
        let Ok(_frame) = self.terminal.draw(|frame| draw(frame.buffer_mut()));
        self.bytes()
    }

    /// The first cell that does not show what was drawn.
    fn difference(&self, drawn: &Buffer) -> Option<String> {
        let mut free_from = 0;
        for (at, cell) in drawn.content().iter().enumerate() {
            // Behind a wide character stands nothing of its own.
            if at < free_from {
                continue;
            }
            free_from = at + usize::from(cell.cell_width().max(1));
            let (x, y) = drawn.pos_of(at);
            let shown = self.shown.screen().cell(y, x).unwrap();
            if !same(cell, shown) {
                return Some(format!("{x},{y}: drawn {cell:?}, shown {shown:?}"));
            }
        }
        None
    }
}

fn same(drawn: &Cell, shown: &vt100::Cell) -> bool {
    let colour = |colour: Color| match colour {
        Color::Reset => vt100::Color::Default,
        Color::Green => vt100::Color::Idx(2),
        Color::White => vt100::Color::Idx(15),
        Color::Indexed(number) => vt100::Color::Idx(number),
        other => panic!("{other:?} is not drawn here"),
    };
    let blank = drawn.symbol() == " ";
    let text = if shown.contents().is_empty() { " " } else { shown.contents() };
    let reversed = drawn.modifier.contains(Modifier::REVERSED) == shown.inverse();
    let lined = drawn.modifier.contains(Modifier::UNDERLINED) == shown.underline();
    let weight = drawn.modifier.contains(Modifier::BOLD) == shown.bold()
        && drawn.modifier.contains(Modifier::DIM) == shown.dim();
    let fg = colour(drawn.fg) == shown.fgcolor();
    let fg_shows = !blank || shown.inverse() || shown.underline();
    drawn.symbol() == text
        && reversed
        && lined
        && colour(drawn.bg) == shown.bgcolor()
        && (blank || weight)
        && (!fg_shows || fg)
}

const WIDTH: u16 = 24;
const HEIGHT: u16 = 4;

/// A text somewhere in a look: what a frame is made of.
type Stroke = (u16, u16, String, Style);

fn stroke() -> impl Strategy<Value = Stroke> {
    let text = prop_oneof![
        "[a-c ]{0,12}",
        Just(" ".repeat(30)),
        Just("日本語 ab".to_owned()),
        Just("한글".to_owned()),
        Just("a\u{1f600}\u{1f680}b".to_owned()),
        Just("naïve…│".to_owned()),
        Just("日".repeat(12)),
    ];
    let styles = vec![
        Style::new(),
        Style::new().add_modifier(Modifier::BOLD),
        Style::new().add_modifier(Modifier::DIM),
        Style::new().add_modifier(Modifier::REVERSED),
        Style::new().add_modifier(Modifier::UNDERLINED).fg(Color::Green),
        Style::new().fg(Color::Indexed(245)),
        Style::new().fg(Color::White).bg(Color::Indexed(4)),
    ];
    (0..WIDTH, 0..HEIGHT, text, select(styles))
}

proptest! {
    #[test]
    fn every_frame_arrives_as_it_was_drawn(
        frames in proptest::collection::vec(proptest::collection::vec(stroke(), 0..9), 1..6)
    ) {
        let mut line = Line::new(WIDTH, HEIGHT);
        for strokes in frames {
            let mut drawn = Buffer::default();
            line.draw(|buf| {
                for (x, y, text, style) in &strokes {
                    let style = Style::reset().patch(*style);
                    buf.set_stringn(*x, *y, text, usize::from(WIDTH), style);
                }
                mend_halves(buf);
                drawn = buf.clone();
            });
            assert_eq!(line.difference(&drawn), None);
        }
    }
}

#[test]
fn what_a_wide_character_covered_is_drawn_when_it_goes() {
    let marked = Style::new().fg(Color::White).bg(Color::Indexed(4));
    let mut line = Line::new(6, 1);
    line.draw(|buf| {
        buf.set_string(0, 0, "日本", Style::new());
        buf.set_string(1, 0, " ", marked);
        mend_halves(buf);
    });
    let mut drawn = Buffer::default();
    line.draw(|buf| {
        buf.set_string(0, 0, "      ", marked);
        drawn = buf.clone();
    });
    assert_eq!(line.difference(&drawn), None);
}

#[test]
fn a_sign_with_a_selector_stays_where_something_stood() {
    let mut line = Line::new(6, 1);
    line.draw(|buf| buf.set_string(0, 0, "abc", Style::new()));
    let Ok(_frame) = line.terminal.draw(|frame| {
        frame.buffer_mut().set_string(0, 0, "\u{26a0}\u{fe0f}d", Style::new());
    });
    let bytes = String::from_utf8(line.terminal.backend_mut().take()).unwrap();
    // Some terminals give it one cell: the other must not keep what stood there.
    assert_eq!(bytes, "\x1b[H  \x1b[H\u{26a0}\u{fe0f}\x1b[1;3Hd");
}

#[test]
fn what_a_terminal_without_joined_signs_paints_over_is_written_again() {
    #[track_caller]
    fn check(after: &str, expected: &str) {
        let mut line = Line::new(8, 1);
        line.draw(|buf| buf.set_string(0, 0, "abcdefgh", Style::new()));
        let Ok(_frame) = line.terminal.draw(|frame| {
            frame.buffer_mut().set_string(0, 0, after, Style::new());
        });
        let bytes = String::from_utf8(line.terminal.backend_mut().take()).unwrap();
        assert_eq!(bytes, expected, "{after}");
    }
    // A woman, a joiner, a microscope: four cells where the two are not joined.
    let scientist = "\u{1f469}\u{200d}\u{1f52c}";
    check(&format!("{scientist}cdefgh"), &format!("\x1b[H  \x1b[H{scientist}\x1b[1;3Hcd"));
    // Two hands and their colours, side by side.
    let (up, wave) = ("\u{1f44d}\u{1f3fd}", "\u{1f44b}\u{1f3ff}");
    check(
        &format!("{up}{wave}efgh"),
        &format!("\x1b[H  \x1b[H{up}\x1b[1;3H  \x1b[1;3H{wave}\x1b[1;5Hef"),
    );
}

#[test]
fn a_frame_is_written_without_what_shows_nothing() {
    #[track_caller]
    fn check(before: &str, after: &str, expected: &str) {
        let mut line = Line::new(20, 2);
        line.draw(|buf| buf.set_string(0, 1, before, Style::new()));
        let Ok(_frame) = line.terminal.draw(|frame| {
            frame.buffer_mut().set_string(0, 1, after, Style::new());
        });
        let bytes = line.terminal.backend_mut().take();
        assert_eq!(String::from_utf8(bytes).unwrap(), expected, "{before:?} {after:?}");
    }
    check("same", "same", "");
    check("one two three", "one", "\x1b[2;5H\x1b[K");
    check("one", "one two", "\x1b[2;5Htwo");
    // Two cells that stay are shorter than a jump over them; many are not.
    check("a--b", "c--d", "\x1b[2Hc--d");
    check("a-------b", "c-------d", "\x1b[2Hc\x1b[7Cd");
    check("日本", "日x", "\x1b[2;3Hx ");
}

/// Rows and texts like those of a busy mailbox.
fn busy_row(id: i64) -> MessageRow {
    let names = ["Grace Hopper", "Alan Turing", "Barbara Liskov", "Edsger Dijkstra"];
    let words = ["budget", "harbour", "timber", "velvet", "meadow", "anchor", "signal"];
    let number = usize::try_from(id).unwrap();
    let word = |step: usize| words[(number * step + step) % words.len()];
    let mut row = sample_row(id);
    row.from = mailbox(names[number % names.len()], "someone@example.org");
    row.subject = format!("No{id} {} {} {} {}", word(2), word(3), word(5), word(6));
    if number.is_multiple_of(5) {
        row.flags = Flags::default();
    }
    row
}

/// A text of 150 words over 22 lines.
fn busy_message(row: &MessageRow) -> ReadableMessage {
    let seed = usize::try_from(row.id.0).unwrap();
    let line = |number: usize| {
        let words =
            (0..7).map(|word| ["lattice", "copper", "draft", "falcon"][(seed + number * word) % 4]);
        words.collect::<Vec<_>>().join(" ")
    };
    let mut message = sample_message();
    message.envelope.subject = row.subject.clone();
    message.envelope.from = vec![row.from.clone()];
    message.text = (0..22).map(line).collect::<Vec<_>>().join("\n");
    message.source = BodySource::Plain;
    message.links = Vec::new();
    message.attachments = Vec::new();
    message
}

/// Bytes of a step, at the promised size and in all colours: a key, a frame, the engine's answers,
/// a frame.
struct Counter {
    desk: Desk,
    line: Line,
    theme: Theme,
}

impl Counter {
    fn new() -> Self {
        let mut desk = Desk::linked();
        desk.rows = (1..=700).rev().map(busy_row).collect();
        desk.resize(120, 40);
        desk.press("R");
        desk.tick(30);
        let mut counter = Self { desk, line: Line::new(120, 40), theme: Theme::new(Colours::Full) };
        counter.frame();
        counter
    }

    fn frame(&mut self) -> usize {
        let Self { desk, line, theme } = self;
        let mut drawn = Buffer::default();
        let bytes = line.draw(|buf| {
            render(&desk.app, theme, buf.area, buf);
            drawn = buf.clone();
        });
        assert_eq!(line.difference(&drawn), None);
        bytes
    }

    fn step(&mut self, keys: &str) -> usize {
        self.desk.behaviour = Behaviour::Silent;
        let asked = self.desk.commands.len();
        self.desk.press(keys);
        let bytes = self.frame();
        if let Some(row) = self.desk.app.mail.list.selected_row() {
            self.desk.message = busy_message(row);
        }
        self.desk.behaviour = Behaviour::Answers;
        self.desk.answer_from(asked);
        bytes + self.frame()
    }
}

#[test]
fn steps_through_a_mailbox_cost_few_bytes() {
    #[track_caller]
    fn check(first: &str, keys: &str, between: &str, limit_bytes: usize) {
        let mut counter = Counter::new();
        counter.step(first);
        let mut counted = || {
            let bytes = counter.step(keys);
            if !between.is_empty() {
                counter.step(between);
            }
            bytes
        };
        let mut bytes: Vec<usize> = (0..21).map(|_step| counted()).collect();
        bytes.sort_unstable();
        let median = bytes[bytes.len() / 2];
        assert!((1..=limit_bytes).contains(&median), "{keys:?} takes {median} bytes, {bytes:?}");
    }
    // What the design promises for 120x40.
    check("g g", "j", "", 300);
    check("g g", "Ctrl-d", "", 3_500);
    check("g g", "Enter", "q j", 3_000);
    check("Enter", "J", "", 3_000);
}

#[test]
fn a_frame_that_changes_nothing_writes_nothing() {
    let mut counter = Counter::new();
    assert_eq!(counter.frame(), 0);
    counter.desk.tick(31);
    assert_eq!(counter.frame(), 0);
}
