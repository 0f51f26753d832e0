//! Holds the house in order: reads the sources and checks what no compiler checks.
//!
//! The import table of `docs/ARCHITECTURE.md` stands here as [`TABLE`]: a module imports only from
//! groups before its own, never from its own group. Outside crates have owners ([`OWNERS`]).
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Groups of modules in the order in which they may import: left is further down.
const TABLE: &[&[&str]] = &[
    &["stdx"],
    &["model"],
    &["problem"],
    &["mime", "config", "provider", "secrets", "engine_api"],
    &["auth", "store", "transport"],
    &["engine", "app"],
    &["ui"],
    &["runtime"],
    &["sandbox"],
    &["cli"],
];

/// Outside crates and the only modules that may name them.
const OWNERS: &[(&str, &[&str])] = &[
    ("ratatui", &["ui", "runtime"]),
    ("crossterm", &["runtime"]),
    ("tui_textarea", &["app", "ui"]),
    ("rusqlite", &["store"]),
    ("icu_normalizer", &["store"]),
    ("async_imap", &["transport"]),
    ("imap_proto", &["transport"]),
    ("flate2", &["transport"]),
    ("lettre", &["transport"]),
    ("oauth2", &["auth"]),
    ("keyring", &["secrets"]),
    ("age", &["secrets"]),
    ("toml_edit", &["config"]),
    ("hickory_resolver", &["provider"]),
    ("quick_xml", &["provider"]),
    ("imap_codec", &["sandbox"]),
    ("rcgen", &["sandbox"]),
    ("clap", &["cli"]),
];

/// Within `app` only the composer may name the text area.
const TEXT_AREA_IN_APP: &str = "app/composer";

/// Longest file in lines; beyond it there is a seam to find.
const LINES_LIMIT: usize = 700;

/// What must not stand in code that ships.
const FORBIDDEN: &[&str] = &["unsafe", "todo!", "unimplemented!", "dbg!", ".unwrap()", ".expect("];

struct Source {
    /// Path below `src`, with `/`.
    path: String,
    text: String,
    /// Declared behind `#[cfg(test)]`, itself or a module above it.
    for_tests: bool,
}

impl Source {
    /// The module of the table it belongs to; empty for `lib.rs` and `main.rs`.
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        let name = first.strip_suffix(".rs").unwrap_or(first);
        if matches!(name, "lib" | "main") { "" } else { name }
    }

    /// The code without its comments, strings and test modules.
    fn shipped(&self) -> String {
        if self.for_tests { String::new() } else { shipped(&self.text) }
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                let text = fs::read_to_string(&path).unwrap();
                found.push(Source { path: below, text, for_tests: false });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    let test_modules: Vec<String> = found.iter().flat_map(test_modules).collect();
    for source in &mut found {
        let stem = source.path.strip_suffix(".rs").unwrap();
        source.for_tests = test_modules
            .iter()
            .any(|module| stem == module || source.path.starts_with(&format!("{module}/")));
    }
    found
}

/// Paths below `src`, without `.rs`, of the modules this file declares behind `#[cfg(test)]`.
fn test_modules(source: &Source) -> Vec<String> {
    let stem = source.path.strip_suffix(".rs").unwrap();
    let directory = stem.strip_suffix("/mod").unwrap_or(stem);
    let parts = source.text.split("#[cfg(test)]\n").skip(1);
    let declared = parts.filter_map(|after| {
        let line = after.lines().next().unwrap_or_default().trim();
        let line = line.strip_prefix("pub ").unwrap_or(line);
        let line = line.strip_prefix("pub(crate) ").unwrap_or(line);
        line.strip_prefix("mod ")?.strip_suffix(';').map(str::to_owned)
    });
    declared.map(|name| format!("{directory}/{name}")).collect()
}

/// Code up to its test module, comments and texts blanked out. Lines stay where they are.
fn shipped(text: &str) -> String {
    let bare = blank_comments_and_texts(text);
    match bare.find("#[cfg(test)]\nmod tests") {
        Some(end) => bare.get(..end).unwrap_or_default().to_owned(),
        None => bare,
    }
}

/// Just enough of Rust's lexical structure: comments, strings, raw strings, characters.
fn blank_comments_and_texts(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(hashes) = raw_string_hashes(rest, out.chars().last()) {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = rest.find('"').unwrap_or(0) + 1;
            let body = rest.get(start..).unwrap_or_default();
            body.find(&end).map_or(rest.len(), |at| start + at + end.len())
        } else if c == '"' {
            string_end(rest)
        } else if c == '\'' {
            character_end(rest)
        } else {
            0
        };
        if skipped == 0 {
            out.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        } else {
            let (blanked, after) = rest.split_at(skipped);
            out.extend(blanked.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = after;
        }
    }
    out
}

/// How many `#` a raw string here has; `None` when there is none.
fn raw_string_hashes(rest: &str, before: Option<char>) -> Option<usize> {
    if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let body = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = body.chars().take_while(|c| *c == '#').count();
    body.chars().nth(hashes).filter(|c| *c == '"').map(|_quote| hashes)
}

fn string_end(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _any if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _other => {}
        }
    }
    rest.len()
}

/// The end of a character literal; 0 for a lifetime.
fn character_end(rest: &str) -> usize {
    let mut characters = rest.char_indices().skip(1);
    match characters.next() {
        Some((_, '\\')) => {
            let escape = characters.next().map_or(0, |(at, c)| at + c.len_utf8());
            rest.get(escape..).and_then(|after| after.find('\'')).map_or(0, |at| escape + at + 1)
        }
        Some(_one) => match characters.next() {
            Some((at, '\'')) => at + 1,
            Some(_) | None => 0,
        },
        None => 0,
    }
}

/// Every module named by a path that starts at `crate::`, also inside braces (`use crate::{a, b}`).
fn crate_modules(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, start) in code.match_indices("crate::") {
        let own_word = code.get(..at).and_then(|before| before.chars().last());
        if own_word.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let after = code.get(at + start.len()..).unwrap_or_default();
        match after.strip_prefix('{') {
            Some(group) => found.extend(group_heads(group)),
            None => found.extend(first_word(after)),
        }
    }
    found
}

fn first_word(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    text.get(..end).filter(|word| !word.is_empty()).map(str::to_owned)
}

/// The first word of each member of a `{...}` group, at its outermost level.
fn group_heads(group: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let mut heads = Vec::new();
    let mut member = String::new();
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.extend(first_word(std::mem::take(&mut member).trim())),
            other if depth == 0 => member.push(other),
            _deeper => {}
        }
    }
    heads.extend(first_word(member.trim()));
    heads
}

fn group_of(module: &str) -> Option<usize> {
    TABLE.iter().position(|group| group.contains(&module))
}

fn may_import(from: &str, to: &str) -> bool {
    match (group_of(from), group_of(to)) {
        _ if from == to => true,
        (Some(from), Some(to)) => to < from,
        // `crate::` followed by no module of the table: a macro or the root's own item.
        (_, None) | (None, _) => true,
    }
}

/// Whether `name` is used as a crate: in a `use`, or at the start of a path.
fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = code.get(..at).and_then(|text| text.chars().last());
        let after = code.get(at + name.len()..).unwrap_or_default();
        let starts_a_word = before.is_none_or(|c| c.is_whitespace() || "(<{[&!,;=|#".contains(c));
        starts_a_word && after.starts_with("::")
    })
}

#[track_caller]
fn assert_none(breaches: &[String]) {
    let mut list = String::new();
    for breach in breaches {
        write!(list, "\n  {breach}").unwrap();
    }
    assert!(breaches.is_empty(), "{list}");
}

#[test]
fn imports_run_one_way_and_never_inside_a_group() {
    let mut breaches = Vec::new();
    for source in sources() {
        let module = source.module().to_owned();
        // Tests of a part may use what the part may use.
        let code = blank_comments_and_texts(&source.text);
        for imported in crate_modules(&code) {
            if !module.is_empty() && !may_import(&module, &imported) {
                breaches.push(format!("{}: {module} must not import {imported}", source.path));
            }
        }
    }
    assert_none(&breaches);
}

#[test]
fn every_module_has_its_place_in_the_table() {
    let modules: BTreeSet<String> = sources()
        .iter()
        .map(|source| source.module().to_owned())
        .filter(|module| !module.is_empty())
        .collect();
    let breaches: Vec<String> =
        modules.into_iter().filter(|module| group_of(module).is_none()).collect();
    assert_none(&breaches);
}

#[test]
fn outside_crates_stay_with_their_owners() {
    let mut breaches = Vec::new();
    for source in sources() {
        let code = source.shipped();
        for (name, owners) in OWNERS {
            let in_composer = source.path.starts_with(TEXT_AREA_IN_APP);
            let text_area_astray =
                *name == "tui_textarea" && source.module() == "app" && !in_composer;
            let owned = owners.contains(&source.module()) && !text_area_astray;
            if !owned && names_crate(&code, name) {
                breaches.push(format!("{}: {name} belongs to {owners:?}", source.path));
            }
        }
    }
    assert_none(&breaches);
}

#[test]
fn every_file_says_first_what_it_owns_and_ends_in_time() {
    let mut breaches = Vec::new();
    for source in sources() {
        if !source.text.starts_with("//! ") && !source.for_tests {
            breaches.push(format!("{}: the first line is no //! comment", source.path));
        }
        let lines = source.text.lines().count();
        if LINES_LIMIT < lines {
            breaches.push(format!("{}: {lines} lines, the limit is {LINES_LIMIT}", source.path));
        }
    }
    assert_none(&breaches);
}

#[test]
fn shipped_code_holds_nothing_that_gives_up() {
    let mut breaches = Vec::new();
    for source in sources() {
        for (index, line) in source.shipped().lines().enumerate() {
            let forbidden = FORBIDDEN.iter().find(|word| {
                // `unsafe_code` in the attribute that forbids it is no use of it.
                line.contains(**word) && !line.contains("forbid(unsafe_code)")
            });
            if let Some(word) = forbidden {
                breaches.push(format!("{}:{}: {word}", source.path, index + 1));
            }
        }
    }
    assert_none(&breaches);
}

#[test]
fn paths_start_at_the_crate_and_nothing_is_exported_twice() {
    let mut breaches = Vec::new();
    for source in sources() {
        for (index, line) in source.shipped().lines().enumerate() {
            let line = line.trim_start();
            if line.contains("super::") {
                breaches.push(format!("{}:{}: super::", source.path, index + 1));
            }
            let exported = line.starts_with("pub use ") || line.starts_with("pub(crate) use ");
            if exported && source.path != "lib.rs" {
                breaches.push(format!("{}:{}: pub use", source.path, index + 1));
            }
        }
    }
    assert_none(&breaches);
}

#[test]
fn the_reader_of_sources_sees_what_it_must() {
    #[track_caller]
    fn check(code: &str, expected: &[&str]) {
        let found = crate_modules(&blank_comments_and_texts(code));
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected, "{code}");
    }
    check("use crate::app::App;", &["app"]);
    check("use crate::{app::{self, App}, ui};", &["app", "ui"]);
    check("let x = crate::engine::Engine::start();", &["engine"]);
    check("// crate::engine", &[]);
    check("let x = \"crate::engine \\\" crate::ui\"; crate::app", &["app"]);
    check("let x = r#\"crate::engine \" \"#; crate::app", &["app"]);
    check(
        "let c = '\"'; crate::app; let d = '\\''; crate::ui; fn f<'a>(x: &'a str) {}",
        &["app", "ui"],
    );
    check("pub(crate) fn x() {}", &[]);

    assert!(may_import("ui", "app") && may_import("cli", "sandbox") && may_import("app", "app"));
    assert!(!may_import("app", "engine") && !may_import("engine", "app"));
    assert!(!may_import("auth", "store") && !may_import("model", "problem"));

    assert!(names_crate("use ratatui::Frame;", "ratatui"));
    assert!(names_crate("fn f(x: &ratatui::Frame)", "ratatui"));
    assert!(!names_crate("use crate::age::x;", "age"));
    assert!(!names_crate("use message::x; let storage = 1;", "age"));

    let source = Source {
        path: "auth/mod.rs".to_owned(),
        text: "#[cfg(test)]\npub mod script;\n\n#[cfg(test)]\nmod tests {\n".to_owned(),
        for_tests: false,
    };
    assert_eq!(test_modules(&source), ["auth/script"]);

    let code = "fn f() {}\n#[cfg(test)]\nmod tests { fn g() { x.unwrap() } }\n";
    assert_eq!(shipped(code), "fn f() {}\n");
}
