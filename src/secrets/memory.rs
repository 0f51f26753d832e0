//! Secrets in memory only: the demo and tests. Gone at the end of the process.

use crate::model::account::SecretsKind;
use crate::secrets::{SecretError, SecretKey, SecretStore};
use async_trait::async_trait;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Secrets that are never written anywhere.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<BTreeMap<SecretKey, SecretString>>);

impl MemoryStore {
    /// A map is whole whatever a thread that panicked was doing with it.
    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<SecretKey, SecretString>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl SecretStore for MemoryStore {
    fn kind(&self) -> SecretsKind {
        SecretsKind::Memory
    }

    async fn get(&self, key: &SecretKey) -> Result<Option<SecretString>, SecretError> {
        Ok(self.with(|secrets| secrets.get(key).cloned()))
    }

    async fn put(&self, key: &SecretKey, secret: &SecretString) -> Result<(), SecretError> {
        self.with(|secrets| secrets.insert(key.clone(), secret.clone()));
        Ok(())
    }

    async fn delete(&self, key: &SecretKey) -> Result<(), SecretError> {
        self.with(|secrets| secrets.remove(key));
        Ok(())
    }
}
