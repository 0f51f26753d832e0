//! Numbers as people read them.

/// `1 message`, `12 messages`, `1,200 messages`.
#[must_use]
pub fn counted(messages: u32) -> String {
    let noun = if messages == 1 { "message" } else { "messages" };
    format!("{} {noun}", grouped(u64::from(messages)))
}

/// A number with a comma between its thousands.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if 0 < place && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use crate::stdx::numbers::counted;

    #[test]
    fn numbers_read_well() {
        #[track_caller]
        fn check(number: u32, expected: &str) {
            assert_eq!(counted(number), expected);
        }
        check(0, "0 messages");
        check(1, "1 message");
        check(999, "999 messages");
        check(1_000, "1,000 messages");
        check(1_234_567, "1,234,567 messages");
    }
}
