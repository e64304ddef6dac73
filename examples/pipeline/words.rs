//! What a word is.
//!
//! A run of letters, digits and apostrophes, without the apostrophes around it, in lower case. Text is UTF-8; what is not stands between
//! words, as spaces do.

/// Whether a word may contain this byte: all that are not ASCII may belong to a letter.
fn may_belong(byte: u8) -> bool {
    BELONGING[byte as usize]
}

/// The answer for each byte: one load, where the question takes several comparisons.
const BELONGING: [bool; 256] = {
    let mut belonging = [false; 256];
    let mut byte = 0;
    while byte < belonging.len() {
        let character = byte as u8;
        belonging[byte] = character.is_ascii_alphanumeric() || character == b'\'' || !character.is_ascii();
        byte += 1;
    }
    belonging
};

/// After the last byte that certainly is between words; `None` if there is no such byte.
pub(crate) fn last_gap(text: &[u8]) -> Option<usize> {
    text.iter().rposition(|&byte| !may_belong(byte)).map(|index| index + 1)
}

/// Before the last character, where text without a gap can be cut. The end, if that is no UTF-8.
pub(crate) fn last_character(text: &[u8]) -> usize {
    let starts = |&byte: &u8| byte & 0b1100_0000 != 0b1000_0000;
    let near_the_end = text.len().saturating_sub(4);
    match text[near_the_end..].iter().rposition(starts) {
        Some(index) if near_the_end + index > 0 => near_the_end + index,
        _ => text.len(),
    }
}

/// Calls `found` with each word, of which letters are made lower case in place.
pub(crate) fn each(text: &mut [u8], mut found: impl FnMut(&[u8])) {
    // All at once, which compilers make many bytes at a time.
    text.make_ascii_lowercase();
    for run in text.split(|&byte| !may_belong(byte)).filter(|run| !run.is_empty()) {
        if run.is_ascii() {
            trimmed(run, &mut found);
        } else {
            each_of_letters(run, &mut found);
        }
    }
}

/// The words of a run in which there are more than ASCII letters.
fn each_of_letters(run: &[u8], found: &mut impl FnMut(&[u8])) {
    let between = |character: char| !character.is_alphanumeric() && !matches!(character, '\'' | '\u{2019}');
    for text in run.utf8_chunks() {
        for word in text.valid().split(between) {
            trimmed(word.to_lowercase().replace('\u{2019}', "'").as_bytes(), found);
        }
    }
}

/// Calls `found` with what is between the apostrophes around a word, if there is anything.
fn trimmed(word: &[u8], found: &mut impl FnMut(&[u8])) {
    let begin = word.iter().position(|&byte| byte != b'\'');
    let end = word.iter().rposition(|&byte| byte != b'\'');
    if let (Some(begin), Some(end)) = (begin, end) {
        found(&word[begin..=end]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: impl AsRef<[u8]>) -> Vec<String> {
        let mut words = Vec::new();
        each(&mut text.as_ref().to_vec(), |word| words.push(String::from_utf8(word.to_vec()).expect("UTF-8")));
        words
    }

    #[test]
    fn punctuation_separates_and_case_does_not_count() {
        assert_eq!(words("The cat, the\tCAT--and 2 dogs.\n"), ["the", "cat", "the", "cat", "and", "2", "dogs"]);
        assert!(words(" \n.,;''' ").is_empty());
    }

    #[test]
    fn apostrophes_count_inside_words_only() {
        assert_eq!(words("'don't' the dogs'"), ["don't", "the", "dogs"]);
        assert_eq!(words("don\u{2019}t"), ["don't"]);
    }

    #[test]
    fn letters_of_all_scripts_are_letters() {
        assert_eq!(
            words("\u{c4}rger \u{201c}na\u{ef}ve\u{201d}\u{2014}\u{41c}\u{438}\u{440}"),
            ["\u{e4}rger", "na\u{ef}ve", "\u{43c}\u{438}\u{440}"]
        );
    }

    #[test]
    fn what_is_no_text_separates() {
        assert_eq!(words(b"caf\xe9 a\xff\xfeb \x00c"), ["caf", "a", "b", "c"]);
    }

    #[test]
    fn gaps_and_characters_are_found_from_the_end() {
        assert_eq!((last_gap(b"one two"), last_gap(b"one "), last_gap(b"one")), (Some(4), Some(4), None));
        assert_eq!(
            (last_character("a\u{20ac}".as_bytes()), last_character(b"a"), last_character(b"\x80\x80")),
            (1, 1, 2)
        );
    }
}
