//! The dispatcher: the one loop of the control plane.
//!
//! Owns the supervisor and every channel to it. What it learns becomes an event; what the supervisor says is
//! carried out in `apply.rs`. Nothing here waits for output, a disk or a terminal.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::client::{ClientId, Clients, Downward, FromClient};
use super::interrupt::InterruptSenders;
use super::output::{OutputHandle, OutputRequest};
use super::{Clock, DataPlane, Ended, SessionSpec};
use crate::core::event::{Event, Interrupt, Scope};
use crate::core::id::{ExecutionId, RequestId};
use crate::core::outcome::Verdict;
use crate::core::stop::Origin;
use crate::core::supervisor::Supervisor;
use crate::process::shim;
use crate::process::spawner::Spawner;
use crate::wire::client::{Look, Request};
use crate::wire::shim::TerminalSize;

/// Shims that were let go have this long to be reaped.
const GOODBYE: Duration = Duration::from_millis(500);
/// Events handled before the view is published: a burst costs one picture.
const BURST: usize = 256;

/// The engine's state beside the core's.
#[derive(Debug)]
pub(super) struct Dispatcher<S> {
    pub(super) spec: SessionSpec,
    pub(super) supervisor: Supervisor,
    pub(super) spawner: Arc<S>,
    pub(super) senders: InterruptSenders,
    pub(super) outputs: HashMap<ExecutionId, OutputHandle>,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) size: TerminalSize,
    pub(super) epoch_ns: u64,
    pub(super) clock: Clock,
    pub(super) data: DataPlane,
    pub(super) workers: JoinSet<()>,
    pub(super) exit: Option<Verdict>,
    pub(super) clients: Clients,
    pub(super) connected: HashMap<ClientId, Connected>,
    /// Clients were told to let go, and are waited for.
    pub(super) closing: bool,
    inbox: mpsc::Receiver<Event>,
}

/// A connected client, and what it looks at.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) downward: Downward,
    look: Option<Look>,
}

enum Wake {
    Client(Option<FromClient>),
    Event(Option<Event>),
    Deadline,
}

impl<S: Spawner> Dispatcher<S> {
    pub(super) fn new(
        spec: SessionSpec,
        supervisor: Supervisor,
        spawner: Arc<S>,
        events: mpsc::Sender<Event>,
        inbox: mpsc::Receiver<Event>,
        clients: Clients,
        data: DataPlane,
    ) -> Self {
        Self {
            size: spec.size,
            spec,
            supervisor,
            spawner,
            senders: InterruptSenders::default(),
            outputs: HashMap::new(),
            events,
            epoch_ns: shim::monotonic_ns(),
            clock: Clock::begin(),
            data,
            workers: JoinSet::new(),
            exit: None,
            clients,
            connected: HashMap::new(),
            closing: false,
            inbox,
        }
    }

    pub(super) fn events(&self) -> mpsc::Sender<Event> {
        self.events.clone()
    }

    pub(super) const fn clock(&self) -> Clock {
        self.clock
    }

    pub(super) async fn run(mut self) -> Ended {
        self.handle(Event::SessionStarted);
        let verdict = loop {
            self.publish();
            if let Some(verdict) = self.exit {
                break verdict;
            }
            let wake = self.wake().await;
            self.on_wake(wake);
            self.handle_burst();
        };
        self.end(verdict).await
    }

    async fn end(mut self, verdict: Verdict) -> Ended {
        let view = Arc::new(self.supervisor.view().clone());
        let words = |(id, output): (&ExecutionId, &OutputHandle)| (*id, output.last_words());
        let last_words = self.outputs.iter().map(words).collect();
        self.publish();
        // Senders go, and with them workers that still have something to stop: their shims do it alone.
        self.senders = InterruptSenders::default();
        let all_gone = async { while self.workers.join_next().await.is_some() {} };
        let _in_time = tokio::time::timeout(GOODBYE, all_gone).await;
        self.data.end();
        Ended { verdict, view, at: self.clock.now(), last_words }
    }

    /// Waits for the next thing to happen. Requests first: a stop is among them.
    async fn wake(&mut self) -> Wake {
        let deadline = self.supervisor.deadline().map(|at| self.clock.instant(at));
        tokio::select! {
            biased;
            request = self.clients.inbox.recv() => Wake::Client(request),
            event = self.inbox.recv() => Wake::Event(event),
            () = sleep_until(deadline) => Wake::Deadline,
        }
    }

    fn on_wake(&mut self, wake: Wake) {
        match wake {
            Wake::Client(Some(from)) => self.on_client(from),
            Wake::Event(Some(event)) => self.handle(event),
            Wake::Deadline => self.handle(Event::DeadlineReached),
            // We hold a sender of events ourselves; connectors may all be gone, which is no event.
            Wake::Client(None) | Wake::Event(None) => {}
        }
    }

    /// Handles what has come meanwhile.
    fn handle_burst(&mut self) {
        for _ in 0..BURST {
            if self.exit.is_some() {
                return;
            }
            if let Ok(from) = self.clients.inbox.try_recv() {
                self.on_client(from);
            } else if let Ok(event) = self.inbox.try_recv() {
                self.handle(event);
            } else {
                return;
            }
        }
    }

    pub(super) fn handle(&mut self, event: Event) {
        let now = self.clock.now();
        for effect in self.supervisor.handle(now, event) {
            self.apply(effect);
        }
    }

    pub(super) fn publish(&mut self) {
        if let Some(view) = self.supervisor.changed_view() {
            self.clients.view.send_replace(Arc::new(view.clone()));
        }
    }

    fn on_client(&mut self, from: FromClient) {
        match from {
            FromClient::Connected(client, downward) => {
                self.connected.insert(client, Connected { downward, look: None });
            }
            FromClient::Asked { client, origin, request, id } => self.on_request(client, origin, request, id),
            FromClient::Gone(client) => {
                self.look_away(client);
                self.connected.remove(&client);
                self.close_if_alone();
            }
        }
    }

    fn on_request(&mut self, client: ClientId, origin: Origin, request: Request, id: RequestId) {
        let event = match request {
            Request::Interrupt { scope, stage, repeat } => {
                Event::InterruptRequested(Interrupt { scope, stage, origin, repeat, request: Some(id) })
            }
            Request::MoreTime { id, by } => Event::MoreTimeRequested { id, by },
            Request::Pause { id } => Event::PauseRequested { id },
            Request::Resume { id } => Event::ResumeRequested { id },
            Request::Start { command } => Event::StartRequested { command, request: Some(id) },
            Request::Restart { command } => Event::RestartRequested { command, origin },
            Request::Suspend => Event::SuspendRequested,
            Request::Continue => Event::ContinueRequested,
            Request::HungUp => Event::InterruptRequested(Interrupt {
                scope: Scope::All,
                stage: None,
                origin: Origin::HangUp,
                repeat: false,
                request: None,
            }),
            Request::Look(look) => return self.look(client, look),
            Request::Resize(size) => return self.resize(size),
            Request::Input { id, bytes } => return self.ask_output(id, OutputRequest::Input(bytes)),
            Request::Closed => {
                if let Some(connected) = self.connected.get_mut(&client) {
                    connected.downward.holds_terminal = false;
                }
                return self.close_if_alone();
            }
        };
        self.handle(event);
    }

    fn look(&mut self, client: ClientId, look: Option<Look>) {
        let before = self.connected.get(&client).and_then(|connected| connected.look);
        if before.map(|look| look.id) != look.map(|look| look.id) {
            self.look_away(client);
        }
        let Some(connected) = self.connected.get_mut(&client) else { return };
        connected.look = look;
        if let Some(Look { id, back }) = look {
            let frames = connected.downward.frames.clone();
            self.ask_output(id, OutputRequest::Look { client, back, frames });
        }
    }

    fn look_away(&mut self, client: ClientId) {
        let Some(connected) = self.connected.get_mut(&client) else { return };
        connected.downward.frames.send_replace(None);
        if let Some(look) = connected.look.take() {
            self.ask_output(look.id, OutputRequest::LookAway(client));
        }
    }

    fn resize(&mut self, size: TerminalSize) {
        if size != self.size {
            self.size = size;
            for output in self.outputs.values() {
                output.ask(OutputRequest::Resize(size));
            }
        }
    }

    pub(super) fn ask_output(&self, id: ExecutionId, request: OutputRequest) {
        if let Some(output) = self.outputs.get(&id) {
            output.ask(request);
        }
    }

    /// Once every client has let go of its terminal, the session may end.
    pub(super) fn close_if_alone(&mut self) {
        let held = self.connected.values().any(|connected| connected.downward.holds_terminal);
        if self.closing && !held {
            self.closing = false;
            self.handle(Event::ClientsClosed);
        }
    }
}

async fn sleep_until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
