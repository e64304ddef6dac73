//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
usage: pipeline [OPTION...] FILE...
Counts the words of the files and prints the most frequent ones.
  --mappers N   tasklets that count (default: one for each worker)
  --top K       words to print (default: 10)
  --capacity N  chunks that the reader may be ahead (default: 16)
  --help        this text
  --            what follows are files
";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Print the help.
    Help,
    /// Count words.
    Count(Options),
}

/// What to count, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    /// At least one.
    pub(crate) files: Vec<PathBuf>,
    /// `None`: one for each worker.
    pub(crate) mappers: Option<usize>,
    /// Words to print.
    pub(crate) top: usize,
    /// Chunks that the reader may be ahead; 0 is a rendezvous.
    pub(crate) capacity: usize,
}

/// The most mappers: each has a table of its own.
const MOST_MAPPERS: usize = 10_000;

/// The most chunks in the channel, which is 16 GiB of text.
const MOST_CHUNKS: usize = 1 << 16;

/// Reads the arguments after the program's name.
pub(crate) fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Command, String> {
    let mut options = Options { files: Vec::new(), mappers: None, top: 10, capacity: 16 };
    while let Some(argument) = arguments.next() {
        let mut number = |least, most| number(&argument, arguments.next(), least, most);
        match argument.to_str() {
            Some("--help" | "-h") => return Ok(Command::Help),
            Some("--mappers") => options.mappers = Some(number(1, MOST_MAPPERS)?),
            Some("--top") => options.top = number(0, usize::MAX)?,
            Some("--capacity") => options.capacity = number(0, MOST_CHUNKS)?,
            Some("--") => options.files.extend(arguments.by_ref().map(PathBuf::from)),
            Some(option) if option.starts_with('-') => {
                return Err(format!("unknown option {option} (a file of that name goes after --)"));
            }
            _ => options.files.push(argument.into()),
        }
    }
    if options.files.is_empty() {
        return Err("no file is named".into());
    }
    Ok(Command::Count(options))
}

/// The number after an option.
fn number(option: &OsString, value: Option<OsString>, least: usize, most: usize) -> Result<usize, String> {
    let option = option.display();
    let value = value.ok_or_else(|| format!("{option} needs a number"))?;
    let number = value.to_str().and_then(|text| text.parse().ok());
    let within = number.filter(|number| (least..=most).contains(number));
    within.ok_or_else(|| format!("{option} takes a number from {least} to {most}, not {}", value.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn defaults_and_options() {
        let mut expected = Options { files: vec!["a".into(), "b".into()], mappers: None, top: 10, capacity: 16 };
        assert_eq!(parsed("a b"), Ok(Command::Count(expected.clone())));
        expected = Options { mappers: Some(3), top: 0, capacity: 0, ..expected };
        assert_eq!(parsed("--mappers 3 a --top 0 --capacity 0 b"), Ok(Command::Count(expected)));
        assert_eq!(parsed("a --help"), Ok(Command::Help));
    }

    #[test]
    fn files_may_look_like_options_after_two_hyphens() {
        let files = vec!["--top".into(), "-".into()];
        assert_eq!(parsed("-- --top -"), Ok(Command::Count(Options { files, mappers: None, top: 10, capacity: 16 })));
    }

    #[test]
    fn mistakes_are_named() {
        for (line, word) in [
            ("", "no file"),
            ("--fast a", "--fast"),
            ("--top", "--top"),
            ("a --mappers 0", "from 1"),
            ("a --capacity x", "not x"),
            ("a --capacity 9999999", "to 65536"),
        ] {
            let wrong = parsed(line).expect_err(line);
            assert!(wrong.contains(word), "{line}: {wrong}");
        }
    }
}
