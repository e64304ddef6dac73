//! The part of `RESULTS.md` that a run writes. What people wrote around it stays.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::failure::Failure;

/// Starts the part.
const BEGIN: &str = "<!-- tables: begin (written by --save) -->\n";
/// Ends it.
const END: &str = "<!-- tables: end -->\n";

/// Puts `tables` into the file in place of those it has, or makes the file.
pub(super) fn save(file: &Path, tables: &str) -> Result<(), Failure> {
    let old = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => format!("# Results\n\n{BEGIN}{END}"),
        Err(error) => return Err(error.into()),
    };
    let new = replaced(&old, tables).ok_or_else(|| {
        Failure::new(format!("{} lacks the lines `{}` and `{}`", file.display(), BEGIN.trim(), END.trim()))
    })?;
    Ok(fs::write(file, new)?)
}

/// `text` with what lies between the marks replaced, if it has them.
fn replaced(text: &str, tables: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{tables}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_tables_are_replaced() {
        let old = format!("above\n{BEGIN}old\n{END}below\n");
        assert_eq!(replaced(&old, "new"), Some(format!("above\n{BEGIN}\nnew\n{END}below\n")));
    }

    #[test]
    fn a_file_without_the_marks_is_left_alone() {
        assert_eq!(replaced("prose\n", "new"), None);
    }
}
