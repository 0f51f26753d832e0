//! Moments in words, in the person's own time zone.

use crate::stdx::clock::UnixSeconds;
use chrono::{DateTime, Datelike, FixedOffset, Local, NaiveDate, TimeZone, Utc};

/// Whose clock on the wall dates are shown by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zone {
    /// This machine's.
    #[default]
    Local,
    /// Universal time: the same on every machine.
    Utc,
}

/// Seconds of a minute.
const MINUTE_S: i64 = 60;
/// Seconds of an hour.
const HOUR_S: i64 = 60 * MINUTE_S;
/// Seconds of a day.
const DAY_S: i64 = 24 * HOUR_S;
/// Days for which a weekday says which day it was.
const WEEK_DAYS: i64 = 6;

fn on_the_wall(zone: Zone, at: UnixSeconds) -> Option<DateTime<FixedOffset>> {
    match zone {
        Zone::Local => Local.timestamp_opt(at.0, 0).single().map(|at| at.fixed_offset()),
        Zone::Utc => Utc.timestamp_opt(at.0, 0).single().map(|at| at.fixed_offset()),
    }
}

/// A date of at most 10 cells: the time today, the weekday this week, then the day, then the year.
#[must_use]
pub fn short(zone: Zone, at: UnixSeconds, now: UnixSeconds) -> String {
    let (Some(date), Some(today)) = (on_the_wall(zone, at), on_the_wall(zone, now)) else {
        return String::new();
    };
    let days = today.date_naive().signed_duration_since(date.date_naive()).num_days();
    let format = match days {
        0 => "%H:%M",
        1..=WEEK_DAYS => "%a %H:%M",
        _past_or_future if date.year() == today.year() => "%-d %b",
        _past_or_future => "%Y-%m-%d",
    };
    date.format(format).to_string()
}

/// A date in full.
#[must_use]
pub fn long(zone: Zone, at: UnixSeconds) -> String {
    on_the_wall(zone, at)
        .map(|date| date.format("%a, %-d %b %Y %H:%M").to_string())
        .unwrap_or_default()
}

/// Days from now until `day`; negative when it is past.
#[must_use]
pub fn days_until(zone: Zone, now: UnixSeconds, day: NaiveDate) -> Option<i64> {
    let today = on_the_wall(zone, now)?.date_naive();
    Some(day.signed_duration_since(today).num_days())
}

/// A span of seconds in its largest unit: `45 s`, `52 min`, `3 h`, `2 days`.
#[must_use]
pub fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    if seconds < MINUTE_S {
        return format!("{seconds} s");
    }
    if seconds < 2 * HOUR_S {
        return format!("{} min", seconds / MINUTE_S);
    }
    if seconds < 2 * DAY_S {
        return format!("{} h", seconds / HOUR_S);
    }
    format!("{} days", seconds / DAY_S)
}

/// A countdown: `14:03`.
#[must_use]
pub fn countdown(seconds: i64) -> String {
    let seconds = seconds.max(0);
    format!("{}:{:02}", seconds / MINUTE_S, seconds % MINUTE_S)
}

/// A size in bytes in words: `812 B`, `14 kB`, `2.3 MB`, `49.5 GB`.
#[must_use]
pub fn size(bytes: usize) -> String {
    let kilo = 1024;
    if bytes < kilo {
        return format!("{bytes} B");
    }
    if bytes < kilo * kilo {
        return format!("{} kB", bytes / kilo);
    }
    let (unit, word) =
        if bytes < kilo * kilo * kilo { (kilo * kilo, "MB") } else { (kilo * kilo * kilo, "GB") };
    let tenths = bytes / (unit / 10);
    format!("{}.{} {word}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::{Zone, countdown, long, short, size, span};
    use crate::stdx::clock::UnixSeconds;

    #[test]
    fn a_date_is_as_short_as_it_can_be() {
        // Wednesday, 11 November 2026, 10:00 UTC.
        let now = UnixSeconds(1_794_391_200);
        #[track_caller]
        fn check(now: UnixSeconds, ago: i64, expected: &str) {
            assert_eq!(short(Zone::Utc, now.plus(-ago), now), expected, "{ago}");
        }
        check(now, 60, "09:59");
        check(now, 24 * 3600, "Tue 10:00");
        check(now, 7 * 24 * 3600, "4 Nov");
        check(now, 400 * 24 * 3600, "2025-10-07");
        check(now, -2 * 24 * 3600, "13 Nov");
        assert_eq!(short(Zone::Utc, UnixSeconds(i64::MAX), now), "");
        assert_eq!(long(Zone::Utc, now), "Wed, 11 Nov 2026 10:00");
    }

    #[test]
    fn spans_and_sizes_use_one_unit() {
        assert_eq!(
            [span(-5), span(59), span(3120), span(7200), span(200_000)],
            ["0 s", "59 s", "52 min", "2 h", "2 days"]
        );
        assert_eq!([countdown(843), countdown(-1)], ["14:03", "0:00"]);
        assert_eq!([size(812), size(14_500), size(2_500_000)], ["812 B", "14 kB", "2.3 MB"]);
        assert_eq!(size(53_150_220_288), "49.5 GB");
    }
}
