//! Every command and option that the documents name is one that the program knows.

use clap::error::ErrorKind;
use clap::{Command, CommandFactory, Parser};
use posthaste::cli::Arguments;
use posthaste::stdx::words;
use std::collections::BTreeSet;

const PROGRAM: &str = "posthaste ";
const README: (&str, &str) = ("README.md", include_str!("../../README.md"));
const LINKING: (&str, &str) = ("linking.md", include_str!("../../docs/linking.md"));
const TOKEN: (&str, &str) = ("token.md", include_str!("../../docs/token.md"));
const JSON: (&str, &str) = ("json.md", include_str!("../../docs/json.md"));
const MAILBOX: (&str, &str) = ("mailbox.md", include_str!("../../docs/mailbox.md"));
/// Fewer command lines than these documents have means that they are no longer found.
const LEAST_COMMANDS: usize = 70;

/// How much of a command line is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    /// All of it: it can be copied.
    Whole,
    /// Its name; what it needs besides is said elsewhere.
    InPassing,
}

/// Code in a document: lines of fenced blocks, continued ones joined, and what stands between
/// single backticks.
fn code(text: &str) -> Vec<(Said, String)> {
    let mut found = Vec::new();
    let mut fenced = false;
    let joined = text.replace("\\\n", " ");
    for line in joined.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            found.push((Said::Whole, line.to_owned()));
        } else {
            let spans = line.split('`').skip(1).step_by(2);
            found.extend(spans.map(|span| (Said::InPassing, span.to_owned())));
        }
    }
    found
}

/// The command lines of ours in a piece of code: up to what the shell, another program's
/// configuration or a remark adds.
fn commands(code: &str) -> Vec<String> {
    let ends = [" #", " <", " |", " >", " &", ")\"", "\u{2026}"];
    let mut found = Vec::new();
    for (at, _name) in code.match_indices(PROGRAM) {
        let (before, line) = code.split_at(at);
        if !before.trim().is_empty() && !before.ends_with(['"', '(', '=', ' ', '\'']) {
            continue;
        }
        // A command in another program's quotation marks ends with them.
        let quoted = line.split('"').next().filter(|_line| before.ends_with('"'));
        let line = quoted.unwrap_or(line);
        let end = ends.iter().filter_map(|end| line.find(end)).min().unwrap_or(line.len());
        found.push(line.split_at(end).0.trim().to_owned());
    }
    found
}

fn is_about_a_command(error: &clap::Error, said: Said) -> bool {
    let passing = [
        ErrorKind::MissingRequiredArgument,
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
        ErrorKind::MissingSubcommand,
    ];
    // Asked for: not a mistake.
    let asked = [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion];
    asked.contains(&error.kind()) || (said == Said::InPassing && passing.contains(&error.kind()))
}

#[test]
fn every_command_line_of_the_documents_is_understood() {
    let mut count = 0;
    for (name, text) in [README, LINKING, TOKEN, JSON, MAILBOX] {
        for (said, code) in code(text) {
            for line in commands(&code) {
                let said = if code.contains('\u{2026}') { Said::InPassing } else { said };
                let words = words::split(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
                if let Err(error) = Arguments::try_parse_from(words) {
                    assert!(is_about_a_command(&error, said), "{name}: {line}\n{error}");
                }
                count += 1;
            }
        }
    }
    assert!(LEAST_COMMANDS <= count, "only {count} command lines were found");
}

#[test]
fn every_option_of_the_documents_exists() {
    let program = Arguments::command();
    // The last one ends the options.
    let mut known = BTreeSet::from(["--help", "--version", "--"].map(str::to_owned));
    collect(&program, &mut known);
    let nouns: Vec<&str> = program.get_subcommands().map(Command::get_name).collect();
    for (name, text) in [README, LINKING, TOKEN, JSON, MAILBOX] {
        for (said, code) in code(text) {
            let first = code.split(' ').next().unwrap_or_default();
            let alone = first.starts_with("--") || nouns.contains(&first);
            let ours = code.contains(PROGRAM) || (said == Said::InPassing && alone);
            let options = code.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
            for option in options.filter(|word| ours && word.starts_with("--")) {
                assert!(known.contains(option), "{name}: {option} in {code:?}");
            }
        }
    }
}

#[test]
fn every_example_under_a_help_text_is_understood() {
    let mut lines = Vec::new();
    examples(&Arguments::command(), &mut lines);
    assert!(30 <= lines.len(), "only {} examples", lines.len());
    for line in lines {
        let words = words::split(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!(Arguments::try_parse_from(words).is_ok(), "{line}");
    }
}

fn examples(command: &Command, found: &mut Vec<String>) {
    let text = command.get_after_help().map_or_else(String::new, ToString::to_string);
    let lines = text.lines().map(str::trim).filter(|line| line.starts_with(PROGRAM));
    found.extend(lines.map(str::to_owned));
    for below in command.get_subcommands() {
        examples(below, found);
    }
}

#[test]
fn every_command_about_mail_is_named_in_the_documents_with_examples() {
    let program = Arguments::command();
    let documents = [README.1, JSON.1, MAILBOX.1].concat();
    for noun in ["message", "folder", "changes", "cache"] {
        let noun = program.find_subcommand(noun).unwrap();
        for verb in noun.get_subcommands() {
            let name = verb.get_name();
            assert!(documents.contains(name), "{} {name}", noun.get_name());
        }
    }
    for name in ["sync", "undo", "changes", "folder", "cache"] {
        let command = program.find_subcommand(name).unwrap();
        assert!(command.get_after_help().is_some(), "{name}");
    }
}

fn collect(command: &Command, known: &mut BTreeSet<String>) {
    let options = command.get_arguments().filter_map(|argument| argument.get_long());
    known.extend(options.map(|option| format!("--{option}")));
    for below in command.get_subcommands() {
        collect(below, known);
    }
}
