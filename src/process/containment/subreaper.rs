//! Containment by parentage: whatever its parents do, a process stays below the subreaper.

use rustix::process::Pid;

use crate::process::tree::{self, Process};

/// Every process below `root`, parents first, but for `excluded` and what is below them.
pub(super) fn members(root: Pid, excluded: &[Pid], visit: impl FnMut(&Process)) -> Vec<Process> {
    tree::descendants(root, excluded, visit)
}
