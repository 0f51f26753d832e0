//! Runs a program of the person's without a shell, for a bounded time and with bounded output.

use rustix::fs::MemfdFlags;
use std::fmt;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// How far a program may go.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest run.
    pub time: Duration,
    /// Longest output that is kept, in bytes; the rest is read and dropped.
    pub output_bytes: u64,
}

/// The end of a run.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed.
    pub output: Start,
    /// What it complained of.
    pub complaints: Start,
}

/// The beginning of what a program said, which may be a secret: cleared when it is dropped, and not
/// shown by `Debug`.
pub struct Start {
    /// The bytes that were kept.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Whether there was no more.
    pub is_whole: bool,
}

impl fmt::Debug for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start")
            .field("size_bytes", &self.bytes.len())
            .field("is_whole", &self.is_whole)
            .finish()
    }
}

impl Start {
    /// The first line, trimmed; nothing when it is not text.
    #[must_use]
    pub fn first_line(&self) -> &str {
        let line = self.bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        std::str::from_utf8(line).unwrap_or_default().trim()
    }
}

/// Why there is no end to speak of. Its words are ours and the system's, never the program's.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// An empty list of words.
    #[error("there is no command to run")]
    NoProgram,
    /// The system does not start it.
    #[error("it cannot be started: {0}")]
    NotStarted(#[source] io::Error),
    /// It was stopped.
    #[error("it did not end within {limit_s} s")]
    Overdue {
        /// How long was waited, in seconds.
        limit_s: u64,
    },
    /// The system lost sight of it.
    #[error("it cannot be followed: {0}")]
    Lost(#[source] io::Error),
}

/// Runs `argv`: a program and its arguments. `input` is all it can read; all of it lies ready before
/// the program starts, so it never reads a part even if this process is killed.
///
/// # Errors
/// [`RunError`]; that a program fails is none.
///
/// # Cancel safety
/// Cancel safe: the program is stopped.
pub async fn run(argv: &[String], input: &[u8], limits: Limits) -> Result<Ended, RunError> {
    let (program, arguments) = argv.split_first().ok_or(RunError::NoProgram)?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(if input.is_empty() {
            Stdio::null()
        } else {
            in_memory(input).map_err(RunError::NotStarted)?.into()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(RunError::NotStarted)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    // Read to the end even beyond the limits, so that a talkative program is not left waiting.
    let work = async {
        tokio::join!(
            start_of(stdout, limits.output_bytes),
            start_of(stderr, limits.output_bytes),
            child.wait()
        )
    };
    let overdue = RunError::Overdue { limit_s: limits.time.as_secs() };
    let (output, complaints, status) =
        timeout(limits.time, work).await.map_err(|_elapsed| overdue)?;
    Ok(Ended { status: status.map_err(RunError::Lost)?, output, complaints })
}

/// How it ended, as half a sentence.
#[must_use]
pub fn in_words(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("it ended with status {code}"),
        None => "it was stopped by a signal".to_owned(),
    }
}

/// A file in memory that holds `input`, at its beginning.
fn in_memory(input: &[u8]) -> io::Result<File> {
    let mut file = File::from(rustix::fs::memfd_create("input", MemfdFlags::CLOEXEC)?);
    file.write_all(input)?;
    file.rewind()?;
    Ok(file)
}

/// The beginning of a stream, read to its end. A stream that breaks has said what it had to say.
async fn start_of(stream: Option<impl AsyncRead + Unpin>, limit_bytes: u64) -> Start {
    let mut bytes = Zeroizing::new(Vec::new());
    let Some(mut stream) = stream else {
        return Start { bytes, is_whole: true };
    };
    if let Err(error) = (&mut stream).take(limit_bytes).read_to_end(&mut bytes).await {
        tracing::debug!(%error, "the output of a command broke off");
        return Start { bytes, is_whole: false };
    }
    match tokio::io::copy(&mut stream, &mut tokio::io::sink()).await {
        Ok(dropped) => Start { bytes, is_whole: dropped == 0 },
        Err(error) => {
            tracing::debug!(%error, "the output of a command broke off");
            Start { bytes, is_whole: false }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::stdx::child::{Ended, Limits, RunError, in_words, run};
    use std::time::Duration;

    const LIMITS: Limits = Limits { time: Duration::from_secs(30), output_bytes: 1_000 };

    async fn sh(script: &str, input: &str) -> Ended {
        let argv = ["sh", "-c", script].map(str::to_owned);
        run(&argv, input.as_bytes(), LIMITS).await.unwrap()
    }

    #[tokio::test]
    async fn a_program_hears_its_input_and_is_heard_within_bounds() {
        let ended = sh("cat; echo why >&2; exit 3", "a secret\nof two lines").await;
        assert_eq!(ended.output.bytes.as_slice(), b"a secret\nof two lines");
        assert_eq!(ended.output.first_line(), "a secret");
        assert_eq!((ended.output.is_whole, ended.complaints.first_line()), (true, "why"));
        assert_eq!(in_words(ended.status), "it ended with status 3");
        // There is nothing to read without input, not the terminal.
        assert_eq!(sh("cat; echo end", "").await.output.bytes.as_slice(), b"end\n");
        let talkative = sh("head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2", "").await;
        for start in [talkative.output, talkative.complaints] {
            assert_eq!((start.bytes.len(), start.is_whole), (1_000, false));
        }
        // More than any pipe holds hinders nobody, read or not.
        let much = "x".repeat(1_000_000);
        assert_eq!(sh("wc -c", &much).await.output.first_line(), "1000000");
        assert!(sh("exec true", &much).await.status.success());
        assert_eq!(in_words(sh("kill -9 $$", "").await.status), "it was stopped by a signal");
    }

    #[tokio::test]
    async fn what_is_no_run_is_told_apart() {
        async fn check(argv: &[&str], expected: &str) {
            let argv: Vec<String> = argv.iter().map(ToString::to_string).collect();
            let limits = Limits { time: Duration::ZERO, ..LIMITS };
            let error: RunError = run(&argv, b"", limits).await.unwrap_err();
            assert!(error.to_string().starts_with(expected), "{error}");
        }
        check(&[], "there is no command").await;
        check(&["/nowhere/program"], "it cannot be started").await;
        check(&["cat", "/dev/zero"], "it did not end within 0 s").await;
    }
}
