//! What GETQUOTAROOT tells about storage (RFC 9208, and RFC 2087 before it).

use imap_proto::Response;
use imap_proto::rfc2087::QuotaResourceName;

/// STORAGE is counted in units of 1,024 octets (RFC 9208, section 5.1).
const STORAGE_UNIT_BYTES: u64 = 1_024;

/// Storage taken and storage there is, in bytes, of a QUOTA response that limits storage.
#[must_use]
pub fn storage(response: &Response<'_>) -> Option<(u64, u64)> {
    let Response::Quota(quota) = response else {
        return None;
    };
    let bytes = |units: u64| units.saturating_mul(STORAGE_UNIT_BYTES);
    quota
        .resources
        .iter()
        .find(|resource| matches!(resource.name, QuotaResourceName::Storage))
        .map(|resource| (bytes(resource.usage), bytes(resource.limit)))
}
