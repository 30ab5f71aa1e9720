//! Carrying out what the supervisor says: one function an effect.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use super::client::ClientId;
use super::dispatcher::Dispatcher;
use super::output::{OutputHandle, OutputRequest, OutputStart};
use super::recorder::Recorder;
use super::trace;
use super::worker::Worker;
use crate::core::effect::{Answer, Effect};
use crate::core::event::Event;
use crate::core::id::{CommandIndex, ExecutionId, RequestId};
use crate::panics;
use crate::process::spawner::Spawner;
use crate::wire::shim::Start;

/// A shim that was killed has this long to be gone before its tree is swept without its reaping.
const ABANDON: Duration = Duration::from_millis(500);

impl<S: Spawner> Dispatcher<S> {
    pub(super) fn apply(&mut self, effect: Effect) {
        trace::effect(&effect, self.supervisor.view());
        match effect {
            Effect::Spawn { id, command } => self.spawn(id, command),
            Effect::Stop { id, request } => self.senders.stop(id, request),
            Effect::GrantTime { id, by } => self.senders.want(id, |wanted| wanted.granted += by),
            Effect::Pause { id } => self.senders.want(id, |wanted| wanted.paused = true),
            Effect::Resume { id } => self.senders.want(id, |wanted| wanted.paused = false),
            Effect::Release { id } => self.release(id),
            Effect::CloseOutput { id } => self.ask_output(id, OutputRequest::Close),
            Effect::Reclaim { id } => self.reclaim(id),
            Effect::Answer { request, answer } => self.answer(request, answer),
            // Where it goes is what tracing does with every effect.
            Effect::Dump => panics::fault("engine"),
            Effect::ReopenLogs => self.reopen_logs(),
            Effect::Flush => self.handle(Event::Flushed),
            Effect::CloseClients => self.close_clients(),
            Effect::Exit(verdict) => self.exit = Some(verdict),
        }
    }

    fn spawn(&mut self, id: ExecutionId, command: CommandIndex) {
        let wanted = self.senders.register(id);
        let (output, requests, last_words) = OutputHandle::channel();
        self.outputs.insert(id, output);
        let data = self.data.handle();
        let spec = self.supervisor.spec(command).clone();
        let output = OutputStart {
            id,
            tty: spec.tty,
            size: self.size,
            history: self.spec.history,
            recorder: None,
            events: self.events.clone(),
            requests,
            last_words,
            data: data.clone(),
        };
        let worker = Worker {
            id,
            spawner: Arc::clone(&self.spawner),
            wanted,
            events: self.events.clone(),
            output: Some(output),
        };
        let (policy, name, tty) = (self.spec.logs.clone(), spec.name.clone(), spec.tty);
        let start = Start {
            env: self.environment(id, spec.tty),
            command: spec,
            epoch_ns: self.epoch_ns,
            size: self.size,
            nofile: self.spec.nofile,
            log_attached: false,
        };
        let (logs, news) = (self.clients.logs.clone(), Arc::clone(&self.clients.log_news));
        self.workers.spawn(async move {
            // A disk that hangs holds up this start, and nothing else.
            let opened = data.spawn_blocking(move || Recorder::open(&policy, &name, news)).await;
            let Ok(recorder) = opened else { return };
            logs.send_modify(|logs| Arc::make_mut(logs).push((id, recorder.reader(tty))));
            recorder.announce();
            worker.run(start, recorder).await;
        });
    }

    /// What a command finds in its environment beside what we found in ours.
    fn environment(&self, id: ExecutionId, tty: bool) -> Vec<(OsString, OsString)> {
        let mut env: Vec<(OsString, OsString)> = vec![
            ("SUNDOWN_SESSION".into(), self.spec.session_id.clone().into()),
            ("SUNDOWN_EXECUTION".into(), id.to_string().into()),
        ];
        if tty {
            env.push(("TERM".into(), "xterm-256color".into()));
            env.push(("COLORTERM".into(), "truecolor".into()));
        }
        env
    }

    fn release(&mut self, id: ExecutionId) {
        self.senders.want(id, |wanted| wanted.released = true);
        self.senders.forget(id);
    }

    /// Kills the shim if it is still there; then sweeps what it has left to us.
    fn reclaim(&self, id: ExecutionId) {
        self.senders.want(id, |wanted| wanted.abandoned = true);
        let gone = self.senders.gone(id);
        let (spawner, events) = (Arc::clone(&self.spawner), self.events.clone());
        tokio::spawn(async move {
            // If it cannot be killed, what is below it cannot be reached either; that is found and said.
            let _in_time = tokio::time::timeout(ABANDON, gone).await;
            let survivors = spawner.reclaim().await;
            let _gone = events.send(Event::Reclaimed { id, survivors }).await;
        });
    }

    fn answer(&self, request: RequestId, answer: Answer) {
        if let Some(connected) = self.connected.get(&ClientId::of(request)) {
            // A client that does not take its answers sees the same in its view.
            let _full = connected.downward.answers.try_send((request, answer));
        }
    }

    fn reopen_logs(&self) {
        for output in self.outputs.values() {
            output.ask(OutputRequest::ReopenLog);
        }
    }

    fn close_clients(&mut self) {
        self.closing = true;
        self.publish();
        self.close_if_alone();
    }
}
