//! A task's name tag.

use crate::task::header::{Header, TaskRef};
use std::fmt;

/// Names a task: its id, its name, and the right to [`unpark`](Self::unpark) it. Cheap to clone, and harmless to keep.
#[derive(Clone)]
pub struct Tasklet(TaskRef);

impl Tasklet {
    pub(crate) fn new(task: TaskRef) -> Self {
        Self(task)
    }

    pub(crate) fn header(&self) -> &Header {
        &self.0
    }

    /// A number that no other task of its runtime has or had.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// The name given to [`Builder::name`](crate::Builder::name), if any.
    pub fn name(&self) -> Option<&str> {
        self.0.name()
    }

    /// Gives the task the permit that its [`park`](crate::park) waits for, and makes it runnable if it waits now. Permits do
    /// not add up. Never suspends; callable from anywhere.
    pub fn unpark(&self) {
        self.0.permit.notify();
    }
}

impl fmt::Debug for Tasklet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tasklet = f.debug_struct("Tasklet");
        tasklet.field("id", &self.id());
        if let Some(name) = self.name() {
            tasklet.field("name", &name);
        }
        tasklet.finish_non_exhaustive()
    }
}

/// Equal if they name the same task.
impl PartialEq for Tasklet {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.header(), other.header())
    }
}

impl Eq for Tasklet {}
