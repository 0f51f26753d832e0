//! What the standard library lacks: a clock that tests can turn, back-off, atomic files, file locks, fingerprints, words of a command line.

pub mod atomic_file;
pub mod backoff;
pub mod clock;
pub mod file_lock;
pub mod fingerprint;
pub mod words;
