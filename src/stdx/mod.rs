//! What the standard library lacks: a clock that tests can turn, back-off, atomic files, file locks,
//! fingerprints, files that others have planted, threads that step back, numbers as people read them, words of a
//! command line and running it within bounds.

pub mod atomic_file;
pub mod backoff;
pub mod bulk;
pub mod child;
pub mod clock;
pub mod file_lock;
pub mod fingerprint;
pub mod numbers;
pub mod planted;
#[cfg(test)]
pub mod properties;
pub mod words;
