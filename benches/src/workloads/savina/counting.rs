//! Savina's Counting: one actor sends another a million messages, which that one counts.
//!
//! Mailboxes are unbounded, so this also shows what a receiver that falls behind costs.

use std::time::Instant;

use super::{cost, nanoseconds_each};
use crate::asynchronous::{Asynchronous, Smol, Tokio};
use crate::blocking::{Blocking, May, MigratingTasklets, Tasklets, Threads};
use crate::failure::{Failure, check};
use crate::foreign;
use crate::workload::{MIGRATING, OURS, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "savina-counting",
    about: "one actor sends another a million messages",
    quantities: &[cost("ns a message")],
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: blocking::<Tasklets> },
        Side { name: MIGRATING, start: blocking::<MigratingTasklets> },
        Side { name: "tokio", start: asynchronous::<Tokio> },
        Side { name: "smol", start: asynchronous::<Smol> },
        Side { name: "may", start: blocking::<May> },
        Side { name: "threads", start: blocking::<Threads> },
        Side { name: "go", start: |scale| foreign::go("savina-counting", scale) },
        Side { name: "erlang", start: |scale| foreign::erlang("savina-counting", scale) },
    ],
};

/// What the counter is told.
enum Note {
    Increment,
    /// Say how many there were, and end.
    Retrieve,
}

/// Messages a round.
fn messages(scale: Scale) -> u64 {
    scale.pick(1_000_000, 50_000)
}

fn blocking<R: Blocking>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let messages = messages(scale);
    Ok(Box::new(move || {
        runtime.run(move || {
            let begun = Instant::now();
            let (counter, mut notes) = R::mailbox();
            let counting = R::spawn(move || {
                let mut count = 0;
                while let Note::Increment = R::receive(&mut notes)? {
                    count += 1;
                }
                Ok::<u64, Failure>(count)
            });
            let producing = R::spawn(move || {
                for _ in 0..messages {
                    R::send(&counter, Note::Increment)?;
                }
                R::send(&counter, Note::Retrieve)
            });
            R::join(producing)??;
            check("the count", R::join(counting)??, messages)?;
            Ok(nanoseconds_each(begun.elapsed(), messages))
        })
    }))
}

fn asynchronous<R: Asynchronous>(scale: Scale) -> Started {
    let runtime = R::start(scale.workers)?;
    let messages = messages(scale);
    Ok(Box::new(move || {
        runtime.run(async move {
            let begun = Instant::now();
            let (counter, mut notes) = R::mailbox();
            let counting = R::spawn(async move {
                let mut count = 0;
                while let Note::Increment = R::receive(&mut notes).await? {
                    count += 1;
                }
                Ok::<u64, Failure>(count)
            });
            let producing = R::spawn(async move {
                for _ in 0..messages {
                    R::send(&counter, Note::Increment)?;
                }
                R::send(&counter, Note::Retrieve)
            });
            R::join(producing).await??;
            check("the count", R::join(counting).await??, messages)?;
            Ok(nanoseconds_each(begun.elapsed(), messages))
        })
    }))
}
