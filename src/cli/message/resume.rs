//! How far an import has come, written down so that the same import goes on behind it.
//!
//! Every path has a record and every command a mark. A record counts while the mark that it names is
//! there, so that all records of a command end with the removal of one file: a command that is cut
//! in its end has either every record or none, and never files one of its paths anew.

use crate::model::acting::{Deed, UndoStep};
use crate::model::ids::UndoId;
use crate::stdx::atomic_file::{create_private_dir, write_private};
use crate::stdx::clock::UnixSeconds;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// A message is stored this soon after the one before it was written down, in seconds.
const NEXT_WITHIN_S: i64 = 60;

/// How far one path of an import has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// Messages that are stored.
    pub done: usize,
    /// The step to take back that they belong to; before the first is stored, the last action there
    /// was.
    pub step: i64,
    /// How many more messages than [`Self::done`] the step has, for those of other paths; `None`
    /// before the first is stored.
    #[serde(default)]
    pub ahead: Option<i64>,
    /// When this was written, Unix seconds.
    pub at: i64,
    /// Whether these were all messages of the path: what the step has got since is of other paths.
    #[serde(default)]
    pub through: bool,
}

impl Resume {
    /// Before the first message: it begins a step behind all of `steps`, which are newest first.
    #[must_use]
    pub fn behind(steps: &[UndoStep], now: UnixSeconds) -> Self {
        let step = steps.first().map_or(0, |newest| newest.id.0);
        Self { done: 0, step, ahead: None, at: now.0, through: false }
    }

    /// After `done` messages, the newest of which are in `step`; with none, the first joins it.
    #[must_use]
    pub fn within(step: &UndoStep, done: usize, now: UnixSeconds) -> Self {
        let ahead = i64::from(step.messages) - i64::try_from(done).unwrap_or(i64::MAX);
        Self { done, step: step.id.0, ahead: Some(ahead), at: now.0, through: false }
    }

    /// With what was stored just before the end of a run that could not write it down any more.
    /// `steps` are all there are, newest first.
    #[must_use]
    pub fn completed(self, folder: &str, steps: &[UndoStep], now: UnixSeconds) -> Self {
        if self.through {
            // Messages that were added to the path since are a step of their own.
            return Self { done: self.done, ..Self::behind(steps, now) };
        }
        let imports = || {
            let into = |step: &&UndoStep| matches!(&step.deed, Deed::Import { to } if to == folder);
            steps.iter().filter(into)
        };
        let Some(ahead) = self.ahead else { return self.begun(imports()) };
        let own = imports().find(|step| step.id.0 == self.step);
        let stored = own.and_then(|step| usize::try_from(i64::from(step.messages) - ahead).ok());
        // A step that was taken back, or is too old to be, tells nothing.
        Self { done: stored.unwrap_or(0).max(self.done), ..self }
    }

    /// As [`Self::completed`] before the first message was noted as stored: its step is the one
    /// import into the folder that began behind [`Self::step`], at about that time.
    fn begun<'a>(self, imports: impl Iterator<Item = &'a UndoStep>) -> Self {
        let mut own = imports.filter(|step| {
            let after_s = step.done_at.since(UnixSeconds(self.at));
            self.step < step.id.0 && (0..=NEXT_WITHIN_S).contains(&after_s) && step.messages == 1
        });
        match (own.next(), own.next()) {
            (Some(step), None) => Self::within(step, self.done + 1, UnixSeconds(self.at)),
            // Several are those of another import: rather twice than never.
            (None | Some(_), _) => self,
        }
    }

    /// The step that the next message joins, if there is one.
    #[must_use]
    pub fn own_step(&self) -> Option<UndoId> {
        self.ahead.map(|_ahead| UndoId(self.step))
    }
}

/// Where a command begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// Behind what earlier runs have stored of its paths.
    WhereItStopped,
    /// With the first message of the first path.
    Anew,
}

/// What is written down for one command.
#[derive(Debug)]
pub struct Run {
    dir: PathBuf,
    mark: PathBuf,
    records: Vec<Record>,
    begin: Begin,
}

impl Run {
    /// Marks the run of a command whose paths have `keys`; records of a run that is over are gone
    /// then.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn begin(dir: &Path, keys: &[String], begin: Begin) -> io::Result<Self> {
        create_private_dir(dir)?;
        let name = |key: &str| format!("{:x}", Sha256::digest(key.as_bytes()));
        let run = format!("{}.run", name(&keys.join("\0")));
        let record = |key: &String| {
            let file = dir.join(format!("{}.json", name(key)));
            Record { file, run: run.clone() }
        };
        let records: Vec<_> = keys.iter().map(record).collect();
        let mark = dir.join(&run);
        if begin == Begin::Anew {
            remove(&mark)?;
        }
        for record in &records {
            if begin == Begin::Anew || record.is_over(dir)? {
                remove(&record.file)?;
            }
        }
        let begin = if mark.try_exists()? { Begin::WhereItStopped } else { Begin::Anew };
        write_private(&mark, b"")?;
        Ok(Self { dir: dir.to_owned(), mark, records, begin })
    }

    /// Whether the same command was cut before.
    #[must_use]
    pub fn began(&self) -> Begin {
        self.begin
    }

    /// One for every key.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Forgets everything of the run: the same command is another import from now on.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn end(self) -> io::Result<()> {
        for file in self.end_files() {
            remove(file)?;
            // In this order on the disk, too, whenever the power fails.
            File::open(&self.dir)?.sync_all()?;
        }
        Ok(())
    }

    /// What its end removes, in that order: the mark, on which the records depend, first.
    fn end_files(&self) -> impl Iterator<Item = &Path> {
        let records = self.records.iter().map(|record| record.file.as_path());
        std::iter::once(self.mark.as_path()).chain(records)
    }
}

/// What is written down for one path.
#[derive(Debug)]
pub struct Record {
    file: PathBuf,
    run: String,
}

/// A record as it is written.
#[derive(Serialize, Deserialize)]
struct Written {
    /// The name of the mark; versions that had none wrote none, and their records end one by one.
    #[serde(default)]
    run: Option<String>,
    #[serde(flatten)]
    resume: Resume,
}

impl Record {
    /// What an earlier run wrote.
    #[must_use]
    pub fn earlier(&self) -> Option<Resume> {
        self.written().map(|written| written.resume)
    }

    /// Replaces what was written.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn keep(&self, resume: &Resume) -> io::Result<()> {
        let written = Written { run: Some(self.run.clone()), resume: resume.clone() };
        write_private(&self.file, &serde_json::to_vec(&written)?)
    }

    fn written(&self) -> Option<Written> {
        let bytes = fs::read(&self.file).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    fn is_over(&self, dir: &Path) -> io::Result<bool> {
        match self.written().and_then(|written| written.run) {
            Some(run) => Ok(!dir.join(run).try_exists()?),
            None => Ok(false),
        }
    }
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::message::resume::{Begin, Resume, Run};
    use crate::model::acting::{Deed, UndoStep};
    use crate::model::ids::UndoId;
    use crate::stdx::clock::UnixSeconds;
    use std::fs;
    use std::path::Path;

    const NOW: UnixSeconds = UnixSeconds(3_000);

    fn begin(dir: &Path, keys: &[&str], begin: Begin) -> Run {
        let keys: Vec<_> = keys.iter().map(|key| (*key).to_owned()).collect();
        Run::begin(dir, &keys, begin).unwrap()
    }

    /// How much of its paths a new run is told to be stored.
    fn known(run: &Run) -> Vec<Option<usize>> {
        run.records().iter().map(|record| record.earlier().map(|earlier| earlier.done)).collect()
    }

    /// A run with one message of every path.
    fn cut(dir: &Path, keys: &[&str]) {
        for record in begin(dir, keys, Begin::WhereItStopped).records() {
            record.keep(&Resume { done: 1, ..Resume::behind(&[], NOW) }).unwrap();
        }
    }

    fn names(dir: &Path) -> Vec<String> {
        let names = fs::read_dir(dir).unwrap();
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_run_that_is_cut_in_its_end_has_all_records_or_none() {
        let keys = ["a", "b", "c"];
        for removed in 0..=4 {
            let dir = tempfile::tempdir().unwrap();
            cut(dir.path(), &keys);
            let run = begin(dir.path(), &keys, Begin::WhereItStopped);
            assert_eq!(run.began(), Begin::WhereItStopped);
            assert_eq!(run.end_files().count(), 4);
            run.end_files().take(removed).for_each(|file| fs::remove_file(file).unwrap());
            let again = begin(dir.path(), &keys, Begin::WhereItStopped);
            let expected = if removed == 0 { Some(1) } else { None };
            assert_eq!(known(&again), [expected; 3], "after {removed} removals");
            again.end().unwrap();
            assert_eq!(names(dir.path()), Vec::<String>::new());
        }
    }

    #[test]
    fn a_path_goes_on_in_whatever_command_names_it() {
        let dir = tempfile::tempdir().unwrap();
        cut(dir.path(), &["a", "b"]);
        let other = begin(dir.path(), &["new", "a"], Begin::WhereItStopped);
        assert_eq!((other.began(), known(&other)), (Begin::Anew, vec![None, Some(1)]));
        let a = other.records().last().unwrap();
        a.keep(&a.earlier().unwrap()).unwrap();
        other.end().unwrap();
        // The other command is through with one of them, and not with what it did not name.
        let rest = begin(dir.path(), &["a", "b"], Begin::WhereItStopped);
        assert_eq!(known(&rest), [None, Some(1)]);
        let anew = begin(dir.path(), &["a", "b"], Begin::Anew);
        assert_eq!((anew.began(), known(&anew)), (Begin::Anew, vec![None, None]));
    }

    #[test]
    fn a_record_of_a_version_without_marks_counts() {
        let dir = tempfile::tempdir().unwrap();
        cut(dir.path(), &["a"]);
        let record = names(dir.path()).into_iter().find(|name| name.ends_with("json")).unwrap();
        fs::write(dir.path().join(record), r#"{"done":3,"step":1,"at":1}"#).unwrap();
        assert_eq!(known(&begin(dir.path(), &["a", "b"], Begin::WhereItStopped)), [Some(3), None]);
    }

    #[test]
    fn a_message_that_was_stored_but_not_written_down_is_not_stored_again() {
        let step = |id, to: &str, messages, at| UndoStep {
            id: UndoId(id),
            deed: Deed::Import { to: to.to_owned() },
            messages,
            done_at: UnixSeconds(at),
        };
        #[track_caller]
        fn check(done: usize, ahead: Option<i64>, steps: &[UndoStep], expected: usize) {
            let resume = Resume { done, step: 7, ahead, at: 1_000, through: false };
            assert_eq!(resume.completed("Old", steps, NOW).done, expected, "{steps:?}");
        }
        // Before the first was written down.
        check(0, None, &[], 0);
        check(0, None, &[step(8, "Old", 1, 1_000), step(7, "Old", 3, 1_000)], 1);
        check(0, None, &[step(8, "Other", 1, 1_000)], 0);
        check(0, None, &[step(8, "Old", 1, 2_000)], 0);
        check(0, None, &[step(9, "Old", 1, 1_001), step(8, "Old", 1, 1_000)], 0);
        // The step counts for us.
        check(3, Some(0), &[step(7, "Old", 4, 900)], 4);
        check(3, Some(10), &[step(7, "Old", 13, 900)], 3);
        check(3, Some(-2), &[step(7, "Old", 2, 900)], 4);
        // It was taken back.
        check(3, Some(0), &[step(8, "Old", 9, 900)], 3);
    }

    #[test]
    fn a_path_that_is_through_counts_no_message_of_another_path() {
        let step = |id, messages| UndoStep {
            id: UndoId(id),
            deed: Deed::Import { to: "Old".to_owned() },
            messages,
            done_at: NOW,
        };
        let through =
            Resume { through: true, ..Resume::within(&step(7, 3), 3, UnixSeconds(1_000)) };
        let resume = through.completed("Old", &[step(7, 9)], NOW);
        assert_eq!((resume.done, resume.own_step()), (3, None));
        // What was added to it since is a step of its own, and counted behind what was there.
        let resume = resume.completed("Old", &[step(8, 1), step(7, 9)], NOW);
        assert_eq!((resume.done, resume.own_step()), (4, Some(UndoId(8))));
        let resume = resume.completed("Old", &[step(8, 2), step(7, 9)], NOW);
        assert_eq!(resume.done, 5);
    }
}
