//! Subjects without what answering and forwarding put before them.

/// Marks of an answer in the languages of Outlook and others, in lower case.
pub(in crate::mime) const REPLY_MARKS: &[&str] = &["re", "aw", "sv", "vs", "antw"];
/// Marks of a forward.
pub(in crate::mime) const FORWARD_MARKS: &[&str] = &["fwd", "fw", "wg", "vb"];

/// What stands before a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectMark {
    /// Nothing.
    None,
    /// At least one mark of an answer, and none of a forward before it.
    Reply,
    /// First of all a mark of a forward.
    Forward,
}

/// The subject behind every mark, blanks trimmed and in lower case, and the first mark.
#[must_use]
pub fn base(subject: &str) -> (String, SubjectMark) {
    let mut rest = subject.trim();
    let mut mark = SubjectMark::None;
    loop {
        let (behind, found) = match without_mark(rest, REPLY_MARKS) {
            Some(behind) => (Some(behind), SubjectMark::Reply),
            None => (without_mark(rest, FORWARD_MARKS), SubjectMark::Forward),
        };
        let Some(behind) = behind else { break };
        rest = behind;
        if mark == SubjectMark::None {
            mark = found;
        }
    }
    (rest.to_lowercase(), mark)
}

/// What is behind the first mark, if it is of this kind.
pub(in crate::mime) fn without_mark<'a>(subject: &'a str, kind: &[&str]) -> Option<&'a str> {
    let (before, behind) = subject.split_once(':')?;
    let word = before.trim();
    // Some programs count: "Re[2]:".
    let word = word.split_once('[').filter(|(_word, n)| n.ends_with(']')).map_or(word, |(w, _n)| w);
    kind.iter().any(|mark| mark.eq_ignore_ascii_case(word)).then(|| behind.trim_start())
}

#[cfg(test)]
mod tests {
    use crate::mime::subject::{SubjectMark, base};

    #[test]
    fn a_subject_is_found_behind_every_mark() {
        #[track_caller]
        fn check(subject: &str, expected: &str, mark: SubjectMark) {
            assert_eq!(base(subject), (expected.to_owned(), mark), "{subject:?}");
        }
        check(" Lunch ", "lunch", SubjectMark::None);
        check("RE: AW: Antw: Re[2]: Lunch", "lunch", SubjectMark::Reply);
        check("Re: Fwd: Lunch", "lunch", SubjectMark::Reply);
        check("WG: Re: Lunch", "lunch", SubjectMark::Forward);
        check("Research: x", "research: x", SubjectMark::None);
        check("Re:", "", SubjectMark::Reply);
        check("", "", SubjectMark::None);
    }
}
