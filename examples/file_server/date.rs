//! The dates of HTTP: `Sun, 06 Nov 1994 08:49:37 GMT`, always 29 bytes, always UTC.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A moment in whole seconds since 1970, from then to the year 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HttpDate(u64);

/// The last second that four digits of a year can name.
const LAST_SECOND: u64 = 253_402_300_799;

impl HttpDate {
    pub(crate) fn now() -> HttpDate {
        // A clock before 1970 is broken; clients make more of a wrong date than of none.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        HttpDate(since_epoch.as_secs().min(LAST_SECOND))
    }

    /// `None` if no HTTP date can name that second.
    pub(crate) fn from_unix_seconds(seconds: i64) -> Option<HttpDate> {
        let seconds = u64::try_from(seconds).ok()?;
        (seconds <= LAST_SECOND).then_some(HttpDate(seconds))
    }

    /// Reads the form that is written today. The two obsolete forms are not understood: then the
    /// condition they are part of does not hold, which is always a correct answer.
    pub(crate) fn parse(text: &str) -> Option<HttpDate> {
        let bytes = text.as_bytes();
        if bytes.len() != 29 || !text.is_ascii() {
            return None;
        }
        let month = MONTHS.iter().position(|&month| month == &text[8..11])?;
        let date = Civil {
            year: digits(&bytes[12..16])?,
            month: month as u64,
            day: digits(&bytes[5..7])?,
            hour: digits(&bytes[17..19])?,
            minute: digits(&bytes[20..22])?,
            second: digits(&bytes[23..25])?,
        };
        let parsed = HttpDate(date.to_seconds()?);
        // Written back it must be the same: that checks the weekday, the blanks and the colons,
        // and that there is such a day.
        (parsed.to_string() == text).then_some(parsed)
    }

    /// The form of the Common Log Format: `06/Nov/1994:08:49:37 +0000`.
    pub(crate) fn log_form(self) -> String {
        let Civil { year, month, day, hour, minute, second } = Civil::from_seconds(self.0);
        let month = MONTHS[month as usize];
        format!("{day:02}/{month}/{year:04}:{hour:02}:{minute:02}:{second:02} +0000")
    }
}

impl fmt::Display for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weekday = WEEKDAYS[(self.0 / 86_400 % 7) as usize];
        let Civil { year, month, day, hour, minute, second } = Civil::from_seconds(self.0);
        let month = MONTHS[month as usize];
        write!(f, "{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
    }
}

fn digits(bytes: &[u8]) -> Option<u64> {
    bytes.iter().try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u64::from(byte - b'0')))
}

/// A moment taken apart. `month` counts from 0, `day` from 1.
struct Civil {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
}

// Days are counted here from 1 March of the year 0, and years from March to March: the leap day is
// then the last of its year, and the lengths of the months before it are always the same.

/// From 1 March of the year 0 to 1 January 1970.
const DAYS_TO_1970: u64 = 719_468;
/// Days from 1 March to the first of each month, March first.
const MONTH_STARTS: [u64; 12] = [0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337];

/// Days from 1 March of the year 0 to 1 March of `year`.
fn year_start(year: u64) -> u64 {
    year * 365 + year / 4 - year / 100 + year / 400
}

impl Civil {
    fn from_seconds(seconds: u64) -> Civil {
        let days = seconds / 86_400 + DAYS_TO_1970;
        // 400 years have 146,097 days. The mean is off by less than a year either way.
        let mut year = days * 400 / 146_097;
        if year_start(year) > days {
            year -= 1;
        } else if year_start(year + 1) <= days {
            year += 1;
        }
        let day_of_year = days - year_start(year);
        let month = MONTH_STARTS.partition_point(|&start| start <= day_of_year) - 1;
        Civil {
            // The year's last two months, January and February, belong to the next.
            year: if month < 10 { year } else { year + 1 },
            month: (month as u64 + 2) % 12,
            day: day_of_year - MONTH_STARTS[month] + 1,
            hour: seconds / 3600 % 24,
            minute: seconds / 60 % 60,
            second: seconds % 60,
        }
    }

    /// `None` before 1970. A day that is not in its month gives some other moment.
    fn to_seconds(&self) -> Option<u64> {
        let year = if self.month >= 2 { self.year } else { self.year.checked_sub(1)? };
        let month = (self.month as usize + 10) % 12;
        let days = (year_start(year) + MONTH_STARTS[month] + self.day.checked_sub(1)?).checked_sub(DAYS_TO_1970)?;
        Some(days * 86_400 + self.hour * 3600 + self.minute * 60 + self.second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_are_written_right() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (LAST_SECOND, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(HttpDate(seconds).to_string(), text);
            assert_eq!(HttpDate::parse(text), Some(HttpDate(seconds)));
        }
        assert_eq!(HttpDate(784_111_777).log_form(), "06/Nov/1994:08:49:37 +0000");
    }

    #[test]
    fn each_day_follows_the_one_before() {
        let mut previous = Civil::from_seconds(0);
        for day in 1..3_000_000 {
            let seconds = day * 86_400;
            if seconds > LAST_SECOND {
                break;
            }
            let civil = Civil::from_seconds(seconds);
            let next_day =
                civil.day == previous.day + 1 && (civil.month, civil.year) == (previous.month, previous.year);
            let next_month = civil.day == 1
                && previous.day >= 28
                && civil.month == (previous.month + 1) % 12
                && civil.year == previous.year + u64::from(civil.month == 0);
            assert!(next_day || next_month, "{}", HttpDate(seconds));
            assert_eq!(civil.to_seconds(), Some(seconds));
            previous = civil;
        }
    }

    #[test]
    fn what_is_no_date_is_not_understood() {
        for text in [
            "",
            "Sun, 06 Nov 1994 08:49:37 BST",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:60 GMT",
            "Sun, 06 Nov 0000 08:49:37 GMT",
            "Sun, 06-Nov-1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:4x:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "S\u{fc}n, 06 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(HttpDate::parse(text), None, "{text}");
        }
    }

    #[test]
    fn moments_without_a_date_have_none() {
        assert_eq!(HttpDate::from_unix_seconds(-1), None);
        assert_eq!(HttpDate::from_unix_seconds(LAST_SECOND as i64 + 1), None);
        assert_eq!(HttpDate::from_unix_seconds(5), Some(HttpDate(5)));
    }
}
