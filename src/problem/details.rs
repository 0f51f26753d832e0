//! What an administrator looks for in the server's own words: numbers, ids and times.

use crate::problem::catalogue;

/// What a server's text names besides its reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The number of the failure as the server writes it: `AADSTS530035`, `535 5.7.139`.
    pub code: Option<String>,
    /// Finds the sign-in in the Entra sign-in log, or the request at Graph.
    pub correlation_id: Option<String>,
    /// Finds the request in Microsoft's own records.
    pub trace_id: Option<String>,
    /// When it happened, as the server wrote it; UTC.
    pub timestamp: Option<String>,
    /// The machine that answered, which Exchange names in brackets.
    pub server: Option<String>,
}

/// Letters and digits of an id with its hyphens, such as `8f6f2a4e-0c3b-4f0e-9a51-2d6c1b7e9f00`.
const ID_CHARS: usize = 36;
/// Characters of `2026-01-31 12:00:00`.
const TIME_CHARS: usize = 19;
/// Longest name of a machine in characters (RFC 1035, section 2.3.4).
const SERVER_LIMIT_CHARS: usize = 253;
/// Fewest parts of the name of a machine of Exchange.
const SERVER_LABELS: usize = 3;

/// How Entra ID, its error pages and Graph name the id that both sides know.
const CORRELATION_LABELS: [&str; 4] =
    ["correlation id", "correlation_id", "correlationid", "client-request-id"];
/// How they name the id that only the server knows. The first that has an id is taken.
const TRACE_LABELS: [&str; 5] = ["trace id", "trace_id", "request id", "requestid", "request-id"];

impl Facts {
    /// The facts as label and value, in the order in which an administrator needs them.
    #[must_use]
    pub fn labelled(&self) -> Vec<(&'static str, &str)> {
        [
            ("Code", &self.code),
            ("Correlation ID", &self.correlation_id),
            ("Trace ID", &self.trace_id),
            ("Time", &self.timestamp),
            ("Server", &self.server),
        ]
        .into_iter()
        .filter_map(|(label, value)| Some((label, value.as_deref()?)))
        .collect()
    }
}

/// The number, the ids and the time in a server's text: `error_description` of Entra ID, which
/// ends in `Trace ID: … Correlation ID: … Timestamp: 2026-01-31 12:00:00Z`, its JSON, its error
/// pages, answers of Graph, and those of Exchange, which end in `[MACHINE 2026-01-31T12:00:00Z …]`.
///
/// What is returned holds only letters, digits and `- . : Z` and is harmless to show.
#[must_use]
pub fn facts(details: &str) -> Facts {
    // ASCII only: offsets stay those of `details`.
    let lower = details.to_ascii_lowercase();
    let id_after = |label: &&str| {
        lower.match_indices(label).find_map(|(at, label)| {
            let own_word = lower.get(..at).is_none_or(|before| !before.ends_with('-'));
            let after = details.get(at + label.len()..).filter(|_| own_word)?;
            id(after.trim_start_matches(|c: char| c.is_whitespace() || ":=\"'".contains(c)))
        })
    };
    let number = catalogue::aadsts_in(details).map(|number| format!("AADSTS{number}"));
    Facts {
        code: number.or_else(|| reply_code(details)),
        correlation_id: CORRELATION_LABELS.iter().find_map(id_after),
        trace_id: TRACE_LABELS.iter().find_map(id_after),
        timestamp: timestamp(details),
        server: server(details),
    }
}

/// An id at the start of a text: 32 hexadecimal digits in five groups (RFC 9562, section 4).
fn id(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_ascii_hexdigit() && c != '-').unwrap_or(text.len());
    let found = text.get(..end)?;
    let groups: Vec<usize> = found.split('-').map(str::len).collect();
    (found.len() == ID_CHARS && groups == [8, 4, 4, 4, 12]).then(|| found.to_owned())
}

/// The first date with a time, and the `Z` that ends it.
fn timestamp(text: &str) -> Option<String> {
    let starts = text.char_indices().filter(|(_at, c)| c.is_ascii_digit());
    starts.map(|(at, _c)| at).find_map(|at| {
        let rest = text.get(at..)?;
        let head = rest.get(..TIME_CHARS).filter(|head| is_time(head))?;
        let tail = rest.get(TIME_CHARS..)?;
        let fraction = tail.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(tail.len());
        let zone = tail.get(fraction..).filter(|zone| zone.starts_with('Z')).map_or("", |_| "Z");
        Some(format!("{head}{zone}"))
    })
}

/// Whether it has the shape of `2026-01-31 12:00:00`.
fn is_time(text: &str) -> bool {
    text.chars().zip("0000-00-00 00:00:00".chars()).all(|(c, shape)| match shape {
        '0' => c.is_ascii_digit(),
        ' ' => c == ' ' || c == 'T',
        sign => c == sign,
    })
}

/// An SMTP reply code with its enhanced status code (RFC 3463), at the start of a text.
fn reply_code(text: &str) -> Option<String> {
    let mut words = text.split([' ', '-']).filter(|word| !word.is_empty());
    let (code, status) = (words.next()?, words.next()?);
    let is_code = code.len() == 3 && code.chars().all(|c| c.is_ascii_digit());
    let parts: Vec<&str> = status.split('.').collect();
    let is_part =
        |part: &&str| (1..=3).contains(&part.len()) && part.chars().all(|c| c.is_ascii_digit());
    (is_code && parts.len() == 3 && parts.iter().all(is_part)).then(|| format!("{code} {status}"))
}

/// The name of a machine of Exchange in brackets.
fn server(text: &str) -> Option<String> {
    text.split('[').skip(1).find_map(|after| {
        let end = after.find([']', ' '])?;
        let name = after.get(..end)?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        let named = SERVER_LABELS <= name.split('.').count() && name.len() <= SERVER_LIMIT_CHARS;
        (named && name.chars().all(allowed)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use crate::problem::details::facts;

    const CORRELATION: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
    const TRACE: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        assert_eq!(facts(text).labelled(), expected, "{text:?}");
    }

    #[test]
    fn an_administrator_finds_what_the_logs_are_searched_by() {
        let all = [
            ("Code", "AADSTS530035"),
            ("Correlation ID", CORRELATION),
            ("Trace ID", TRACE),
            ("Time", "2026-01-31 12:00:00Z"),
        ];
        check(
            &format!(
                "access_denied: AADSTS530035: Access has been blocked by security defaults. Trace \
                 ID: {TRACE} Correlation ID: {CORRELATION} Timestamp: 2026-01-31 12:00:00Z"
            ),
            &all,
        );
        check(
            &format!(
                r#"{{"error":"access_denied","error_description":"AADSTS530035: no","error_codes":
                [530035],"timestamp":"2026-01-31 12:00:00Z","trace_id":"{TRACE}",
                "correlation_id":"{CORRELATION}"}}"#
            ),
            &all,
        );
        check(
            &format!(
                "Sorry, but we're having trouble signing you in.\nAADSTS530035: blocked\nRequest \
                 Id: {TRACE}\nCorrelation Id: {CORRELATION}\nTimestamp: 2026-01-31T12:00:00Z"
            ),
            &[all[0], all[1], all[2], ("Time", "2026-01-31T12:00:00Z")],
        );
    }

    #[test]
    fn graph_and_exchange_name_things_differently() {
        check(
            &format!(
                r#"{{"error":{{"code":"ErrorAccessDenied","innerError":{{"date":
                "2026-01-31T12:00:00","request-id":"{TRACE}",
                "client-request-id":"{CORRELATION}"}}}}}}"#
            ),
            &[
                ("Correlation ID", CORRELATION),
                ("Trace ID", TRACE),
                ("Time", "2026-01-31T12:00:00"),
            ],
        );
        check(
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the \
             Tenant. [AM0PR01CA0001.EURPRD01.PROD.OUTLOOK.COM 2026-01-31T12:00:00.123Z 08DE6]",
            &[
                ("Code", "535 5.7.139"),
                ("Time", "2026-01-31T12:00:00Z"),
                ("Server", "AM0PR01CA0001.EURPRD01.PROD.OUTLOOK.COM"),
            ],
        );
    }

    #[test]
    fn what_only_looks_alike_is_left_alone() {
        check("", &[]);
        check("NO AUTHENTICATE failed.", &[]);
        check("Correlation ID: none Timestamp: soon", &[]);
        check("Correlation ID: 0f8fad5b-d9cb-469f-a165-70867728950e0", &[]);
        check("client-request-id", &[]);
        check("[\u{1b}[2J.x] 2026-01-31", &[]);
        check("Größe 2026-01-31 12:00:00", &[("Time", "2026-01-31 12:00:00")]);
        check("550 1.2.3.4 said no", &[]);
    }
}
