//! Millions of small blocking-style threads of control on all cores.
//!
//! A *tasklet* runs ordinary blocking code on a stack of its own. When it must wait it is taken off its worker and kept,
//! suspended, in memory until what it waits for happens; the worker runs another. One worker per core, idle ones steal from busy
//! ones.
//!
//! ```
//! let total: u64 = tasklets::run(|| {
//!     let parts: Vec<_> = (0..1000u64).map(|i| tasklets::spawn(move || i * i)).collect();
//!     parts.into_iter().map(|part| part.join().unwrap()).sum()
//! });
//! assert_eq!(total, 332_833_500);
//! ```
//!
//! # A tour
//!
//! ## Starting
//!
//! [`run`] starts a runtime with the defaults and runs a closure as its main tasklet; [`Runtime::builder`] has the choices. The
//! attributes [`macro@main`] and [`macro@test`] do it for a function.
//!
//! ```
//! let runtime = tasklets::Runtime::builder().workers(2).stack_size(128 << 10).build()?;
//! assert_eq!(runtime.run(|| tasklets::spawn(|| 2).join().unwrap()), 2);
//! # std::io::Result::Ok(())
//! ```
//!
//! ## Spawning
//!
//! | spawned by            | is                    | may change workers                                          | checked by          |
//! |-----------------------|-----------------------|-------------------------------------------------------------|---------------------|
//! | [`spawn`]             | a tasklet             | until it first runs; from then on it keeps its thread       | `F: Send`           |
//! | [`spawn_future`]      | a task without a stack | at every suspension                                        | `Fut: Send`         |
//! | [`spawn_local`]       | a tasklet             | never                                                       | no `Send` needed    |
//! | `spawn_migrating`     | a tasklet             | at every suspension                                         | your promise (`unsafe`, feature `migrating`) |
//!
//! All return a [`JoinHandle`], which can be joined from a tasklet, from a thread and, being a future, from `async` code. A panic
//! ends its tasklet alone and comes back from `join` as a [`JoinError`].
//!
//! [`scope`] spawns tasklets that borrow from the caller; [`join`] runs two closures, at the same time if somebody is free, at the
//! cost of two calls if not; [`Builder`] gives one tasklet a name, a stack size or a neighbour.
//!
//! ```
//! tasklets::run(|| {
//!     let mut halves = [vec![3, 1, 2], vec![6, 5, 4]];
//!     let [left, right] = &mut halves;
//!     tasklets::join(|| left.sort(), || right.sort());
//!     assert_eq!(halves, [[1, 2, 3], [4, 5, 6]]);
//! });
//! ```
//!
//! ## Waiting
//!
//! [`sleep`], [`park`] and [`Tasklet::unpark`], [`JoinHandle::join`], sockets, [`block_on`] for futures: each suspends the tasklet
//! and nothing else. [`yield_now`] lets others run. What must block a thread goes through [`unblock`].
//!
//! ## Channels
//!
//! [`channel`] has crossbeam-channel's API, for tasklets, threads and futures at once; [`select!`] waits for several operations.
//!
//! ```
//! use tasklets::channel::bounded;
//!
//! let squares: Vec<u64> = tasklets::run(|| {
//!     let (numbers, work) = bounded(16);
//!     let (results, done) = bounded(0);
//!     tasklets::spawn(move || work.iter().try_for_each(|n: u64| results.send(n * n)));
//!     tasklets::spawn(move || (1..4).try_for_each(|n| numbers.send(n)));
//!     done.iter().collect()
//! });
//! assert_eq!(squares, [1, 4, 9]);
//! ```
//!
//! ## Locks
//!
//! [`sync`] has what `std::sync` has, and a semaphore, a wait group and dataflow variables; waiting for one suspends the tasklet.
//!
//! ## Sockets
//!
//! [`net`] has the shapes of `std::net`, so protocol crates that are generic over `Read` and `Write` run unchanged.
//!
//! ```no_run
//! use std::io::{Read, Write};
//!
//! tasklets::run(|| {
//!     let listener = tasklets::net::TcpListener::bind("127.0.0.1:7000")?;
//!     let echo = tasklets::net::serve(listener, |mut stream, _peer| {
//!         let mut buffer = [0; 1024];
//!         while let Ok(n @ 1..) = stream.read(&mut buffer) {
//!             if stream.write_all(&buffer[..n]).is_err() {
//!                 return;
//!             }
//!         }
//!     })?;
//!     echo.join()
//! })
//! # .unwrap();
//! ```
//!
//! ## Ending
//!
//! When [`run`] returns, or a [`Runtime`] is dropped, tasklets that are left are told to end: their next wait unwinds them with the
//! payload [`Cancelled`], on their own thread, running their destructors, which may wait.
//!
//! # What it does not promise
//!
//! A started tasklet keeps its thread, so a tasklet that computes for long keeps its neighbours waiting; the runtime reports it.
//! Thread-locals belong to the thread, and so to all tasklets that live there: a borrow of one that is held across a wait meets its
//! neighbours' borrows, and crates that keep a stack discipline in thread-locals (scoped-tls, spans entered by guard) are
//! confused when guards of two tasklets interleave.

pub use tasklets_channels as channel;
pub use tasklets_channels::{select, select_biased};
pub use tasklets_runtime::*;
