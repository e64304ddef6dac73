//! Each runtime with a given number of workers, as its users would set it up.

use std::net::SocketAddr;

use crate::failure::Failure;

/// Ours.
pub(crate) fn tasklets(workers: usize) -> Result<tasklets::Runtime, Failure> {
    Ok(tasklets::Runtime::builder().workers(workers).build()?)
}

/// tokio's work-stealing runtime, also for one worker: it is what a server would use.
pub(crate) fn tokio(workers: usize) -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build()?)
}

/// Runs `main` as a task of its own, on a worker like everything that it spawns, and waits for its result.
pub(crate) fn run_on_tokio<F>(runtime: &tokio::runtime::Runtime, main: F) -> Result<Vec<f64>, Failure>
where
    F: Future<Output = Result<Vec<f64>, Failure>> + Send + 'static,
{
    runtime.block_on(runtime.spawn(main))?
}

/// Starts a server on tokio, with a task of `connection` for each one, on a thread of its own, and returns its address. A client that breaks
/// off ends its connection and nothing else.
pub(crate) fn serve_on_tokio<F>(
    workers: usize,
    connection: impl Fn(tokio::net::TcpStream) -> F + Send + 'static,
) -> Result<SocketAddr, Failure>
where
    F: Future<Output: Send> + Send + 'static,
{
    let runtime = self::tokio(workers)?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let accepting = runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection(stream));
        }
    });
    std::thread::spawn(move || runtime.block_on(accepting));
    Ok(address)
}

/// may has one runtime for each process; it starts at the first spawn and takes the setting from here.
pub(crate) fn may(workers: usize) {
    may::config().set_workers(workers);
}

/// Runs `main` as a coroutine and waits for its result.
pub(crate) fn run_on_may<F>(main: F) -> Result<Vec<f64>, Failure>
where
    F: FnOnce() -> Result<Vec<f64>, Failure> + Send + 'static,
{
    joined(may::go!(main))?
}

/// chili's pool. The thread that forks is one of its workers, so the pool starts one thread fewer.
pub(crate) fn chili(workers: usize) -> chili::ThreadPool {
    chili::ThreadPool::with_config(chili::Config {
        thread_count: std::num::NonZero::new(workers),
        ..chili::Config::default()
    })
}

/// The result of a coroutine, or the panic that ended it.
pub(crate) fn joined<T>(coroutine: may::coroutine::JoinHandle<T>) -> Result<T, Failure> {
    coroutine.join().map_err(|payload| Failure::of_panic(&*payload))
}
