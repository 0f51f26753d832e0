//! The age format (<https://age-encryption.org/v1>): sealing and unsealing with a key or passphrase.

use age::{DecryptError, Encryptor, scrypt};
use secrecy::SecretString;
use std::io::{self, Read, Write};
use zeroize::Zeroizing;

/// Highest scrypt work factor that is tried, as a power of two: 22 takes some 20 s and 4 GiB. The
/// default of the `age` crate follows the load of the machine and can refuse our own file.
const WORK_LIMIT_LOG_N: u8 = 22;

/// Seals `plain` so that `key` opens it.
pub(crate) fn seal(key: &dyn age::Recipient, plain: &[u8]) -> io::Result<Vec<u8>> {
    let encryptor = Encryptor::with_recipients(std::iter::once(key)).map_err(io::Error::other)?;
    let mut sealed = Vec::new();
    let mut writer = encryptor.wrap_output(&mut sealed)?;
    writer.write_all(plain)?;
    writer.finish()?;
    Ok(sealed)
}

/// Opens what was sealed for `key`.
pub(crate) fn open(
    key: &dyn age::Identity,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let decryptor = age::Decryptor::new_buffered(sealed)?;
    let mut plain = Zeroizing::new(Vec::new());
    decryptor.decrypt(std::iter::once(key))?.read_to_end(&mut plain)?;
    Ok(plain)
}

/// Seals with a passphrase. `log_n` sets the scrypt work factor; `None` measures what takes a second
/// here.
pub(crate) fn seal_with_passphrase(
    passphrase: &SecretString,
    plain: &[u8],
    log_n: Option<u8>,
) -> io::Result<Vec<u8>> {
    let mut key = scrypt::Recipient::new(passphrase.clone());
    if let Some(log_n) = log_n {
        key.set_work_factor(log_n);
    }
    seal(&key, plain)
}

/// Opens with a passphrase. Takes as long as sealing did on the machine it was done on.
pub(crate) fn open_with_passphrase(
    passphrase: &SecretString,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let mut key = scrypt::Identity::new(passphrase.clone());
    key.set_max_work_factor(WORK_LIMIT_LOG_N);
    open(&key, sealed)
}

/// Whether a failure is that of a wrong passphrase; the rest is about the file.
pub(crate) fn is_wrong_passphrase(error: &DecryptError) -> bool {
    matches!(error, DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed)
}
