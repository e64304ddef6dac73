//! The `Range` field: which part of a file is wanted.

use std::ops::Range;

/// What a `Range` field asks of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of it: the field is not understood, or asks for several parts. A server may always
    /// answer as if it had not been sent.
    Whole,
    /// These bytes; never none.
    Part(Range<u64>),
    /// Bytes that the file does not have.
    Nothing,
}

/// Applies the value of a `Range` field to a file of `length` bytes.
pub(crate) fn wanted(field: &str, length: u64) -> Wanted {
    understood(field, length).unwrap_or(Wanted::Whole)
}

fn understood(field: &str, length: u64) -> Option<Wanted> {
    let (unit, ranges) = field.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = ranges.trim().split_once('-')?;
    let part = match (first, last) {
        // The last so many bytes.
        ("", count) => {
            let count = number(count)?;
            if count > 0 && length == 0 {
                return None;
            }
            length.saturating_sub(count)..length
        }
        (first, "") => number(first)?..length,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(length)
        }
    };
    Some(if part.is_empty() { Wanted::Nothing } else { Wanted::Part(part) })
}

/// Digits only. More than fit name a byte that no file has.
fn number(digits: &str) -> Option<u64> {
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_ranges() {
        for (field, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=0-4", 0..5),
            ("bytes=2-", 2..10),
            ("bytes=9-9", 9..10),
            ("bytes=5-100", 5..10),
            ("bytes=5-99999999999999999999999", 5..10),
            ("bytes=-3", 7..10),
            ("bytes=-100", 0..10),
            ("Bytes = 1-2", 1..3),
        ] {
            assert_eq!(wanted(field, 10), Wanted::Part(part), "{field}");
        }
    }

    #[test]
    fn bytes_that_are_not_there() {
        for field in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(wanted(field, 10), Wanted::Nothing, "{field}");
        }
        assert_eq!(wanted("bytes=0-", 0), Wanted::Nothing);
    }

    #[test]
    fn what_is_not_understood_is_ignored() {
        for field in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=3-2",
            "bytes=+1-2",
            "bytes=1-2,4-5",
            "lines=1-2",
            "bytes=0x1-2",
            "bytes=1--2",
            "bytes=1 - 2",
        ] {
            assert_eq!(wanted(field, 10), Wanted::Whole, "{field}");
        }
        assert_eq!(wanted("bytes=-5", 0), Wanted::Whole);
    }
}
