//! Looking at processes: who descends from whom, and in what state.
//!
//! Owns reading /proc. Signals nobody, and decides nothing by it that a descriptor or ECHILD could decide.

use std::fs;

use rustix::process::Pid;

/// A process, as it was when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: Pid,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    /// R, S, D, T, t, Z, X and so on.
    pub(crate) state: char,
    /// In clock ticks since boot: with the pid, it names a process for ever.
    pub(crate) start: u64,
    pub(crate) threads: u32,
    pub(crate) name: String,
}

impl Process {
    /// Looks at one process, if it is there.
    pub(crate) fn look(pid: Pid) -> Option<Self> {
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        Self::parse(pid, &String::from_utf8_lossy(&stat))
    }

    fn parse(pid: Pid, stat: &str) -> Option<Self> {
        // The name is in parentheses, and may contain them.
        let (open, close) = (stat.find('(')?, stat.rfind(')')?);
        let fields: Vec<&str> = stat.get(close + 2..)?.split(' ').collect();
        let number = |n: usize| fields.get(n)?.parse().ok();
        Some(Self {
            pid,
            parent: number(1)?,
            group: number(2)?,
            state: fields.first()?.chars().next()?,
            start: fields.get(19)?.parse().ok()?,
            threads: fields.get(17)?.parse().ok()?,
            name: stat.get(open + 1..close)?.to_owned(),
        })
    }

    /// False for what is dead and only waits to be reaped.
    pub(crate) const fn is_alive(&self) -> bool {
        !matches!(self.state, 'Z' | 'X' | 'x')
    }

    /// True if it was stopped by a signal.
    pub(crate) const fn is_stopped(&self) -> bool {
        matches!(self.state, 'T' | 't')
    }

    /// True if its number is still its own.
    pub(crate) fn is_still_there(&self) -> bool {
        Self::look(self.pid).is_some_and(|now| now.start == self.start)
    }

    /// The signals it ignores, as a mask: bit 0 is signal 1.
    pub(crate) fn ignored_signals(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    }

    /// What it waits for in the kernel, if that can be read.
    pub(crate) fn wchan(&self) -> Option<String> {
        let wchan = fs::read_to_string(format!("/proc/{}/wchan", self.pid)).ok()?;
        Some(wchan).filter(|wchan| !matches!(wchan.as_str(), "" | "0"))
    }
}

/// All descendants of a process, parents before their children, zombies included; but for those `excluded`, and
/// their own. Each is shown to `visit` before its children are looked for: one that is stopped then has no more of
/// them.
///
/// A moving tree may be seen in part: a process whose parent died between two reads is missed, and found the
/// next time below whoever adopted it.
pub(crate) fn descendants(root: Pid, excluded: &[Pid], mut visit: impl FnMut(&Process)) -> Vec<Process> {
    let mut found = Vec::new();
    let mut pids = children(root);
    while let Some(pid) = pids.pop() {
        if excluded.contains(&pid) {
            continue;
        }
        if let Some(process) = Process::look(pid) {
            visit(&process);
            match process.threads {
                _ if !process.is_alive() => {}
                1 => pids.extend(children_of_task(pid, pid).unwrap_or_else(|| children(pid))),
                _ => pids.extend(children(pid)),
            }
            found.push(process);
        }
    }
    found
}

/// The children of a process, newest last.
#[cfg(target_os = "linux")]
pub(crate) fn children(parent: Pid) -> Vec<Pid> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{parent}/task")) else { return Vec::new() };
    let mut pids = Vec::new();
    for task in tasks.flatten().filter_map(|task| parse_pid(task.file_name().to_str()?)) {
        match children_of_task(parent, task) {
            Some(more) => pids.extend(more),
            // The task ended meanwhile, or the kernel was built without these files.
            None if fs::exists(format!("/proc/{parent}/task/{task}/stat")).is_ok_and(|is| is) => {
                return scan_for_children(parent);
            }
            None => {}
        }
    }
    pids
}

/// The children of one of a process's threads, if the kernel tells.
#[cfg(target_os = "linux")]
fn children_of_task(parent: Pid, task: Pid) -> Option<Vec<Pid>> {
    let list = fs::read_to_string(format!("/proc/{parent}/task/{task}/children")).ok()?;
    Some(list.split_ascii_whitespace().filter_map(parse_pid).collect())
}

/// The slow way, for kernels without `children` files: every process is asked for its parent.
#[cfg(target_os = "linux")]
fn scan_for_children(parent: Pid) -> Vec<Pid> {
    let Ok(all) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = all.flatten().filter_map(|entry| parse_pid(entry.file_name().to_str()?));
    let is_child = |pid: &Pid| Process::look(*pid).is_some_and(|p| p.parent == parent.as_raw_nonzero().get());
    pids.filter(is_child).collect()
}

/// Without /proc, trees cannot be seen; containment is by group.
#[cfg(not(target_os = "linux"))]
pub(crate) fn children(_parent: Pid) -> Vec<Pid> {
    Vec::new()
}

#[cfg(not(target_os = "linux"))]
fn children_of_task(_parent: Pid, _task: Pid) -> Option<Vec<Pid>> {
    None
}

fn parse_pid(text: &str) -> Option<Pid> {
    text.parse().ok().and_then(Pid::from_raw)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_name_may_contain_anything() {
        let pid = Pid::from_raw(7).expect("not zero");
        let stat = "7 (a) b (c) S 1 2 3 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 0 0";
        let process = Process::parse(pid, stat).expect("parses");
        assert_eq!((process.name.as_str(), process.state, process.parent), ("a) b (c", 'S', 1));
        assert_eq!((process.group, process.start, process.threads), (2, 4711, 1));
        assert!(Process::parse(pid, "7 (x").is_none());
    }

    #[test]
    fn descendants_are_found_with_their_parents_first() {
        let mut child = Command::new("sh")
            .args(["-c", "sleep 100 & echo; wait"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh runs");
        let root = Pid::from_child(&child);
        let mut line = [0; 1];
        std::io::Read::read_exact(child.stdout.as_mut().expect("piped"), &mut line).expect("both are up");
        let found = descendants(rustix::process::getpid(), &[], |_| ());
        let below = found.iter().position(|p| p.parent == root.as_raw_nonzero().get());
        let ours = found.iter().position(|p| p.pid == root).expect("the child is found");
        let grandchild = below.expect("the grandchild is found");
        assert!(grandchild > ours);
        assert!(found[ours].is_alive() && found[ours].is_still_there());
        rustix::process::kill_process(found[grandchild].pid, rustix::process::Signal::KILL).expect("kills");
        child.kill().expect("kills");
        child.wait().expect("reaps");
        assert!(!found[ours].is_still_there());
    }
}
