//! Starting a leader: fork, set up, exec.
//!
//! Owns what a command starts with: its own session, its terminal or pipes, its signals, its directory. Only
//! the shim calls it, which has one thread and little memory, so that fork is cheap and safe.

use std::ffi::{CStr, CString, OsString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{Mode, OFlags};
use rustix::pipe::PipeFlags;
use rustix::process::Pid;

use super::signal;
use crate::core::command::{CommandSpec, Program};

/// What a new process gets as standard input, output and error.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stdio<'fd> {
    /// All three are this terminal, which becomes its controlling one.
    Terminal(BorrowedFd<'fd>),
    /// Nothing to read, and two pipes to write to.
    Pipes { stdin: BorrowedFd<'fd>, stdout: BorrowedFd<'fd>, stderr: BorrowedFd<'fd> },
}

/// Everything that exec needs, made before the fork.
pub(super) struct Plan {
    program: CString,
    argv: Vec<CString>,
    env: Vec<CString>,
    cwd: Option<CString>,
}

/// A leader between fork and exec.
#[derive(Debug)]
pub(super) struct Starting {
    pub(super) pid: Pid,
    /// Ends when exec has happened; carries the failed step and its errno if it did not.
    /// Never blocks.
    pub(super) result: OwnedFd,
}

/// A step that failed between fork and exec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Session = 1,
    Directory = 2,
    Program = 3,
}

impl Plan {
    /// What `command` needs, with `env` beside the inherited variables.
    ///
    /// # Errors
    /// If a word contains a NUL byte.
    pub(super) fn new(command: &CommandSpec, env: &[(OsString, OsString)]) -> io::Result<Self> {
        let shell = |line: &OsString| vec!["/bin/sh".into(), "-c".into(), line.clone()];
        let words = match &command.program {
            Program::Shell(line) => shell(line),
            Program::Argv(words) => words.clone(),
        };
        let text = |word: &OsString| CString::new(word.as_bytes()).map_err(io::Error::from);
        let argv = words.iter().map(text).collect::<io::Result<Vec<_>>>()?;
        let program = argv.first().cloned().unwrap_or_default();
        let cwd = command.cwd.as_ref().map(text).transpose()?;
        Ok(Self { program, argv, env: environment(command, env)?, cwd })
    }

    /// Forks. The child goes on to exec; the parent returns at once.
    ///
    /// # Errors
    /// If there is no descriptor or no process left.
    #[expect(unsafe_code, reason = "std offers no fork whose exec can be waited for without blocking")]
    pub(super) fn start(&self, stdio: Stdio<'_>) -> io::Result<Starting> {
        let (result, report) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        let pointers = |strings: &[CString]| {
            strings.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect::<Vec<_>>()
        };
        let (argv, env) = (pointers(&self.argv), pointers(&self.env));
        // SAFETY: the shim has one thread, so the child may use everything the parent could.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            let (step, errno) = self.become_leader(stdio, &argv, &env);
            let failure = [step as u8, errno.raw_os_error() as u8];
            // SAFETY: writes two bytes that live on this stack, then ends without running destructors, which
            // belong to the parent.
            unsafe {
                libc::write(report.as_raw_fd(), failure.as_ptr().cast(), failure.len());
                libc::_exit(127);
            }
        }
        let pid = Pid::from_raw(pid).filter(|pid| pid.as_raw_nonzero().get() > 0);
        pid.map(|pid| Starting { pid, result }).ok_or_else(io::Error::last_os_error)
    }

    /// In the child: sets everything up and execs. Returns only what went wrong.
    #[expect(unsafe_code, reason = "exec with a prepared environment")]
    fn become_leader(
        &self,
        stdio: Stdio<'_>,
        argv: &[*const libc::c_char],
        env: &[*const libc::c_char],
    ) -> (Step, rustix::io::Errno) {
        if let Err(errno) = rustix::process::setsid().and_then(|_| attach(stdio)) {
            return (Step::Session, errno);
        }
        signal::reset_all();
        if let Some(Err(errno)) = self.cwd.as_ref().map(|cwd| rustix::process::chdir(cwd.as_c_str())) {
            return (Step::Directory, errno);
        }
        // SAFETY: both arrays end with a null pointer and point to strings that `self` keeps; no other thread
        // reads `environ`.
        unsafe {
            set_environ(env.as_ptr());
            libc::execvp(self.program.as_ptr(), argv.as_ptr());
        }
        let errno = rustix::io::Errno::from_io_error(&io::Error::last_os_error());
        (Step::Program, errno.unwrap_or(rustix::io::Errno::NOEXEC))
    }
}

#[cfg(target_os = "macos")]
#[expect(unsafe_code, reason = "environ is reached through a function here")]
unsafe fn set_environ(env: *const *const libc::c_char) {
    // SAFETY: as the caller promises.
    unsafe { *libc::_NSGetEnviron() = env as *mut *mut libc::c_char };
}

#[cfg(not(target_os = "macos"))]
#[expect(unsafe_code, reason = "exec looks the program up in the PATH of this variable")]
unsafe fn set_environ(env: *const *const libc::c_char) {
    unsafe extern "C" {
        static mut environ: *const *const libc::c_char;
    }
    // SAFETY: as the caller promises.
    unsafe { environ = env };
}

/// In the child: makes descriptors 0 to 2 what they are to be.
fn attach(stdio: Stdio<'_>) -> rustix::io::Result<()> {
    let (stdin, stdout, stderr) = match stdio {
        Stdio::Terminal(slave) => {
            rustix::process::ioctl_tiocsctty(slave)?;
            (slave, slave, slave)
        }
        Stdio::Pipes { stdin, stdout, stderr } => (stdin, stdout, stderr),
    };
    rustix::stdio::dup2_stdin(stdin)?;
    rustix::stdio::dup2_stdout(stdout)?;
    rustix::stdio::dup2_stderr(stderr)
}

/// Inherited variables, then `env`, then the command's own; the last of a name counts.
fn environment(command: &CommandSpec, env: &[(OsString, OsString)]) -> io::Result<Vec<CString>> {
    let mut vars: std::collections::BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    vars.extend(env.iter().chain(&command.env).cloned());
    let entry = |(name, value): (OsString, OsString)| {
        let mut entry = name;
        entry.push("=");
        entry.push(value);
        CString::new(entry.as_bytes()).map_err(io::Error::from)
    };
    vars.into_iter().map(entry).collect()
}

/// How far a starting leader is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Between fork and exec.
    Pending,
    /// It runs the program.
    Running,
    /// It could not: exit code and message, as the outcome says it.
    Failed { code: i32, message: String },
}

impl Starting {
    /// Looks how far it is, without waiting.
    pub(super) fn progress(&self, command: &CommandSpec) -> Progress {
        let mut failure = [0; 2];
        match rustix::io::read(&self.result, &mut failure) {
            Ok(0) => Progress::Running,
            Ok(_) => describe(command, failure),
            Err(_) => Progress::Pending,
        }
    }
}

fn describe(command: &CommandSpec, [step, errno]: [u8; 2]) -> Progress {
    let error = io::Error::from_raw_os_error(errno.into());
    let program = match &command.program {
        Program::Shell(_) => "/bin/sh".into(),
        Program::Argv(words) => words.first().map(|w| w.to_string_lossy()).unwrap_or_default(),
    };
    let (code, message) = if step == Step::Program as u8 {
        let (code, why) = why_not_executed(&program, &error);
        (code, format!("run {program}: {why}"))
    } else if step == Step::Directory as u8 {
        let cwd = command.cwd.as_ref().map(|cwd| cwd.to_string_lossy()).unwrap_or_default();
        (125, format!("enter {cwd}: {}", text(&error)))
    } else {
        (125, format!("open its terminal: {}", text(&error)))
    };
    Progress::Failed { code, message }
}

/// The code that shells give (127 not found, 126 found but not executable), and words.
fn why_not_executed(program: &str, error: &io::Error) -> (i32, String) {
    let path = std::path::Path::new(program);
    match error.raw_os_error() {
        Some(libc::ENOENT) if !program.contains('/') => (127, "not found in PATH".into()),
        Some(libc::ENOENT) if path.exists() => {
            (127, "the interpreter in its first line does not exist".into())
        }
        Some(libc::ENOENT | libc::ENOTDIR) => (127, "no such file".into()),
        Some(libc::EACCES) if path.is_dir() => (126, "it is a directory".into()),
        Some(libc::EACCES) => (126, "not executable (chmod +x makes it so)".into()),
        Some(libc::ENOEXEC) => (126, "not a program".into()),
        _ => (126, text(error)),
    }
}

/// What the system says, without Rust's number behind it.
pub(super) fn text(error: &io::Error) -> String {
    let Some(code) = error.raw_os_error() else { return error.to_string() };
    let full = error.to_string();
    full.strip_suffix(&format!(" (os error {code})")).unwrap_or(&full).to_lowercase()
}

/// A descriptor that reads nothing and swallows everything.
pub(super) fn dev_null() -> io::Result<OwnedFd> {
    const DEV_NULL: &CStr = c"/dev/null";
    Ok(rustix::fs::open(DEV_NULL, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?)
}
