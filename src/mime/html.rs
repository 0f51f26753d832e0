//! HTML to text, in linear time and within limits.
//!
//! Works on the tokens of `html5gum` as they come and builds no tree: deep nesting costs nothing,
//! and tags that are never closed do no harm. Layout tables collapse, because a row is a line and a
//! cell that holds blocks is broken like any block. Nothing is ever fetched.

use crate::mime::sanitise;
use crate::model::message::Link;
use html5gum::emitters::default::{DefaultEmitter, StartTag, Token};
use html5gum::{HtmlString, Tokenizer};
use std::collections::{BTreeMap, HashMap};

/// Longest HTML that is read, in bytes: newsletters end at a tenth of it.
const INPUT_LIMIT_BYTES: usize = 1024 * 1024;
/// Longest text that is written, in bytes; marks and indents may outgrow the input.
const OUTPUT_LIMIT_BYTES: usize = 2 * 1024 * 1024;
/// Longest link target in bytes: trackers use a tenth of it.
const TARGET_LIMIT_BYTES: usize = 8 * 1024;
/// Deepest quoting and list indent that is drawn; a narrow screen has no room for more.
const DRAWN_DEPTH_LIMIT: usize = 8;
/// Deepest list nesting that is counted.
const LIST_DEPTH_LIMIT: usize = 64;
/// Most line ends in a row that preformatted text keeps: two blank lines.
const PREFORMATTED_LINE_END_LIMIT: usize = 3;
/// Last line of a text that was cut.
const CUT_NOTE: &str = "[The rest of this message is too long to be shown.]";

/// The text of an HTML body with numbered links (`[1]`), and their true targets. Sanitised.
#[must_use]
pub fn to_text(html: &str) -> (String, Vec<Link>) {
    let mut links = Vec::new();
    let text = append_text(html, &mut links);
    (text, links)
}

/// The same for one of several bodies: numbers go on behind `links`.
pub(crate) fn append_text(html: &str, links: &mut Vec<Link>) -> String {
    let known = links.len();
    let text = render(html, links, Hidden::LeftOut);
    if !text.trim().is_empty() {
        return text;
    }
    // Everything is said to be hidden, or a hidden element is never closed: better too much.
    links.truncate(known);
    render(html, links, Hidden::Shown)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hidden {
    LeftOut,
    Shown,
}

fn render(html: &str, links: &mut Vec<Link>, hidden: Hidden) -> String {
    let read = html.get(..html.floor_char_boundary(INPUT_LIMIT_BYTES)).unwrap_or(html);
    let mut emitter = DefaultEmitter::<()>::default();
    emitter.naively_switch_states(true);
    let mut page = Page::new(links, hidden);
    let mut cut = read.len() < html.len();
    for token in Tokenizer::new_with_emitter(read, emitter) {
        let Ok(token) = token;
        page.token(&token);
        if OUTPUT_LIMIT_BYTES < page.out.len() {
            cut = true;
            break;
        }
    }
    page.finish(cut)
}

/// What an element does to the lines around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    /// Starts a line.
    Block,
    /// Stands between blank lines.
    Paragraph,
    BreakLine,
    Rule,
    List,
    NumberedList,
    Item,
    Quote,
    Preformatted,
    Row,
    Cell,
    Anchor,
    Image,
    /// Its content is not for reading.
    Skipped,
    /// Part of the line.
    Phrase,
}

fn element(name: &[u8]) -> Element {
    match name {
        b"address" | b"article" | b"aside" | b"body" | b"center" | b"dd" | b"details" | b"dir"
        | b"div" | b"dt" | b"fieldset" | b"figcaption" | b"figure" | b"footer" | b"form"
        | b"header" | b"html" | b"main" | b"nav" | b"section" | b"summary" | b"table"
        | b"tbody" | b"thead" | b"tfoot" | b"caption" => Element::Block,
        b"p" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"dl" => Element::Paragraph,
        b"br" => Element::BreakLine,
        b"hr" => Element::Rule,
        b"ul" | b"menu" => Element::List,
        b"ol" => Element::NumberedList,
        b"li" => Element::Item,
        b"blockquote" => Element::Quote,
        b"pre" | b"listing" | b"xmp" | b"plaintext" => Element::Preformatted,
        b"tr" => Element::Row,
        b"td" | b"th" => Element::Cell,
        b"a" => Element::Anchor,
        b"img" | b"area" => Element::Image,
        b"script" | b"style" | b"title" | b"template" | b"svg" | b"math" | b"object"
        | b"iframe" | b"noframes" | b"noembed" | b"select" | b"textarea" | b"audio" | b"video"
        | b"canvas" => Element::Skipped,
        _ => Element::Phrase,
    }
}

/// Elements that never have an end tag, so that hiding one hides nothing else.
fn is_void(name: &[u8]) -> bool {
    matches!(
        name,
        b"area"
            | b"base"
            | b"br"
            | b"col"
            | b"embed"
            | b"hr"
            | b"img"
            | b"input"
            | b"link"
            | b"meta"
            | b"source"
            | b"track"
            | b"wbr"
    )
}

/// A list: its next number, or `None` for bullets.
type List = Option<u32>;

/// A link whose text is being written.
struct Anchor {
    target: String,
    out_len: usize,
    has_image: bool,
}

/// Content that is left out until `name` is closed as often as it was opened.
struct Skip {
    name: Vec<u8>,
    depth: usize,
}

struct Page<'a> {
    out: String,
    links: &'a mut Vec<Link>,
    numbers: HashMap<String, usize>,
    hidden: Hidden,
    skip: Option<Skip>,
    lists: Vec<List>,
    quotes: usize,
    preformatted: usize,
    anchor: Option<Anchor>,
    /// Line ends to write before the next text; two make a blank line.
    line_ends: usize,
    /// A blank is to be written before the next text of the same line.
    blank: bool,
    /// A cell has ended on this line.
    cell_gap: bool,
    /// The mark of a list item, to be written with its first text.
    marker: Option<String>,
    /// Length of `out` at the start of a paragraph without margins (Outlook's `MsoNormal`).
    tight_paragraph: Option<usize>,
}

impl<'a> Page<'a> {
    fn new(links: &'a mut Vec<Link>, hidden: Hidden) -> Self {
        let known = links.iter().enumerate();
        let numbers = known.map(|(index, link)| (link.target.clone(), index + 1)).collect();
        Self {
            out: String::new(),
            links,
            numbers,
            hidden,
            skip: None,
            lists: Vec::new(),
            quotes: 0,
            preformatted: 0,
            anchor: None,
            line_ends: 0,
            blank: false,
            cell_gap: false,
            marker: None,
            tight_paragraph: None,
        }
    }

    fn finish(mut self, cut: bool) -> String {
        self.close_anchor();
        let mut text = sanitise::block(self.out.trim_end());
        if cut {
            text.push_str("\n\n");
            text.push_str(CUT_NOTE);
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }

    fn token(&mut self, token: &Token<()>) {
        match token {
            Token::StartTag(tag) => self.start(tag),
            Token::EndTag(tag) => self.end(&tag.name),
            Token::String(text) => {
                if self.skip.is_none() {
                    self.text(&String::from_utf8_lossy(text));
                }
            }
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }

    fn start(&mut self, tag: &StartTag<()>) {
        let name = tag.name.as_slice();
        let element = element(name);
        if let Some(skip) = &mut self.skip {
            skip.depth += usize::from(skip.name == name && !is_void(name));
            return;
        }
        if self.is_left_out(element, tag) {
            if !is_void(name) && !tag.self_closing {
                self.skip = Some(Skip { name: name.to_vec(), depth: 1 });
            }
            return;
        }
        match element {
            Element::Block | Element::Row => self.break_line(1),
            Element::Paragraph if is_tight(tag) => {
                self.break_line(1);
                self.tight_paragraph = Some(self.out.len());
            }
            // The first paragraph of a list item stands beside its mark.
            Element::Paragraph => self.break_line(if self.marker.is_some() { 1 } else { 2 }),
            Element::BreakLine => self.add_line_end(),
            Element::Rule => {
                self.break_line(1);
                self.write("----------");
                self.break_line(1);
            }
            Element::List => self.open_list(None),
            Element::NumberedList => {
                let start = attribute(tag, "start").and_then(|text| text.trim().parse().ok());
                self.open_list(Some(start.unwrap_or(1)));
            }
            Element::Item => self.open_item(),
            Element::Quote => {
                self.break_line(2);
                self.quotes += 1;
            }
            Element::Preformatted => {
                self.break_line(2);
                self.preformatted += 1;
            }
            Element::Cell => self.cell_gap = self.line_ends == 0 && !self.out.is_empty(),
            Element::Anchor => self.open_anchor(tag),
            Element::Image => self.image(tag),
            Element::Skipped | Element::Phrase => {}
        }
    }

    fn end(&mut self, name: &HtmlString) {
        let name = name.as_slice();
        if let Some(skip) = &mut self.skip {
            if skip.name == name {
                skip.depth -= 1;
                if skip.depth == 0 {
                    self.skip = None;
                }
            }
            return;
        }
        match element(name) {
            Element::Block | Element::Row | Element::Item => self.break_line(1),
            Element::Paragraph => match self.tight_paragraph.take() {
                // Outlook writes a blank line as a paragraph without text.
                Some(start) if start == self.out.len() => self.add_line_end(),
                Some(_) => self.break_line(1),
                None => self.break_line(2),
            },
            Element::List | Element::NumberedList => {
                self.lists.pop();
                self.marker = None;
                self.break_line(if self.lists.is_empty() { 2 } else { 1 });
            }
            Element::Quote => {
                self.break_line(2);
                self.quotes = self.quotes.saturating_sub(1);
            }
            Element::Preformatted => {
                self.preformatted = self.preformatted.saturating_sub(1);
                self.break_line(2);
            }
            Element::Anchor => self.close_anchor(),
            // `</br>` is read as `<br>` by every browser.
            Element::BreakLine => self.add_line_end(),
            Element::Rule | Element::Cell | Element::Image | Element::Skipped | Element::Phrase => {
            }
        }
    }

    fn is_left_out(&self, element: Element, tag: &StartTag<()>) -> bool {
        element == Element::Skipped || self.hidden == Hidden::LeftOut && is_hidden(tag)
    }

    fn text(&mut self, text: &str) {
        let mut word = String::new();
        for c in text.chars() {
            let blank = c.is_whitespace() || sanitise::keep(c).is_some_and(char::is_whitespace);
            if !blank {
                word.extend(sanitise::keep(c));
                continue;
            }
            self.write(&std::mem::take(&mut word));
            if self.preformatted == 0 {
                self.blank = true;
            } else if c == '\n' {
                self.blank = false;
                self.line_ends = (self.line_ends + 1).min(PREFORMATTED_LINE_END_LIMIT);
            } else if self.line_ends == 0 {
                self.out.push(' ');
            } else {
                // An indent: the line has to begin for the blanks to stand in it.
                self.begin_line();
                self.out.push(' ');
            }
        }
        self.write(&word);
    }

    /// Writes what belongs before it, then `text` as it is.
    fn write(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if 0 < self.line_ends || self.out.is_empty() || self.marker.is_some() {
            self.begin_line();
        } else if self.cell_gap {
            self.out.push_str("  ");
        } else if self.blank {
            self.out.push(' ');
        }
        self.blank = false;
        self.cell_gap = false;
        self.out.push_str(text);
    }

    fn begin_line(&mut self) {
        let quote = "> ".repeat(self.quotes.min(DRAWN_DEPTH_LIMIT));
        if !self.out.is_empty() {
            self.out.truncate(self.out.trim_end_matches(' ').len());
            for _line in 1..self.line_ends {
                self.out.push('\n');
                self.out.push_str(quote.trim_end());
            }
            self.out.push('\n');
        }
        self.line_ends = 0;
        self.blank = false;
        self.cell_gap = false;
        self.out.push_str(&quote);
        let depth = self.lists.len().min(DRAWN_DEPTH_LIMIT);
        match self.marker.take() {
            Some(marker) => {
                self.out.push_str(&"  ".repeat(depth.saturating_sub(1)));
                self.out.push_str(&marker);
            }
            None => self.out.push_str(&"  ".repeat(depth)),
        }
    }

    /// At least `line_ends` before the next text.
    fn break_line(&mut self, line_ends: usize) {
        self.line_ends = self.line_ends.max(line_ends);
        self.blank = false;
        self.cell_gap = false;
    }

    /// One line end more, up to a blank line.
    fn add_line_end(&mut self) {
        self.break_line((self.line_ends + 1).min(2));
    }

    fn open_list(&mut self, list: List) {
        self.break_line(if self.lists.is_empty() { 2 } else { 1 });
        if self.lists.len() < LIST_DEPTH_LIMIT {
            self.lists.push(list);
        }
    }

    fn open_item(&mut self) {
        self.break_line(1);
        self.marker = Some(match self.lists.last_mut() {
            Some(Some(number)) => {
                let marker = format!("{number}. ");
                *number = number.saturating_add(1);
                marker
            }
            Some(None) | None => "- ".to_owned(),
        });
    }

    fn open_anchor(&mut self, tag: &StartTag<()>) {
        self.close_anchor();
        let target = attribute(tag, "href").and_then(|href| link_target(&href));
        self.anchor =
            target.map(|target| Anchor { target, out_len: self.out.len(), has_image: false });
    }

    fn close_anchor(&mut self) {
        let Some(anchor) = self.anchor.take() else { return };
        if anchor.out_len == self.out.len() && !anchor.has_image {
            return;
        }
        let links = &mut *self.links;
        let number = *self.numbers.entry(anchor.target).or_insert_with_key(|target| {
            links.push(Link { target: target.clone() });
            links.len()
        });
        let blank_behind = self.blank;
        self.blank = anchor.out_len != self.out.len();
        // The number belongs to the text before it, not to what an element has begun since.
        let line_ends = std::mem::take(&mut self.line_ends);
        if self.out.is_empty() {
            self.line_ends = line_ends;
        }
        self.write(&format!("[{number}]"));
        self.line_ends = line_ends;
        self.blank = blank_behind;
    }

    fn image(&mut self, tag: &StartTag<()>) {
        let alt = attribute(tag, "alt").map(|alt| sanitise::line(&alt)).unwrap_or_default();
        if !alt.is_empty() {
            self.write(&format!("[{alt}]"));
        } else if let Some(anchor) = &mut self.anchor {
            anchor.has_image = true;
        }
    }
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    let attributes: &BTreeMap<HtmlString, _> = &tag.attributes;
    let value = attributes.get(name.as_bytes())?;
    Some(String::from_utf8_lossy(value).into_owned())
}

/// A target that may be opened: web and mail addresses only, without a character that could hide.
fn link_target(href: &str) -> Option<String> {
    let target: String =
        href.chars().filter_map(sanitise::keep).filter(|c| !c.is_whitespace()).collect();
    let scheme = target.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let known = matches!(scheme.as_str(), "http" | "https" | "mailto");
    (known && target.contains(':') && target.len() <= TARGET_LIMIT_BYTES).then_some(target)
}

/// The simple ways of hiding that newsletters use for their preview texts.
fn is_hidden(tag: &StartTag<()>) -> bool {
    let style = attribute(tag, "style").unwrap_or_default();
    let style: String =
        style.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_lowercase()).collect();
    let hides = |rule: &str| matches!(rule, "display:none" | "display:none!important");
    attribute(tag, "hidden").is_some() || style.split(';').any(hides)
}

/// Outlook's paragraphs have no margin: each stands for one line.
fn is_tight(tag: &StartTag<()>) -> bool {
    let class = attribute(tag, "class").unwrap_or_default();
    class.split_ascii_whitespace().any(|class| class == "MsoNormal" || class == "MsoPlainText")
}

#[cfg(test)]
mod tests {
    use crate::mime::html::to_text;
    use proptest::prelude::*;

    #[test]
    fn markup_becomes_lines() {
        #[track_caller]
        fn check(html: &str, expected: &str) {
            assert_eq!(to_text(html).0.trim_end_matches('\n'), expected, "{html:?}");
        }
        check("", "");
        check("plain &amp; simple &#x1F9EE; &uuml;&nbsp;x", "plain & simple 🧮 ü x");
        check("<p>one<p>two", "one\n\ntwo");
        check("a  \n b<b>c</b> <i>d</i>", "a bc d");
        check("<div>a<div>b</div></div>c", "a\nb\nc");
        check("a<br>b<br/><br>c</br>d", "a\nb\n\nc\nd");
        check("<div>a</div><div><br></div><div>b</div>", "a\n\nb");
        check("<p>a</p><br><br><br><br><p>b</p>", "a\n\nb");
        check("<h1>T</h1>x<hr>y", "T\n\nx\n----------\ny");
        check("<ul><li>a<li>b<ul><li>c</ul><li>d</ul>e", "- a\n- b\n  - c\n- d\n\ne");
        check("<ol start=3><li>a</li><li><p>b</p>c</li></ol>", "3. a\n4. b\n\n  c");
        check(
            "<blockquote>a<br>b<blockquote>c</blockquote></blockquote>d",
            "> a\n> b\n> >\n> > c\n\nd",
        );
        check("<pre>  a\n\tb  c\n\n\nd</pre>e", "  a\n b  c\n\n\nd\n\ne");
        check(
            "<table><tr><td>a<td>b</tr><tr><th>c</th><td></td><td>d</td></tr></table>",
            "a  b\nc  d",
        );
        check(
            "<table><tr><td><table><tr><td><p>a</td></tr></table></td></tr><tr><td><p>b</table>",
            "a\n\nb",
        );
        check("<img alt=' Logo '><img src=x><img alt=''>", "[Logo]");
        check(
            "<p class=MsoNormal>a</p><p class=MsoNormal>b<o:p></o:p></p><p class=MsoNormal><o:p>&nbsp;</o:p></p><p class=MsoNormal>c</p>",
            "a\nb\n\nc",
        );
        check("a<!-- b --><!--[if mso]>c<![endif]-->d", "ad");
        check("\u{1b}[2J\u{202e}&#27;[2J&#x202e;&zwnj;x", "[2J[2Jx");
    }

    #[test]
    fn what_is_not_for_reading_is_left_out() {
        #[track_caller]
        fn check(html: &str, expected: &str) {
            assert_eq!(to_text(html).0.trim_end_matches('\n'), expected, "{html:?}");
        }
        check(
            "<head><title>t</title><style>p{}</style></head>a<script>if (1<2) '<p>'</script>b",
            "ab",
        );
        check("<div style='Display : NONE; x:y'>pre<div>view</div></div>a", "a");
        check("<p hidden>x</p>a", "a");
        check("<span style='display:none'>x<br></span>a", "a");
        check("<img hidden>a", "a");
        check("<svg><text>x</text></svg>a", "a");
        // Nothing would be left: a hidden element that is never closed, or hides it all.
        check("<div style='display:none'>a", "a");
    }

    #[test]
    fn links_are_numbered_and_only_safe_targets_count() {
        #[track_caller]
        fn check(html: &str, text: &str, targets: &[&str]) {
            let (found, links) = to_text(html);
            assert_eq!(found.trim_end_matches('\n'), text, "{html:?}");
            let found: Vec<&str> = links.iter().map(|link| link.target.as_str()).collect();
            assert_eq!(found, targets, "{html:?}");
        }
        check("<a href=https://a.example/>A</a> b", "A [1] b", &["https://a.example/"]);
        check(
            "<a href='HTTPS://a.example/?x=1&amp;y=2'>bank.example</a>",
            "bank.example [1]",
            &["HTTPS://a.example/?x=1&y=2"],
        );
        check(
            "<a href=mailto:ada@example.org>Ada</a>, <a href=http://b.example>B</a>, <a href=http://b.example>C</a>",
            "Ada [1], B [2], C [2]",
            &["mailto:ada@example.org", "http://b.example"],
        );
        check(
            "<a href='javascript:x'>a</a><a href=file:///etc/passwd>b</a><a href=/rel>c</a><a name=n>d</a>",
            "abcd",
            &[],
        );
        check("<a href='java\nscript:x'>a</a>", "a", &[]);
        check(
            "<a href='https://a.example/\u{202e}\u{1b}x y'>a</a>",
            "a [1]",
            &["https://a.example/xy"],
        );
        check("<a href=https://a.example><img src=pixel></a>x", "[1]x", &["https://a.example"]);
        check("<a href=https://a.example><img alt=Go></a>", "[Go] [1]", &["https://a.example"]);
        check("<a href=https://a.example></a>x", "x", &[]);
        check(
            "<a href=https://a.example>a<a href=https://b.example>b",
            "a [1]b [2]",
            &["https://a.example", "https://b.example"],
        );
        check("<a href=https://a.example><p>a</p></a>b", "a [1]\n\nb", &["https://a.example"]);
    }

    #[test]
    fn bombs_are_cut_off() {
        #[track_caller]
        fn check(html: &str) {
            let (text, _links) = to_text(html);
            assert!(text.len() <= 2_100_000, "{} bytes", text.len());
        }
        check(&"<div>".repeat(100_000));
        check(&"<div>a".repeat(100_000));
        check(&"<ul><li>a".repeat(50_000));
        check(&"<blockquote>a".repeat(50_000));
        check(&"<table><tr><td>a".repeat(50_000));
        check(&"<a href=https://a.example>".repeat(50_000));
        check(&"<b hidden>".repeat(100_000));
        check("<table><td><blockquote><pre>\t");
        check(&format!("<p {}>x", "a=b ".repeat(200_000)));
        check(&format!("<p style='{}'>x", "x".repeat(1_000_000)));
        check(&"<pre>\n".repeat(100_000));
        check(&"&".repeat(1_000_000));
        let indent = "<blockquote>".repeat(8) + &"<ul>".repeat(8);
        check(&(indent + &"<br>a".repeat(200_000)));
        check(&"<!--".repeat(200_000));
        let (text, _links) = to_text(&"ü".repeat(600_000));
        assert!(text.ends_with("too long to be shown.]\n"));
    }

    proptest! {
        #[test]
        fn any_html_becomes_harmless_text(
            html in proptest::collection::vec(
                "(<(/)?(div|p|br|a href=https://x|ul|ol|li|blockquote|pre|table|tr|td|b hidden|script|img alt=x)>|[\\s\\S]{0,4}|&#27;|\n)",
                0..60
            )
        ) {
            let (text, links) = to_text(&html.concat());
            prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{:?}", text);
            prop_assert!(!links.iter().any(|link| link.target.contains(char::is_whitespace)));
        }
    }
}
