//! What a stop reaches: every process of an execution, wherever it went.
//!
//! Owns delivering signals to a tree, sweeping it, pausing it and looking at it. How the tree is found is the
//! business of the kinds below; when what is sent is the core's.

mod subreaper;

use std::collections::HashSet;
use std::os::fd::BorrowedFd;

use rustix::process::Pid;

use super::pty;
use super::signal::{self, Sent};
use super::tree::Process;
use crate::core::event::Census;
use crate::core::outcome::Survivor;
use crate::core::report::Blocker;
use crate::core::stop::Signal;

/// From this size on, a tree is stopped before it is killed: so that it cannot fork faster than it dies.
const STOP_FIRST: usize = 8;
/// A tree that grows while it is signalled is looked at again, at most this often.
const ROUNDS: usize = 10;

/// The processes below one process, and their leader.
#[derive(Debug)]
pub(crate) struct Containment {
    root: Pid,
    /// Not of this tree though below the root, and nothing below them is.
    excluded: Vec<Pid>,
    /// The leader while it has not been reaped: so long its number is its own.
    leader: Option<Pid>,
    /// Processes found that had left the leader's parentage, and were reaped.
    escaped: u32,
    /// Who has had the interrupt, by pid and start: each gets it once.
    interrupted: Vec<(Pid, u64)>,
}

/// What became of delivering a signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// Processes it went to.
    pub(crate) targets: u32,
    /// Every live process of the tree ignores it.
    pub(crate) ignored_by_all: bool,
}

impl Containment {
    /// What is below `root`, which must be a subreaper, but for `excluded`.
    pub(crate) const fn below(root: Pid, excluded: Vec<Pid>) -> Self {
        Self { root, excluded, leader: None, escaped: 0, interrupted: Vec::new() }
    }

    /// The leader was forked.
    pub(crate) const fn set_leader(&mut self, leader: Pid) {
        self.leader = Some(leader);
    }

    /// A child of the root was reaped. True if it was the leader.
    pub(crate) fn note_reaped(&mut self, pid: Pid) -> bool {
        let is_leader = self.leader == Some(pid);
        if is_leader {
            self.leader = None;
        } else {
            self.escaped += 1;
        }
        is_leader
    }

    /// How many processes had left the leader's parentage and were reaped here.
    pub(crate) const fn escaped(&self) -> u32 {
        self.escaped
    }

    /// Asks as Ctrl-C asks: the terminal's foreground group, or the leader's; once the leader is gone, or there
    /// is no such group, each process that has not been asked (SEMANTICS 2, stage 1).
    pub(crate) fn interrupt(&mut self, signal: Signal, terminal: Option<BorrowedFd<'_>>) -> Delivery {
        // First the signal, then the looking: nothing waits for /proc.
        let (group, sent) = self.interrupt_group(signal, terminal);
        let members = self.living();
        let is_target = |p: &&Process| {
            let in_group = group.is_none_or(|group| p.group == group.as_raw_nonzero().get());
            in_group && !self.interrupted.contains(&(p.pid, p.start))
        };
        let targets: Vec<&Process> = members.iter().filter(is_target).collect();
        for target in &targets {
            if !sent {
                self.send(target, signal);
            }
            if target.is_stopped() {
                self.send(target, Signal::CONT);
            }
        }
        let delivery = Delivery {
            targets: count(&targets),
            ignored_by_all: ignored_by_all(&members) & signal.bit() != 0,
        };
        self.interrupted.extend(targets.into_iter().map(|target| (target.pid, target.start)));
        delivery
    }

    /// Signals the group that a Ctrl-C would go to, if there is one; true if that reached all of it.
    fn interrupt_group(&self, signal: Signal, terminal: Option<BorrowedFd<'_>>) -> (Option<Pid>, bool) {
        match (self.leader, terminal) {
            // The terminal, too, would say that it had signalled, and reach nobody.
            (None, _) => (None, false),
            (Some(leader), None) => (Some(leader), signal::send_to_group(leader, signal) == Sent::Yes),
            (Some(_), Some(master)) => match pty::foreground(master) {
                Some(group) => (Some(group), pty::signal_foreground(master, signal)),
                None => (None, false),
            },
        }
    }

    /// Tells every process of the tree, once; on a terminal also by SIGHUP, which interactive shells heed where
    /// they ignore SIGTERM.
    pub(crate) fn terminate(&self, signal: Signal, on_terminal: bool) -> Delivery {
        let mut told: Vec<Process> = Vec::new();
        for _ in 0..ROUNDS {
            let known = |p: &Process| told.iter().any(|t| t.pid == p.pid && t.start == p.start);
            let new: Vec<_> = self.living().into_iter().filter(|p| !known(p)).collect();
            if new.is_empty() {
                break;
            }
            for target in &new {
                self.send(target, signal);
                if on_terminal && signal == Signal::TERM {
                    self.send(target, Signal::HUP);
                }
                self.send(target, Signal::CONT);
            }
            told.extend(new);
        }
        // Unlike an interrupt, this stage is never skipped: what ignores it may be finishing in its own time.
        Delivery { targets: count(&told), ignored_by_all: false }
    }

    /// Kills everything that is found; returns how much that was. To be repeated until nothing is left.
    pub(crate) fn sweep(&self) -> usize {
        let mut members = self.living();
        if members.len() >= STOP_FIRST {
            members = self.stop(members);
        }
        for member in &members {
            self.send(member, Signal::KILL);
        }
        members.len()
    }

    /// Makes everything stand still.
    pub(crate) fn stop_all(&self) {
        self.stop(self.living());
    }

    /// Stops these and whatever they became meanwhile, parents before children: so that none is forked behind our
    /// back, and no shell sees its job stop and takes the terminal back. Returns who is there now.
    fn stop(&self, mut members: Vec<Process>) -> Vec<Process> {
        let mut stopped = HashSet::new();
        let mut stop = |process: &Process| {
            let is_new =
                process.is_alive() && !process.is_stopped() && stopped.insert((process.pid, process.start));
            if is_new {
                self.send(process, Signal::STOP);
            }
            is_new
        };
        let mut found = members.iter().filter(|process| stop(process)).count();
        for _ in 0..ROUNDS {
            if found == 0 {
                break;
            }
            found = 0;
            members =
                subreaper::members(self.root, &self.excluded, |process| found += usize::from(stop(process)));
        }
        members.retain(Process::is_alive);
        members
    }

    /// Lets everything go on, children before parents.
    pub(crate) fn continue_all(&self) {
        for member in self.living().iter().rev() {
            self.send(member, Signal::CONT);
        }
    }

    /// Looks who is left.
    pub(crate) fn census(&self) -> Census {
        let members = self.living();
        let alive = u32::try_from(members.len()).unwrap_or(u32::MAX);
        let leader = members.iter().find(|p| Some(p.pid) == self.leader);
        let blocker = leader.or(members.first()).map(|process| Blocker {
            pid: process.pid.as_raw_nonzero().get(),
            name: process.name.clone(),
            alive,
        });
        Census {
            survivors: members.iter().map(survivor).collect(),
            blocker,
            ignored: ignored_by_all(&members),
            escaped: self.escaped,
        }
    }

    fn living(&self) -> Vec<Process> {
        subreaper::members(self.root, &self.excluded, |_| ()).into_iter().filter(Process::is_alive).collect()
    }

    fn send(&self, target: &Process, signal: Signal) -> Sent {
        if target.parent == self.root.as_raw_nonzero().get() {
            // Only we can reap it, and we are here: the number is its own.
            signal::send_to_child(target.pid, signal)
        } else {
            signal::send_to_descendant(target.pid, signal, || target.is_still_there())
        }
    }
}

fn survivor(process: &Process) -> Survivor {
    Survivor {
        pid: process.pid.as_raw_nonzero().get(),
        name: process.name.clone(),
        state: process.state,
        wchan: if process.state == 'D' { process.wchan() } else { None },
        refused: signal::is_refused(process.pid),
    }
}

fn count(targets: &[impl Sized]) -> u32 {
    u32::try_from(targets.len()).unwrap_or(u32::MAX)
}

/// The signals that every one of them ignores. Of nobody, none.
fn ignored_by_all(members: &[Process]) -> u64 {
    let masks = members.iter().map(|process| process.ignored_signals().unwrap_or(0));
    masks.reduce(|all, mask| all & mask).unwrap_or(0)
}
