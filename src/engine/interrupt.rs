//! Interrupt senders: one an execution, registered before its child exists.
//!
//! Owns what the engine wants of each shim, as a level and not as a queue: it never fills, and a worker that
//! looks late still sees all of it.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::watch;

use crate::core::id::ExecutionId;
use crate::core::stop::StopRequest;

/// What is wanted of one shim. Each part only grows, but for `paused`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The furthest stop.
    pub(super) stop: Option<StopRequest>,
    /// That it stands still.
    pub(super) paused: bool,
    /// More time, in all.
    pub(super) granted: Duration,
    /// That it ends, having nothing more to do.
    pub(super) released: bool,
    /// That it is killed, because it does not answer.
    pub(super) abandoned: bool,
}

/// The senders of all executions that have a worker.
#[derive(Debug, Default)]
pub(super) struct InterruptSenders {
    senders: HashMap<ExecutionId, watch::Sender<Wanted>>,
}

impl InterruptSenders {
    /// Registers an execution; its worker gets the other end.
    pub(super) fn register(&mut self, id: ExecutionId) -> watch::Receiver<Wanted> {
        let (sender, receiver) = watch::channel(Wanted::default());
        self.senders.insert(id, sender);
        receiver
    }

    /// Changes what is wanted. Of an execution whose worker is gone, nothing can be.
    pub(super) fn want(&self, id: ExecutionId, change: impl FnOnce(&mut Wanted)) {
        if let Some(sender) = self.senders.get(&id) {
            sender.send_modify(change);
        }
    }

    /// Asks for a stop: at least this stage.
    pub(super) fn stop(&self, id: ExecutionId, request: StopRequest) {
        self.want(id, |wanted| {
            wanted.stop = Some(wanted.stop.map_or(request, |earlier| earlier.joined(request)));
            // A stop wakes what was paused; the shim does so by itself.
            wanted.paused = false;
        });
    }

    /// Waits until the worker of an execution has gone.
    pub(super) fn gone(&self, id: ExecutionId) -> impl Future<Output = ()> + use<> {
        let sender = self.senders.get(&id).cloned();
        async move {
            if let Some(sender) = sender {
                sender.closed().await;
            }
        }
    }

    /// Forgets an execution that is over.
    pub(super) fn forget(&mut self, id: ExecutionId) {
        self.senders.remove(&id);
    }
}
