//! How long stopping takes, beside the least that it can take on this machine, in the same run:
//!
//!     cargo bench --bench stopping
//!
//! Latency: from a key or a signal to the handler in the command, beside a bare `kill`. Shutdown: from SIGTERM to
//! the end of sundown, beside a bare kill and wait of as many children. Machines are noisy: look at the ratios.

use std::fs;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;
use rustix::time::{ClockId, clock_gettime};

const TRIES: usize = 25;
const ROUNDS: usize = 3;
const LONG: Duration = Duration::from_secs(30);

fn main() {
    // `cargo test --benches` runs this, too, and wants only to know that it would.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let torture = torture();
    println!("latency, ms             median     p90   over bare");
    let bare = latencies(|file| Bare::start(&torture, file));
    report("bare kill", &bare, &bare);
    report("sundown, SIGINT", &latencies(|file| Headless::start(&torture, file)), &bare);
    report("sundown, key x", &latencies(|file| Screen::start(&torture, file)), &bare);
    println!("\nshutdown, ms             bare  sundown    ratio");
    for count in [1, 100, 500] {
        let mut rounds: Vec<(Duration, Duration)> =
            (0..ROUNDS).map(|_| (bare_shutdown(count), sundown_shutdown(count))).collect();
        let ratio = |(bare, ours): &(Duration, Duration)| ours.as_secs_f64() / bare.as_secs_f64();
        rounds.sort_by(|a, b| ratio(a).total_cmp(&ratio(b)));
        let middle = rounds[ROUNDS / 2];
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        println!(
            "{count:>4} children        {:>8.1} {:>8.1} {:>8.2}",
            ms(middle.0),
            ms(middle.1),
            ratio(&middle)
        );
    }
}

fn report(name: &str, times: &[u64], bare: &[u64]) {
    let at = |times: &[u64], share: usize| times[(times.len() - 1) * share / 100] as f64 / 1e6;
    let ratio = at(times, 50) / at(bare, 50);
    println!("{name:<20} {:>9.3} {:>7.3} {ratio:>11.1}", at(times, 50), at(times, 90));
}

/// The program that stamps signals, built as this is.
fn torture() -> PathBuf {
    let built =
        Command::new(env!("CARGO")).args(["build", "-q", "--release", "--example", "torture"]).status();
    assert!(built.is_ok_and(|status| status.success()), "torture does not build");
    Path::new(env!("CARGO_BIN_EXE_sundown")).parent().expect("a directory").join("examples/torture")
}

/// Something that can be interrupted once.
trait Subject {
    fn interrupt(&self);
}

/// Times from the interrupt to the handler, sorted, in nanoseconds.
fn latencies<S: Subject>(start: impl Fn(&Path) -> S) -> Vec<u64> {
    let mut times: Vec<u64> = (0..TRIES)
        .map(|_| {
            let dir = tempfile::tempdir().expect("a directory");
            let file = dir.path().join("stamps");
            let subject = start(&file);
            // Everything that follows the start is over before the clock runs.
            std::thread::park_timeout(Duration::from_millis(100));
            let before = now();
            subject.interrupt();
            let stamp = wait_for("a stamp", || fs::read(&file).ok().filter(|stamps| stamps.len() >= 8));
            let first: [u8; 8] = stamp[..8].try_into().expect("eight bytes");
            u64::from_ne_bytes(first).saturating_sub(before)
        })
        .collect();
    times.sort_unstable();
    times
}

fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < LONG, "no {what}");
        std::thread::park_timeout(Duration::from_micros(200));
    }
}

fn signal(child: &Child, signal: Signal) {
    rustix::process::kill_process(Pid::from_child(child), signal).expect("it is there");
}

fn end(child: &mut Child) {
    let _gone = child.kill();
    let _reaped = child.wait();
}

/// A child of our own.
struct Bare(Child);

impl Bare {
    fn start(torture: &Path, file: &Path) -> Self {
        let mut child =
            Command::new(torture).arg("stamp").arg(file).stdout(Stdio::piped()).spawn().expect("starts");
        let mut ready = [0; 5];
        child.stdout.as_mut().expect("piped").read_exact(&mut ready).expect("it is ready");
        Self(child)
    }
}

impl Subject for Bare {
    fn interrupt(&self) {
        signal(&self.0, Signal::INT);
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

fn sundown(state: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sundown"));
    command.env("XDG_STATE_HOME", state).env("TERM", "xterm-256color");
    command
}

fn line(torture: &Path, file: &Path) -> String {
    format!("exec {} stamp {}", torture.display(), file.display())
}

/// A sundown without a screen.
struct Headless {
    child: Child,
    _state: tempfile::TempDir,
}

impl Headless {
    fn start(torture: &Path, file: &Path) -> Self {
        let state = tempfile::tempdir().expect("a directory");
        let mut command = sundown(state.path());
        command.args(["run", "--headless", &line(torture, file)]).stdin(Stdio::null());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
        wait_for("start", || file.exists().then_some(()));
        Self { child, _state: state }
    }
}

impl Subject for Headless {
    fn interrupt(&self) {
        signal(&self.child, Signal::INT);
    }
}

impl Drop for Headless {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// A sundown on a terminal, which somebody reads.
struct Screen {
    child: Child,
    master: OwnedFd,
    _state: tempfile::TempDir,
}

impl Screen {
    fn start(torture: &Path, file: &Path) -> Self {
        let state = tempfile::tempdir().expect("a directory");
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = rustix::pty::openpt(flags).expect("a terminal");
        rustix::pty::grantpt(&master).expect("grants");
        rustix::pty::unlockpt(&master).expect("unlocks");
        let slave = rustix::pty::ioctl_tiocgptpeer(&master, flags).expect("its other end");
        let size = Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&master, size).expect("sets the size");
        let mut command = sundown(state.path());
        command.args(["run", &line(torture, file)]);
        let end = || Stdio::from(slave.try_clone().expect("a descriptor"));
        command.stdin(end()).stdout(end()).stderr(end());
        own_session(&mut command);
        let child = command.spawn().expect("starts");
        let mut reader = fs::File::from(master.try_clone().expect("a descriptor"));
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while reader.read(&mut buffer).is_ok_and(|read| read > 0) {}
        });
        wait_for("start", || file.exists().then_some(()));
        Self { child, master, _state: state }
    }
}

impl Subject for Screen {
    fn interrupt(&self) {
        rustix::io::write(&self.master, b"x").expect("types");
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

#[expect(unsafe_code, reason = "pre_exec is how a session and its terminal are made")]
fn own_session(command: &mut Command) {
    // SAFETY: both calls are async-signal-safe and touch no memory of the parent's.
    unsafe {
        command.pre_exec(|| {
            rustix::process::setsid()?;
            rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
            Ok(())
        });
    }
}

/// Kills so many children of our own, and waits for all.
fn bare_shutdown(count: usize) -> Duration {
    let mut children: Vec<Child> =
        (0..count).map(|_| Command::new("sleep").arg("1000").spawn().expect("starts")).collect();
    let begun = Instant::now();
    for child in &children {
        signal(child, Signal::TERM);
    }
    for child in &mut children {
        child.wait().expect("waits");
    }
    begun.elapsed()
}

/// Has sundown stop as many, each on a terminal of its own.
fn sundown_shutdown(count: usize) -> Duration {
    let state = tempfile::tempdir().expect("a directory");
    let mut command = sundown(state.path());
    command.args(["run", "--output", "json"]).args(std::iter::repeat_n("exec sleep 1000", count));
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("starts");
    let (told, started) = std::sync::mpsc::channel();
    let stdout = child.stdout.take().expect("piped");
    std::thread::spawn(move || {
        for line in std::io::BufRead::lines(std::io::BufReader::new(stdout)).map_while(Result::ok) {
            if line.contains("\"event\":\"started\"") && told.send(()).is_err() {
                return;
            }
        }
    });
    for _ in 0..count {
        started.recv_timeout(LONG).expect("all start");
    }
    // The last exec is over before the clock runs.
    std::thread::park_timeout(Duration::from_millis(500));
    let begun = Instant::now();
    signal(&child, Signal::TERM);
    child.wait().expect("waits");
    begun.elapsed()
}
