//! A sundown under test: on a terminal of its own whose screen can be read, or headless with its events.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex};
use std::time::{Duration, Instant};

use alacritty_terminal::event::VoidListener;
use alacritty_terminal::grid::Dimensions;
use alacritty_terminal::index::{Column, Line};
use alacritty_terminal::term::{Config, Term, TermMode};
use alacritty_terminal::vte::ansi::Processor;
use rustix::process::{Pid, Signal};
use rustix::pty::OpenptFlags;
use rustix::termios::{Termios, Winsize};
use serde_json::Value;

/// Whatever a test waits for comes within this, or does not come: machines may be slow.
pub const LONG: Duration = Duration::from_secs(30);

/// The binary under test.
pub fn sundown() -> PathBuf {
    env!("CARGO_BIN_EXE_sundown").into()
}

/// The program of nasty things. `cargo test` builds it beside the tests; `cargo test --test e2e` does not.
pub fn torture() -> String {
    static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
        let path = sundown().parent().expect("it is in a directory").join("examples/torture");
        if !path.exists() {
            let built = Command::new(env!("CARGO")).args(["build", "--example", "torture"]).status();
            assert!(built.is_ok_and(|status| status.success()) && path.exists(), "no {}", path.display());
        }
        path
    });
    BUILT.to_string_lossy().into_owned()
}

/// A name for processes that no other test uses.
pub fn tag() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("t{}x{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A shell line that runs a nasty thing.
pub fn nasty(args: &str) -> String {
    format!("exec {} {args}", torture())
}

/// Waits until something is so, looking often. Panics with what `what` says if it never is.
#[track_caller]
pub fn until(what: &str, patience: Duration, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < patience, "in {patience:?}, not: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// A live process of that name: pid and state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub pid: i32,
    pub parent: i32,
    pub state: char,
}

/// Every process of that name, zombies not counted.
pub fn named(name: &str) -> Vec<Found> {
    let wanted: String = name.chars().take(15).collect();
    let all = fs::read_dir("/proc").expect("Linux").flatten();
    all.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let (open, close) = (stat.find('(')?, stat.rfind(')')?);
        let mut fields = stat[close + 2..].split(' ');
        let state = fields.next()?.chars().next()?;
        let parent = fields.next()?.parse().ok()?;
        (stat[open + 1..close] == wanted && state != 'Z').then_some(Found { pid, parent, state })
    })
    .collect()
}

/// How many processes of that name are left.
pub fn left(name: &str) -> usize {
    named(name).len()
}

/// The children of a process, by the command line's first word.
pub fn children(pid: u32) -> Vec<(i32, String)> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let pids: Vec<i32> = lists
        .flat_map(|list| list.split(' ').filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect();
    pids.into_iter()
        .filter_map(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            let first = line.split(|byte| *byte == 0).next()?;
            Some((pid, String::from_utf8_lossy(first).into_owned()))
        })
        .collect()
}

/// The shims of a session, by the pid of its engine.
pub fn shims(engine: u32) -> Vec<i32> {
    let is_shim = |(_, line): &(i32, String)| line.starts_with("sundown: ") && !line.ends_with("guard");
    children(engine).into_iter().filter(is_shim).map(|(pid, _)| pid).collect()
}

/// Sends a signal to a process that the test knows to be its own.
pub fn kill(pid: i32, signal: Signal) {
    let pid = Pid::from_raw(pid).expect("a pid");
    // One that has just gone needs no signal.
    let _gone = rustix::process::kill_process(pid, signal);
}

/// A directory that goes with the test.
#[derive(Debug)]
pub struct Dir(tempfile::TempDir);

impl Dir {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory for a test"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// The environment that every run gets: nothing of the person who runs the tests.
fn clean_env(command: &mut Command, state: &Path) {
    for name in ["NO_COLOR", "TMUX", "LC_ALL", "LC_CTYPE", "SUNDOWN_LOG", "XDG_RUNTIME_DIR"] {
        command.env_remove(name);
    }
    command.env("XDG_STATE_HOME", state).env("TERM", "xterm-256color").env("LANG", "C.UTF-8");
}

struct Dims(u16, u16);

impl Dimensions for Dims {
    fn total_lines(&self) -> usize {
        self.screen_lines()
    }

    fn screen_lines(&self) -> usize {
        self.1.into()
    }

    fn columns(&self) -> usize {
        self.0.into()
    }
}

/// What came from the terminal, and what it looks like.
struct Shown {
    bytes: Vec<u8>,
    term: Term<VoidListener>,
    parser: Processor,
    ended: bool,
}

type Shared = Arc<(Mutex<Shown>, Condvar)>;

/// A terminal in the person's place.
pub struct Tty {
    pub master: OwnedFd,
    /// Kept open, so that its modes can be looked at.
    pub slave: OwnedFd,
    shown: Shared,
    closing: Arc<AtomicBool>,
    stopped: Arc<AtomicBool>,
}

impl Tty {
    pub fn open(cols: u16, rows: u16) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = rustix::pty::openpt(flags).expect("a terminal");
        rustix::pty::grantpt(&master).expect("grants");
        rustix::pty::unlockpt(&master).expect("unlocks");
        let slave = rustix::pty::ioctl_tiocgptpeer(&master, flags).expect("its other end");
        let term = Term::new(Config::default(), &Dims(cols, rows), VoidListener);
        let shown = Shown { bytes: Vec::new(), term, parser: Processor::new(), ended: false };
        let shown: Shared = Arc::new((Mutex::new(shown), Condvar::new()));
        let tty = Self { master, slave, shown, closing: Arc::default(), stopped: Arc::default() };
        tty.set_size(cols, rows);
        tty.read_on();
        tty
    }

    /// Closes every descriptor of the terminal, as when a connection is lost.
    pub fn hang_up(self) {
        self.closing.store(true, Ordering::Relaxed);
        // Wakes the reader, which holds one of them.
        let _echoed = rustix::io::write(&self.slave, b"x");
        let Self { master, slave, .. } = self;
        drop((master, slave));
    }

    fn read_on(&self) {
        let (shown, closing) = (Arc::clone(&self.shown), Arc::clone(&self.closing));
        let stopped = Arc::clone(&self.stopped);
        let mut master = fs::File::from(self.master.try_clone().expect("a descriptor"));
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            loop {
                let read = master.read(&mut buffer);
                while stopped.load(Ordering::Relaxed) {
                    std::thread::park_timeout(Duration::from_millis(10));
                }
                if closing.load(Ordering::Relaxed) {
                    return;
                }
                let mut shown_now = shown.0.lock().expect("no test panics with it");
                let now = &mut *shown_now;
                match read {
                    Ok(count @ 1..) => {
                        now.bytes.extend_from_slice(&buffer[..count]);
                        now.parser.advance(&mut now.term, &buffer[..count]);
                    }
                    Ok(0) | Err(_) => now.ended = true,
                }
                shown.1.notify_all();
                if now.ended {
                    return;
                }
            }
        });
    }

    /// Nobody reads the terminal, until what is returned is dropped.
    pub fn stop_reading(&self) -> impl Sized + use<> {
        struct Stopped(Arc<AtomicBool>);
        impl Drop for Stopped {
            fn drop(&mut self) {
                self.0.store(false, Ordering::Relaxed);
            }
        }
        self.stopped.store(true, Ordering::Relaxed);
        Stopped(Arc::clone(&self.stopped))
    }

    fn set_size(&self, cols: u16, rows: u16) {
        let size = Winsize { ws_row: rows, ws_col: cols, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&self.master, size).expect("sets the size");
    }

    pub fn resize(&self, cols: u16, rows: u16) {
        let size = Dims(cols.max(2), rows.max(1));
        self.shown.0.lock().expect("no test panics with it").term.resize(size);
        self.set_size(cols, rows);
    }

    /// The modes that the person's shell would find.
    pub fn modes(&self) -> Termios {
        rustix::termios::tcgetattr(&self.slave).expect("reads modes")
    }

    /// All that was written so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.shown.0.lock().expect("no test panics with it").bytes.clone()
    }

    /// Looks at the screen's cells.
    pub fn with_term<T>(&self, look: impl FnOnce(&Term<VoidListener>) -> T) -> T {
        look(&self.shown.0.lock().expect("no test panics with it").term)
    }

    /// The rows of the screen, without blanks at their ends.
    pub fn rows(&self) -> Vec<String> {
        rows_of(&self.shown.0.lock().expect("no test panics with it").term)
    }

    pub fn text(&self) -> String {
        self.rows().join("\n")
    }

    /// True if a program has the screen to itself.
    pub fn is_alternate(&self) -> bool {
        self.shown.0.lock().expect("no test panics with it").term.mode().contains(TermMode::ALT_SCREEN)
    }

    /// The mode bits that a program has set.
    pub fn mode(&self) -> TermMode {
        *self.shown.0.lock().expect("no test panics with it").term.mode()
    }

    /// Waits until the screen is as wanted.
    #[track_caller]
    pub fn wait(&self, what: &str, mut is_so: impl FnMut(&str) -> bool) {
        self.wait_for(what, LONG, &mut is_so);
    }

    #[track_caller]
    pub fn wait_for(&self, what: &str, patience: Duration, is_so: &mut dyn FnMut(&str) -> bool) {
        let begun = Instant::now();
        let mut shown = self.shown.0.lock().expect("no test panics with it");
        loop {
            let text = rows_of(&shown.term).join("\n");
            if is_so(&text) {
                return;
            }
            let left = patience.saturating_sub(begun.elapsed());
            assert!(!left.is_zero(), "in {patience:?}, the screen did not show {what}:\n{text}");
            shown = self.shown.1.wait_timeout(shown, left).expect("no test panics with it").0;
        }
    }

    /// Waits until a text is on the screen.
    #[track_caller]
    pub fn see(&self, text: &str) {
        self.wait(text, |screen| screen.contains(text));
    }

    /// Types.
    pub fn keys(&self, keys: &[u8]) {
        rustix::io::write(&self.master, keys).expect("types");
    }
}

fn rows_of(term: &Term<VoidListener>) -> Vec<String> {
    let rows = term.screen_lines();
    let row = |n: usize| {
        let cells = &term.grid()[Line(n as i32)];
        let text: String = (0..term.columns()).map(|column| cells[Column(column)].c).collect();
        text.trim_end().to_owned()
    };
    (0..rows).map(row).collect()
}

/// A sundown on a terminal.
pub struct Tui {
    pub tty: Tty,
    pub child: Child,
    pub before: Termios,
    _state: Dir,
}

impl Tui {
    /// Runs `sundown ARGS` on a terminal of 120x36.
    pub fn start(args: &[&str]) -> Self {
        Self::sized(120, 36, args)
    }

    pub fn sized(cols: u16, rows: u16, args: &[&str]) -> Self {
        Self::with(cols, rows, args, |_| {})
    }

    pub fn with(cols: u16, rows: u16, args: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        let program = sundown();
        Self::run(cols, rows, program.to_str().expect("text"), args, change)
    }

    /// Runs any program as the leader of a session on a terminal.
    pub fn run(
        cols: u16,
        rows: u16,
        program: &str,
        args: &[&str],
        change: impl FnOnce(&mut Command),
    ) -> Self {
        let (tty, state) = (Tty::open(cols, rows), Dir::new());
        let before = tty.modes();
        let end = || Stdio::from(tty.slave.try_clone().expect("a descriptor"));
        let mut command = Command::new(program);
        command.args(args).stdin(end()).stdout(end()).stderr(end());
        clean_env(&mut command, state.path());
        change(&mut command);
        own_session(&mut command);
        let child = command.spawn().expect("starts");
        Self { tty, child, before, _state: state }
    }

    /// Waits for the first picture: every command's row.
    #[track_caller]
    pub fn ready(&self) -> &Self {
        self.tty.wait("a first picture", |screen| screen.contains("help"));
        self
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.child.id() as i32, signal);
    }

    /// Waits for the end.
    #[track_caller]
    pub fn end(&mut self) -> ExitStatus {
        self.end_within(LONG)
    }

    #[track_caller]
    pub fn end_within(&mut self, patience: Duration) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("waits") {
                return status;
            }
            assert!(begun.elapsed() < patience, "it did not end in {patience:?}:\n{}", self.tty.text());
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }

    /// Asserts that the terminal is as it was: modes, screen, cursor, mouse.
    #[track_caller]
    pub fn assert_terminal_whole(&self) {
        until("modes as before", Duration::from_secs(2), || same_modes(&self.tty.modes(), &self.before));
        let marks = [(&b"\x1b[?1049h"[..], &b"\x1b[?1049l"[..]), (b"\x1b[?25l", b"\x1b[?25h")];
        until("screen and cursor given back", Duration::from_secs(2), || {
            let bytes = self.tty.bytes();
            marks
                .iter()
                .all(|(on, off)| rfind(&bytes, off) > rfind(&bytes, on) || rfind(&bytes, on).is_none())
        });
        let mode = self.tty.mode();
        let ours =
            TermMode::MOUSE_MODE | TermMode::SGR_MOUSE | TermMode::BRACKETED_PASTE | TermMode::ALT_SCREEN;
        assert!(!mode.intersects(ours), "{mode:?}");
        assert!(mode.contains(TermMode::SHOW_CURSOR), "the cursor is hidden");
        assert!(!self.tty.text().contains("panicked"), "{}", self.tty.text());
    }

    /// Asserts that nothing of this name is left, and the terminal is whole.
    #[track_caller]
    pub fn assert_clean(&self, tag: &str) {
        assert_eq!(named(tag), [], "processes are left");
        self.assert_terminal_whole();
    }
}

impl Drop for Tui {
    fn drop(&mut self) {
        // A test that failed leaves nothing running: without its engine, every shim stops what it holds.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

pub fn same_modes(a: &Termios, b: &Termios) -> bool {
    (a.input_modes, a.output_modes, a.control_modes, a.local_modes)
        == (b.input_modes, b.output_modes, b.control_modes, b.local_modes)
}

fn rfind(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).rposition(|window| window == wanted)
}

/// Makes the command the leader of a session on its standard input's terminal.
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

/// A headless sundown, and its events.
pub struct Headless {
    pub child: Child,
    events: Arc<(Mutex<Vec<Value>>, Condvar)>,
    reader: Option<std::thread::JoinHandle<()>>,
    pub state: Dir,
}

impl Headless {
    /// Runs `sundown run --output json ARGS`.
    pub fn start(args: &[&str]) -> Self {
        Self::with(args, |_| {})
    }

    pub fn with(args: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        let state = Dir::new();
        let mut command = Command::new(sundown());
        command.args(["run", "--output", "json"]).args(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        clean_env(&mut command, state.path());
        change(&mut command);
        let mut child = command.spawn().expect("starts");
        let events: Arc<(Mutex<Vec<Value>>, Condvar)> = Arc::default();
        let mut reader = None;
        if let Some(stdout) = child.stdout.take() {
            let events = Arc::clone(&events);
            reader = Some(std::thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    let event = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
                    events.0.lock().expect("no test panics with it").push(event);
                    events.1.notify_all();
                }
            }));
        }
        Self { child, events, reader, state }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.child.id() as i32, signal);
    }

    pub fn events(&self) -> Vec<Value> {
        self.events.0.lock().expect("no test panics with it").clone()
    }

    /// Waits for the first event that is wanted.
    #[track_caller]
    pub fn wait(&self, what: &str, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        let begun = Instant::now();
        let mut events = self.events.0.lock().expect("no test panics with it");
        loop {
            if let Some(event) = events.iter().find(|event| wanted(event)) {
                return event.clone();
            }
            let left = LONG.saturating_sub(begun.elapsed());
            assert!(!left.is_zero(), "no {what} among\n{events:#?}");
            events = self.events.1.wait_timeout(events, left).expect("no test panics with it").0;
        }
    }

    /// Waits until a command has printed a text.
    #[track_caller]
    pub fn see(&self, text: &str) {
        let begun = Instant::now();
        loop {
            if self.output().values().any(|output| output.contains(text)) {
                return;
            }
            assert!(begun.elapsed() < LONG, "no {text:?} in {:?}", self.output());
            let events = self.events.0.lock().expect("no test panics with it");
            let _changed = self.events.1.wait_timeout(events, Duration::from_millis(100));
        }
    }

    /// What each command has printed.
    pub fn output(&self) -> BTreeMap<String, String> {
        let mut output: BTreeMap<String, String> = BTreeMap::new();
        for event in self.events().iter().filter(|event| event["event"] == "output") {
            let name = event["command"].as_str().expect("a name").to_owned();
            output.entry(name).or_default().push_str(event["text"].as_str().expect("text"));
        }
        output
    }

    /// Waits for the end; the way each command ended.
    #[track_caller]
    pub fn end(&mut self) -> (ExitStatus, BTreeMap<String, Value>) {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("waits") {
                break status;
            }
            assert!(begun.elapsed() < LONG, "it did not end; {:#?}", self.events());
            std::thread::park_timeout(Duration::from_millis(2));
        };
        if let Some(reader) = self.reader.take() {
            reader.join().expect("every line is JSON");
        }
        let events = self.events();
        let finished = events.iter().filter(|event| event["event"] == "finished");
        let mut ended = BTreeMap::new();
        for event in finished {
            let name = event["command"].as_str().expect("a name").to_owned();
            assert!(ended.insert(name, event.clone()).is_none(), "two ends of one execution: {events:#?}");
        }
        (status, ended)
    }
}

impl Drop for Headless {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The kind of an outcome.
pub fn kind(event: &Value) -> &str {
    event["outcome"]["kind"].as_str().expect("an outcome has a kind")
}

/// The names of the stages that an execution went through.
pub fn stages(event: &Value) -> Vec<String> {
    let stages = event["stages"].as_array().expect("stages");
    stages.iter().map(|stage| stage["stage"].as_str().expect("a name").to_owned()).collect()
}
