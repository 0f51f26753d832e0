//! Opening the two databases: permissions, pragmas, migrations.

use crate::model::ids::AccountId;
use crate::stdx::atomic_file::{PRIVATE_FILE_MODE, create_private_dir};
use crate::stdx::clock::Clock;
use crate::store::damage::{self, Health};
use crate::store::error::StoreError;
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
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

/// Each table and index that lists need, asked for one row: a page that is no such page shows.
const TOUCH_ALL: &[&str] = &[
    "SELECT id FROM folder ORDER BY id DESC LIMIT 1",
    "SELECT id, thread_id, recipients, seal FROM message ORDER BY id DESC LIMIT 1",
    "SELECT message_id FROM body ORDER BY message_id DESC LIMIT 1",
    "SELECT thread_id FROM folder_thread LIMIT 1",
    "SELECT thread_id FROM thread_link LIMIT 1",
    "SELECT address FROM own_address LIMIT 1",
    "SELECT checked_at FROM upkeep",
    "SELECT rowid FROM message_text LIMIT 1",
];

/// Ids that one cache can give out before the next cache's would begin.
const IDS_PER_GENERATION: i64 = 1_000_000_000;

/// Pages that the writer keeps of the cache, in KiB: enough for the inner pages of every index of
/// half a million messages.
const WRITER_CACHE_KIB: i64 = 4096;
/// Pages that one reader keeps, in KiB.
const READER_CACHE_KIB: i64 = 2048;
/// Pages kept of `user.db`, in KiB; it is small.
const USER_CACHE_KIB: i64 = 512;
/// Statements that stay prepared on each connection; all that are asked often.
const STATEMENTS_LIMIT: usize = 96;
/// Size to which a write-ahead log is cut back once it was larger, in bytes.
const LOG_LIMIT_BYTES: i64 = 4 << 20;

/// Both databases, owned by the store's thread.
pub struct Databases {
    /// `user.db`.
    pub user: Connection,
    /// `cache.db`.
    pub cache: Connection,
    /// Where `cache.db` lies; `None` in memory.
    pub(in crate::store) cache_path: Option<PathBuf>,
    pub(in crate::store) clock: Clock,
    pub(in crate::store) health: Arc<Health>,
    /// Own addresses of each account, which a cache made anew gets again.
    pub(in crate::store) own: BTreeMap<AccountId, Vec<String>>,
}

impl Databases {
    /// Opens or creates both files. A cache that is no database any more is made anew, which
    /// [`Health`] then tells; `user.db` is never replaced. Only what opening touches is looked at:
    /// a start must not read the whole cache.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(data_dir: &Path, cache_dir: &Path, clock: &Clock) -> Result<Self, StoreError> {
        let mut user = open_file(&private_file(data_dir, "user.db")?)?;
        prepare_user(&mut user)?;
        let cache_path = private_file(cache_dir, "cache.db")?;
        let health = Arc::new(Health::at_open(&cache_path));
        let cache = match open_cache(&cache_path, &user, clock) {
            Err(error) if damage::keeps_closed(&error) => {
                damage::remake(&cache_path, &user, clock, &health, &error)?
            }
            opened => opened?,
        };
        let (cache_path, clock) = (Some(cache_path), clock.clone());
        Ok(Self { user, cache, cache_path, clock, health, own: BTreeMap::new() })
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
        let (cache_path, clock, health) = (None, clock.clone(), Arc::default());
        Ok(Self { user, cache, cache_path, clock, health, own: BTreeMap::new() })
    }
}

pub(in crate::store) fn private_file(dir: &Path, name: &str) -> Result<PathBuf, StoreError> {
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

/// Opens the file of the cache and makes sure that it can be asked.
///
/// # Errors
/// [`StoreError`]; [`damage::keeps_closed`] tells whether making it anew would help.
pub(in crate::store) fn open_cache(
    path: &Path,
    user: &Connection,
    clock: &Clock,
) -> Result<Connection, StoreError> {
    let mut cache = open_file(path)?;
    prepare_cache(&mut cache, user, clock)?;
    Ok(cache)
}

/// Opens the file of the cache for reading beside the writer.
///
/// # Errors
/// [`StoreError::Sqlite`].
pub(in crate::store) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let reader = Connection::open_with_flags(path, flags)?;
    reader.busy_timeout(BUSY_LIMIT)?;
    tune(&reader, READER_CACHE_KIB)?;
    Ok(reader)
}

fn tune(connection: &Connection, cache_kib: i64) -> Result<(), StoreError> {
    // Negative: KiB, not pages (sqlite.org/pragma.html#pragma_cache_size).
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_LIMIT);
    Ok(())
}

fn prepare_user(user: &mut Connection) -> Result<(), StoreError> {
    user.pragma_update(None, "foreign_keys", true)?;
    user.pragma_update(None, "synchronous", "FULL")?;
    tune(user, USER_CACHE_KIB)?;
    migrate(user, USER_MIGRATIONS)
}

/// Brings a cache, also one just emptied, to where it can be used.
///
/// # Errors
/// [`StoreError`].
pub(in crate::store) fn prepare_cache(
    cache: &mut Connection,
    user: &Connection,
    clock: &Clock,
) -> Result<(), StoreError> {
    cache.pragma_update(None, "foreign_keys", true)?;
    cache.pragma_update(None, "synchronous", "NORMAL")?;
    cache.pragma_update(None, "journal_size_limit", LOG_LIMIT_BYTES)?;
    tune(cache, WRITER_CACHE_KIB)?;
    migrate(cache, CACHE_MIGRATIONS)?;
    for question in TOUCH_ALL {
        cache.query_row(question, [], |_row| Ok(())).optional()?;
    }
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
