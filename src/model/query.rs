//! What a person looks for: words and fields.

/// A search as it was written, such as `from:ada is:unread "quarterly report"`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Query {
    text: String,
}

/// Why a text is no search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// There is nothing to look for.
    #[error("type what to look for")]
    Empty,
    /// A quotation mark has no other end.
    #[error("a quotation mark is open")]
    OpenQuote,
}

impl Query {
    /// Reads a search.
    ///
    /// # Errors
    /// [`QueryError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        if text.trim().is_empty() {
            return Err(QueryError::Empty);
        }
        if text.matches('"').count() % 2 == 1 {
            return Err(QueryError::OpenQuote);
        }
        Ok(Self { text: text.trim().to_owned() })
    }

    /// The search as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// One condition of a search that a server carries out (RFC 9051, section 6.4.4); a message has to
/// meet all of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerTerm {
    /// Anywhere in the message (`TEXT`).
    Text(String),
    /// In its body (`BODY`).
    Body(String),
    /// In the From header.
    From(String),
    /// In the To header.
    To(String),
    /// In the Cc header.
    Cc(String),
    /// In the Subject header.
    Subject(String),
    /// The Message-ID header is this one, without angle brackets (`HEADER Message-ID`).
    MessageId(String),
    /// Has a flag (`SEEN`, `ANSWERED`, `FLAGGED`, `DRAFT`, `DELETED`, `KEYWORD`).
    Flag(crate::model::flags::Flag),
    /// Arrived on that day or later (`SINCE`), local to the server.
    Since(chrono::NaiveDate),
    /// Arrived before that day (`BEFORE`), local to the server.
    Before(chrono::NaiveDate),
    /// Larger than so many bytes.
    Larger(u32),
    /// Smaller than so many bytes.
    Smaller(u32),
    /// Does not meet the condition.
    Not(Box<ServerTerm>),
}
