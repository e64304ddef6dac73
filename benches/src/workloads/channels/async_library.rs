//! Channels for `async` code, each as its users know it. A message is one word.

/// A library of channels whose receivers may or may not be clonable.
pub(super) trait AsyncLibrary: 'static {
    /// The sending end.
    type Sender: Clone + Send + Sync + 'static;
    /// The receiving end.
    type Receiver: Send + 'static;

    /// A channel that holds so many messages, at least 1: none of these crates has a rendezvous.
    fn channel(capacity: usize) -> (Self::Sender, Self::Receiver);

    /// Sends, and waits for room if it must.
    ///
    /// # Panics
    /// If there is no receiver: no workload drops one while it sends.
    fn send(sender: &Self::Sender, message: u64) -> impl Future<Output = ()> + Send;

    /// Receives, and waits for a message if it must; `None` once there is no sender.
    fn recv(receiver: &mut Self::Receiver) -> impl Future<Output = Option<u64>> + Send;
}

/// The capacity that stands for no limit.
const UNLIMITED: usize = usize::MAX;

/// The capacity for a library here.
pub(super) fn capacity(limit: Option<usize>) -> usize {
    limit.unwrap_or(UNLIMITED)
}

/// tokio's bounded mpsc.
pub(super) struct TokioMpsc;

impl AsyncLibrary for TokioMpsc {
    type Sender = tokio::sync::mpsc::Sender<u64>;
    type Receiver = tokio::sync::mpsc::Receiver<u64>;

    fn channel(capacity: usize) -> (Self::Sender, Self::Receiver) {
        tokio::sync::mpsc::channel(capacity)
    }

    async fn send(sender: &Self::Sender, message: u64) {
        sender.send(message).await.expect("a receiver");
    }

    async fn recv(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv().await
    }
}

/// tokio's unbounded mpsc, for which sending is not `async`.
pub(super) struct TokioUnbounded;

impl AsyncLibrary for TokioUnbounded {
    type Sender = tokio::sync::mpsc::UnboundedSender<u64>;
    type Receiver = tokio::sync::mpsc::UnboundedReceiver<u64>;

    fn channel(_: usize) -> (Self::Sender, Self::Receiver) {
        tokio::sync::mpsc::unbounded_channel()
    }

    async fn send(sender: &Self::Sender, message: u64) {
        sender.send(message).expect("a receiver");
    }

    async fn recv(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv().await
    }
}

/// async-channel, which every executor can use and which has many receivers.
pub(super) struct AsyncChannel;

impl AsyncLibrary for AsyncChannel {
    type Sender = async_channel::Sender<u64>;
    type Receiver = async_channel::Receiver<u64>;

    fn channel(capacity: usize) -> (Self::Sender, Self::Receiver) {
        if capacity == UNLIMITED { async_channel::unbounded() } else { async_channel::bounded(capacity) }
    }

    async fn send(sender: &Self::Sender, message: u64) {
        sender.send(message).await.expect("a receiver");
    }

    async fn recv(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv().await.ok()
    }
}
