//! The shim: the small process around one execution.
//!
//! Owns the truth about it: spawns the leader, is a subreaper above all it becomes, runs `core::execution` and
//! does what that says; and goes on alone if the engine dies. One thread, one poll loop, no runtime.

mod output;

use std::collections::VecDeque;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, Resource, Rlimit, WaitOptions, WaitStatus};
use rustix::time::{ClockId, Timespec};

use self::output::{Ends, Output};
use super::containment::Containment;
use super::exec::{self, Plan, Progress, Starting};
use super::link::{Link, Peer};
use super::signal;
use crate::core::effect::ExecutionEffect;
use crate::core::event::ExecutionEvent;
use crate::core::execution::Execution;
use crate::core::outcome::ExitStatus;
use crate::core::stop::{Signal, Stage};
use crate::core::time::Elapsed;
use crate::wire::shim::{FromShim, Start, ToShim};

/// The hidden verb that makes this binary a shim.
pub(crate) const VERB: &str = "__shim";
/// What a shim must not die of: it goes when its execution is over.
const IGNORED: [Signal; 6] =
    [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM, Signal::PIPE, Signal::TSTP];
/// One sweep after the other for this long, then the other work has its turn;
const SWEEP_SLICE: Duration = Duration::from_millis(10);
/// then again after a pause that grows from this
const SWEEP_FIRST_PAUSE: Duration = Duration::from_millis(1);
/// to this.
const SWEEP_LAST_PAUSE: Duration = Duration::from_millis(50);

/// Runs a shim if this process was started as one; to be called before anything else.
pub(crate) fn run_if_asked() -> Option<ExitCode> {
    let asked = std::env::args_os().nth(1).is_some_and(|verb| verb == VERB);
    asked.then(|| match run() {
        Ok(()) => ExitCode::SUCCESS,
        // Nobody is there to be told: the engine sees the link end, and takes the execution for lost.
        Err(_) => ExitCode::FAILURE,
    })
}

fn run() -> io::Result<()> {
    let link = Link::new(UnixStream::from(settle_in(c"sundown-shim")?))?;
    let (wake, wakes) = UnixStream::pair()?;
    wakes.set_nonblocking(true)?;
    signal_hook::low_level::pipe::register(signal_hook::consts::SIGCHLD, wake)?;
    let Some((start, log, link)) = receive_start(link)? else { return Ok(()) };
    Shim::new(*start, link, log, wakes).run();
    Ok(())
}

/// Leaves the parent's session and signals, and becomes a subreaper. Returns the link to the parent, which came
/// as standard input.
pub(super) fn settle_in(name: &CStr) -> io::Result<OwnedFd> {
    #[cfg(target_os = "linux")]
    rustix::thread::set_name(name)?;
    let link = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    rustix::stdio::dup2_stdin(exec::dev_null()?)?;
    // A group leader cannot leave its session; then it is in one of its own already.
    let _left = rustix::process::setsid();
    for signal in IGNORED {
        signal::ignore(signal);
    }
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    Ok(link)
}

type Received = (Box<Start>, Option<OwnedFd>, Link);

/// Waits for the first message. None if the engine went away before it.
fn receive_start(mut link: Link) -> io::Result<Option<Received>> {
    loop {
        let peer = link.read_some()?;
        if let Some(message) = link.next::<ToShim>()? {
            let ToShim::Start(start) = message else {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the first message is no start"));
            };
            let log = if start.log_attached { link.take_fd() } else { None };
            return Ok(Some((start, log, link)));
        }
        if peer == Peer::Gone {
            return Ok(None);
        }
        poll(&mut [PollFd::new(&link, PollFlags::IN)], None)?;
    }
}

/// The monotonic clock, in whole nanoseconds: what a session's epoch is given in.
pub(crate) fn monotonic_ns() -> u64 {
    let now = rustix::time::clock_gettime(ClockId::Monotonic);
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}

/// Waits, for ever if there is no timeout.
pub(super) fn poll(fds: &mut [PollFd<'_>], timeout: Option<Duration>) -> io::Result<()> {
    let timeout = timeout.map(|timeout| Timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    });
    match rustix::event::poll(fds, timeout.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Where the leader is.
#[derive(Debug)]
enum Leader {
    /// Between fork and exec.
    Starting(Starting),
    /// Past exec, or never there.
    Settled,
}

/// A sweep that goes on until the tree is empty.
#[derive(Debug)]
struct Sweep {
    next: Elapsed,
    pause: Duration,
}

#[derive(Debug)]
struct Shim {
    start: Start,
    machine: Execution,
    link: Link,
    engine: Peer,
    released: bool,
    wakes: UnixStream,
    containment: Containment,
    leader: Leader,
    tree_empty: bool,
    output: Output,
    output_closed: bool,
    sweep: Option<Sweep>,
    events: VecDeque<ExecutionEvent>,
}

impl Shim {
    fn new(start: Start, link: Link, log: Option<OwnedFd>, wakes: UnixStream) -> Self {
        let machine = Execution::new(start.command.policy.clone());
        Self {
            machine,
            link,
            engine: Peer::Open,
            released: false,
            wakes,
            containment: Containment::below(rustix::process::getpid(), Vec::new()),
            leader: Leader::Settled,
            tree_empty: false,
            output: Output::none(log),
            output_closed: false,
            sweep: None,
            events: VecDeque::new(),
            start,
        }
    }

    /// Runs until it is over. No error ends it: as long as the tree is not empty, there is work to do.
    fn run(mut self) {
        self.spawn();
        loop {
            self.look_at_leader();
            self.reap();
            self.hear_engine();
            self.look_at_output();
            self.sweep_if_due();
            self.look_at_clock();
            self.settle_events();
            self.speak_to_engine();
            if self.is_over() {
                return;
            }
            if self.events.is_empty() {
                self.wait();
            }
        }
    }

    fn now(&self) -> Elapsed {
        Elapsed::new(Duration::from_nanos(monotonic_ns().saturating_sub(self.start.epoch_ns)))
    }

    /// Opens the output and forks the leader; what fails is an outcome.
    fn spawn(&mut self) {
        if let Err(error) = self.try_spawn() {
            let message = format!("start it: {}", exec::text(&error));
            self.events.push_back(ExecutionEvent::SpawnFailed { code: 125, message });
        }
    }

    fn try_spawn(&mut self) -> io::Result<()> {
        if let Some(soft) = self.start.nofile {
            let limit = rustix::process::getrlimit(Resource::Nofile);
            rustix::process::setrlimit(Resource::Nofile, Rlimit { current: Some(soft), ..limit })?;
        }
        let plan = Plan::new(&self.start.command, &self.start.env)?;
        let ends = Ends::open(self.start.command.tty, self.start.size)?;
        self.link.queue(&FromShim::Output, ends.for_engine()?)?;
        self.link.write_some()?;
        let starting = plan.start(ends.stdio())?;
        self.containment.set_leader(starting.pid);
        self.leader = Leader::Starting(starting);
        self.output.attach(ends);
        // A directory that we stand in could not be unmounted.
        rustix::process::chdir("/")?;
        Ok(())
    }

    fn look_at_leader(&mut self) {
        let Leader::Starting(starting) = &self.leader else { return };
        let event = match starting.progress(&self.start.command) {
            Progress::Pending => return,
            Progress::Running => ExecutionEvent::Spawned { pid: starting.pid.as_raw_nonzero().get() },
            Progress::Failed { code, message } => ExecutionEvent::SpawnFailed { code, message },
        };
        self.leader = Leader::Settled;
        self.events.push_back(event);
    }

    /// Reaps whatever has died, and notes when nothing is left.
    fn reap(&mut self) {
        if self.tree_empty {
            return;
        }
        let mut drained = [0; 64];
        while matches!(io::Read::read(&mut &self.wakes, &mut drained), Ok(1..)) {}
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => self.on_reaped(pid, status),
                Ok(None) => return,
                Err(rustix::io::Errno::INTR) => {}
                // ECHILD, the only other answer there is.
                Err(_) => return self.on_tree_empty(),
            }
        }
    }

    fn on_reaped(&mut self, pid: Pid, status: WaitStatus) {
        if self.containment.note_reaped(pid) {
            // Its exec, or failing to, came before its death.
            self.look_at_leader();
            self.events.push_back(ExecutionEvent::LeaderExited(exit_status(status)));
        }
    }

    fn on_tree_empty(&mut self) {
        self.tree_empty = true;
        self.sweep = None;
        self.output.close_our_ends();
        self.events.push_back(ExecutionEvent::TreeEmptied { escaped: self.containment.escaped() });
    }

    fn hear_engine(&mut self) {
        if self.engine == Peer::Open {
            let heard = self.link.read_some();
            while let Ok(Some(message)) = self.link.next() {
                self.on_message(message);
            }
            // An engine that we do not understand is none.
            if !matches!(heard, Ok(Peer::Open)) {
                self.lose_engine();
            }
        }
    }

    fn on_message(&mut self, message: ToShim) {
        match message {
            ToShim::Start(_) => {}
            ToShim::Stop(request) => self.events.push_back(ExecutionEvent::StopRequested(request)),
            ToShim::GrantTime(by) => self.events.push_back(ExecutionEvent::MoreTimeRequested { by }),
            ToShim::Pause => self.events.push_back(ExecutionEvent::PauseRequested),
            ToShim::Resume => self.events.push_back(ExecutionEvent::ResumeRequested),
            ToShim::Release => self.released = true,
        }
    }

    fn speak_to_engine(&mut self) {
        if self.engine == Peer::Open && self.link.write_some().is_err() {
            self.lose_engine();
        }
    }

    fn lose_engine(&mut self) {
        self.engine = Peer::Gone;
        self.events.push_back(ExecutionEvent::EngineLost);
    }

    /// With an engine, only notes that nobody holds the output any more; without, reads it to the log.
    fn look_at_output(&mut self) {
        if self.engine == Peer::Gone {
            self.output.drain_to_log();
        }
        let closed = self.output.is_closed(self.engine == Peer::Gone);
        if self.tree_empty && closed && !self.output_closed {
            self.output_closed = true;
            self.events.push_back(ExecutionEvent::OutputClosed);
        }
    }

    fn sweep_if_due(&mut self) {
        let begun = self.now();
        if self.sweep.as_ref().is_none_or(|sweep| begun < sweep.next) {
            return;
        }
        while self.sweep.is_some() && self.now().since(begun) < SWEEP_SLICE {
            let found = self.containment.sweep();
            self.reap();
            if found == 0 {
                break;
            }
        }
        let now = self.now();
        if let Some(sweep) = &mut self.sweep {
            sweep.next = now.after(sweep.pause);
            sweep.pause = (sweep.pause * 2).min(SWEEP_LAST_PAUSE);
        }
    }

    fn look_at_clock(&mut self) {
        let now = self.now();
        if self.machine.deadline().is_some_and(|at| at <= now) {
            self.events.push_back(ExecutionEvent::DeadlineReached);
        }
    }

    /// Tells the machine what happened, and does what it says. What an effect leads to is told after the others
    /// are done.
    fn settle_events(&mut self) {
        while let Some(event) = self.events.pop_front() {
            let now = self.now();
            for effect in self.machine.handle(now, event) {
                self.perform(now, effect);
            }
        }
    }

    fn perform(&mut self, now: Elapsed, effect: ExecutionEffect) {
        match effect {
            ExecutionEffect::Deliver { stage, signal } => self.deliver(stage, signal),
            ExecutionEffect::Sweep => self.sweep = Some(Sweep { next: now, pause: SWEEP_FIRST_PAUSE }),
            ExecutionEffect::Pause => self.containment.stop_all(),
            ExecutionEffect::Resume => self.containment.continue_all(),
            ExecutionEffect::Look => self.events.push_back(ExecutionEvent::Looked(self.containment.census())),
            ExecutionEffect::CloseOutput => self.output.close(),
            ExecutionEffect::Report(report) => {
                if self.link.queue(&FromShim::Report(report), Vec::new()).is_err() {
                    self.lose_engine();
                }
            }
        }
    }

    fn deliver(&mut self, stage: Stage, signal: Signal) {
        // What is dead already gets no signal, and its number may not be used once it is reaped.
        self.reap();
        if self.tree_empty {
            return;
        }
        let delivery = match stage {
            Stage::Interrupt => {
                let (containment, output) = (&mut self.containment, &self.output);
                containment.interrupt(signal, output.terminal())
            }
            Stage::Terminate | Stage::Kill => {
                self.containment.terminate(signal, self.output.terminal().is_some())
            }
        };
        self.events.push_back(ExecutionEvent::Delivered {
            stage,
            targets: delivery.targets,
            ignored_by_all: delivery.ignored_by_all,
        });
    }

    /// Over when the outcome was taken: by the engine, or, without one, by the log.
    fn is_over(&self) -> bool {
        match self.engine {
            Peer::Open => self.released && self.machine.is_finished(),
            Peer::Gone => self.machine.is_finished(),
        }
    }

    fn wait(&self) {
        let now = self.now();
        let sweep = self.sweep.as_ref().map(|sweep| sweep.next);
        let timeout = self.machine.deadline().into_iter().chain(sweep).min().map(|at| at.since(now));
        let mut fds = vec![PollFd::new(&self.wakes, PollFlags::IN)];
        if self.engine == Peer::Open {
            let write = if self.link.wants_to_write() { PollFlags::OUT } else { PollFlags::empty() };
            fds.push(PollFd::new(&self.link, PollFlags::IN | write));
        }
        if let Leader::Starting(starting) = &self.leader {
            fds.push(PollFd::new(&starting.result, PollFlags::IN));
        }
        if !self.output_closed && (self.tree_empty || self.engine == Peer::Gone) {
            let read = if self.engine == Peer::Gone { PollFlags::IN } else { PollFlags::empty() };
            fds.extend(self.output.open_ends().map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), read)));
        }
        if poll(&mut fds, timeout).is_err() {
            // Out of memory, for the kernel at least: what is to be done is done a little later.
            std::thread::sleep(SWEEP_LAST_PAUSE);
        }
    }
}

fn exit_status(status: WaitStatus) -> ExitStatus {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => ExitStatus::Code(code),
        (None, Some(signal)) => {
            ExitStatus::Signaled { signal: Signal(signal), core: status.as_raw() & 0x80 != 0 }
        }
        // `wait` without flags for stops reports only ends.
        (None, None) => ExitStatus::Code(status.as_raw()),
    }
}
