//! Every rule about a session, by its name: the real machine above, the real machines of its executions below,
//! scripted processes under them, and a clock that jumps.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use proptest::prelude::*;

use super::{SessionPolicy, Supervisor};
use crate::core::command::{CommandSpec, ExecutionPolicy, Program};
use crate::core::effect::{Answer, Effect};
use crate::core::event::{Event, ExecutionEvent, Interrupt, Scope};
use crate::core::id::{CommandIndex, ExecutionId, IdSource, RequestId};
use crate::core::outcome::{Outcome, Verdict};
use crate::core::shutdown::{Budget, Phase};
use crate::core::sim::{Proc, Reaction, Script, ShimSim, render_ending};
use crate::core::stop::{Ladder, Origin, Rung, Signal, Stage, StopCause};
use crate::core::time::{Elapsed, Wait};
use crate::core::view::{RowState, Suspend};

const POLITE: Proc = Proc::POLITE;
const STUBBORN: Proc = Proc::STUBBORN;

/// What a test does to a session.
#[derive(Clone, Debug)]
enum Step {
    /// Ctrl-C, or SIGINT.
    CtrlC,
    /// SIGTERM.
    Term,
    /// A program asks for a shutdown.
    Program(Option<Stage>),
    /// The terminal went away.
    HangUp,
    /// `x` on a command.
    X(u32),
    /// `X` on a command.
    Kill(u32),
    /// A program names a stage for a command.
    Interrupt(u32, Stage),
    More(u32),
    Pause(u32),
    Resume(u32),
    Start(u32),
    Restart(u32),
    Suspend,
    Continue,
    /// Somebody kills a shim.
    LoseShim(u32),
    /// A shim no longer answers, or says anything.
    FreezeShim(u32),
}

struct Session {
    supervisor: Supervisor,
    scripts: Vec<Script>,
    shims: BTreeMap<ExecutionId, ShimSim>,
    frozen: Vec<ExecutionId>,
    log: Vec<(Elapsed, String)>,
    phase: Phase,
    verdict: Option<Verdict>,
}

const NAMES: &str = "abcdefgh";

fn name(n: usize) -> String {
    NAMES[n..=n].to_owned()
}

impl Session {
    fn new(policy: SessionPolicy, scripts: Vec<Script>) -> Self {
        let spec = |(n, script): (usize, &Script)| CommandSpec {
            name: name(n),
            program: Program::Shell(OsString::from(":")),
            cwd: None,
            env: Vec::new(),
            tty: true,
            policy: script.policy.clone(),
        };
        let specs = scripts.iter().enumerate().map(spec).collect();
        Self {
            supervisor: Supervisor::new(policy, specs, IdSource::new(1)),
            scripts,
            shims: BTreeMap::new(),
            frozen: Vec::new(),
            log: Vec::new(),
            phase: Phase::Running,
            verdict: None,
        }
    }

    fn id(&self, command: u32) -> ExecutionId {
        self.supervisor.view().rows[command as usize].id
    }

    fn name_of(&self, id: ExecutionId) -> String {
        let rows = &self.supervisor.view().rows;
        rows.iter().position(|row| row.id == id).map_or_else(|| "past".into(), name)
    }

    fn note(&mut self, now: Elapsed, line: String) {
        self.log.push((now, line));
    }

    fn handle(&mut self, now: Elapsed, event: Event) {
        let effects = self.supervisor.handle(now, event);
        let phase = self.supervisor.view().session.phase;
        assert!(phase >= self.phase, "{phase:?} after {:?}", self.phase);
        if phase != self.phase {
            self.phase = phase;
            self.note(now, format!("-- {}", phase.name()));
        }
        for effect in effects {
            self.perform(now, effect);
        }
    }

    fn perform(&mut self, now: Elapsed, effect: Effect) {
        assert_eq!(self.verdict, None, "an effect after the exit: {effect:?}");
        match effect {
            Effect::Spawn { id, command } => {
                self.note(now, format!("spawn {}", name(command.get())));
                let script = self.scripts[command.get()].clone();
                assert!(self.shims.insert(id, ShimSim::spawn(now, script)).is_none());
            }
            Effect::Stop { id, request } => {
                let line = format!("stop {} {} ({:?})", self.name_of(id), request.stage, request.cause);
                self.note(now, line);
                self.tell(now, id, ExecutionEvent::StopRequested(request));
            }
            Effect::GrantTime { id, by } => self.tell(now, id, ExecutionEvent::MoreTimeRequested { by }),
            Effect::Pause { id } => self.tell(now, id, ExecutionEvent::PauseRequested),
            Effect::Resume { id } => self.tell(now, id, ExecutionEvent::ResumeRequested),
            Effect::Release { id } => {
                let ending = self.supervisor.view().rows.iter().find(|row| row.id == id);
                let ending = ending.and_then(|row| row.ending.as_ref()).map(render_ending);
                let line = format!("release {}: {}", self.name_of(id), ending.unwrap_or_default());
                self.note(now, line);
            }
            Effect::CloseOutput { id } => {
                let line = format!("close output of {}", self.name_of(id));
                self.note(now, line);
            }
            Effect::Reclaim { id } => {
                let line = format!("reclaim {}", self.name_of(id));
                self.note(now, line);
                self.shims.remove(&id);
                self.handle(now, Event::Reclaimed { id, survivors: Vec::new() });
                self.handle(now, Event::OutputEnded { id });
            }
            Effect::Answer { answer, .. } => self.note(now, render_answer(&answer)),
            Effect::Dump | Effect::ReopenLogs => {}
            Effect::Flush => self.handle(now, Event::Flushed),
            Effect::CloseClients if self.supervisor.view().session.shutdown.is_some() => {
                self.note(now, "close clients".into());
                self.handle(now, Event::ClientsClosed);
            }
            Effect::CloseClients => self.note(now, "close clients".into()),
            Effect::Exit(verdict) => {
                self.note(now, format!("exit {verdict:?}"));
                self.verdict = Some(verdict);
            }
        }
    }

    fn tell(&mut self, now: Elapsed, id: ExecutionId, event: ExecutionEvent) {
        if self.frozen.contains(&id) {
            return;
        }
        if let Some(shim) = self.shims.get_mut(&id) {
            shim.feed(now, event);
        }
        self.forward(now, id);
    }

    /// Passes on what a shim reported.
    fn forward(&mut self, now: Elapsed, id: ExecutionId) {
        let Some(shim) = self.shims.get_mut(&id) else { return };
        let (reports, finished) = (shim.take_reports(), shim.is_finished());
        let any = !reports.is_empty();
        for report in reports {
            self.handle(now, Event::Reported { id, report });
        }
        if any && finished {
            self.handle(now, Event::OutputEnded { id });
        }
    }

    fn next(&self) -> Option<Elapsed> {
        let shims =
            self.shims.iter().filter(|(id, _)| !self.frozen.contains(id)).filter_map(|(_, s)| s.next());
        shims.chain(self.supervisor.deadline()).min()
    }

    fn run_until(&mut self, end: Elapsed) {
        while let Some(now) = self.next().filter(|at| *at <= end && self.verdict.is_none()) {
            if self.supervisor.deadline() == Some(now) {
                self.handle(now, Event::DeadlineReached);
                continue;
            }
            let due =
                |(id, shim): &(&ExecutionId, &ShimSim)| shim.next() == Some(now) && !self.frozen.contains(id);
            let id = self.shims.iter().find(due).map(|(id, _)| *id).expect("something is due");
            self.shims.get_mut(&id).expect("it was just found").step(now);
            self.forward(now, id);
        }
    }

    fn take(&mut self, now: Elapsed, step: &Step) {
        let interrupt = |scope, stage, origin| {
            Event::InterruptRequested(Interrupt { scope, stage, origin, repeat: false, request: None })
        };
        let one = |n: u32| Scope::One(self.id(n));
        let event = match *step {
            Step::CtrlC => interrupt(Scope::All, None, Origin::Key),
            Step::Term => interrupt(Scope::All, None, Origin::Signal(Signal::TERM)),
            Step::HangUp => interrupt(Scope::All, None, Origin::HangUp),
            Step::Program(stage) => interrupt(Scope::All, stage, Origin::Http),
            Step::X(n) => interrupt(one(n), None, Origin::Key),
            Step::Kill(n) => interrupt(one(n), Some(Stage::Kill), Origin::Key),
            Step::Interrupt(n, stage) => interrupt(one(n), Some(stage), Origin::Http),
            Step::More(n) => Event::MoreTimeRequested { id: self.id(n), by: Duration::from_secs(30) },
            Step::Pause(n) => Event::PauseRequested { id: self.id(n) },
            Step::Resume(n) => Event::ResumeRequested { id: self.id(n) },
            Step::Start(n) => Event::StartRequested { command: CommandIndex(n), request: None },
            Step::Restart(n) => Event::RestartRequested { command: CommandIndex(n), origin: Origin::Key },
            Step::Suspend => Event::SuspendRequested,
            Step::Continue => Event::ContinueRequested,
            Step::LoseShim(n) => {
                self.shims.remove(&self.id(n));
                Event::ShimLost { id: self.id(n) }
            }
            Step::FreezeShim(n) => {
                self.frozen.push(self.id(n));
                return;
            }
        };
        self.handle(now, event);
    }

    fn play(&mut self, steps: &[(u64, Step)]) {
        self.handle(Elapsed::ZERO, Event::SessionStarted);
        for (at, step) in steps {
            let now = Elapsed::from_millis(*at);
            self.run_until(now);
            if self.verdict.is_none() {
                self.take(now, step);
            }
        }
        self.run_until(Elapsed::from_millis(120_000));
    }

    fn transcript(&self) -> String {
        self.log.iter().map(|(at, line)| format!("{} {line}\n", at.as_millis())).collect()
    }

    fn state(&self, command: u32) -> RowState {
        self.supervisor.view().rows[command as usize].state
    }
}

fn render_answer(answer: &Answer) -> String {
    match answer {
        Answer::Accepted { stage } => format!("answer accepted {}", stage.map_or("-", Stage::name)),
        Answer::ExecutionNotFound => "answer not found".into(),
        Answer::AlreadyFinished { outcome } => format!("answer already {outcome}"),
        Answer::AlreadyRunning => "answer already running".into(),
        Answer::ShuttingDown => "answer shutting down".into(),
    }
}

fn exits(at: u64, code: i32) -> Script {
    Script::of([Proc { exits: Some((at, code)), ..POLITE }])
}

fn polite() -> Script {
    Script::of([POLITE])
}

fn stubborn() -> Script {
    Script::of([STUBBORN])
}

fn hold() -> SessionPolicy {
    SessionPolicy { hold: true, ..SessionPolicy::default() }
}

fn played(policy: SessionPolicy, scripts: &[Script], steps: &[(u64, Step)]) -> Session {
    let mut session = Session::new(policy, scripts.to_vec());
    session.play(steps);
    session
}

#[track_caller]
fn check(policy: SessionPolicy, scripts: &[Script], steps: &[(u64, Step)], expected: &str) {
    let transcript = played(policy, scripts, steps).transcript();
    let lines =
        |text: &str| text.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("\n");
    assert_eq!(lines(&transcript), lines(expected));
}

#[test]
fn the_session_ends_with_the_last_execution() {
    check(
        SessionPolicy::default(),
        &[exits(10, 0), exits(30, 0)],
        &[],
        "0 spawn a
         0 spawn b
         10 release a: succeeded
         30 -- flush
         30 release b: succeeded
         30 -- restore
         30 close clients
         30 exit Code(0)",
    );
}

#[test]
fn ctrl_c_stops_all_in_parallel_and_ends_by_sigint() {
    check(
        SessionPolicy::default(),
        &[polite(), stubborn()],
        &[(100, Step::CtrlC)],
        "0 spawn a
         0 spawn b
         100 -- stop
         100 stop a interrupt (Shutdown)
         100 stop b interrupt (Shutdown)
         100 release a: interrupted (Shutdown, interrupt)
         10100 -- sweep
         10100 -- flush
         10100 release b: interrupted (Shutdown, kill)
         10100 -- restore
         10100 close clients
         10100 exit CtrlC",
    );
}

#[test]
fn the_second_press_kills_now_and_the_third_leaves() {
    let immortal = Script::of([Proc { killable: None, ..STUBBORN }]);
    check(
        SessionPolicy::default(),
        &[stubborn(), immortal],
        &[(0, Step::CtrlC), (900, Step::CtrlC), (1800, Step::CtrlC)],
        "0 spawn a
         0 spawn b
         0 -- stop
         0 stop a interrupt (Shutdown)
         0 stop b interrupt (Shutdown)
         900 -- sweep
         900 stop a kill (Shutdown)
         900 stop b kill (Shutdown)
         900 release a: interrupted (Shutdown, kill)
         1800 -- restore
         1800 close clients
         1800 exit Code(3)",
    );
}

#[test]
fn presses_of_different_signals_count_together() {
    let session = played(SessionPolicy::default(), &[stubborn()], &[(0, Step::Term), (1000, Step::CtrlC)]);
    assert!(session.transcript().contains("1000 stop a kill"), "{}", session.transcript());
    assert_eq!(session.verdict, Some(Verdict::Signal(Signal::TERM)));
}

#[test]
fn a_hundred_presses_in_50_ms_are_one() {
    let steps: Vec<_> = (0..100).map(|n| (n / 2, Step::CtrlC)).collect();
    let session = played(SessionPolicy::default(), &[stubborn()], &steps);
    assert!(session.transcript().contains("10000 -- sweep"), "{}", session.transcript());
}

#[test]
fn a_program_does_not_escalate_by_repeating() {
    let again = [(0, Step::Program(None)), (2000, Step::Program(None)), (4000, Step::Program(None))];
    let session = played(SessionPolicy::default(), &[stubborn()], &again);
    assert!(session.transcript().contains("10000 -- sweep"), "{}", session.transcript());
    let named = [(0, Step::Program(None)), (2000, Step::Program(Some(Stage::Kill)))];
    let session = played(SessionPolicy::default(), &[stubborn()], &named);
    assert!(session.transcript().contains("2000 stop a kill"), "{}", session.transcript());
}

#[test]
fn a_person_may_press_on_what_a_program_began() {
    let session =
        played(SessionPolicy::default(), &[stubborn()], &[(0, Step::Program(None)), (2000, Step::CtrlC)]);
    assert!(session.transcript().contains("2000 stop a kill"), "{}", session.transcript());
}

#[test]
fn a_hang_up_stops_the_session_and_ends_by_sighup() {
    let session = played(SessionPolicy::default(), &[polite()], &[(5, Step::HangUp)]);
    assert_eq!(session.verdict, Some(Verdict::Signal(Signal::HUP)));
}

#[test]
fn a_row_goes_one_stage_further_with_each_press_that_counts() {
    check(
        SessionPolicy::default(),
        &[stubborn(), exits(9000, 0)],
        &[(0, Step::X(0)), (5, Step::X(0)), (900, Step::X(0)), (1800, Step::X(0))],
        "0 spawn a
         0 spawn b
         0 stop a interrupt (Operator)
         900 stop a terminate (Operator)
         1800 stop a kill (Operator)
         1800 release a: interrupted (Operator, kill)
         9000 -- flush
         9000 release b: succeeded
         9000 -- restore
         9000 close clients
         9000 exit Code(1)",
    );
}

#[test]
fn a_program_names_the_stage_of_one_execution() {
    let steps = [
        (0, Step::Interrupt(0, Stage::Interrupt)),
        (900, Step::Interrupt(0, Stage::Interrupt)),
        (1800, Step::Interrupt(0, Stage::Terminate)),
    ];
    let session = played(SessionPolicy::default(), &[stubborn()], &steps);
    let stops: Vec<_> = session.log.iter().filter(|(_, line)| line.starts_with("stop")).collect();
    assert_eq!(stops.len(), 2, "{}", session.transcript());
    assert_eq!(stops[1].0, Elapsed::from_millis(1800));
}

#[test]
fn kill_on_a_row_kills_at_once() {
    let session = played(hold(), &[stubborn()], &[(50, Step::Kill(0))]);
    assert!(session.transcript().contains("50 release a: interrupted (Operator, kill)"));
}

#[test]
fn a_queued_command_that_is_interrupted_never_starts() {
    let policy = SessionPolicy { jobs: Some(1), ..SessionPolicy::default() };
    check(
        policy,
        &[exits(100, 0), polite()],
        &[(10, Step::X(1))],
        "0 spawn a
         100 -- flush
         100 release a: succeeded
         100 -- restore
         100 close clients
         100 exit Code(1)",
    );
}

#[test]
fn jobs_bound_how_many_are_active() {
    let policy = SessionPolicy { jobs: Some(2), ..SessionPolicy::default() };
    check(
        policy,
        &[exits(10, 0), exits(30, 0), exits(10, 0)],
        &[],
        "0 spawn a
         0 spawn b
         10 release a: succeeded
         10 spawn c
         20 release c: succeeded
         30 -- flush
         30 release b: succeeded
         30 -- restore
         30 close clients
         30 exit Code(0)",
    );
}

#[test]
fn fail_fast_stops_the_others_and_skips_the_rest() {
    let policy = SessionPolicy { jobs: Some(2), fail_fast: true, ..SessionPolicy::default() };
    let session = played(policy, &[exits(10, 3), polite(), polite()], &[]);
    assert!(session.transcript().contains("10 stop b interrupt (FailFast)"), "{}", session.transcript());
    let ending = session.supervisor.view().rows[2].ending.clone().expect("it is over");
    assert_eq!(ending.outcome, Outcome::Skipped { because: "a".into() });
    assert_eq!(session.verdict, Some(Verdict::Code(1)));
}

#[test]
fn hold_keeps_the_session_until_it_is_asked_to_end() {
    let session = played(hold(), &[exits(10, 0)], &[]);
    assert_eq!(session.verdict, None);
    let session = played(hold(), &[exits(10, 0)], &[(50_000, Step::CtrlC)]);
    assert_eq!(session.verdict, Some(Verdict::Code(0)));
    let session = played(hold(), &[exits(10, 5)], &[(50_000, Step::CtrlC)]);
    assert_eq!(session.verdict, Some(Verdict::Code(5)));
}

#[test]
fn a_finished_command_starts_again_as_a_new_execution() {
    let mut session = Session::new(hold(), vec![exits(10, 0)]);
    let first = session.id(0);
    session.play(&[(100, Step::Start(0))]);
    assert_ne!(session.id(0), first);
    assert_eq!(session.state(0), RowState::Finished);
    assert_eq!(session.supervisor.view().rows[0].runs, 2);
    let request = Some(RequestId(9));
    let interrupt =
        Interrupt { scope: Scope::One(first), stage: None, origin: Origin::Http, repeat: false, request };
    session.handle(Elapsed::from_millis(200), Event::InterruptRequested(interrupt));
    assert!(session.transcript().ends_with("answer already succeeded\n"), "{}", session.transcript());
}

#[test]
fn an_unknown_execution_is_not_found() {
    let mut session = Session::new(hold(), vec![polite()]);
    let scope = Scope::One(ExecutionId::from_bits(42));
    let request = Some(RequestId(1));
    let interrupt = Interrupt { scope, stage: None, origin: Origin::Http, repeat: false, request };
    session.handle(Elapsed::ZERO, Event::InterruptRequested(interrupt));
    assert_eq!(session.transcript(), "0 answer not found\n");
}

#[test]
fn restart_stops_and_starts_again() {
    check(
        hold(),
        &[polite()],
        &[(10, Step::Restart(0)), (20, Step::Kill(0))],
        "0 spawn a
         10 stop a interrupt (Operator)
         10 release past:
         10 spawn a
         20 stop a kill (Operator)
         20 release a: interrupted (Operator, kill)",
    );
}

#[test]
fn an_interrupt_takes_back_a_restart_whichever_comes_first() {
    for steps in [[Step::Restart(0), Step::X(0)], [Step::X(0), Step::Restart(0)]] {
        let restarts = matches!(steps[1], Step::Restart(_));
        let session = played(hold(), &[stubborn()], &steps.map(|step| (10, step)));
        let spawns = session.log.iter().filter(|(_, line)| line.starts_with("spawn")).count();
        assert_eq!(spawns, if restarts { 2 } else { 1 }, "{}", session.transcript());
    }
}

#[test]
fn nothing_starts_once_the_session_goes_down() {
    let steps = [(10, Step::X(0)), (20, Step::CtrlC), (30, Step::Start(0)), (40, Step::Restart(0))];
    let session = played(SessionPolicy::default(), &[polite(), stubborn()], &steps);
    let spawns = session.log.iter().filter(|(_, line)| line.starts_with("spawn")).count();
    assert_eq!(spawns, 2, "{}", session.transcript());
}

#[test]
fn at_the_budgets_reserve_everything_left_is_killed_together() {
    let forever = Rung { signal: Signal::INT, wait: Wait::Forever };
    let policy =
        ExecutionPolicy { ladder: Ladder { interrupt: forever, ..Ladder::default() }, ..Default::default() };
    let patient = Script { policy, ..stubborn() };
    let session = played(SessionPolicy::default(), &[patient.clone(), patient.clone()], &[(0, Step::Term)]);
    assert!(session.transcript().contains("17000 stop a kill"), "{}", session.transcript());
    assert!(session.transcript().contains("17000 exit Signal(SIGTERM)"), "{}", session.transcript());
    let tight =
        SessionPolicy { budget: Budget { total: Duration::from_secs(2) }, ..SessionPolicy::default() };
    let session = played(tight, &[patient], &[(0, Step::Term)]);
    assert!(session.transcript().contains("0 exit Signal(SIGTERM)"), "{}", session.transcript());
}

#[test]
fn a_persons_more_time_moves_the_budget_too() {
    let session = played(SessionPolicy::default(), &[stubborn()], &[(0, Step::CtrlC), (1000, Step::More(0))]);
    assert!(session.transcript().contains("40000 -- sweep"), "{}", session.transcript());
}

#[test]
fn a_lost_shim_is_reclaimed_and_named() {
    let session = played(hold(), &[polite()], &[(10, Step::LoseShim(0))]);
    let expected = "0 spawn a\n10 reclaim a\n10 release a: lost its shim\n";
    assert_eq!(session.transcript(), expected);
}

#[test]
fn a_shim_that_does_not_answer_is_reclaimed_within_the_budget() {
    let steps = [(0, Step::FreezeShim(0)), (10, Step::CtrlC)];
    let session = played(SessionPolicy::default(), &[polite()], &steps);
    assert!(session.transcript().contains("22010 reclaim a"), "{}", session.transcript());
    assert!(session.verdict.is_some());
}

#[test]
fn an_unkillable_one_does_not_hold_up_the_others_and_the_code_is_3() {
    let immortal = Script::of([Proc { killable: None, ..POLITE }, Proc { killable: None, ..STUBBORN }]);
    let session = played(SessionPolicy::default(), &[immortal, polite()], &[(0, Step::CtrlC)]);
    assert!(session.transcript().contains("0 release b"), "{}", session.transcript());
    assert!(session.transcript().contains("12000 release a: unkillable"), "{}", session.transcript());
    assert_eq!(session.verdict, Some(Verdict::Code(3)));
}

#[test]
fn a_suspended_session_stands_still_and_goes_on() {
    let mut session = Session::new(hold(), vec![polite(), stubborn()]);
    session.play(&[(0, Step::X(1)), (1000, Step::Pause(0)), (1500, Step::Resume(0)), (2000, Step::Suspend)]);
    let view = session.supervisor.view();
    assert_eq!(view.session.suspend, Suspend::Ready);
    assert!(view.rows.iter().all(|row| row.paused));
    session.take(Elapsed::from_millis(130_000), &Step::Continue);
    session.run_until(Elapsed::from_millis(140_000));
    assert_eq!(session.state(0), RowState::Running);
    // Of its 5 s, 2 were over when everything stood still.
    let sigterm = session.shims.values().any(|shim| shim.transcript().contains("133000 send SIGTERM to 1"));
    assert!(sigterm, "the stage clock stood still");
}

#[test]
fn a_suspension_waits_for_what_is_being_spawned() {
    let slow = Script { spawn_ms: 500, ..polite() };
    let mut session = Session::new(hold(), vec![slow]);
    session.handle(Elapsed::ZERO, Event::SessionStarted);
    session.take(Elapsed::from_millis(10), &Step::Suspend);
    assert_eq!(session.supervisor.view().session.suspend, Suspend::Pending);
    session.run_until(Elapsed::from_millis(600));
    assert_eq!(session.supervisor.view().session.suspend, Suspend::Ready);
    assert!(session.supervisor.view().rows[0].paused);
}

#[test]
fn what_was_paused_before_the_suspension_stays_paused_after_it() {
    let steps = [(10, Step::Pause(0)), (20, Step::Suspend), (30, Step::Continue)];
    let session = played(hold(), &[polite(), polite()], &steps);
    let paused: Vec<_> = session.supervisor.view().rows.iter().map(|row| row.paused).collect();
    assert_eq!(paused, [true, false]);
}

#[test]
fn a_suspended_session_that_is_asked_to_end_wakes_up_for_it() {
    let steps = [(20, Step::Suspend), (30, Step::Term)];
    let session = played(SessionPolicy::default(), &[polite()], &steps);
    assert_eq!(session.verdict, Some(Verdict::Signal(Signal::TERM)), "{}", session.transcript());
}

#[test]
fn the_phase_of_its_work_is_part_of_the_outcome() {
    use crate::core::progress::{Reading, Source};
    let mut session = Session::new(hold(), vec![polite()]);
    session.play(&[]);
    let reading = Reading { phase: Some("merging".into()), ..Reading::new(Source::Busy) };
    let id = session.id(0);
    session.handle(Elapsed::from_millis(10), Event::ProgressRead { id, reading: Some(reading) });
    session.take(Elapsed::from_millis(20), &Step::X(0));
    session.run_until(Elapsed::from_millis(30));
    let ending = session.supervisor.view().rows[0].ending.clone().expect("it is over");
    let expected = Outcome::Interrupted {
        cause: StopCause::Operator,
        origin: Origin::Key,
        stage: Some(Stage::Interrupt),
        work: Some("merging".into()),
    };
    assert_eq!(ending.outcome, expected);
}

fn any_step(commands: u32) -> impl Strategy<Value = Step> {
    let n = 0..commands;
    prop_oneof![
        Just(Step::CtrlC),
        Just(Step::Term),
        Just(Step::HangUp),
        prop::option::of(prop::sample::select(Stage::ALL.to_vec())).prop_map(Step::Program),
        n.clone().prop_map(Step::X),
        n.clone().prop_map(Step::Kill),
        (n.clone(), prop::sample::select(Stage::ALL.to_vec())).prop_map(|(n, s)| Step::Interrupt(n, s)),
        n.clone().prop_map(Step::More),
        n.clone().prop_map(Step::Pause),
        n.clone().prop_map(Step::Resume),
        n.clone().prop_map(Step::Start),
        n.clone().prop_map(Step::Restart),
        Just(Step::Suspend),
        Just(Step::Continue),
        n.clone().prop_map(Step::LoseShim),
        n.prop_map(Step::FreezeShim),
    ]
}

fn any_script() -> impl Strategy<Value = Script> {
    let reaction =
        prop_oneof![Just(Reaction::Ignores), Just(Reaction::Catches), (0..3000u64).prop_map(Reaction::Dies),];
    let killable = prop_oneof![9 => Just(Some(1)), 1 => Just(None)];
    let exits = prop::option::of((0..20_000u64, 0..2));
    (reaction.clone(), reaction, killable, exits, 0..100u64).prop_map(
        |(on_int, on_term, killable, exits, spawn_ms)| Script {
            spawn_ms,
            ..Script::of([Proc { on_int, on_term, killable, exits }])
        },
    )
}

proptest! {
    #![proptest_config(crate::core::sim::cases(1000))]

    /// Whatever happened before, a session that is asked to end does so within its budget, with one verdict;
    /// effects after the exit and phases that go back are asserted on the way.
    #[test]
    fn every_session_that_is_asked_to_end_does_within_its_budget(
        scripts in prop::collection::vec(any_script(), 1..4),
        jobs in prop::option::of(1..3u32),
        fail_fast in any::<bool>(),
        steps in prop::collection::vec((0..20_000u64, any_step(4)), 0..12),
    ) {
        let count = scripts.len() as u32;
        let policy = SessionPolicy { jobs, fail_fast, ..hold() };
        let in_range = |step: &Step| match step {
            Step::X(n) | Step::Kill(n) | Step::Interrupt(n, _) | Step::More(n) | Step::Pause(n)
            | Step::Resume(n) | Step::Start(n) | Step::Restart(n) | Step::LoseShim(n)
            | Step::FreezeShim(n) => *n < count,
            Step::CtrlC | Step::Term | Step::Program(_) | Step::HangUp | Step::Suspend | Step::Continue => true,
        };
        let mut steps: Vec<_> = steps.into_iter().filter(|(_, step)| in_range(step)).collect();
        steps.sort_by_key(|(at, _)| *at);
        let more = steps.iter().filter(|(_, step)| matches!(step, Step::More(_))).count() as u64;
        steps.push((20_000, Step::Continue));
        steps.push((20_000, Step::Term));
        let session = played(policy, &scripts, &steps);
        prop_assert!(session.verdict.is_some(), "{}", session.transcript());
        let last = session.log.last().expect("it ended").0;
        prop_assert!(last <= Elapsed::from_millis(20_000 + 26_000 + 30_000 * more), "{}", session.transcript());
        let left = session.shims.iter().filter(|(id, shim)| shim.living() > 0 && !session.frozen.contains(id));
        let immortal = scripts.iter().any(|script| script.procs[0].killable.is_none());
        let third_press = session.transcript().contains("exit Code(3)");
        prop_assert!(left.count() == 0 || immortal || third_press, "{}", session.transcript());
    }
}
