//! The engine over scripted shims, on a clock that stands still until nobody has anything to do.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::{Client, DataPlane, Ended, Engine, LogPolicy, SessionSpec};
use crate::core::command::{CommandSpec, Program};
use crate::core::event::{ExecutionEvent, Scope};
use crate::core::outcome::{Outcome, Survivor, Verdict};
use crate::core::sim::{Proc, Script, ShimSim, render_ending};
use crate::core::stop::{Origin, Signal, Stage};
use crate::core::supervisor::SessionPolicy;
use crate::core::time::Elapsed;
use crate::core::view::{RowState, View};
use crate::process::spawner::{Child, Heard, Spawner};
use crate::wire::client::Request;
use crate::wire::shim::{TerminalSize, ToShim};

/// Starts scripted shims, by the names of their commands.
#[derive(Clone, Debug, Default)]
struct FakeSpawner {
    scripts: Arc<Mutex<BTreeMap<String, Script>>>,
    /// What shims were told, with the moment.
    told: Arc<Mutex<Vec<(Duration, String)>>>,
    /// Spawning is refused.
    refused: bool,
}

#[derive(Debug)]
struct FakeChild {
    script: Script,
    sim: Option<ShimSim>,
    begun: Instant,
    heard: VecDeque<Heard>,
    /// The command's end of its output.
    output: Option<OwnedFd>,
    killed: bool,
    released: bool,
    told: Arc<Mutex<Vec<(Duration, String)>>>,
    name: String,
}

impl Spawner for FakeSpawner {
    type Child = FakeChild;

    async fn spawn(&self, name: String) -> io::Result<FakeChild> {
        if self.refused {
            return Err(io::Error::other("scripted"));
        }
        let scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(FakeChild {
            script: scripts[&name].clone(),
            sim: None,
            begun: Instant::now(),
            heard: VecDeque::new(),
            output: None,
            killed: false,
            released: false,
            told: Arc::clone(&self.told),
            name,
        })
    }

    async fn reclaim(&self) -> Vec<Survivor> {
        Vec::new()
    }
}

impl FakeChild {
    fn now(&self) -> Elapsed {
        Elapsed::new(self.begun.elapsed())
    }

    fn feed(&mut self, event: ExecutionEvent) {
        let now = self.now();
        if let Some(sim) = &mut self.sim {
            sim.feed(now, event);
        }
        self.collect();
    }

    fn collect(&mut self) {
        let Some(sim) = &mut self.sim else { return };
        self.heard.extend(sim.take_reports().into_iter().map(Heard::Report));
        if sim.is_finished() {
            // Whoever reads the output sees its end.
            self.output = None;
        }
    }

    fn start(&mut self) {
        let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::NONBLOCK).expect("a pipe");
        self.output = Some(write);
        self.heard.push_back(Heard::Output(vec![read]));
        self.sim = Some(ShimSim::spawn(self.now(), self.script.clone()));
    }
}

impl Child for FakeChild {
    fn tell(&mut self, message: &ToShim, _fds: Vec<OwnedFd>) -> io::Result<()> {
        let text = match message {
            ToShim::Start(_) => "start".to_owned(),
            ToShim::Stop(request) => format!("stop {}", request.stage),
            other => format!("{other:?}").to_lowercase(),
        };
        let line = (self.begun.elapsed(), format!("{} {text}", self.name));
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        match message {
            ToShim::Start(_) => self.start(),
            ToShim::Stop(request) => self.feed(ExecutionEvent::StopRequested(*request)),
            ToShim::GrantTime(by) => self.feed(ExecutionEvent::MoreTimeRequested { by: *by }),
            ToShim::Pause => self.feed(ExecutionEvent::PauseRequested),
            ToShim::Resume => self.feed(ExecutionEvent::ResumeRequested),
            ToShim::Release => self.released = true,
        }
        Ok(())
    }

    async fn hear(&mut self) -> Heard {
        loop {
            if let Some(heard) = self.heard.pop_front() {
                return heard;
            }
            if self.killed || self.released {
                return Heard::Lost;
            }
            match self.sim.as_ref().and_then(ShimSim::next) {
                Some(at) => tokio::time::sleep_until(self.begun + at.since_epoch()).await,
                None => std::future::pending().await,
            }
            let now = self.now();
            if let Some(sim) = &mut self.sim {
                sim.run_until(now);
            }
            self.collect();
        }
    }

    fn kill(&mut self) {
        self.killed = true;
    }

    async fn reap(&mut self) {}
}

fn exits(at: u64, code: i32) -> Script {
    Script::of([Proc { exits: Some((at, code)), ..Proc::POLITE }])
}

struct Rig {
    spawner: FakeSpawner,
    policy: SessionPolicy,
    scripts: Vec<Script>,
    dir: tempfile::TempDir,
}

impl Rig {
    fn new(scripts: impl Into<Vec<Script>>) -> Self {
        Self {
            spawner: FakeSpawner::default(),
            policy: SessionPolicy::default(),
            scripts: scripts.into(),
            dir: tempfile::tempdir().expect("a directory"),
        }
    }

    fn name(n: usize) -> String {
        ["a", "b", "c", "d"][n].to_owned()
    }

    /// Runs the session while `person` has a client of it.
    async fn run<F: Future<Output = ()>>(&self, person: impl FnOnce(Client) -> F) -> Ended {
        let command = |(n, script): (usize, &Script)| CommandSpec {
            name: Self::name(n),
            program: Program::Shell("scripted".into()),
            cwd: None,
            env: Vec::new(),
            tty: false,
            policy: script.policy.clone(),
        };
        let named = |(n, script): (usize, &Script)| (Self::name(n), script.clone());
        *self.spawner.scripts.lock().unwrap_or_else(PoisonError::into_inner) =
            self.scripts.iter().enumerate().map(named).collect();
        let spec = SessionSpec {
            policy: self.policy.clone(),
            commands: self.scripts.iter().enumerate().map(command).collect(),
            session_id: "test".into(),
            seed: 1,
            size: TerminalSize::default(),
            history: 100,
            logs: LogPolicy { dir: self.dir.path().to_owned(), private: true },
            nofile: None,
        };
        let data = DataPlane { own: None, handle: Handle::current() };
        let (engine, connector) = Engine::new(spec, self.spawner.clone(), data);
        let client = connector.connect(Origin::Key, false).expect("the engine is there");
        let (ended, ()) = tokio::join!(engine.run(), person(client));
        ended
    }

    fn told(&self) -> String {
        let told = self.spawner.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.iter().map(|(at, line)| format!("{} {line}\n", at.as_millis())).collect()
    }
}

fn outcomes(ended: &Ended) -> Vec<String> {
    ended.view.rows.iter().filter_map(|row| row.ending.as_ref()).map(render_ending).collect()
}

/// Waits until the session looks as wanted.
async fn see(client: &mut Client, wanted: impl Fn(&View) -> bool) -> Arc<View> {
    client.view.wait_for(|view| wanted(view)).await.expect("the engine is there").clone()
}

async fn nobody(_client: Client) {}

fn stop_all() -> Request {
    Request::Interrupt { scope: Scope::All, stage: None, repeat: false }
}

#[tokio::test(start_paused = true)]
async fn a_session_runs_to_its_end() {
    let rig = Rig::new([exits(500, 0), exits(20_000, 3)]);
    let ended = rig.run(nobody).await;
    assert_eq!(outcomes(&ended), ["succeeded", "failed (3)"]);
    assert_eq!(ended.verdict, Verdict::Code(1));
    assert!(ended.at >= Elapsed::from_millis(20_000));
    assert_eq!(rig.told(), "0 a start\n0 b start\n500 a release\n20000 b release\n");
}

#[tokio::test(start_paused = true)]
async fn a_stop_goes_to_every_shim_at_once() {
    let rig = Rig::new([Script::of([Proc::POLITE]), Script::of([Proc::STUBBORN])]);
    let ended = rig
        .run(|mut client| async move {
            see(&mut client, |view| view.count(RowState::Running) == 2).await;
            client.ask(stop_all());
            see(&mut client, |view| view.session.shutdown.is_some()).await;
        })
        .await;
    assert_eq!(outcomes(&ended), ["interrupted (Shutdown, interrupt)", "interrupted (Shutdown, kill)"]);
    assert_eq!(ended.verdict, Verdict::CtrlC);
    assert!(rig.told().contains("0 a stop interrupt\n0 b stop interrupt\n"), "{}", rig.told());
}

#[tokio::test(start_paused = true)]
async fn a_stop_before_the_spawn_is_told_right_after_the_start() {
    let slow = Script { spawn_ms: 300, ..Script::of([Proc::POLITE]) };
    let rig = Rig::new([slow]);
    let ended = rig
        .run(|mut client| async move {
            client.ask(stop_all());
            see(&mut client, |view| view.session.shutdown.is_some()).await;
        })
        .await;
    assert_eq!(outcomes(&ended), ["interrupted (Shutdown, interrupt)"]);
    assert!(rig.told().starts_with("0 a start\n0 a stop interrupt\n"), "{}", rig.told());
}

#[tokio::test(start_paused = true)]
async fn answers_come_to_whoever_asked() {
    let rig = Rig::new([exits(100, 0), exits(5000, 0)]);
    rig.run(|mut client| async move {
        let view = see(&mut client, |view| view.count(RowState::Finished) == 1).await;
        let request = Request::Interrupt { scope: Scope::One(view.rows[0].id), stage: None, repeat: false };
        let id = client.ask(request).expect("the engine takes requests");
        let (answered, answer) = client.answer.recv().await.expect("an answer");
        assert_eq!(answered, id);
        let outcome = Outcome::Success;
        assert_eq!(answer, crate::core::effect::Answer::AlreadyFinished { outcome });
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_spawn_is_an_outcome_and_the_others_go_on() {
    let mut rig = Rig::new([exits(100, 0)]);
    rig.spawner.refused = true;
    let ended = rig.run(nobody).await;
    assert_eq!(outcomes(&ended), ["not started: start its shim: scripted"]);
    assert_eq!(ended.verdict, Verdict::Code(125));
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_the_ladder() {
    let rig = Rig::new([Script::of([Proc::STUBBORN])]);
    let ended = rig
        .run(|mut client| async move {
            let view = see(&mut client, |view| view.count(RowState::Running) == 1).await;
            let id = view.rows[0].id;
            client.ask(Request::Interrupt { scope: Scope::One(id), stage: None, repeat: false });
            see(&mut client, |view| view.count(RowState::Stopping) == 1).await;
            client.ask(Request::Pause { id });
            see(&mut client, |view| view.rows[0].paused).await;
            tokio::time::sleep(Duration::from_secs(60)).await;
            client.ask(Request::Resume { id });
            see(&mut client, |view| view.count(RowState::Finished) == 1).await;
        })
        .await;
    assert!(
        ended.at >= Elapsed::from_millis(70_000) && ended.at < Elapsed::from_millis(71_000),
        "{:?}",
        ended.at
    );
}

#[tokio::test(start_paused = true)]
async fn stages_are_asked_for_one_by_one() {
    let rig = Rig::new([Script::of([Proc::STUBBORN])]);
    rig.run(|mut client| async move {
        let view = see(&mut client, |view| view.count(RowState::Running) == 1).await;
        for _ in 0..3 {
            let scope = Scope::One(view.rows[0].id);
            client.ask(Request::Interrupt { scope, stage: None, repeat: false });
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    })
    .await;
    let stops: Vec<_> =
        rig.told().lines().filter(|line| line.contains("stop")).map(ToOwned::to_owned).collect();
    assert_eq!(stops, ["0 a stop interrupt", "1000 a stop terminate", "2000 a stop kill"]);
}

#[tokio::test(start_paused = true)]
async fn the_third_press_leaves_before_the_shims_are_done() {
    let immortal = Script::of([Proc { killable: None, ..Proc::STUBBORN }]);
    let rig = Rig::new([immortal]);
    let ended = rig
        .run(|mut client| async move {
            see(&mut client, |view| view.count(RowState::Running) == 1).await;
            for _ in 0..3 {
                client.ask(stop_all());
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        })
        .await;
    assert_eq!(ended.verdict, Verdict::NOT_CLEAN);
    assert!(ended.at < Elapsed::from_millis(3000), "{:?}", ended.at);
}

#[tokio::test(start_paused = true)]
async fn a_killed_stage_is_terminal_whatever_a_program_says_later() {
    let rig = Rig::new([Script::of([Proc::STUBBORN])]);
    let ended = rig
        .run(|mut client| async move {
            let view = see(&mut client, |view| view.count(RowState::Running) == 1).await;
            let scope = Scope::One(view.rows[0].id);
            for stage in [Stage::Kill, Stage::Interrupt, Stage::Terminate] {
                client.ask(Request::Interrupt { scope, stage: Some(stage), repeat: false });
            }
        })
        .await;
    assert_eq!(outcomes(&ended), ["interrupted (Operator, kill)"]);
    assert_eq!(rig.told().matches("stop").count(), 1, "{}", rig.told());
    assert_eq!(ended.view.rows[0].ending.as_ref().map(|e| e.stages[0].signal), Some(Signal::KILL));
}
