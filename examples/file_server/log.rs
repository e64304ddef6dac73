//! The access log: a line for each response, in the Common Log Format.
//!
//! Standard output may be a slow terminal or a full pipe. A write that blocks would hold up a worker
//! and all its connections, so a thread of its own does the writing. When it cannot keep up lines
//! are lost rather than responses delayed; the log says how many.

use std::io::{self, BufWriter, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use crate::date::HttpDate;
use crate::request::RequestLine;
use crate::status::Status;

/// How many lines may wait to be written.
const BACKLOG: usize = 16 * 1024;

/// Where responses are recorded.
#[derive(Debug)]
pub(crate) struct AccessLog {
    messages: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

/// The thread that writes.
#[derive(Debug)]
pub(crate) struct LogWriter {
    messages: SyncSender<Message>,
    thread: JoinHandle<()>,
}

enum Message {
    Line(String),
    /// Nothing of interest comes after this.
    End,
}

impl AccessLog {
    /// Starts a log that ends in `output`.
    pub(crate) fn start(output: impl Write + Send + 'static) -> io::Result<(AccessLog, LogWriter)> {
        let (sender, receiver) = sync_channel(BACKLOG);
        let log = AccessLog { messages: sender.clone(), lost: Arc::default() };
        let lost = Arc::clone(&log.lost);
        let thread = thread::Builder::new().name("access-log".into()).spawn(move || {
            // Nobody is left to be told that the log cannot be written. Lines are lost from here.
            let _ = write_lines(&receiver, &lost, BufWriter::new(output));
        })?;
        Ok((log, LogWriter { messages: sender, thread }))
    }

    /// Records a line. Never waits.
    pub(crate) fn record(&self, line: String) {
        if self.messages.try_send(Message::Line(line)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl LogWriter {
    /// Waits until all lines recorded before are written. Blocks its thread.
    pub(crate) fn finish(self) {
        // Both fail only if the thread has ended already: then there is nothing to wait for.
        let _ = self.messages.send(Message::End);
        let _ = self.thread.join();
    }
}

/// One line. Without a `request` it was not understood.
pub(crate) fn line(client: IpAddr, request: Option<&RequestLine<'_>>, status: Status, length: u64) -> String {
    let date = HttpDate::now().log_form();
    let request = request.map_or_else(
        || "-".to_owned(),
        |RequestLine { method, target, minor_version }| {
            // A quote in a target must not look like the end of the field.
            format!("{method} {} HTTP/1.{minor_version}", target.escape_default())
        },
    );
    format!("{client} - - [{date}] \"{request}\" {} {length}\n", status.code())
}

fn write_lines(messages: &Receiver<Message>, lost: &AtomicU64, mut output: impl Write) -> io::Result<()> {
    loop {
        let message = match messages.try_recv() {
            Ok(message) => message,
            Err(_) => {
                // Nothing more waits to be written, so let it be seen.
                let lost = lost.swap(0, Ordering::Relaxed);
                if lost > 0 {
                    writeln!(output, "# {lost} lines lost: the log is written too slowly")?;
                }
                output.flush()?;
                messages.recv().unwrap_or(Message::End)
            }
        };
        match message {
            Message::Line(line) => output.write_all(line.as_bytes())?,
            Message::End => return output.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[derive(Clone, Default)]
    struct Collected(Arc<Mutex<Vec<u8>>>);

    impl Write for Collected {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_recorded_is_written_in_order() {
        let collected = Collected::default();
        let (log, writer) = AccessLog::start(collected.clone()).expect("a thread");
        for number in 0..1000 {
            log.record(format!("{number}\n"));
        }
        writer.finish();
        let expected: String = (0..1000).map(|number| format!("{number}\n")).collect();
        assert_eq!(*collected.0.lock().expect("not poisoned"), expected.as_bytes());
    }

    #[test]
    fn a_line_has_all_its_fields() {
        let request = RequestLine { method: "GET", target: "/a\"b", minor_version: 1 };
        let line = line(IpAddr::from([127, 0, 0, 1]), Some(&request), Status::NotFound, 14);
        let (before, rest) = line.split_once('[').expect("a date");
        let (_, after) = rest.split_once(']').expect("a date");
        assert_eq!(before, "127.0.0.1 - - ");
        assert_eq!(after, " \"GET /a\\\"b HTTP/1.1\" 404 14\n");
    }
}
