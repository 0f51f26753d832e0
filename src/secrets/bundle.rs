//! An exported bundle: accounts with their secrets as one age file that a passphrase opens, for
//! another host. An ordinary file of the `age` tool: `age -d bundle.age` shows what is in it.

use crate::secrets::{SecretError, sealed};
use secrecy::SecretString;
use zeroize::Zeroizing;

/// Longest bundle in bytes. A hundred accounts need about 500 KiB.
const BUNDLE_LIMIT_BYTES: usize = 4 * 1024 * 1024;

/// Seals `plaintext` with a passphrase. Blocks for about a second.
///
/// # Errors
/// [`SecretError::Io`] when the machine gives no randomness.
pub fn seal(plaintext: &[u8], passphrase: &SecretString) -> Result<Vec<u8>, SecretError> {
    Ok(sealed::seal_with_passphrase(passphrase, plaintext, None)?)
}

/// Opens a bundle. Blocks for as long as sealing it took where it was made.
///
/// # Errors
/// [`SecretError::WrongPassphrase`]; [`SecretError::BadBundle`] when the file is damaged or no bundle.
pub fn open(bundle: &[u8], passphrase: &SecretString) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    if BUNDLE_LIMIT_BYTES < bundle.len() {
        return Err(SecretError::BadBundle("it is far too long".to_owned()));
    }
    sealed::open_with_passphrase(passphrase, bundle).map_err(|error| {
        if sealed::is_wrong_passphrase(&error) {
            SecretError::WrongPassphrase
        } else {
            SecretError::BadBundle(error.to_string())
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::secrets::sealed::seal_with_passphrase;
    use crate::secrets::{SecretError, bundle};

    const TEXT: &[u8] = b"{\"refresh-token\":\"CANARY\"}";

    fn light(plain: &[u8]) -> Vec<u8> {
        seal_with_passphrase(&"open sesame".into(), plain, Some(2)).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_with_its_passphrase_only() {
        #[track_caller]
        fn check(sealed: &[u8], passphrase: &str, expected: Result<&[u8], &str>) {
            let found = bundle::open(sealed, &passphrase.into());
            let found = found.as_ref().map(|plain| plain.as_slice()).map_err(|error| {
                assert!(!format!("{error} {error:?} {:?}", error.problem()).contains("CANARY"));
                match error {
                    SecretError::WrongPassphrase => "wrong passphrase",
                    SecretError::BadBundle(_) => "bad bundle",
                    other => panic!("{other:?}"),
                }
            });
            assert_eq!(found, expected);
        }
        let sealed = light(TEXT);
        assert!(!sealed.windows(6).any(|part| part == b"CANARY"));
        check(&sealed, "open sesame", Ok(TEXT));
        check(&sealed, "open Sesame", Err("wrong passphrase"));
        check(&sealed, "", Err("wrong passphrase"));
        check(&light(b""), "open sesame", Ok(b""));
        check(&sealed[..sealed.len() - 1], "open sesame", Err("bad bundle"));
        let mut flipped = sealed.clone();
        *flipped.last_mut().unwrap() ^= 1;
        check(&flipped, "open sesame", Err("bad bundle"));
        check(b"", "open sesame", Err("bad bundle"));
        check(b"{\"refresh-token\":\"CANARY\"}", "open sesame", Err("bad bundle"));
        check(&vec![b'a'; 5 * 1024 * 1024], "open sesame", Err("bad bundle"));
        let key = age::x25519::Identity::generate();
        let for_a_key = age::encrypt(&key.to_public(), TEXT).unwrap();
        check(&for_a_key, "open sesame", Err("bad bundle"));
    }

    #[test]
    fn a_bundle_costs_whoever_guesses_a_second_each_time() {
        let sealed = bundle::seal(TEXT, &"open sesame".into()).unwrap();
        let head = String::from_utf8_lossy(&sealed);
        let log_n = head.lines().nth(1).unwrap().rsplit(' ').next().unwrap().parse::<u8>().unwrap();
        assert!(10 <= log_n, "{log_n}");
    }
}
