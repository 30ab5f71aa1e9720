//! Programs that are hard to stop, for the end-to-end tests: `torture NAME ARGS`.
//!
//! Each does one nasty thing, says `ready` when it is set up for it, and ends by itself after some minutes: a
//! test that fails leaves nothing behind for long. Names of processes carry the test's tag.

#![expect(unsafe_code, reason = "fork, signals and process names are what this is about")]

use std::ffi::CString;
use std::io::{self, Read, Write};
use std::time::Duration;

/// Nothing here lives longer.
const LONGEST_LIFE: u32 = 240;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let arg = |n: usize| args.get(n).map_or("", String::as_str);
    let number = |n: usize| arg(n).parse::<u64>().unwrap_or(0);
    // SAFETY: alarm has no memory effects; SIGALRM's default action ends the process.
    unsafe { libc::alarm(LONGEST_LIFE) };
    match arg(0) {
        "wl" => wl(arg(1), arg(2)),
        "comet" => comet(arg(1), number(2)),
        "hydra" => hydra(arg(1), number(2)),
        "forest" => forest(arg(1), number(2)),
        "zombies" => zombies(arg(1), number(2)),
        "raw" => raw(arg(1)),
        "flush" => flush_on_term(arg(1), number(2)),
        "note" => note_signals(arg(1), arg(2)),
        "hup-proof" => hup_proof(arg(1)),
        "stopped" => stopped(arg(1)),
        "burst" => burst(number(1)),
        "fds" => fds(),
        "signals" => signals(),
        "stamp" => stamp(arg(1)),
        other => {
            eprintln!("torture: no program '{other}'");
            std::process::exit(2);
        }
    }
}

/// Gives this process a name that tests can look for.
fn name(tag: &str) {
    let name = CString::new(tag).expect("a tag without NUL");
    // SAFETY: PR_SET_NAME reads a string that ends with NUL.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}

/// Forks; true in the child, which dies with the alarm of its own.
fn fork() -> bool {
    // SAFETY: this program has one thread.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // SAFETY: as in main. Alarms are not inherited.
        unsafe { libc::alarm(LONGEST_LIFE) };
    }
    pid == 0
}

fn exit_now(code: i32) -> ! {
    // SAFETY: ends the process without running what belongs to its parent.
    unsafe { libc::_exit(code) }
}

fn dispose(signal: i32, how: libc::sighandler_t) {
    // SAFETY: SIG_IGN and SIG_DFL run no code; `nothing` below is async-signal-safe.
    unsafe { libc::signal(signal, how) };
}

extern "C" fn nothing(_signal: i32) {}

fn rest() -> ! {
    loop {
        // SAFETY: waits for a signal.
        unsafe { libc::pause() };
    }
}

fn say(text: &str) {
    // A reader that is gone ends this soon enough.
    let _unread = writeln!(io::stdout(), "{text}").and_then(|()| io::stdout().flush());
}

/// How a process of `wl` takes signals.
fn take_signals(how: &str) {
    let disposition = match how {
        "ign" => nothing as *const () as libc::sighandler_t,
        "deaf" => libc::SIG_IGN,
        _ => libc::SIG_DFL,
    };
    let signals: &[i32] = match how {
        "int-deaf" => &[libc::SIGINT],
        _ => &[libc::SIGHUP, libc::SIGINT, libc::SIGTERM],
    };
    let disposition = if how == "int-deaf" { libc::SIG_IGN } else { disposition };
    for signal in signals {
        dispose(*signal, disposition);
    }
}

/// A leader with four descendants: same group, own group, own session, double-forked daemon. `term` die of
/// signals, `ign` catch HUP, INT and TERM and do nothing, `deaf` ignore them, `int-deaf` ignore only INT.
fn wl(tag: &str, how: &str) {
    name(tag);
    take_signals(how);
    let mut pipe = [0; 2];
    // SAFETY: the array has room for both ends.
    unsafe { libc::pipe(pipe.as_mut_ptr()) };
    let ready = || {
        // SAFETY: writes one byte that lives here.
        unsafe { libc::write(pipe[1], b"r".as_ptr().cast(), 1) };
    };
    if fork() {
        ready();
        rest();
    }
    if fork() {
        // SAFETY: makes this process the leader of a group of its own.
        unsafe { libc::setpgid(0, 0) };
        ready();
        rest();
    }
    if fork() {
        // SAFETY: makes this process the leader of a session of its own.
        unsafe { libc::setsid() };
        ready();
        rest();
    }
    if fork() {
        // SAFETY: as above.
        unsafe { libc::setsid() };
        if fork() {
            ready();
            rest();
        }
        exit_now(0);
    }
    let mut got = 0;
    while got < 4 {
        let mut byte = 0_u8;
        // SAFETY: reads one byte into a local.
        got += unsafe { libc::read(pipe[0], (&raw mut byte).cast(), 1) };
    }
    // SAFETY: reaps the one that has daemonized, so that it is no zombie of the leader's.
    unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) };
    say(&format!("ready {tag}"));
    rest();
}

/// Forks, leaves its session, dies; its child does the same, for ever. Milliseconds to live each.
fn comet(tag: &str, life_ms: u64) {
    name(tag);
    take_signals("ign");
    say(&format!("ready {tag}"));
    let begun = std::time::Instant::now();
    while begun.elapsed() < Duration::from_secs(30) {
        if fork() {
            // SAFETY: as in wl.
            unsafe { libc::setsid() };
            if life_ms > 0 {
                std::thread::sleep(Duration::from_millis(life_ms));
            }
        } else {
            exit_now(0);
        }
    }
}

/// A fork bomb of so many processes in all: each forks again and again, also while others die.
fn hydra(tag: &str, most: u64) {
    use std::sync::atomic::{AtomicU64, Ordering};
    name(tag);
    take_signals("ign");
    // SAFETY: an anonymous shared page, zeroed by the kernel, that lives as long as the last process.
    let count = unsafe {
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        let page = libc::mmap(std::ptr::null_mut(), 4096, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
        assert_ne!(page, libc::MAP_FAILED);
        &*page.cast::<AtomicU64>()
    };
    say(&format!("ready {tag}"));
    while count.fetch_add(1, Ordering::Relaxed) < most {
        fork();
        std::thread::sleep(Duration::from_millis(5));
    }
    rest();
}

/// So many children that rest, in a tree of fans of fifty.
fn forest(tag: &str, count: u64) {
    name(tag);
    let fan = 50;
    let mut left = count;
    while left > 0 {
        let share = left.min(fan);
        left -= share;
        if fork() {
            for _ in 1..share {
                if fork() {
                    rest();
                }
            }
            rest();
        }
    }
    say(&format!("ready {tag}"));
    rest();
}

/// So many orphans that die at once.
fn zombies(tag: &str, count: u64) {
    name(tag);
    for _ in 0..count {
        if fork() {
            if fork() {
                exit_now(0);
            }
            exit_now(0);
        }
        // SAFETY: reaps the parent of the orphan.
        unsafe { libc::wait(std::ptr::null_mut()) };
    }
    say(&format!("ready {tag}"));
    rest();
}

extern "C" fn note_int(_signal: i32) {
    const TEXT: &[u8] = b"got SIGINT\r\n";
    // SAFETY: write is async-signal-safe and the bytes are constant.
    unsafe { libc::write(1, TEXT.as_ptr().cast(), TEXT.len()) };
    exit_now(0);
}

/// Raw mode, in which a Ctrl-C is a byte like any other; says when a signal comes all the same.
fn raw(tag: &str) {
    name(tag);
    dispose(libc::SIGINT, note_int as *const () as libc::sighandler_t);
    // SAFETY: the struct is filled before it is used, and lives on the stack.
    unsafe {
        let mut modes: libc::termios = std::mem::zeroed();
        libc::tcgetattr(0, &raw mut modes);
        libc::cfmakeraw(&raw mut modes);
        libc::tcsetattr(0, libc::TCSANOW, &raw const modes);
    }
    say("ready\r");
    for byte in io::stdin().lock().bytes().map_while(Result::ok) {
        say(&format!("byte {byte}\r"));
    }
}

extern "C" fn flush_now(_signal: i32) {
    let line = [b'f'; 1000];
    // SAFETY: write is async-signal-safe; blocks until somebody reads, which is the point.
    unsafe {
        for _ in 0..1000 {
            libc::write(1, line.as_ptr().cast(), line.len());
        }
        libc::write(1, b"\r\nflushed\r\n".as_ptr().cast(), 11);
    }
    exit_now(0);
}

/// On SIGTERM, writes a megabyte and ends.
fn flush_on_term(tag: &str, _unused: u64) {
    name(tag);
    dispose(libc::SIGINT, nothing as *const () as libc::sighandler_t);
    dispose(libc::SIGHUP, libc::SIG_IGN);
    dispose(libc::SIGTERM, flush_now as *const () as libc::sighandler_t);
    say("ready");
    rest();
}

/// Says the name of each signal it gets, once each time, and goes on; `until` names one that ends it.
fn note_signals(tag: &str, until: &str) {
    use std::sync::atomic::{AtomicI32, Ordering};
    static UNTIL: AtomicI32 = AtomicI32::new(0);
    extern "C" fn note(signal: i32) {
        let text: &[u8] = match signal {
            libc::SIGINT => b"got INT\r\n",
            libc::SIGTERM => b"got TERM\r\n",
            libc::SIGHUP => b"got HUP\r\n",
            libc::SIGCONT => b"got CONT\r\n",
            libc::SIGWINCH => b"got WINCH\r\n",
            _ => b"got another\r\n",
        };
        // SAFETY: write is async-signal-safe and the bytes are constant.
        unsafe { libc::write(1, text.as_ptr().cast(), text.len()) };
        if signal == UNTIL.load(Ordering::Relaxed) {
            exit_now(0);
        }
    }
    name(tag);
    let number = match until {
        "INT" => libc::SIGINT,
        "TERM" => libc::SIGTERM,
        "HUP" => libc::SIGHUP,
        _ => 0,
    };
    UNTIL.store(number, Ordering::Relaxed);
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGCONT] {
        dispose(signal, note as *const () as libc::sighandler_t);
    }
    say("ready");
    rest();
}

/// The leader ends; a child that does not hear SIGHUP holds the terminal.
fn hup_proof(tag: &str) {
    if fork() {
        name(tag);
        dispose(libc::SIGHUP, libc::SIG_IGN);
        rest();
    }
    // The child is named before its parent is gone.
    std::thread::sleep(Duration::from_millis(50));
    say("ready");
}

/// Stops itself, and two children in groups of their own.
fn stopped(tag: &str) {
    name(tag);
    for _ in 0..2 {
        if fork() {
            // SAFETY: as in wl.
            unsafe { libc::setpgid(0, 0) };
            // SAFETY: stops this process until it is continued.
            unsafe { libc::raise(libc::SIGSTOP) };
            rest();
        }
    }
    say("ready");
    // SAFETY: as above.
    unsafe { libc::raise(libc::SIGSTOP) };
    rest();
}

/// Writes so many bytes of numbered lines as fast as it can, and ends.
fn burst(bytes: u64) {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut written = 0;
    let mut n = 0;
    while written < bytes {
        let line = format!("{n:09}\n");
        if out.write_all(line.as_bytes()).is_err() {
            return;
        }
        written += line.len() as u64;
        n += 1;
    }
}

/// Lists its own descriptors.
fn fds() {
    let dir = std::fs::read_dir("/proc/self/fd").expect("Linux");
    let mut found: Vec<String> = dir
        .flatten()
        .filter_map(|entry| {
            let target = std::fs::read_link(entry.path()).ok()?;
            Some(format!("{} {}", entry.file_name().to_string_lossy(), target.display()))
        })
        .filter(|text| !text.contains("/proc/"))
        .collect();
    found.sort();
    say(&format!("fds: {}", found.join(", ")));
}

/// Says which signals it was started with ignored or blocked.
fn signals() {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    for line in status.lines().filter(|line| line.starts_with("SigIgn") || line.starts_with("SigBlk")) {
        say(line);
    }
}

/// Writes the moment of each SIGINT or SIGTERM to a file: monotonic nanoseconds, eight bytes each.
fn stamp(path: &str) {
    use std::os::fd::IntoRawFd;
    use std::sync::atomic::{AtomicI32, Ordering};
    static FILE: AtomicI32 = AtomicI32::new(-1);
    extern "C" fn note(_signal: i32) {
        // SAFETY: both calls are async-signal-safe, and what they point to lives here.
        unsafe {
            let mut now: libc::timespec = std::mem::zeroed();
            libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now);
            let ns = (now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64).to_ne_bytes();
            libc::write(FILE.load(Ordering::Relaxed), ns.as_ptr().cast(), ns.len());
        }
    }
    let file = std::fs::OpenOptions::new().append(true).create(true).open(path).expect("opens");
    FILE.store(file.into_raw_fd(), Ordering::Relaxed);
    for signal in [libc::SIGINT, libc::SIGTERM] {
        dispose(signal, note as *const () as libc::sighandler_t);
    }
    say("ready");
    rest();
}
