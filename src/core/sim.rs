//! A simulated child and shim, for tests of the machines: scripted processes, a clock that jumps to the next
//! thing due, and a transcript of what was sent and reported.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::command::ExecutionPolicy;
use super::effect::ExecutionEffect;
use super::event::{Census, ExecutionEvent};
use super::execution::Execution;
use super::outcome::{Ending, ExitStatus, Outcome, Survivor};
use super::report::{Blocker, Report};
use super::stop::{Signal, Stage};
use super::time::Elapsed;

/// What a scripted process does about a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// Nothing, and the kernel knows it (`SIG_IGN`).
    Ignores,
    /// Its handler does nothing.
    Catches,
    /// It dies of the signal after this many milliseconds.
    Dies(u64),
    /// Its handler returns this code after this many milliseconds.
    Exits(u64, i32),
}

/// A scripted process. Process 0 of a script is the leader.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proc {
    pub(crate) on_int: Reaction,
    pub(crate) on_term: Reaction,
    /// SIGKILL ends it after this many milliseconds; never, if none.
    pub(crate) killable: Option<u64>,
    /// It returns this code at this time by itself.
    pub(crate) exits: Option<(u64, i32)>,
}

impl Proc {
    /// Dies at once of anything.
    pub(crate) const POLITE: Self =
        Self { on_int: Reaction::Dies(0), on_term: Reaction::Dies(0), killable: Some(0), exits: None };
    /// Only SIGKILL ends it.
    pub(crate) const STUBBORN: Self =
        Self { on_int: Reaction::Catches, on_term: Reaction::Catches, ..Self::POLITE };
}

/// A scripted command.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) policy: ExecutionPolicy,
    /// Spawning takes this long,
    pub(crate) spawn_ms: u64,
    /// and fails with this code.
    pub(crate) spawn_error: Option<i32>,
    pub(crate) procs: Vec<Proc>,
    /// Somebody outside the tree holds its output open.
    pub(crate) output_held: bool,
}

impl Script {
    pub(crate) fn of(procs: impl Into<Vec<Proc>>) -> Self {
        Self {
            policy: ExecutionPolicy::default(),
            spawn_ms: 0,
            spawn_error: None,
            procs: procs.into(),
            output_held: false,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Happening {
    SpawnReturns,
    Dies(usize, ExitStatus),
}

/// A simulated shim: the real machine over scripted processes.
#[derive(Debug)]
pub(crate) struct ShimSim {
    machine: Execution,
    script: Script,
    alive: Vec<bool>,
    spawned: bool,
    paused: bool,
    sweeping: bool,
    due: BTreeMap<(Elapsed, usize), Happening>,
    count: usize,
    events: VecDeque<ExecutionEvent>,
    feeding: bool,
    reports: Vec<Report>,
    /// Everything sent and reported, with its moment.
    pub(crate) log: Vec<(Elapsed, String)>,
    /// The furthest stage that each process was told of.
    told: Vec<Option<Stage>>,
}

impl ShimSim {
    /// A shim that starts to spawn at `now`.
    pub(crate) fn spawn(now: Elapsed, script: Script) -> Self {
        let mut shim = Self {
            machine: Execution::new(script.policy.clone()),
            alive: vec![false; script.procs.len()],
            spawned: false,
            paused: false,
            sweeping: false,
            due: BTreeMap::new(),
            count: 0,
            events: VecDeque::new(),
            feeding: false,
            reports: Vec::new(),
            log: Vec::new(),
            told: vec![None; script.procs.len()],
            script,
        };
        let spawn = Duration::from_millis(shim.script.spawn_ms);
        shim.plan(now.after(spawn), Happening::SpawnReturns);
        shim
    }

    fn plan(&mut self, at: Elapsed, what: Happening) {
        self.count += 1;
        self.due.insert((at, self.count), what);
    }

    /// When something happens next by itself.
    pub(crate) fn next(&self) -> Option<Elapsed> {
        let planned = self.due.first_key_value().map(|((at, _), _)| *at).filter(|_| !self.paused);
        [planned, self.machine.deadline()].into_iter().flatten().min()
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.machine.is_finished()
    }

    pub(crate) fn living(&self) -> usize {
        self.alive.iter().filter(|alive| **alive).count()
    }

    pub(crate) fn take_reports(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.reports)
    }

    /// Lets everything happen that is due by `now`.
    pub(crate) fn run_until(&mut self, now: Elapsed) {
        while let Some(at) = self.next().filter(|at| *at <= now) {
            self.step(at);
        }
    }

    /// Lets one thing happen.
    pub(crate) fn step(&mut self, now: Elapsed) {
        let planned = self.due.first_key_value().map(|(key, what)| (*key, *what));
        match planned.filter(|((at, _), _)| *at <= now && !self.paused) {
            Some((key, what)) => {
                self.due.remove(&key);
                self.happen(now, what);
            }
            None => self.feed(now, ExecutionEvent::DeadlineReached),
        }
    }

    fn happen(&mut self, now: Elapsed, what: Happening) {
        match what {
            Happening::SpawnReturns => self.spawn_returns(now),
            Happening::Dies(proc, status) if self.alive[proc] => self.die(now, proc, status),
            Happening::Dies(..) => {}
        }
    }

    fn spawn_returns(&mut self, now: Elapsed) {
        if let Some(code) = self.script.spawn_error {
            return self.feed(now, ExecutionEvent::SpawnFailed { code, message: "scripted".into() });
        }
        self.spawned = true;
        self.alive.fill(true);
        for (proc, (after, code)) in
            self.script.procs.clone().into_iter().enumerate().filter_map(|(n, p)| Some((n, p.exits?)))
        {
            let at = now.after(Duration::from_millis(after));
            self.plan(at, Happening::Dies(proc, ExitStatus::Code(code)));
        }
        self.feed(now, ExecutionEvent::Spawned { pid: 100 });
        if self.sweeping {
            self.sweep(now);
        }
    }

    fn die(&mut self, now: Elapsed, proc: usize, status: ExitStatus) {
        self.alive[proc] = false;
        if proc == 0 {
            self.feed(now, ExecutionEvent::LeaderExited(status));
        }
        if self.living() == 0 {
            self.feed(now, ExecutionEvent::TreeEmptied { escaped: 0 });
            if !self.script.output_held {
                self.feed(now, ExecutionEvent::OutputClosed);
            }
        }
    }

    /// Tells the machine, and does what it says. What an effect leads to is told after all effects are done.
    pub(crate) fn feed(&mut self, now: Elapsed, event: ExecutionEvent) {
        self.events.push_back(event);
        if std::mem::replace(&mut self.feeding, true) {
            return;
        }
        while let Some(event) = self.events.pop_front() {
            for effect in self.machine.handle(now, event) {
                self.perform(now, effect);
            }
        }
        self.feeding = false;
    }

    fn perform(&mut self, now: Elapsed, effect: ExecutionEffect) {
        match effect {
            ExecutionEffect::Deliver { stage, signal } => self.deliver(now, stage, signal),
            ExecutionEffect::Sweep => {
                self.note(now, "sweep".into());
                self.sweeping = true;
                self.sweep(now);
            }
            ExecutionEffect::Pause => {
                self.note(now, "pause".into());
                self.paused = true;
            }
            ExecutionEffect::Resume => {
                self.note(now, "resume".into());
                self.paused = false;
            }
            ExecutionEffect::Look => self.look(now),
            ExecutionEffect::CloseOutput => self.note(now, "close output".into()),
            ExecutionEffect::Report(report) => self.report(now, report),
        }
    }

    /// An interrupt reaches the leader's group, which process 0 and 1 are, while the leader is there; everybody
    /// once it is gone. To be terminated reaches everybody.
    fn deliver(&mut self, now: Elapsed, stage: Stage, signal: Signal) {
        if self.living() == 0 {
            return;
        }
        let in_group = |n: &usize| stage > Stage::Interrupt || !self.alive[0] || *n < 2;
        let targets: Vec<usize> = (0..self.alive.len())
            .filter(|n| self.alive[*n] && self.told[*n] < Some(stage))
            .filter(in_group)
            .collect();
        assert!(self.told.iter().all(|told| *told <= Some(stage)), "{stage} after a later stage");
        if !targets.is_empty() {
            self.note(now, format!("send {signal} to {}", targets.len()));
        }
        for n in &targets {
            self.told[*n] = Some(stage);
            self.react(now, *n, stage, signal);
        }
        let deaf = |n: usize| stage == Stage::Interrupt && self.script.procs[n].on_int == Reaction::Ignores;
        let ignored_by_all = (0..self.alive.len()).filter(|n| self.alive[*n]).all(deaf);
        let targets = targets.len() as u32;
        self.feed(now, ExecutionEvent::Delivered { stage, targets, ignored_by_all });
    }

    fn react(&mut self, now: Elapsed, n: usize, stage: Stage, signal: Signal) {
        let proc = &self.script.procs[n];
        let reaction = if stage == Stage::Interrupt { proc.on_int } else { proc.on_term };
        let (after, status) = match reaction {
            Reaction::Ignores | Reaction::Catches => return,
            Reaction::Dies(after) => (after, ExitStatus::Signaled { signal, core: false }),
            Reaction::Exits(after, code) => (after, ExitStatus::Code(code)),
        };
        self.plan(now.after(Duration::from_millis(after)), Happening::Dies(n, status));
    }

    fn sweep(&mut self, now: Elapsed) {
        self.told.fill(Some(Stage::Kill));
        let status = ExitStatus::Signaled { signal: Signal::KILL, core: false };
        for proc in (0..self.alive.len()).filter(|n| self.alive[*n]).collect::<Vec<_>>() {
            if let Some(after) = self.script.procs[proc].killable {
                self.plan(now.after(Duration::from_millis(after)), Happening::Dies(proc, status));
            }
        }
    }

    fn look(&mut self, now: Elapsed) {
        let survivors: Vec<_> = (0..self.alive.len())
            .filter(|n| self.alive[*n])
            .map(|n| Survivor {
                pid: 100 + n as i32,
                name: "scripted".into(),
                state: if self.script.procs[n].killable.is_none() { 'D' } else { 'S' },
                wchan: None,
                refused: false,
            })
            .collect();
        let alive = survivors.len() as u32;
        let blocker = survivors.first().map(|s| Blocker { pid: s.pid, name: s.name.clone(), alive });
        let deaf = |n: usize| self.script.procs[n].on_int == Reaction::Ignores;
        let all_deaf = alive > 0 && (0..self.alive.len()).filter(|n| self.alive[*n]).all(deaf);
        let ignored = if all_deaf { Signal::INT.bit() } else { 0 };
        self.feed(now, ExecutionEvent::Looked(Census { survivors, blocker, ignored, escaped: 0 }));
    }

    fn report(&mut self, now: Elapsed, report: Report) {
        self.note(now, render(&report));
        self.reports.push(report);
    }

    fn note(&mut self, now: Elapsed, line: String) {
        self.log.push((now, line));
    }

    /// The transcript: a line a thing, with its millisecond.
    pub(crate) fn transcript(&self) -> String {
        self.log.iter().map(|(at, line)| format!("{} {line}\n", at.as_millis())).collect()
    }
}

fn render(report: &Report) -> String {
    let until = |until: &Option<Elapsed>| until.map_or("-".into(), |at| at.as_millis().to_string());
    match report {
        Report::Started { pid } => format!("> started {pid}"),
        Report::StageEntered { request, until: end, .. } => {
            format!("> {} ({:?}) until {}", request.stage, request.cause, until(end))
        }
        Report::StageExtended { until: end } => format!("> extended until {}", until(end)),
        Report::Waiting(blocker) => format!("> waits for {} of {}", blocker.pid, blocker.alive),
        Report::Paused => "> paused".into(),
        Report::Resumed { until: end } => format!("> resumed until {}", until(end)),
        Report::LeaderExited(ExitStatus::Code(code)) => format!("> leader exited {code}"),
        Report::LeaderExited(ExitStatus::Signaled { signal, .. }) => format!("> leader died of {signal}"),
        Report::Finished(ending) => format!("> finished: {}", render_ending(ending)),
    }
}

/// An ending in one line.
pub(crate) fn render_ending(ending: &Ending) -> String {
    let mut line = match &ending.outcome {
        Outcome::Interrupted { cause, stage: Some(stage), .. } => format!("interrupted ({cause:?}, {stage})"),
        outcome => outcome.to_string(),
    };
    for (count, word) in [(ending.leaked, "leaked"), (ending.escaped, "escaped")] {
        if count > 0 {
            line += &format!(", {count} {word}");
        }
    }
    if ending.output_truncated {
        line += ", truncated";
    }
    for survivor in &ending.survivors {
        line += &format!(", left: {survivor}");
    }
    line
}

/// How many random cases a property is tried with: more in `tests/run full`.
pub(crate) fn cases(usual: u32) -> proptest::test_runner::Config {
    let full = std::env::var_os("SUNDOWN_TESTS_FULL").is_some();
    proptest::test_runner::Config::with_cases(if full { usual * 50 } else { usual })
}
