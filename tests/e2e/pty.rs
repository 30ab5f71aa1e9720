//! Terminals of commands (torture P), and what a command starts with.

use std::time::Duration;

use rustix::process::Signal;

use crate::harness::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn p01_a_child_in_raw_mode_gets_sigint_at_the_first_stage() {
    let tag = tag();
    let mut run = Headless::start(&[&nasty(&format!("raw {tag}"))]);
    run.see("ready");
    run.signal(Signal::INT);
    let (_, ended) = run.end();
    run.see("got SIGINT");
    assert_eq!(stages(ended.values().next().expect("one")), ["interrupt"]);
}

#[test]
fn p03_a_full_screen_program_is_stopped() {
    let mut tui = Tui::start(&["run", "seq 1000 | less"]);
    tui.tty.see("│20");
    tui.tty.keys(b"x");
    tui.end_within(Duration::from_secs(11));
    tui.assert_terminal_whole();
}

#[test]
fn p05_what_was_printed_before_a_fast_exit_is_captured_byte_by_byte() {
    let dir = Dir::new();
    let logs = dir.path().to_str().expect("text");
    let line = nasty("burst 500000");
    let mut run = Headless::start(&["--log-dir", logs, "--name", "tty", &line]);
    assert!(run.end().0.success());
    let mut pipes = Headless::start(&["--log-dir", logs, "--name", "pipe", "--no-tty", &line]);
    assert!(pipes.end().0.success());
    let expected: String = (0..50_000).map(|n| format!("{n:09}\n")).collect();
    let log = |name: &str| std::fs::read_to_string(dir.path().join(name)).expect("a log");
    assert!(log("pipe.log") == expected, "the pipe lost something");
    assert!(log("tty.log") == expected.replace('\n', "\r\n"), "the terminal lost something");
    let shown: String = run.output().remove("tty").expect("it printed");
    assert!(shown == log("tty.log"), "the printer lost something");
}

#[test]
fn p06_o12_a_command_that_closes_its_output_goes_on_and_costs_nothing() {
    for tty in [true, false] {
        let line = "exec <&- >&- 2>&-; sleep 300";
        let args: &[&str] = if tty { &[line] } else { &["--no-tty", line] };
        let mut run = Headless::start(args);
        run.wait("start", |event| event["event"] == "started");
        let before = cpu(run.pid());
        std::thread::park_timeout(SECOND);
        let used = cpu(run.pid()) - before;
        assert!(used < 5, "{used} ticks of CPU in a second");
        assert!(run.events().iter().all(|event| event["event"] != "finished"), "it still runs");
        run.signal(Signal::TERM);
        let (_, ended) = run.end();
        assert_eq!(kind(ended.values().next().expect("one")), "interrupted");
    }
}

/// Clock ticks that a process has used.
fn cpu(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it is there");
    let fields: Vec<&str> = stat[stat.rfind(')').expect("a name") + 2..].split(' ').collect();
    fields[11].parse::<u64>().expect("ticks") + fields[12].parse::<u64>().expect("ticks")
}

#[test]
fn p07_a_storm_of_sizes_is_survived_and_the_child_has_the_last_one() {
    let line = "while read x; do stty size; done";
    let mut tui = Tui::sized(100, 30, &["run", line]);
    tui.ready();
    for n in 0..600_u16 {
        let (cols, rows) = [(1, 1), (80, 24), (300, 100), (2, 2), (40, 10), (500, 300)][usize::from(n % 6)];
        tui.tty.resize(cols + n % 3, rows);
    }
    tui.tty.resize(100, 30);
    tui.tty.see("help");
    tui.tty.keys(b"\r");
    tui.tty.see("Ctrl-a");
    tui.tty.keys(b"\r");
    // Beside a list of 40 columns and a line, below header and title, above two lines at the bottom.
    tui.tty.see("26 59");
    tui.signal(Signal::TERM);
    tui.end();
    tui.assert_terminal_whole();
}

#[test]
fn p08_without_a_terminal_there_is_nothing_to_read() {
    let mut run = Headless::start(&["--no-tty", "cat; echo end of input"]);
    let (status, _) = run.end();
    assert!(status.success());
    run.see("end of input");
}

#[test]
fn p10_two_hundred_terminals_at_once() {
    let tag = tag();
    let line = nasty(&format!("note {tag} INT"));
    let args = vec![line.as_str(); 200];
    let mut run = Headless::start(&args);
    until("all are set up", LONG, || left(&tag) == 200);
    run.signal(Signal::TERM);
    let (_, ended) = run.end();
    assert_eq!((ended.len(), left(&tag)), (200, 0));
}

#[test]
fn p11_without_a_terminal_to_be_had_only_that_command_fails() {
    // A mount namespace with room for two terminals: for the first two commands, not for the third.
    let script = format!(
        "mount -t devpts -o newinstance,ptmxmode=0666,mode=620,max=2 devpts /dev/pts && \
         exec {} run --output json --name a --name b --name c 'sleep 2' 'sleep 2' 'sleep 2'",
        sundown().display()
    );
    let output = std::process::Command::new("unshare").args(["-m", "sh", "-c", &script]).output();
    let output = output.expect("unshare is there");
    if output.stdout.is_empty() {
        eprintln!("skipped: {}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let kinds: Vec<_> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .filter(|event| event["event"] == "finished")
        .map(|event| kind(&event).to_owned())
        .collect();
    let count = |kind: &str| kinds.iter().filter(|k| *k == kind).count();
    assert_eq!((count("success"), count("spawn_error")), (2, 1), "{text}");
}

#[test]
fn a_command_starts_with_three_descriptors_and_no_signal_ignored_or_blocked() {
    let torture = torture();
    let mut run = Headless::start(&["--name", "fds", "--", &torture, "fds"]);
    assert!(run.end().0.success());
    let output = run.output().remove("fds").expect("it printed");
    let fds = output.lines().next().expect("a line").trim_start_matches("fds: ");
    let targets: Vec<_> = fds.split(", ").map(|fd| fd.split(' ').collect::<Vec<_>>()).collect();
    assert_eq!(targets.len(), 3, "{fds}");
    assert!(targets.iter().all(|fd| fd[1].starts_with("/dev/pts/")), "{fds}");
    // Started with signals ignored and blocked, as some parents do.
    let script = format!(
        "trap '' INT TERM USR1 PIPE; exec {} run --headless -- {torture} signals",
        sundown().display()
    );
    let output = std::process::Command::new("bash").args(["-c", &script]).output().expect("runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("SigBlk:\t0000000000000000"), "{text}");
    let ignored = text.lines().find_map(|line| line.split("SigIgn:\t").nth(1)).expect("a mask");
    let ignored = u64::from_str_radix(ignored.trim(), 16).expect("a number");
    // SIGPIPE is the doing of Rust's own start-up in the program that looks.
    assert_eq!(ignored & !(1 << 12), 0, "{text}");
}

#[test]
fn a_commands_environment_says_where_it_is() {
    let mut run = Headless::start(&[
        "--env",
        "GREETING=hello=you",
        "--cwd",
        "/tmp",
        "echo $TERM $COLORTERM $GREETING $PWD ${#SUNDOWN_EXECUTION} ${SUNDOWN_SESSION:+set}",
    ]);
    assert!(run.end().0.success());
    run.see("xterm-256color truecolor hello=you /tmp 16 set");
}

#[test]
fn the_limit_of_open_files_is_the_callers_for_commands() {
    let script = format!("ulimit -Sn 777; exec {} run --headless 'ulimit -Sn'", sundown().display());
    let output = std::process::Command::new("bash").args(["-c", &script]).output().expect("runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("777"), "{text}");
}
