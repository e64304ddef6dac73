//! How anything waits: the contract between the `tasklets` runtime and its channels.
//!
//! A wait is begun with [`Waiter::begin`], its [`Ticket`] is handed to whoever may end it, and [`Waiter::wait`]
//! suspends whatever is running: a tasklet, or an OS thread. Who ends it need not know which. Everything that waits
//! in this project waits through here.
//!
//! From the bottom up: [`sync`] (atomics, or loom's), [`asymmetric`] (a pair of fences, one of them free), [`stable`] (memory that stays), [`slot`] (the word on which a
//! wait is settled, with its races), [`context`] (what waits, and how it is suspended), [`Waiter`] and [`Ticket`], [`Note`],
//! [`PolledWaiter`] (the same for a future), [`Token`] (one permit), [`block_on`]; [`fifo`] (a queue of anything) and on it [`WaitQueue`].
//! Beside them, what a tasklet does for others without waiting: [`count_operation`], [`Place`].
//!
//! This is the crate under the crate: users depend on `tasklets`.

pub mod asymmetric;
pub mod context;
pub mod fifo;
pub mod slot;
pub mod stable;
pub mod sync;

mod address;
mod block_on;
mod cancel;
mod futex;
mod note;
mod place;
mod polled;
mod reason;
mod slots;
mod ticket;
#[cfg(not(tasklets_loom))]
mod timer;
mod token;
mod turn;
mod wait_queue;
mod waiter;

pub use block_on::block_on;
pub use cancel::{Cancelled, shielded, unwind_if_cancelled};
pub use note::Note;
pub use place::{Place, grant_place};
pub use polled::PolledWaiter;
pub use reason::Reason;
pub use slot::Unwoken;
pub use ticket::{Held, Ticket};
#[cfg(not(tasklets_loom))]
pub use timer::{Alarm, Timer, TimerThread};
pub use token::Token;
pub use turn::{Turn, TurnFn, count_operation, give_way, look_before_waiting};
pub use wait_queue::{Wait, WaitQueue};
pub use waiter::{Waited, Waiter};
