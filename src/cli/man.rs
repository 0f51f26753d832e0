//! `man`: the manual page, with every command on it.

use crate::cli::Arguments;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use std::io;

/// Prints the page.
///
/// # Errors
/// Those of the output.
pub fn run(context: &Context) -> Result<(), CliError> {
    let page = page()
        .map_err(|error| CliError::system("man-failed", "The page cannot be made", &error))?;
    context.output.bytes(&page)
}

fn page() -> io::Result<Vec<u8>> {
    let program = Arguments::command();
    let man = Man::new(program.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    every_command(&program, program.get_name(), &mut page)?;
    let mut end = Roff::new();
    end.control("SH", ["EXIT STATUS"]);
    as_written(&mut end, &program);
    end.to_writer(&mut page)?;
    man.render_version_section(&mut page)?;
    Ok(page)
}

/// A section for each command below `parent`, whose full name is `path`.
fn every_command(parent: &Command, path: &str, page: &mut Vec<u8>) -> io::Result<()> {
    for command in parent.get_subcommands() {
        let path = format!("{path} {}", command.get_name());
        let mut roff = Roff::new();
        roff.control("SH", [path.as_str()]);
        let about = command.get_long_about().or(command.get_about());
        roff.text([roman(about.map_or_else(String::new, ToString::to_string))]);
        if command.has_subcommands() {
            as_written(&mut roff, command);
            roff.to_writer(page)?;
            every_command(command, &path, page)?;
            continue;
        }
        roff.control("PP", []);
        roff.text([roman(command.clone().bin_name(path).render_usage().to_string())]);
        roff.to_writer(page)?;
        // The options of all commands are told once.
        let own = Man::new(command.clone().disable_help_flag(true).disable_version_flag(true));
        let mut options = Vec::new();
        own.render_options_section(&mut options)?;
        page.extend(String::from_utf8_lossy(&options).replace(".SH OPTIONS", ".PP").bytes());
        let mut roff = Roff::new();
        as_written(&mut roff, command);
        roff.to_writer(page)?;
    }
    Ok(())
}

/// What stands behind the help of a command, line by line.
fn as_written(roff: &mut Roff, command: &Command) {
    let Some(text) = command.get_after_help() else { return };
    roff.control("PP", []);
    roff.control("nf", []);
    for line in text.to_string().lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
}

#[cfg(test)]
mod tests {
    use crate::cli::man::page;

    #[test]
    fn the_page_tells_every_command_its_options_and_its_examples() {
        let page = String::from_utf8(page().unwrap()).unwrap().replace("\\-", "-");
        for part in [
            ".SH \"posthaste message search\"",
            "--ranked",
            "Usage: posthaste folder rename",
            "  posthaste message archive 17 18",
            ".SH \"EXIT STATUS\"",
            ".SH \"posthaste account add\"",
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert_eq!(page.matches("--home").count(), 2, "told once, and in the synopsis");
        assert!(!page.contains("(1)\n"), "pages that do not exist are not named");
    }
}
