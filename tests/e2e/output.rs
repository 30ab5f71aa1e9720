//! Output (torture O): what a command prints never reaches the person's terminal raw, and never takes the memory.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use crate::harness::*;

const SECOND: Duration = Duration::from_secs(1);

/// Runs a shell line on a TUI to its end; returns what was written to the terminal.
fn written(line: &str) -> Vec<u8> {
    let mut tui = Tui::start(&["run", "--hold", "--no-bell", "--no-progress", "--name", "a", line]);
    tui.tty.see("q leaves");
    let mode = tui.tty.mode();
    tui.tty.keys(b"q");
    tui.end();
    tui.assert_terminal_whole();
    assert!(mode.contains(alacritty_terminal::term::TermMode::ALT_SCREEN), "the screen was left early");
    tui.tty.bytes()
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[test]
fn o01_o02_floods_take_no_memory_and_hold_no_interrupt_up() {
    let tag = tag();
    let flood = "head -c 300M /dev/zero | tr '\\0' x; exec yes";
    let mut tui = Tui::start(&[
        "run",
        "--name",
        "a",
        "--name",
        "b",
        "--name",
        "c",
        &nasty(&format!("note {tag} INT")),
        flood,
        "exec yes",
    ]);
    tui.tty.see("ready");
    std::thread::park_timeout(2 * SECOND);
    let begun = Instant::now();
    tui.tty.keys(b"x");
    until("the interrupt arrived", 2 * SECOND, || left(&tag) == 0);
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
    let status = std::fs::read_to_string(format!("/proc/{}/status", tui.pid())).expect("it is there");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
    assert!(kib < 160 << 10, "{kib} KiB at the peak");
    tui.tty.keys(b"\x03");
    assert_eq!(tui.end().signal(), Some(2));
}

#[test]
fn o04_o05_o06_o10_no_sequence_of_a_command_reaches_the_terminal() {
    let line = "printf '\\033]52;c;ZXZpbA==\\007\\033]0;evil\\007\\033]2;evil\\007\\033]8;;http://evil\\007l\\033]8;;\\007'; \
                printf '\\033[c\\033[6n\\033[>q\\033P$qm\\033\\\\'; printf '\\033[2J\\033[H\\033[9999;1Hspoof'; head -c 20000 /bin/ls";
    let bytes = written(line);
    for evil in [
        &b"\x1b]52"[..],
        b"\x1b]0;",
        b"\x1b]2;",
        b"\x1b]8;",
        b"\x1b[c",
        b"\x1b[6n",
        b"\x1b[>q",
        b"\x1bP",
        b"9999",
    ] {
        assert!(!contains(&bytes, evil), "{:?} reached the terminal", String::from_utf8_lossy(evil));
    }
}

#[test]
fn o06_questions_are_answered_to_the_command() {
    let line = "stty raw -echo; printf '\\033[6n'; head -c 6 | od -c | head -1";
    let mut run = Headless::start(&[line]);
    assert!(run.end().0.success());
    run.see("033   [   1   ;   1   R");
}

#[test]
fn o09_modes_that_a_command_leaves_on_are_not_the_terminals() {
    let bytes = written("printf '\\033[?1049h\\033[?1003h\\033[?2004h\\033[?25l\\033[?1h\\033='");
    assert!(!contains(&bytes, b"\x1b[?1003h") && !contains(&bytes, b"\x1b[?1h"));
}

#[test]
fn o03_what_is_no_text_is_shown_as_such_and_logged_as_it_was() {
    let dir = Dir::new();
    let logs = dir.path().to_str().expect("text");
    let mut tui = Tui::start(&[
        "run",
        "--hold",
        "--no-tty",
        "--log-dir",
        logs,
        "--name",
        "a",
        "printf 'a\\377b\\200c\\n'; head -c 4095 /dev/zero | tr '\\0' y; printf 'ä\\n'",
    ]);
    tui.tty.see("q leaves");
    tui.tty.see("ä");
    tui.tty.keys(b"g");
    // A lone continuation byte is a control character to a terminal, and shows nothing.
    tui.tty.see("a\u{fffd}bc");
    tui.tty.keys(b"q");
    tui.end();
    let log = std::fs::read(dir.path().join("a.log")).expect("a log");
    assert!(log.starts_with(b"a\xffb\x80c\ny") && log.ends_with("yä\n".as_bytes()), "{}", log.len());
}

#[test]
fn o11_a_storm_of_bells_is_one_mark() {
    let bytes = written("i=0; while [ $i -lt 2000 ]; do printf '\\a\\a\\a\\a\\a'; i=$((i+1)); done");
    assert!(!contains(&bytes, b"\x07"), "a bell got through");
}

#[test]
fn o14_a_log_that_was_moved_away_is_opened_again() {
    let dir = Dir::new();
    let logs = dir.path().to_str().expect("text");
    let mut run = Headless::start(&[
        "--log-dir",
        logs,
        "--name",
        "a",
        "exec 3<>FIFO; while read x <&3; do echo $x; done".replace("FIFO", &fifo(&dir)).as_str(),
    ]);
    let say = |text: &str| std::fs::write(dir.path().join("fifo"), format!("{text}\n")).expect("writes");
    say("one");
    run.see("one");
    std::fs::rename(dir.path().join("a.log"), dir.path().join("a.log.1")).expect("renames");
    run.signal(rustix::process::Signal::USR2);
    until("the log is there again", LONG, || dir.path().join("a.log").exists());
    say("two");
    run.see("two");
    run.signal(rustix::process::Signal::TERM);
    run.end();
    assert_eq!(std::fs::read_to_string(dir.path().join("a.log.1")).expect("reads"), "one\r\n");
    assert!(std::fs::read_to_string(dir.path().join("a.log")).expect("reads").starts_with("two\r\n"));
}

fn fifo(dir: &Dir) -> String {
    let path = dir.path().join("fifo");
    let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo is there");
    assert!(made.success());
    path.to_string_lossy().into_owned()
}

#[test]
fn r05_a_full_disk_costs_the_log_and_nothing_else() {
    let script = format!(
        "mkdir -p /tmp/sundown-full && mount -t tmpfs -o size=64k tmpfs /tmp/sundown-full && \
         exec {} run --output json --log-dir /tmp/sundown-full --name a '{} burst 300000; echo end'",
        sundown().display(),
        torture(),
    );
    let state = Dir::new();
    let output = std::process::Command::new("unshare")
        .args(["-m", "sh", "-c", &script])
        .env("XDG_STATE_HOME", state.path())
        .output()
        .expect("unshare is there");
    if output.stdout.is_empty() {
        eprintln!("skipped: {}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    assert!(output.status.success(), "{output:?}");
}
