//! The desktop's Secret Service, through the `keyring` crate.
//!
//! All of it runs on a thread of its own that is never joined: the crate blocks, its D-Bus library
//! panics inside an async task, and a locked keyring whose prompt nobody sees blocks for ever, which
//! must hold up neither the program nor its end. Whoever asks waits for a bounded time only.
//!
//! The crate connects once per process. When that fails, the keyring stays away until the next run.

use crate::model::account::SecretsKind;
use crate::secrets::{SecretError, SecretKey, SecretStore};
use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use std::ffi::OsString;
use std::fmt;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Service name of every entry, as a desktop's password program shows it.
const SERVICE: &str = "posthaste";
/// Entry that is written and removed to see whether secrets can be kept. Reading proves nothing: a
/// gnome-keyring started over SSH answers that there is no such entry, and then refuses every write
/// because nobody can be asked for a password.
const PROBE: &str = "probe/none";
/// Longest wait for the probe: a service that runs answers within milliseconds.
const PROBE_LIMIT: Duration = Duration::from_secs(2);
/// Longest wait for anything else: a person may have to type the keyring's password.
const INTERACTIVE_LIMIT: Duration = Duration::from_secs(60);

/// What answers on the thread.
pub(crate) trait Backend: Send + 'static {
    /// Reads an entry.
    fn get(&self, name: &str) -> Result<Option<SecretString>, SecretError>;
    /// Writes an entry.
    fn put(&self, name: &str, secret: &SecretString) -> Result<(), SecretError>;
    /// Removes an entry, where there is one.
    fn delete(&self, name: &str) -> Result<(), SecretError>;
}

type Job = Box<dyn FnOnce(&dyn Backend) + Send>;

/// A keyring on its thread. The thread ends when this is dropped and nothing blocks it.
pub(crate) struct Keyring {
    jobs: mpsc::Sender<Job>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring(..)")
    }
}

impl Keyring {
    /// The Secret Service of this session.
    ///
    /// # Errors
    /// [`SecretError::NoKeyring`] when there is no session bus, so nobody who could answer.
    pub(crate) fn of_session() -> Result<Self, SecretError> {
        if has_session_bus(|name| std::env::var_os(name)) {
            Self::start(SecretService)
        } else {
            Err(SecretError::NoKeyring)
        }
    }

    /// A keyring with this backend.
    pub(crate) fn start(backend: impl Backend) -> Result<Self, SecretError> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let work = move || queue.into_iter().for_each(|job| job(&backend));
        thread::Builder::new().name("keyring".to_owned()).spawn(work)?;
        Ok(Self { jobs })
    }

    /// Whether a secret can be written and removed within two seconds.
    ///
    /// # Errors
    /// [`SecretError::NoKeyring`], [`SecretError::KeyringSilent`], [`SecretError::Keyring`].
    pub(crate) async fn probe(&self) -> Result<(), SecretError> {
        let write = |backend: &dyn Backend| {
            backend.put(PROBE, &SecretString::from("probe"))?;
            backend.delete(PROBE)
        };
        self.ask(PROBE_LIMIT, write).await
    }

    /// Runs `work` on the thread. Work whose caller has stopped waiting is left out, so that what
    /// was reported as not done is not done later.
    async fn ask<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce(&dyn Backend) -> Result<T, SecretError> + Send + 'static,
    ) -> Result<T, SecretError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |backend| {
            if !answer.is_closed() && answer.send(work(backend)).is_err() {
                tracing::debug!("the keyring answered too late");
            }
        });
        self.jobs.send(job).map_err(|_| SecretError::NoKeyring)?;
        match timeout(limit, answered).await {
            Ok(Ok(answer)) => answer,
            // The thread is gone: the backend panicked.
            Ok(Err(_)) => Err(SecretError::NoKeyring),
            Err(_) => Err(SecretError::KeyringSilent { waited_s: limit.as_secs() }),
        }
    }
}

#[async_trait]
impl SecretStore for Keyring {
    fn kind(&self) -> SecretsKind {
        SecretsKind::Keyring
    }

    async fn get(&self, key: &SecretKey) -> Result<Option<SecretString>, SecretError> {
        let name = key.to_string();
        self.ask(INTERACTIVE_LIMIT, move |backend| backend.get(&name)).await
    }

    async fn put(&self, key: &SecretKey, secret: &SecretString) -> Result<(), SecretError> {
        let (name, secret) = (key.to_string(), secret.clone());
        self.ask(INTERACTIVE_LIMIT, move |backend| backend.put(&name, &secret)).await
    }

    async fn delete(&self, key: &SecretKey) -> Result<(), SecretError> {
        let name = key.to_string();
        self.ask(INTERACTIVE_LIMIT, move |backend| backend.delete(&name)).await
    }
}

/// Whether a D-Bus session bus can be found the way the D-Bus library looks for it.
fn has_session_bus(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    let in_runtime_dir = |dir: OsString| Path::new(&dir).join("bus").exists();
    set("DBUS_SESSION_BUS_ADDRESS").is_some() || set("XDG_RUNTIME_DIR").is_some_and(in_runtime_dir)
}

/// The real backend.
struct SecretService;

impl Backend for SecretService {
    fn get(&self, name: &str) -> Result<Option<SecretString>, SecretError> {
        match entry(name)?.get_password() {
            Ok(secret) => Ok(Some(secret.into())),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(in_words(error)),
        }
    }

    fn put(&self, name: &str, secret: &SecretString) -> Result<(), SecretError> {
        entry(name)?.set_password(secret.expose_secret()).map_err(in_words)
    }

    fn delete(&self, name: &str) -> Result<(), SecretError> {
        match entry(name)?.delete_credential() {
            Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
            Err(error) => Err(in_words(error)),
        }
    }
}

fn entry(name: &str) -> Result<keyring::Entry, SecretError> {
    keyring::Entry::new(SERVICE, name).map_err(in_words)
}

/// Errors about an entry's content hold that content, so only those about the service are quoted.
fn in_words(error: keyring::Error) -> SecretError {
    match error {
        keyring::Error::NoDefaultStore => SecretError::NoKeyring,
        keyring::Error::NoStorageAccess(reason) => {
            SecretError::Keyring(format!("it cannot be opened ({reason})"))
        }
        keyring::Error::PlatformFailure(reason) => SecretError::Keyring(reason.to_string()),
        keyring::Error::Ambiguous(_) => {
            SecretError::Keyring("it holds more than one entry of that name".to_owned())
        }
        _ => SecretError::Keyring("its entry cannot be used".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use crate::secrets::keyring::{Backend, Keyring, has_session_bus, in_words};
    use crate::secrets::memory::MemoryStore;
    use crate::secrets::{SecretError, SecretKey, SecretKind, SecretStore};
    use secrecy::{ExposeSecret, SecretString};
    use std::collections::HashMap;
    use std::ffi::OsString;
    use std::sync::{Arc, Mutex, mpsc};

    /// A keyring that answers at once.
    #[derive(Clone, Default)]
    struct Drawer(Arc<Mutex<HashMap<String, SecretString>>>);

    impl Backend for Drawer {
        fn get(&self, name: &str) -> Result<Option<SecretString>, SecretError> {
            Ok(self.0.lock().unwrap().get(name).cloned())
        }

        fn put(&self, name: &str, secret: &SecretString) -> Result<(), SecretError> {
            self.0.lock().unwrap().insert(name.to_owned(), secret.clone());
            Ok(())
        }

        fn delete(&self, name: &str) -> Result<(), SecretError> {
            self.0.lock().unwrap().remove(name);
            Ok(())
        }
    }

    /// A locked keyring whose prompt nobody answers before the test lets go.
    struct Locked {
        release: mpsc::Receiver<()>,
        drawer: Drawer,
    }

    impl Backend for Locked {
        fn get(&self, name: &str) -> Result<Option<SecretString>, SecretError> {
            self.drawer.get(name)
        }

        fn put(&self, name: &str, secret: &SecretString) -> Result<(), SecretError> {
            let _gone = self.release.recv();
            self.drawer.put(name, secret)
        }

        fn delete(&self, name: &str) -> Result<(), SecretError> {
            self.drawer.delete(name)
        }
    }

    fn key() -> SecretKey {
        SecretKey { account: "work".parse().unwrap(), kind: SecretKind::RefreshToken }
    }

    #[tokio::test]
    async fn secrets_stand_under_account_and_kind() {
        let drawer = Drawer::default();
        let keyring = Keyring::start(drawer.clone()).unwrap();
        keyring.probe().await.unwrap();
        keyring.put(&key(), &"token".into()).await.unwrap();
        let names = drawer.0.lock().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names, ["work/refresh-token"], "the probe leaves nothing behind");
        let found = keyring.get(&key()).await.unwrap();
        assert_eq!(found.as_ref().map(|secret| secret.expose_secret()), Some("token"));
        keyring.delete(&key()).await.unwrap();
        assert!(keyring.get(&key()).await.unwrap().is_none());
    }

    /// Time stands still and jumps to the next limit as soon as nothing else can happen.
    #[tokio::test(start_paused = true)]
    async fn a_locked_keyring_holds_nobody_up_and_does_nothing_after_the_refusal() {
        let (let_go, release) = mpsc::channel();
        let drawer = Drawer::default();
        let keyring = Keyring::start(Locked { release, drawer: drawer.clone() }).unwrap();
        let silent = keyring.probe().await;
        assert!(matches!(silent, Err(SecretError::KeyringSilent { waited_s: 2 })), "{silent:?}");
        let silent = keyring.put(&key(), &"token".into()).await;
        assert!(matches!(silent, Err(SecretError::KeyringSilent { waited_s: 60 })), "{silent:?}");
        drop(let_go);
        // The queue is worked off in order: when this is answered, the refused `put` was passed.
        tokio::time::resume();
        keyring.delete(&SecretKey { kind: SecretKind::AccessToken, ..key() }).await.unwrap();
        assert!(drawer.0.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_backend_that_panics_is_a_keyring_that_is_away() {
        struct Broken;
        impl Backend for Broken {
            fn get(&self, _name: &str) -> Result<Option<SecretString>, SecretError> {
                Ok(None)
            }
            fn put(&self, _name: &str, _secret: &SecretString) -> Result<(), SecretError> {
                panic!("broken")
            }
            fn delete(&self, _name: &str) -> Result<(), SecretError> {
                Ok(())
            }
        }
        let keyring = Keyring::start(Broken).unwrap();
        assert!(matches!(keyring.probe().await, Err(SecretError::NoKeyring)));
        let gone = keyring.put(&key(), &"token".into()).await;
        assert!(matches!(gone, Err(SecretError::NoKeyring)));
    }

    #[test]
    fn a_bus_is_looked_for_where_the_library_looks() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().as_os_str().to_owned();
        let check = |bus: Option<&str>, runtime_dir: Option<OsString>, expected: bool| {
            let found = has_session_bus(|name| match name {
                "DBUS_SESSION_BUS_ADDRESS" => bus.map(OsString::from),
                "XDG_RUNTIME_DIR" => runtime_dir.clone(),
                other => panic!("{other}"),
            });
            assert_eq!(found, expected, "{bus:?} {runtime_dir:?}");
        };
        check(None, None, false);
        check(Some(""), Some(OsString::new()), false);
        check(Some("unix:path=/x"), None, true);
        check(None, Some(path.clone()), false);
        std::fs::write(dir.path().join("bus"), "").unwrap();
        check(None, Some(path), true);
    }

    #[test]
    fn an_error_about_an_entry_does_not_quote_it() {
        let shown = format!("{:?}", in_words(keyring::Error::BadEncoding(b"CANARY".to_vec())));
        assert!(!shown.contains("67"), "{shown}");
        assert!(matches!(in_words(keyring::Error::NoDefaultStore), SecretError::NoKeyring));
    }

    #[tokio::test]
    async fn memory_keeps_what_it_is_given() {
        let store = MemoryStore::default();
        assert!(store.get(&key()).await.unwrap().is_none());
        store.put(&key(), &"CANARY".into()).await.unwrap();
        assert!(store.get(&key()).await.unwrap().is_some());
        assert!(!format!("{store:?}").contains("CANARY"));
        store.delete(&key()).await.unwrap();
        assert!(store.get(&key()).await.unwrap().is_none());
    }
}
