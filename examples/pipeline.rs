//! Counts the words of files with a pipeline of tasklets, and prints the most frequent ones.
//!
//! ```text
//! cargo run --release --example pipeline -- [--mappers N] [--top K] [--capacity N] FILE...
//! ```
//!
//! ```text
//!             chunks of text               tables
//!   reader ── bounded channel ──┬─ mapper ─┬─ bounded channel ── reducer
//!                               ├─ mapper ─┤
//!                               └─ mapper ─┘
//! ```
//!
//! * The reader reads the files in large chunks that end between two words ([`chunks`]). Reading blocks a thread, so it goes through
//!   [`tasklets::unblock`].
//! * Each mapper counts the words of the chunks it gets in a table of its own ([`words`], [`counts`]), and hands that over when there are
//!   no more chunks.
//! * The reducer, which is the main tasklet, adds the tables up.
//!
//! The channel of chunks is bounded, so the reader is never further ahead than `--capacity` chunks, however large the files are. The
//! pipeline ends by itself: when the reader is done its sender is dropped, each mapper's loop ends, its sender of tables is
//! dropped, and so the reducer's loop ends.
//!
//! A file that cannot be read to its end is reported, what was read of it counts, and the exit status is 1.

#[path = "pipeline/chunks.rs"]
mod chunks;
#[path = "pipeline/counts.rs"]
mod counts;
#[path = "pipeline/options.rs"]
mod options;
#[path = "pipeline/words.rs"]
mod words;

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use tasklets::channel::{self, Receiver, Sender};

use chunks::{Chunks, Size};
use counts::Counts;
use options::{Command, Options};

fn main() -> ExitCode {
    let options = match options::parse(std::env::args_os().skip(1)) {
        Ok(Command::Count(options)) => options,
        Ok(Command::Help) => return written(io::stdout().write_all(options::HELP.as_bytes())),
        Err(wrong) => {
            eprintln!("pipeline: {wrong}\n\n{}", options::HELP);
            return ExitCode::from(2);
        }
    };
    let runtime = match tasklets::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("pipeline: cannot start the workers: {error}");
            return ExitCode::FAILURE;
        }
    };
    let (top, begun) = (options.top, Instant::now());
    let report = runtime.run(|| count_words(options));
    let took = begun.elapsed();
    for unread in &report.unread {
        eprintln!("pipeline: {unread}");
    }
    let status = written(print(&report, top, took, &mut io::stdout().lock()));
    if report.unread.is_empty() { status } else { ExitCode::FAILURE }
}

/// The exit status after writing to stdout. A reader that has seen enough, such as `head`, is no failure.
fn written(result: io::Result<()>) -> ExitCode {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("pipeline: cannot write the result: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// A file that was not read to its end.
#[derive(Debug)]
struct Unread {
    path: PathBuf,
    error: io::Error,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read {}: {}", self.path.display(), self.error)
    }
}

/// What the pipeline found.
#[derive(Debug, Default)]
struct Report {
    counts: Counts,
    bytes: u64,
    unread: Vec<Unread>,
}

/// The pipeline. It runs in a tasklet, which is its reducer.
fn count_words(options: Options) -> Report {
    let mappers = options.mappers.unwrap_or_else(|| tasklets::Handle::current().workers());
    let (chunks, incoming) = channel::bounded(options.capacity);
    let (tables, finished) = channel::bounded(mappers);
    let reader = tasklets::spawn(move || read_files(options.files, &chunks));
    let mappers: Vec<_> = (0..mappers)
        .map(|_| {
            let (incoming, tables) = (incoming.clone(), tables.clone());
            tasklets::spawn(move || map(&incoming, &tables))
        })
        .collect();
    // What is left here would keep the channels open.
    drop((incoming, tables));

    let mut counts = Counts::default();
    for table in finished {
        counts.add(table);
    }
    for mapper in mappers {
        mapper.join().unwrap_or_else(|error| resume_unwind(error.into_panic()));
    }
    let (bytes, unread) = reader.join().unwrap_or_else(|error| resume_unwind(error.into_panic()));
    Report { counts, bytes, unread }
}

/// The reader: hands on all files as chunks. Returns their bytes, and those it could not read.
fn read_files(files: Vec<PathBuf>, chunks: &Sender<Vec<u8>>) -> (u64, Vec<Unread>) {
    let (mut bytes, mut unread) = (0, Vec::new());
    for path in files {
        let opened = path.clone();
        let result = tasklets::unblock(move || File::open(opened)).and_then(|file| {
            let mut file = Chunks::of(file, Size::DEFAULT);
            // The file goes to the thread that reads and comes back with the chunk, so nothing is shared.
            loop {
                let (returned, chunk) = tasklets::unblock(move || {
                    let chunk = file.next_chunk();
                    (file, chunk)
                });
                file = returned;
                let Some(chunk) = chunk? else { return Ok(()) };
                bytes += chunk.len() as u64;
                if chunks.send(chunk).is_err() {
                    // Every mapper has panicked; the reducer will resume that.
                    return Ok(());
                }
            }
        });
        if let Err(error) = result {
            unread.push(Unread { path, error });
        }
    }
    (bytes, unread)
}

/// A mapper: counts whatever comes, and hands its table over at the end.
fn map(incoming: &Receiver<Vec<u8>>, tables: &Sender<Counts>) {
    let mut counts = Counts::default();
    for mut chunk in incoming {
        words::each(&mut chunk, |word| counts.count(word));
    }
    // It fails only if the reducer was cancelled; then nobody wants it.
    let _ = tables.send(counts);
}

/// The most frequent words, and how fast they were found.
fn print(report: &Report, top: usize, took: Duration, out: &mut impl Write) -> io::Result<()> {
    for (word, count) in report.counts.top(top) {
        writeln!(out, "{count:>10} {word}")?;
    }
    let (words, different) = (report.counts.words(), report.counts.different());
    let (megabytes, seconds) = (report.bytes as f64 / 1e6, took.as_secs_f64());
    let rate = megabytes / seconds;
    writeln!(out, "{words} words, {different} different, in {megabytes:.1} MB: {seconds:.3} s, {rate:.0} MB/s")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A folder of its own for each test, which goes away with it.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("pipeline-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).expect("a folder");
            Self(path)
        }

        fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
            let path = self.0.join(name);
            fs::write(&path, content).expect("a file");
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn count(files: Vec<PathBuf>, mappers: usize, capacity: usize) -> Report {
        let options = Options { files, mappers: Some(mappers), top: 0, capacity };
        tasklets::run(move || count_words(options))
    }

    #[test]
    fn all_words_of_all_files_are_counted_whatever_the_pipeline_looks_like() {
        let folder = Folder::new("all");
        let text = "one two two three three three\n".repeat(50_000);
        let files = vec![folder.file("a", &text), folder.file("b", "four"), folder.file("empty", "")];
        for (mappers, capacity) in [(1, 0), (1, 16), (3, 0), (8, 1)] {
            let report = count(files.clone(), mappers, capacity);
            let top: Vec<_> = report.counts.top(4).into_iter().map(|(_, count)| count).collect();
            assert_eq!(top, [150_000, 100_000, 50_000, 1], "{mappers} mappers, capacity {capacity}");
            assert_eq!(report.bytes, text.len() as u64 + 4);
            assert!(report.unread.is_empty());
        }
    }

    #[test]
    fn unreadable_files_are_reported_and_the_others_counted() {
        let folder = Folder::new("unreadable");
        let (missing, good) = (folder.0.join("missing"), folder.file("good", "good"));
        let report = count(vec![missing.clone(), folder.0.clone(), good], 2, 1);
        assert_eq!(report.counts.words(), 1);
        let unread: Vec<_> = report.unread.iter().map(|unread| &unread.path).collect();
        assert_eq!(unread, [&missing, &folder.0]);
        assert!(report.unread[0].to_string().contains("missing"), "{}", report.unread[0]);
    }

    #[test]
    fn the_result_names_words_and_totals() {
        let folder = Folder::new("print");
        let report = count(vec![folder.file("a", "b a b")], 1, 1);
        let mut text = Vec::new();
        print(&report, 1, Duration::from_secs(1), &mut text).expect("no error of a vector");
        let text = String::from_utf8(text).expect("text");
        assert_eq!(text, "         2 b\n3 words, 2 different, in 0.0 MB: 1.000 s, 0 MB/s\n");
    }
}
