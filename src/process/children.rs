//! The children that this process has started itself: shims and the terminal's guard.
//!
//! Owns their list, so that whatever else is found below us is known for an orphan that a lost shim left.

use std::collections::HashSet;
use std::io;
use std::ops::Deref;
use std::process::Command;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, WaitOptions};

// One process has one set of children, whoever starts them.
static OWN: LazyLock<Mutex<HashSet<Pid>>> = LazyLock::new(Mutex::default);

/// The list, which does not change while this is held.
#[derive(Debug)]
pub(super) struct Own(MutexGuard<'static, HashSet<Pid>>);

/// Has everything that we were started with, but for the first three descriptors, closed in every child: what a
/// careless parent left open would otherwise reach every command.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "rustix has no close_range")]
pub(crate) fn inherit_nothing() {
    // SAFETY: only sets flags of descriptors; an old kernel refuses, and then things are as they always were.
    unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
}

/// Elsewhere, descriptors are the business of those who open them.
#[cfg(not(target_os = "linux"))]
pub(crate) fn inherit_nothing() {}

/// The children we started and have not reaped.
pub(super) fn own() -> Own {
    Own(OWN.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Starts a child and lists it: under one lock, so that it is never taken for an orphan.
///
/// # Errors
/// If it cannot be started.
pub(super) fn spawn(command: &mut Command) -> io::Result<Pid> {
    let mut own = own();
    let pid = Pid::from_child(&command.spawn()?);
    own.0.insert(pid);
    Ok(pid)
}

/// Waits for every child that we started: once nobody else does.
pub(crate) fn wait_for_all() {
    while let Some(pid) = { own().0.iter().next().copied() } {
        // Not under the lock: this one may take its time.
        let _status = rustix::process::waitpid(Some(pid), WaitOptions::empty());
        own().0.remove(&pid);
    }
}

impl Own {
    /// Waits for a child of ours that has ended or is about to, and strikes it off.
    pub(super) fn reap(mut self, pid: Pid) {
        // ECHILD would mean that it was reaped already: as well.
        let _status = rustix::process::waitpid(Some(pid), WaitOptions::empty());
        self.0.remove(&pid);
    }

    /// Reaps every dead child that we did not start. By number, one by one: whoever else waits for a child of
    /// this process does not lose its status to us.
    pub(super) fn reap_others(&self) {
        for pid in super::tree::children(rustix::process::getpid()) {
            if !self.0.contains(&pid) {
                // Not dead yet, or reaped by another thread: both are well.
                let _status = rustix::process::waitpid(Some(pid), WaitOptions::NOHANG);
            }
        }
    }
}

impl Deref for Own {
    type Target = HashSet<Pid>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
