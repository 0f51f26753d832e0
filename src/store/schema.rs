//! Opening the two databases: permissions, pragmas, migrations.

use crate::model::ids::AccountId;
use crate::stdx::atomic_file::{PRIVATE_FILE_MODE, create_private_dir};
use crate::stdx::clock::Clock;
use crate::store::damage::{self, Health};
use crate::store::error::StoreError;
use crate::store::readers::Seats;
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
    (4, include_str!("migrations/user_0004_uploads.sql")),
    (5, include_str!("migrations/user_0005_waiting.sql")),
];
/// A shipped entry is never edited: add a new one, which sets `upkeep.version` to its number.
const CACHE_MIGRATIONS: &[(u32, &str)] = &[
    (1, include_str!("migrations/cache_0001_init.sql")),
    (2, include_str!("migrations/cache_0002_mail.sql")),
    (3, include_str!("migrations/cache_0003_recent_links.sql")),
    (4, include_str!("migrations/cache_0004_awaiting_expunge.sql")),
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
    "SELECT thread_id FROM recent_link LIMIT 1",
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

/// Pages in the write-ahead log of the cache before it is brought home: 32 MB. While a folder is
/// filled the same pages are written with every batch; bringing them home each time waits for the
/// disk, twice.
const CACHE_LOG_PAGES: i64 = 8_000;

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
    /// What reads the cache beside this.
    pub(in crate::store) readers: Seats,
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
        let had_cache = cache_dir.join("cache.db").exists();
        let cache_path = private_file(cache_dir, "cache.db")?;
        let health = Arc::new(Health::at_open(&cache_path));
        let cache = match open_cache(&cache_path, &user, clock) {
            Err(error) if damage::keeps_closed(&error) => {
                damage::remake(&cache_path, &user, clock, &health, &error)?
            }
            opened => opened?,
        };
        if !had_cache && 1 < generation(&user)? {
            health.note_lost();
        }
        let (cache_path, clock, readers) = (Some(cache_path), clock.clone(), Seats::default());
        Ok(Self { user, cache, cache_path, clock, health, readers, own: BTreeMap::new() })
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
        let readers = Seats::default();
        Ok(Self { user, cache, cache_path, clock, health, readers, own: BTreeMap::new() })
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
    cache.pragma_update(None, "wal_autocheckpoint", CACHE_LOG_PAGES)?;
    tune(cache, WRITER_CACHE_KIB)?;
    match migrate(cache, CACHE_MIGRATIONS) {
        Err(StoreError::NewerSchema { found, known }) if !is_newer(cache, known) => {
            return Err(damage::error(&format!("a header of version {found}")));
        }
        migrated => migrated?,
    }
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

/// How many caches there have been; the first one is nobody's loss.
fn generation(user: &Connection) -> Result<i64, StoreError> {
    let sql = "SELECT coalesce(max(id), 0) FROM cache_generation";
    Ok(user.query_row(sql, [], |row| row.get(0))?)
}

/// Whether the cache itself says that it is newer, not only its header, of which a byte may be
/// flipped.
fn is_newer(cache: &Connection, known: u32) -> bool {
    let own = cache.query_row("SELECT version FROM upkeep", [], |row| row.get::<_, u32>(0));
    // Without that table it may be anything: it is left alone.
    own.map_or(true, |own| known < own)
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
    use crate::model::flags::Flag;
    use crate::model::ids::{FolderId, Uid};
    use crate::stdx::clock::Clock;
    use crate::store::Store;
    use crate::store::error::StoreError;
    use crate::store::hidden;
    use crate::store::operations;
    use crate::store::schema::{CACHE_MIGRATIONS, Databases, USER_MIGRATIONS, open_file};
    use rusqlite::Connection;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

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
        let store = Store::open(home.path(), home.path(), &Clock::system()).unwrap();
        assert!(store.was_rebuilt(), "a person hears that it is gone");
        let databases = Databases::open(home.path(), home.path(), &Clock::system()).unwrap();
        assert_eq!((first, first_message_sequence(&databases)), (0, 1_000_000_000));
        let again = Store::open(home.path(), home.path(), &Clock::system()).unwrap();
        assert!(!again.was_rebuilt(), "once");
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

    /// Files as version 1 left them: an account, a folder, and a message with the id 41.
    fn version_1(home: &Path) {
        let user = Connection::open(home.join("user.db")).unwrap();
        user.execute_batch(USER_MIGRATIONS[0].1).unwrap();
        user.execute_batch(
            "INSERT INTO account (name) VALUES ('work');
             INSERT INTO cache_generation (created_at) VALUES (0);
             INSERT INTO draft (account_id, content, saved_at) VALUES (1, '{}', 0);
             INSERT INTO pending_operation (account_id, payload, created_at) VALUES (1, '{}', 0);
             PRAGMA user_version = 1;",
        )
        .unwrap();
        let cache = Connection::open(home.join("cache.db")).unwrap();
        cache.execute_batch(CACHE_MIGRATIONS[0].1).unwrap();
        cache
            .execute_batch(
                "INSERT INTO folder (account_id, name, delimiter, role, total, unread, uid_validity)
                 VALUES (1, 'INBOX', '/', 'inbox', 9, 3, 7);
                 INSERT INTO message (id, folder_id, uid, flags, size_bytes, date, from_name,
                                      from_address, recipients, subject)
                 VALUES (41, 1, 5, 0, 10, 0, '', '', '[]', 'old');
                 PRAGMA user_version = 1;",
            )
            .unwrap();
    }

    fn check_migrated(home: &Path) {
        let databases = Databases::open(home, home, &Clock::system()).unwrap();
        let one = |db: &Connection, sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0));
        for (sql, expected) in [
            ("SELECT total FROM folder WHERE id = 1", 9),
            ("SELECT uid_validity FROM folder", 0),
            ("SELECT count(*) FROM message", 0),
            ("SELECT seq FROM sqlite_sequence WHERE name = 'message'", 41),
            ("SELECT version FROM upkeep", 4),
        ] {
            assert_eq!(one(&databases.cache, sql), Ok(expected), "{sql}");
        }
        for table in ["account", "draft", "pending_operation", "cache_generation"] {
            let sql = format!("SELECT count(*) FROM {table}");
            assert_eq!(one(&databases.user, &sql), Ok(1), "{table}");
        }
    }

    #[test]
    fn files_of_the_first_version_are_brought_up_to_date() {
        let home = tempfile::tempdir().unwrap();
        version_1(home.path());
        check_migrated(home.path());
    }

    #[test]
    fn what_was_hidden_before_it_had_a_table_stays_hidden() {
        let home = tempfile::tempdir().unwrap();
        let cache = Connection::open(home.path().join("cache.db")).unwrap();
        for (version, sql) in &CACHE_MIGRATIONS[..2] {
            cache.execute_batch(sql).unwrap();
            cache.pragma_update(None, "user_version", version).unwrap();
        }
        cache
            .execute_batch(
                "INSERT INTO folder (account_id, name, delimiter, role, total, unread, uid_validity)
                 VALUES (1, 'INBOX', '/', 'inbox', 9, 3, 7);
                 INSERT INTO count_shift (operation_id, folder_id, messages, total, unread)
                 VALUES (-5, 1, 1, -1, 0), (-6, 1, 1, -1, -1), (8, 1, 2, -2, -1);",
            )
            .unwrap();
        drop(cache);
        let databases = Databases::open(home.path(), home.path(), &Clock::system()).unwrap();
        let folder = FolderId(1);
        assert_eq!(hidden::shift(&databases.cache, folder).unwrap(), (-2, -1));
        assert_eq!(operations::count_shift(&databases.cache, folder).unwrap(), (-4, -2));
        let mut known = Vec::new();
        hidden::add_to(&mut known, &databases.cache, folder, (1, u32::MAX)).unwrap();
        let (deleted, seen) = (Flag::Deleted, Flag::Seen);
        let flags = [[deleted, seen].into_iter().collect(), [deleted].into_iter().collect()];
        let uids = [5, 6].map(|uid| Uid::new(uid).unwrap());
        assert_eq!(known, [(uids[0], flags[0]), (uids[1], flags[1])]);
    }

    #[test]
    fn a_kill_inside_a_migration_leaves_the_version_before() {
        let (home, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        version_1(home.path());
        for (name, migrations) in [("user.db", USER_MIGRATIONS), ("cache.db", CACHE_MIGRATIONS)] {
            let db = open_file(&home.path().join(name)).unwrap();
            // Pages leave for the log long before the commit.
            db.execute_batch("PRAGMA cache_size = 1; BEGIN IMMEDIATE").unwrap();
            db.execute_batch(migrations[1].1).unwrap();
            db.pragma_update(None, "user_version", 2).unwrap();
            for file in [name.to_owned(), format!("{name}-wal")] {
                fs::copy(home.path().join(&file), copy.path().join(&file)).unwrap();
            }
        }
        check_migrated(copy.path());
    }

    #[test]
    fn a_flipped_byte_in_the_version_is_damage_and_no_newer_version() {
        for version in [0, 1, 2, 66] {
            let home = tempfile::tempdir().unwrap();
            let databases = Databases::open(home.path(), home.path(), &Clock::system()).unwrap();
            databases.cache.pragma_update(None, "user_version", version).unwrap();
            drop(databases);
            let databases = Databases::open(home.path(), home.path(), &Clock::system()).unwrap();
            assert_eq!(first_message_sequence(&databases), 1_000_000_000, "{version}");
        }
        let home = tempfile::tempdir().unwrap();
        let databases = Databases::open(home.path(), home.path(), &Clock::system()).unwrap();
        databases.cache.pragma_update(None, "user_version", 9).unwrap();
        databases.cache.execute("UPDATE upkeep SET version = 9", []).unwrap();
        drop(databases);
        let refused = Databases::open(home.path(), home.path(), &Clock::system());
        assert!(matches!(refused, Err(StoreError::NewerSchema { found: 9, .. })));
    }
}
