//! What the handles of channels promise, each promise on OS threads, on one worker and on two.

mod eventually;

#[path = "channel_api/asynchronous.rs"]
mod asynchronous;
#[path = "channel_api/batches.rs"]
mod batches;
#[path = "channel_api/closing.rs"]
mod closing;
#[path = "channel_api/handles.rs"]
mod handles;
#[path = "channel_api/place.rs"]
mod place;
#[path = "channel_api/timed.rs"]
mod timed;
#[path = "channel_api/traits.rs"]
mod traits;
#[path = "channel_api/transfer.rs"]
mod transfer;
