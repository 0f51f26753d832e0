//! How a command fails, and how that is told.

use crate::cli::json::{JsonProblem, option};
use crate::cli::output::Format;
use crate::mime::sanitise;
use crate::problem::{Problem, ProblemKind, Remedy};
use std::io::{self, Write};

/// Why a command ends before it is done.
#[derive(Debug)]
pub enum CliError {
    /// Something a person has to be told.
    Problem(Box<Problem>),
    /// It failed and that has been told; the exit code.
    Told(u8),
    /// Nobody reads the output any more (`| head`): nothing is left to say.
    OutputClosed,
    /// A signal asked for the end; the exit code.
    Stopped(u8),
}

impl From<Problem> for CliError {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl CliError {
    /// A request that makes no sense.
    #[must_use]
    pub fn usage(code: &str, what: &str, why: &str) -> Self {
        Problem::new(ProblemKind::Usage, code, what, why, Remedy::Nothing).into()
    }

    /// A failure of the machine this runs on.
    #[must_use]
    pub fn system(code: &str, what: &str, error: &io::Error) -> Self {
        let remedy = match error.kind() {
            // No room and no permission would help.
            io::ErrorKind::NotFound
            | io::ErrorKind::AlreadyExists
            | io::ErrorKind::InvalidInput => Remedy::Nothing,
            _of_the_disk => Remedy::CheckDisk,
        };
        Problem::new(ProblemKind::Failed, code, what, &error.to_string(), remedy).into()
    }

    /// Tells standard error and gives the exit code.
    #[must_use]
    pub fn report(self, format: Format) -> u8 {
        match self {
            Self::Problem(problem) => {
                let text = match format {
                    Format::Human => human(&problem),
                    Format::Json => JsonProblem::from(problem.as_ref()).to_line(),
                };
                // Nobody can be told that standard error is closed.
                let _closed = io::stderr().write_all(text.as_bytes());
                problem.kind.exit_code()
            }
            Self::Told(code) | Self::Stopped(code) => code,
            Self::OutputClosed => 0,
        }
    }
}

/// What helps, and the option that does it; empty when nothing does.
#[must_use]
pub fn helps(remedy: Remedy) -> String {
    let sentence = match remedy {
        Remedy::Nothing => "",
        helpful => helpful.sentence(),
    };
    // The sentence about certificates names its option itself.
    let option = Some(option(remedy)).filter(|option| !sentence.contains(option));
    let option = option.map_or(String::new(), |option| format!(" ({option})"));
    format!("{sentence}{option}")
}

/// What happened, why, and what helps, on a line each.
fn human(problem: &Problem) -> String {
    let helps = helps(problem.remedy);
    let what = format!("posthaste: {}", problem.what);
    [what.as_str(), problem.why.as_str(), &helps]
        .into_iter()
        .filter(|line| !line.is_empty())
        .map(|line| format!("{}\n", sanitise::line(line)))
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::cli::error::human;
    use crate::problem::{Problem, ProblemKind, Remedy};

    #[test]
    fn a_problem_is_told_in_as_many_lines_as_it_has_to_say() {
        let problem =
            Problem::new(ProblemKind::Network, "x", "no answer", "the line is cut", Remedy::Retry);
        assert_eq!(
            human(&problem),
            "posthaste: no answer\nthe line is cut\nTry again in a moment.\n"
        );
        let problem = Problem::new(ProblemKind::Usage, "x", "no", "", Remedy::Nothing);
        assert_eq!(human(&problem), "posthaste: no\n");
        let problem = Problem::new(ProblemKind::Failed, "x", "no", "", Remedy::UseBrowser);
        assert!(human(&problem).ends_with(" (--method browser)\n"), "{}", human(&problem));
    }

    #[test]
    fn words_of_a_server_cannot_act_on_the_terminal() {
        let problem =
            Problem::new(ProblemKind::Failed, "x", "a\u{1b}[2Jb", "c\r\nd", Remedy::Nothing);
        let text = human(&problem);
        assert_eq!(text.lines().count(), 2);
        assert!(!text.contains('\u{1b}') && !text.contains('\r'), "{text:?}");
    }
}
