//! Sockets with the shapes of [`std::net`], whose waiting suspends the tasklet and not its worker.

pub(crate) mod readiness;
