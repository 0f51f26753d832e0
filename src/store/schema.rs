//! Opening the two databases: permissions, pragmas, migrations.

use crate::stdx::atomic_file::{PRIVATE_FILE_MODE, create_private_dir};
use crate::stdx::clock::Clock;
use crate::store::error::StoreError;
use rusqlite::{Connection, ErrorCode, TransactionBehavior, params};
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A shipped entry is never edited: add a new one.
const USER_MIGRATIONS: &[(u32, &str)] = &[
    (1, include_str!("migrations/user_0001_init.sql")),
    (2, include_str!("migrations/user_0002_account_facts.sql")),
    (3, include_str!("migrations/user_0003_acting.sql")),
];
/// A shipped entry is never edited: add a new one.
const CACHE_MIGRATIONS: &[(u32, &str)] = &[
    (1, include_str!("migrations/cache_0001_init.sql")),
    (2, include_str!("migrations/cache_0002_mail.sql")),
];

/// How long a connection waits for another process that writes.
const BUSY_LIMIT: Duration = Duration::from_secs(10);

/// Ids that one cache can give out before the next cache's would begin.
const IDS_PER_GENERATION: i64 = 1_000_000_000;

/// Both databases, owned by the store's thread.
pub struct Databases {
    /// `user.db`.
    pub user: Connection,
    /// `cache.db`.
    pub cache: Connection,
}

impl Databases {
    /// Opens or creates both files. A cache that is no database any more is set aside as
    /// `cache.db.damaged` and made anew; `user.db` is never replaced.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(data_dir: &Path, cache_dir: &Path, clock: &Clock) -> Result<Self, StoreError> {
        let mut user = open_file(&private_file(data_dir, "user.db")?)?;
        prepare_user(&mut user)?;
        let cache_path = private_file(cache_dir, "cache.db")?;
        let cache = match open_cache(&cache_path, &user, clock) {
            Err(StoreError::Sqlite(error)) if is_damage(&error) => {
                tracing::warn!("cache.db is damaged and is made anew: {error}");
                set_aside(&cache_path)?;
                private_file(cache_dir, "cache.db")?;
                open_cache(&cache_path, &user, clock)?
            }
            opened => opened?,
        };
        Ok(Self { user, cache })
    }

    /// Databases in memory.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`].
    pub fn in_memory(clock: &Clock) -> Result<Self, StoreError> {
        let mut user = Connection::open_in_memory()?;
        prepare_user(&mut user)?;
        let mut cache = Connection::open_in_memory()?;
        prepare_cache(&mut cache, &user, clock)?;
        Ok(Self { user, cache })
    }
}

fn private_file(dir: &Path, name: &str) -> Result<PathBuf, StoreError> {
    let io = |path: &Path| {
        let path = path.to_path_buf();
        move |source: io::Error| StoreError::Io { path, source }
    };
    create_private_dir(dir).map_err(io(dir))?;
    let path = dir.join(name);
    // Created here so that SQLite never does it with the umask of the day.
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(PRIVATE_FILE_MODE)
        .open(&path)
        .map_err(io(&path))?;
    file.set_permissions(fs::Permissions::from_mode(PRIVATE_FILE_MODE)).map_err(io(&path))?;
    Ok(path)
}

fn set_aside(path: &Path) -> Result<(), StoreError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_os_string();
        name.push(suffix);
        let from = PathBuf::from(&name);
        name.push(".damaged");
        match fs::rename(&from, PathBuf::from(name)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(StoreError::Io { path: from, source }),
        }
    }
    Ok(())
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

fn open_file(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_LIMIT)?;
    // A transaction that begins by reading cannot wait for another process once it wants to write:
    // SQLite then answers "busy" at once, whatever the limit.
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    let _mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    Ok(connection)
}

fn open_cache(path: &Path, user: &Connection, clock: &Clock) -> Result<Connection, StoreError> {
    let mut cache = open_file(path)?;
    prepare_cache(&mut cache, user, clock)?;
    // Reads every page's header chain once; cheap beside the first network answer.
    let verdict: String = cache.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(StoreError::Sqlite(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
            Some(verdict),
        )));
    }
    Ok(cache)
}

fn prepare_user(user: &mut Connection) -> Result<(), StoreError> {
    user.pragma_update(None, "foreign_keys", true)?;
    user.pragma_update(None, "synchronous", "FULL")?;
    migrate(user, USER_MIGRATIONS)
}

fn prepare_cache(
    cache: &mut Connection,
    user: &Connection,
    clock: &Clock,
) -> Result<(), StoreError> {
    cache.pragma_update(None, "foreign_keys", true)?;
    cache.pragma_update(None, "synchronous", "NORMAL")?;
    migrate(cache, CACHE_MIGRATIONS)?;
    // Two processes may be here at once, and only one may number.
    let cache = cache.transaction()?;
    let numbered: bool =
        cache.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_sequence)", [], |row| row.get(0))?;
    if !numbered {
        user.execute("INSERT INTO cache_generation (created_at) VALUES (?1)", [clock.now().0])?;
        // The first generation starts at 1: short ids for almost everybody.
        let first_id = (user.last_insert_rowid() - 1) * IDS_PER_GENERATION;
        for table in ["folder", "message"] {
            cache.execute(
                "INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)",
                params![table, first_id],
            )?;
        }
    }
    cache.commit()?;
    Ok(())
}

fn migrate(db: &mut Connection, migrations: &[(u32, &str)]) -> Result<(), StoreError> {
    let found: u32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = migrations.last().map_or(0, |(version, _sql)| *version);
    if known < found {
        return Err(StoreError::NewerSchema { found, known });
    }
    for (version, sql) in migrations.iter().filter(|(version, _sql)| found < *version) {
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have migrated while this one waited for the write lock.
        let now: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if now < *version {
            transaction.execute_batch(sql)?;
            transaction.pragma_update(None, "user_version", version)?;
        }
        transaction.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::stdx::clock::Clock;
    use crate::store::error::StoreError;
    use crate::store::schema::Databases;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn first_message_sequence(databases: &Databases) -> i64 {
        databases
            .cache
            .query_row("SELECT seq FROM sqlite_sequence WHERE name = 'message'", [], |row| {
                row.get(0)
            })
            .unwrap()
    }

    #[test]
    fn sqlite_is_new_enough_for_a_safe_write_ahead_log() {
        // sqlite.org/wal.html#walresetbug
        assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
    }

    #[test]
    fn files_are_private() {
        let home = tempfile::tempdir().unwrap();
        let databases = Databases::open(home.path(), home.path(), &Clock::system()).unwrap();
        databases.cache.execute_batch("BEGIN IMMEDIATE; COMMIT").unwrap();
        for entry in fs::read_dir(home.path()).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{:?}", entry.path());
        }
    }

    #[test]
    fn a_new_cache_never_gives_an_id_again() {
        let home = tempfile::tempdir().unwrap();
        let first = first_message_sequence(
            &Databases::open(home.path(), home.path(), &Clock::system()).unwrap(),
        );
        fs::remove_file(home.path().join("cache.db")).unwrap();
        let second = first_message_sequence(
            &Databases::open(home.path(), home.path(), &Clock::system()).unwrap(),
        );
        assert_eq!((first, second), (0, 1_000_000_000));
    }

    #[test]
    fn a_damaged_cache_is_made_anew_and_user_data_stay() {
        let home = tempfile::tempdir().unwrap();
        let databases = Databases::open(home.path(), home.path(), &Clock::system()).unwrap();
        databases.user.execute("INSERT INTO account (name) VALUES ('work')", []).unwrap();
        drop(databases);
        fs::write(home.path().join("cache.db"), vec![b'x'; 8192]).unwrap();
        let databases = Databases::open(home.path(), home.path(), &Clock::system()).unwrap();
        let accounts: i64 =
            databases.user.query_row("SELECT count(*) FROM account", [], |row| row.get(0)).unwrap();
        assert_eq!(accounts, 1);
        assert_eq!(first_message_sequence(&databases), 1_000_000_000);
    }

    #[test]
    fn a_newer_database_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let databases = Databases::open(home.path(), home.path(), &Clock::system()).unwrap();
        databases.user.pragma_update(None, "user_version", 99).unwrap();
        drop(databases);
        let refused = Databases::open(home.path(), home.path(), &Clock::system());
        assert!(matches!(refused, Err(StoreError::NewerSchema { found: 99, .. })));
    }
}
