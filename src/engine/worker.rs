//! The worker of one execution: between what the engine wants and what the shim says.
//!
//! Owns the shim from its spawn to its end. Decides nothing: what it hears becomes events.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::interrupt::Wanted;
use super::output::OutputStart;
use super::recorder::Recorder;
use crate::core::event::Event;
use crate::core::id::ExecutionId;
use crate::core::report::Report;
use crate::process::spawner::{Child, Heard, Spawner};
use crate::wire::shim::{Start, ToShim};

/// What a worker works with.
pub(super) struct Worker<S> {
    pub(super) id: ExecutionId,
    pub(super) spawner: Arc<S>,
    pub(super) wanted: watch::Receiver<Wanted>,
    pub(super) events: mpsc::Sender<Event>,
    /// Started when the output's ends arrive.
    pub(super) output: Option<OutputStart>,
}

impl<S: Spawner> Worker<S> {
    /// Starts the shim and works with it until it has ended, or the engine has.
    pub(super) async fn run(mut self, mut start: Start, recorder: Recorder) {
        let mut child = match self.spawner.spawn(start.command.name.clone()).await {
            Ok(child) => child,
            Err(error) => return self.refuse(&error).await,
        };
        let log: Vec<OwnedFd> = recorder.descriptor().into_iter().collect();
        start.log_attached = !log.is_empty();
        if let Some(output) = &mut self.output {
            output.recorder = Some(recorder);
        }
        if let Err(error) = child.tell(&ToShim::Start(Box::new(start)), log) {
            child.kill();
            child.reap().await;
            return self.refuse(&error).await;
        }
        self.supervise(&mut child).await;
    }

    async fn refuse(&self, error: &std::io::Error) {
        let message = format!("start its shim: {error}");
        self.send(Event::SpawnRefused { id: self.id, message }).await;
    }

    async fn supervise(&mut self, child: &mut S::Child) {
        let (id, mut told, mut finished) = (self.id, Wanted::default(), false);
        loop {
            let wanted = *self.wanted.borrow_and_update();
            if wanted.abandoned || tell(child, &mut told, wanted).is_err() {
                child.kill();
            }
            tokio::select! {
                biased;
                changed = self.wanted.changed(), if !told.released => if changed.is_err() {
                    // The engine is gone. Dropping the link tells the shim, which goes on alone.
                    return;
                },
                heard = child.hear() => match heard {
                    Heard::Output(ends) => self.start_output(ends),
                    Heard::Report(report) => {
                        finished |= matches!(report, Report::Finished(_));
                        self.send(Event::Reported { id, report }).await;
                    }
                    Heard::Lost => break,
                },
            }
        }
        child.reap().await;
        if !finished {
            self.send(Event::ShimLost { id }).await;
        }
    }

    fn start_output(&mut self, ends: Vec<OwnedFd>) {
        if let Some(output) = self.output.take() {
            output.start(ends);
        }
    }

    async fn send(&self, event: Event) {
        // A dispatcher that is gone has no use for news.
        let _gone = self.events.send(event).await;
    }
}

/// Tells the shim what is wanted and was not told yet.
fn tell(child: &mut impl Child, told: &mut Wanted, wanted: Wanted) -> std::io::Result<()> {
    let mut say = |message: ToShim| child.tell(&message, Vec::new());
    // Stop first: nothing else may be in its way.
    if let Some(request) = wanted.stop.filter(|_| wanted.stop != told.stop) {
        say(ToShim::Stop(request))?;
    }
    if wanted.paused != told.paused {
        say(if wanted.paused { ToShim::Pause } else { ToShim::Resume })?;
    }
    if wanted.granted > told.granted {
        say(ToShim::GrantTime(wanted.granted - told.granted))?;
    }
    if wanted.released && !told.released {
        say(ToShim::Release)?;
    }
    *told = wanted;
    Ok(())
}
