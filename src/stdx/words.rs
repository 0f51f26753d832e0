//! Splits a command line into words without a shell.

/// A command line that ends inside a quotation or after a lone backslash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a quotation is not closed")]
pub struct Unclosed;

/// The words of `command`: blanks separate, `'...'` and `"..."` hold together, a backslash takes
/// the next character as it is (except between single quotes). Nothing is expanded or run.
///
/// # Errors
/// [`Unclosed`].
pub fn split(command: &str) -> Result<Vec<String>, Unclosed> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = command.chars();
    while let Some(c) = characters.next() {
        match c {
            '\'' | '"' => quoted(c, &mut characters, word.get_or_insert_default())?,
            '\\' => word.get_or_insert_default().push(characters.next().ok_or(Unclosed)?),
            blank if blank.is_whitespace() => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted(
    quote: char,
    characters: &mut impl Iterator<Item = char>,
    word: &mut String,
) -> Result<(), Unclosed> {
    loop {
        match characters.next().ok_or(Unclosed)? {
            end if end == quote => return Ok(()),
            '\\' if quote == '"' => word.push(characters.next().ok_or(Unclosed)?),
            other => word.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::stdx::words::{Unclosed, split};

    #[test]
    fn a_command_line_becomes_words_and_nothing_is_expanded() {
        #[track_caller]
        fn check(command: &str, expected: Result<&[&str], Unclosed>) {
            let expected = expected.map(|words| words.iter().map(ToString::to_string).collect());
            assert_eq!(split(command), expected, "{command:?}");
        }
        check("vim", Ok(&["vim"]));
        check(
            "  emacsclient -nw\t--alternate-editor= ",
            Ok(&["emacsclient", "-nw", "--alternate-editor="]),
        );
        check("'/opt/my editor/bin/ed' -x", Ok(&["/opt/my editor/bin/ed", "-x"]));
        check(r#"code --title "a \"b\" c""#, Ok(&["code", "--title", "a \"b\" c"]));
        check(r"my\ editor", Ok(&["my editor"]));
        check("vim ''", Ok(&["vim", ""]));
        check("vim $(rm -rf ~); echo", Ok(&["vim", "$(rm", "-rf", "~);", "echo"]));
        check("", Ok(&[]));
        check("vim 'x", Err(Unclosed));
        check("vim \\", Err(Unclosed));
    }
}
