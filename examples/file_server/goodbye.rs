//! Closing a connection so that the last response arrives.

use std::io::{self, Read};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use tasklets::net::TcpStream;

/// How long a client is given to notice.
const PATIENCE: Duration = Duration::from_secs(1);

/// Closes a connection on which the client may be sending still.
///
/// A socket closed with bytes unread, or that gets some afterwards, answers with a reset, and on
/// a reset the client's kernel may throw away the response before the client has read it. So only
/// the sending side is closed first, which tells the client, and what it sends until it closes too
/// is read and forgotten.
pub(crate) fn close(mut stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    let deadline = Instant::now() + PATIENCE;
    let mut forgotten = vec![0; 16 * 1024];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        stream.set_read_timeout(Some(left))?;
        if stream.read(&mut forgotten)? == 0 {
            return Ok(());
        }
    }
}
