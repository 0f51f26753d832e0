//! A damaged cache: noticed, said, and made anew. `user.db` is never touched here.
//!
//! Damage shows in three places: at start, when the file cannot be used; at any question, when
//! SQLite or a row's seal says so; and in the full check, which runs beside everything else after
//! an end that was none, and once a week.

#[cfg(test)]
mod tests;

use crate::stdx::clock::Clock;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::schema::{Databases, open_cache, prepare_cache, private_file};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, MAIN_DB, params};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

/// Times a cache is made anew in one run. More often it is not damage but a defect of this program
/// or a dying disk, and fetching everything again and again would help nobody.
const REMADE_LIMIT: u32 = 3;
/// How long a cache goes without a full check, in seconds.
const CHECK_EVERY_S: i64 = 7 * 24 * 60 * 60;
/// SQLITE_IOERR_SHORT_READ (sqlite.org/rescode.html): the file ends where a page should be.
const SHORT_READ: i32 = 522;

/// What became of the cache in this run.
#[derive(Debug, Default)]
pub struct Health {
    /// Counts how often it was made anew.
    remade: watch::Sender<u32>,
    ended_badly: AtomicBool,
}

impl Health {
    /// Before the file at `path` is opened: a log that was left behind is a sign of an end that was
    /// none, or of another process that works on it.
    pub(in crate::store) fn at_open(path: &Path) -> Self {
        let left = fs::metadata(with_suffix(path, "-wal")).is_ok_and(|log| 0 < log.len());
        Self { ended_badly: AtomicBool::new(left), ..Self::default() }
    }

    /// The cache of before is gone, and a new one was made.
    pub(in crate::store) fn note_lost(&self) {
        tracing::warn!("cache.db is gone and was made anew");
        self.remade.send_modify(|times| *times += 1);
    }

    fn was_remade(&self) -> bool {
        0 < self.times_remade()
    }

    fn times_remade(&self) -> u32 {
        *self.remade.borrow()
    }
}

/// An error that says what is wrong with the cache.
pub(in crate::store) fn error(what: &str) -> StoreError {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    StoreError::Sqlite(rusqlite::Error::SqliteFailure(code, Some(what.to_owned())))
}

/// Whether an answer of SQLite means damage. A file of ours that cannot be written has a broken
/// header (sqlite.org/fileformat.html, section 1.3.2), or another name than before.
fn is_damage(error: &StoreError) -> bool {
    let StoreError::Sqlite(error) = error else { return false };
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt | ErrorCode::ReadOnly)
    ) || error.sqlite_error().is_some_and(|error| error.extended_code == SHORT_READ)
        || is_of_another_schema(error)
}

/// Whether a statement of ours does not hold: the schema is not what the migrations made it. SQLite
/// has no code for that (SQLITE_ERROR), and says where in the statement only at times.
fn is_of_another_schema(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqlInputError { .. } => true,
        rusqlite::Error::SqliteFailure(error, Some(what)) => {
            error.code == ErrorCode::Unknown
                && ["no such ", "error in "].iter().any(|start| what.starts_with(start))
        }
        _other => false,
    }
}

/// Whether a question about the cache alone shows that it is damaged: also a value that cannot be
/// what was written, for the tables are strict.
fn shows_damage(error: &StoreError) -> bool {
    let unreadable = matches!(
        error,
        StoreError::Sqlite(
            rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::Utf8Error(..)
        )
    );
    unreadable || is_damage(error)
}

/// Whether a cache that cannot be opened would open when made anew: whatever is not the machine's
/// fault, or another process's, or that of a newer version.
pub(in crate::store) fn keeps_closed(error: &StoreError) -> bool {
    let StoreError::Sqlite(sqlite) = error else { return false };
    let elsewhere = matches!(
        sqlite.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::OutOfMemory
                | ErrorCode::PermissionDenied
                | ErrorCode::SystemIoFailure
                | ErrorCode::OperationInterrupted
        )
    );
    is_damage(error) || !elsewhere
}

/// Makes the cache at `path` anew.
///
/// It is emptied in place, under SQLite's own locks: a file that is renamed would pull the log from
/// under another process (sqlite.org/howtocorrupt.html, section 2.4). Only where that fails the
/// file is set aside as `cache.db.damaged`.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn remake(
    path: &Path,
    user: &Connection,
    clock: &Clock,
    health: &Health,
    why: &StoreError,
) -> Result<Connection, StoreError> {
    tracing::warn!("cache.db is damaged and is made anew: {why}");
    health.remade.send_modify(|times| *times += 1);
    let emptied = Connection::open(path).map_err(StoreError::from).and_then(|mut cache| {
        empty(&cache)?;
        prepare_cache(&mut cache, user, clock)
    });
    if let Err(error) = emptied {
        tracing::warn!("cache.db cannot be emptied and is set aside: {error}");
        set_aside(path)?;
        if let (Some(dir), Some(name)) = (path.parent(), path.file_name().and_then(|n| n.to_str()))
        {
            private_file(dir, name)?;
        }
    }
    open_cache(path, user, clock)
}

/// sqlite.org/c3ref/c_dbconfig_defensive.html, `SQLITE_DBCONFIG_RESET_DATABASE`.
fn empty(cache: &Connection) -> Result<(), StoreError> {
    cache.set_db_config(DbConfig::SQLITE_DBCONFIG_RESET_DATABASE, true)?;
    let emptied = cache.execute_batch("VACUUM");
    cache.set_db_config(DbConfig::SQLITE_DBCONFIG_RESET_DATABASE, false)?;
    Ok(emptied?)
}

fn set_aside(path: &Path) -> Result<(), StoreError> {
    for suffix in ["", "-wal", "-shm"] {
        let from = with_suffix(path, suffix);
        match fs::rename(&from, with_suffix(&from, ".damaged")) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(StoreError::Io { path: from, source }),
        }
    }
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

impl Databases {
    /// Looks at what a question came to: where it shows that the cache is damaged, the cache is
    /// made anew and the question answered with [`StoreError::CacheRemade`].
    pub(in crate::store) fn judge<T>(
        &mut self,
        answer: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match answer {
            Err(error) if is_damage(&error) => Err(self.repair(error)),
            other => other,
        }
    }

    /// Makes the cache anew because of `why`; returns what the person is told.
    pub(in crate::store) fn repair(&mut self, why: StoreError) -> StoreError {
        let Some(path) = self.cache_path.clone() else { return why };
        let often = REMADE_LIMIT <= self.health.times_remade();
        // The same question may have been about both files.
        let user_is_whole = matches!(self.user.is_readonly(MAIN_DB), Ok(false))
            && matches!(verdict(&self.user, "quick_check"), Ok(None));
        if often || !user_is_whole {
            return why;
        }
        // A connection at rest holds the file: emptying it would wait for our own in vain.
        let Ok(nothing) = Connection::open_in_memory() else { return why };
        let readers = self.readers.clone();
        let _kept_out = readers.vacate();
        drop(std::mem::replace(&mut self.cache, nothing));
        match remake(&path, &self.user, &self.clock, &self.health, &why) {
            Ok(cache) => {
                self.cache = cache;
                if let Err(error) = self.put_own_addresses_back() {
                    tracing::warn!("own addresses are not kept: {error}");
                }
                StoreError::CacheRemade
            }
            Err(error) => {
                // What is left of it may still answer.
                if let Ok(damaged) = Connection::open(&path) {
                    self.cache = damaged;
                }
                error
            }
        }
    }
}

/// What a check found first; `None` for nothing.
fn verdict(database: &Connection, check: &str) -> Result<Option<String>, StoreError> {
    let sql = format!("PRAGMA {check}(1)");
    let verdict: String = database.query_row(&sql, [], |row| row.get(0))?;
    Ok((verdict != "ok").then_some(verdict))
}

impl Store {
    /// Whether the cache was damaged or gone and made anew in this run, at its start included.
    /// Everything in it is fetched again; a person should hear why the lists are empty.
    #[must_use]
    pub fn was_rebuilt(&self) -> bool {
        self.health.was_remade()
    }

    /// How often the cache was made anew in this run, as it happens.
    #[must_use]
    pub fn rebuilds(&self) -> watch::Receiver<u32> {
        self.health.remade.subscribe()
    }

    /// Reads the whole cache beside everything else and makes it anew if it is damaged. Returns
    /// whether it was sound.
    ///
    /// # Errors
    /// [`StoreError`], [`StoreError::Closed`] when the store is closed meanwhile.
    pub async fn check_cache(&self) -> Result<bool, StoreError> {
        let checked = match self.read(|cache| verdict(cache, "integrity_check")).await {
            Ok(None) => self.note_checked().await,
            Ok(Some(wrong)) => Err(self.remake(error(&wrong)).await),
            Err(error) => Err(error),
        };
        match checked {
            Ok(()) => Ok(true),
            Err(StoreError::CacheRemade) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn note_checked(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.ask(move |databases| {
            let sql = "UPDATE upkeep SET checked_at = ?1";
            databases.cache.execute(sql, params![now.0])?;
            Ok(())
        })
        .await
    }

    /// Whether a full check is due: the last run did not end in order, or it is long ago.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn check_is_due(&self) -> Result<bool, StoreError> {
        if self.health.ended_badly.load(Ordering::Acquire) {
            return Ok(true);
        }
        let now = self.clock.now();
        self.read(move |cache| {
            let checked: i64 =
                cache.query_row("SELECT checked_at FROM upkeep", [], |row| row.get(0))?;
            Ok(CHECK_EVERY_S < now.0.saturating_sub(checked))
        })
        .await
    }

    /// Has the store's thread make the cache anew, unless that happened meanwhile. Returns what the
    /// person is told.
    async fn remake(&self, why: StoreError) -> StoreError {
        let known = self.health.times_remade();
        let told = self
            .ask(move |databases| {
                let remade = databases.health.times_remade() != known;
                Ok(if remade { StoreError::CacheRemade } else { databases.repair(why) })
            })
            .await;
        told.unwrap_or_else(|error| error)
    }

    /// As [`Databases::judge`], for a question that a reader answered.
    pub(in crate::store) async fn judged<T>(
        &self,
        answer: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match answer {
            Err(error) if shows_damage(&error) => Err(self.remake(error).await),
            other => other,
        }
    }
}
