//! A web server for the files of a directory.
//!
//! ```text
//! cargo run --release --example file_server -- [DIR] [--addr 127.0.0.1:8080] [--log]
//! ```
//!
//! Each connection is a tasklet that runs plain blocking code. Where to start reading:
//!
//! * [`server`]: where a connection starts; [`connection`]: what it does, from its first byte to its
//!   last; [`input`] and [`goodbye`]: the first and the last of these bytes;
//! * [`connections`]: how many there may be, and how they are stopped;
//! * [`request`], [`path`], [`range`], [`validators`]: what a client wants, no I/O in them;
//! * [`site`]: what it gets; [`root`] opens the file, [`content`] reads it, [`listing`] and
//!   [`response`] write.

mod connection;
mod connections;
mod content;
mod date;
mod descriptors;
mod goodbye;
mod input;
mod interrupt;
mod listing;
mod log;
mod options;
mod path;
mod range;
mod request;
mod response;
mod root;
mod server;
mod site;
mod status;
mod validators;

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use tasklets::net::TcpListener;

use connections::Connections;
use interrupt::Interrupt;
use log::AccessLog;
use options::{Command, Options};
use root::Root;
use server::Server;
use site::Site;

fn main() -> ExitCode {
    let options = match options::parse(std::env::args_os().skip(1)) {
        Ok(Command::Serve(options)) => options,
        Ok(Command::Help) => {
            announce(options::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("file_server: {error}");
            return ExitCode::from(2);
        }
    };
    let mut builder = tasklets::Runtime::builder();
    if let Some(workers) = options.workers {
        builder = builder.workers(workers);
    }
    let result = builder.build().and_then(|runtime| runtime.run(|| serve(options)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("file_server: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until the first Ctrl-C, and then until the last response is sent.
fn serve(options: Options) -> io::Result<()> {
    let root =
        Root::new(&options.directory).map_err(explained(format_args!("cannot serve {:?}", options.directory)))?;
    let listener =
        TcpListener::bind(options.address).map_err(explained(format_args!("cannot listen on {}", options.address)))?;
    let address = listener.local_addr()?;
    let interrupt = Interrupt::listen()?;
    let max_connections = descriptors::make_room(options.max_connections)?;
    if max_connections < options.max_connections {
        eprintln!("file_server: the limit of open files leaves {max_connections} connections");
    }
    let (log, log_writer) = match options.log {
        true => Some(AccessLog::start(io::stdout())?),
        false => None,
    }
    .unzip();

    let server = Arc::new(Server {
        site: Site::new(root),
        connections: Connections::new(max_connections),
        timeouts: options.timeouts,
        log,
    });
    let handler = {
        let server = Arc::clone(&server);
        move |stream, client| server.serve(stream, client)
    };
    let serving = tasklets::net::serve(listener, handler)?;
    announce(format_args!("listening on http://{address}/\n"));

    interrupt.wait();
    serving.stop();
    server.connections.stop();
    serving.join()?;
    if let Some(writer) = log_writer {
        writer.finish();
    }
    Ok(())
}

/// Prints for whoever is there to read it.
fn announce(text: impl Display) {
    // A closed standard output is no reason not to serve.
    let _ = write!(io::stdout(), "{text}").and_then(|()| io::stdout().flush());
}

/// Puts in front of an error what was tried.
fn explained(attempt: impl Display) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{attempt}: {error}"))
}
