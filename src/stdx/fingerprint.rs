//! Fingerprints of bytes that stay the same over versions and machines.

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// FNV-1a of 64 bits over several parts. Tells texts apart and notices damage; it withstands
/// nobody who looks for collisions on purpose.
#[derive(Clone, Copy, Debug)]
pub struct Fingerprint(u64);

impl Default for Fingerprint {
    fn default() -> Self {
        Self(OFFSET)
    }
}

impl Fingerprint {
    /// With another part, kept apart from the part before.
    #[must_use]
    pub fn with(self, part: &[u8]) -> Self {
        // 0xff occurs in no UTF-8 text.
        let ended = part.iter().chain(&[0xff]);
        Self(ended.fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME)))
    }

    /// With a number.
    #[must_use]
    pub fn with_number(self, number: i64) -> Self {
        self.with(&number.to_le_bytes())
    }

    /// As SQLite keeps it.
    #[must_use]
    pub fn to_i64(self) -> i64 {
        self.0.cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use crate::stdx::fingerprint::Fingerprint;

    #[test]
    fn parts_are_kept_apart_and_values_are_frozen() {
        let of = |parts: &[&str]| {
            let parts = parts.iter();
            parts.fold(Fingerprint::default(), |sum, part| sum.with(part.as_bytes())).to_i64()
        };
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_eq!(of(&["a"]), of(&["a"]));
        // Stored in databases.
        assert_eq!(of(&["ada@example.org"]), -6_700_051_793_393_090_682);
    }
}
