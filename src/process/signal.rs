//! Sending signals, and our own dispositions.
//!
//! Owns every `kill`. A process is signalled by a descriptor, or while it cannot have been reaped: never by a
//! bare number that may be a stranger's by now (SEMANTICS 2).

use std::io;

use rustix::process::Pid;

use crate::core::stop::Signal;

/// What became of sending a signal to one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It was sent.
    Yes,
    /// The process is gone.
    Gone,
    /// We may not signal it.
    Refused,
}

impl Sent {
    fn of(result: rustix::io::Result<()>) -> Self {
        match result {
            Ok(()) => Self::Yes,
            Err(rustix::io::Errno::PERM | rustix::io::Errno::ACCESS) => Self::Refused,
            Err(_) => Self::Gone,
        }
    }
}

/// The kernel's form of a signal.
#[expect(unsafe_code, reason = "real-time signals have no name that rustix would check")]
fn raw(signal: Signal) -> rustix::process::Signal {
    rustix::process::Signal::from_named_raw(signal.0).unwrap_or_else(|| {
        // SAFETY: the number comes from a parsed name or from 1 to 64, and libc's own signals (32, 33) are only
        // ever sent to processes of commands, never installed as handlers here.
        unsafe { rustix::process::Signal::from_raw_unchecked(signal.0) }
    })
}

/// Signals a child of ours that has not been reaped: its number cannot be anybody else's.
pub(crate) fn send_to_child(pid: Pid, signal: Signal) -> Sent {
    Sent::of(rustix::process::kill_process(pid, raw(signal)))
}

/// Signals the group of a leader that has not been reaped.
pub(crate) fn send_to_group(leader: Pid, signal: Signal) -> Sent {
    Sent::of(rustix::process::kill_process_group(leader, raw(signal)))
}

/// Signals a process that is not our child. `still_meant` looks whether the number is still the process that
/// was meant; it is asked after a descriptor holds whatever it is.
pub(crate) fn send_to_descendant(pid: Pid, signal: Signal, still_meant: impl Fn() -> bool) -> Sent {
    #[cfg(target_os = "linux")]
    match rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) {
        Ok(pidfd) if still_meant() => {
            return Sent::of(rustix::process::pidfd_send_signal(&pidfd, raw(signal)));
        }
        Ok(_) | Err(rustix::io::Errno::SRCH) => return Sent::Gone,
        // No descriptor left, or an old kernel: the look just before is the best there is.
        Err(_) => {}
    }
    if still_meant() { send_to_child(pid, signal) } else { Sent::Gone }
}

/// True if the process is there, and we may not signal it. Sends nothing.
pub(crate) fn is_refused(pid: Pid) -> bool {
    Sent::of(rustix::process::test_kill_process(pid)) == Sent::Refused
}

/// True if we were started with this signal ignored, as by `nohup` or `trap '' INT`.
pub(crate) fn is_ignored(signal: Signal) -> bool {
    disposition(signal.0) == libc::SIG_IGN
}

#[expect(unsafe_code, reason = "sigaction is the only way to read a disposition")]
fn disposition(number: i32) -> libc::sighandler_t {
    // SAFETY: an all-zero sigaction is a valid value to be written over; a null `act` only reads.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(number, std::ptr::null(), &raw mut action);
        action.sa_sigaction
    }
}

/// Ignores a signal in this process.
#[expect(unsafe_code, reason = "signal dispositions are set through libc")]
pub(crate) fn ignore(signal: Signal) {
    // SAFETY: SIG_IGN runs no code of ours.
    unsafe { libc::signal(signal.0, libc::SIG_IGN) };
}

/// Gives every signal its default meaning and blocks none: what a command is to start with. Children inherit
/// both, and Rust's own spawning resets neither (measured).
///
/// Async-signal-safe.
#[expect(unsafe_code, reason = "signal dispositions and masks are set through libc")]
pub(crate) fn reset_all() {
    for number in 1..=64 {
        set_default(number);
    }
    // SAFETY: the set is initialised by sigemptyset before it is read.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}

/// By the kernel itself: libc keeps two signals from us, which its posix_spawn leaves ignored. KILL and STOP are
/// refused, as they should be.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "signal dispositions are set through the kernel")]
fn set_default(number: i32) {
    // The kernel's sigaction, which is at most this large: SIG_DFL, no flags, an empty mask.
    let default = [0_u64; 4];
    // SAFETY: SIG_DFL runs no code of ours; the kernel reads within the array.
    unsafe {
        libc::syscall(libc::SYS_rt_sigaction, number, default.as_ptr(), std::ptr::null_mut::<u64>(), 8_usize);
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(unsafe_code, reason = "signal dispositions are set through libc")]
fn set_default(number: i32) {
    // SAFETY: SIG_DFL runs no code of ours.
    unsafe { libc::signal(number, libc::SIG_DFL) };
}

/// Who is signalled when we end by a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    /// Only this process.
    Ourselves,
    /// The group that has the terminal, if that is ours: as the terminal itself would have done.
    ForegroundGroup,
}

/// Ends this process by `signal`, as if nobody had handled it. Returns only if it could not.
///
/// No core is left, as the end of sundown by a signal is no fault of its.
pub(crate) fn raise_default(signal: Signal, whom: Whom) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let no_core = Rlimit { current: Some(0), ..getrlimit(Resource::Core) };
    setrlimit(Resource::Core, no_core).expect("a soft limit can always be lowered");
    reset_all();
    let group = rustix::termios::tcgetpgrp(rustix::stdio::stdin()).ok();
    if whom == Whom::ForegroundGroup && group == Some(rustix::process::getpgrp()) {
        let _sent = rustix::process::kill_current_process_group(raw(signal));
    }
    send_to_child(rustix::process::getpid(), signal);
}

/// Stops this process and its group as Ctrl-Z would, until `SIGCONT`. In an orphaned group, where nobody could
/// wake us, the kernel does nothing (POSIX), and neither does this.
///
/// # Errors
/// If the group cannot be signalled.
#[expect(unsafe_code, reason = "signal dispositions are set through libc")]
pub(crate) fn suspend() -> io::Result<()> {
    // SAFETY: all zeros is a valid action: the default one.
    let (mut before, default) = unsafe { std::mem::zeroed::<(libc::sigaction, libc::sigaction)>() };
    // The others first, while we are deaf to it: a signal to a process reaches one of its threads, some time.
    // SAFETY: reads this signal's action and sets it to ignore, which runs no code of ours.
    unsafe {
        libc::sigaction(libc::SIGTSTP, std::ptr::null(), &raw mut before);
        libc::signal(libc::SIGTSTP, libc::SIG_IGN);
    }
    let sent = rustix::process::kill_current_process_group(rustix::process::Signal::TSTP);
    // SAFETY: default and former action are valid; `raise` signals this thread, which stops the whole process
    // before it returns, until somebody continues it.
    unsafe {
        libc::sigaction(libc::SIGTSTP, &raw const default, std::ptr::null_mut());
        libc::raise(libc::SIGTSTP);
        libc::sigaction(libc::SIGTSTP, &raw const before, std::ptr::null_mut());
    }
    Ok(sent?)
}
