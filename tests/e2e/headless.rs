//! Without a screen: lines, events, exit codes, and what the command line refuses.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::*;

/// Runs sundown to its end, without a terminal.
fn run(args: &[&str]) -> Output {
    let state = Dir::new();
    let mut command = Command::new(sundown());
    command.args(args).stdin(Stdio::null()).env("XDG_STATE_HOME", state.path()).env_remove("NO_COLOR");
    command.output().expect("runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn code(args: &[&str]) -> Option<i32> {
    run(args).status.code()
}

#[test]
fn every_line_comes_behind_its_name() {
    let output = run(&["run", "--name", "one", "--name", "second", "echo a; printf b", "echo c"]);
    let text = stdout(&output);
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["one    │ a", "one    │ b", "second │ c"]);
    let said = stderr(&output);
    assert!(said.contains("✓ one     succeeded") && said.contains("0 processes left"), "{said}");
    assert!(output.status.success());
}

#[test]
fn colours_only_when_asked_for_and_ascii_too() {
    let plain = stdout(&run(&["run", "--name", "a", "echo x"]));
    assert!(!plain.contains('\x1b'), "{plain:?}");
    let colored = stdout(&run(&["run", "--color", "always", "--name", "a", "echo x"]));
    assert!(colored.contains("\x1b[36ma │ \x1b[0mx"), "{colored:?}");
    let ascii = stdout(&run(&["run", "--ascii", "--name", "a", "echo x"]));
    assert_eq!(ascii, "a | x\n");
}

#[test]
fn bytes_are_printed_as_they_came() {
    let output = run(&["run", "--no-tty", "--name", "a", "printf 'x\\377\\376y\\n\\033[31mz\\n'"]);
    assert_eq!(output.stdout, b"a \xe2\x94\x82 x\xff\xfey\na \xe2\x94\x82 \x1b[31mz\n");
}

#[test]
fn quiet_says_nothing_unless_something_goes_wrong() {
    let well = run(&["run", "--output", "quiet", "echo x"]);
    assert_eq!((stdout(&well), stderr(&well)), (String::new(), String::new()));
    let wrong = run(&["run", "--output", "quiet", "echo reason; exit 3"]);
    assert_eq!(stdout(&wrong), "");
    let said = stderr(&wrong);
    assert!(said.contains("failed (3)") && said.contains("│ reason") && said.contains("log: "), "{said}");
}

#[test]
fn m02_exit_codes() {
    assert_eq!(code(&["run", "true"]), Some(0));
    assert_eq!(code(&["run", "exit 7"]), Some(7));
    assert_eq!(code(&["run", "true", "exit 7"]), Some(1));
    assert_eq!(code(&["run", "kill -9 $$"]), Some(137));
    assert_eq!(code(&["run", "--timeout", "200ms", "exec sleep 100"]), Some(124));
    assert_eq!(code(&["run", "--timeout", "200ms", "exec sleep 100", "exit 3"]), Some(124));
    assert_eq!(code(&["run", "--fail-fast", "exec sleep 100", "exit 3"]), Some(1));
    assert_eq!(code(&["run"]), Some(2));
    assert_eq!(code(&["nonsense"]), Some(2));
    assert_eq!(code(&["--help"]), Some(0));
}

#[test]
fn g10_what_cannot_be_run_says_why() {
    let dir = Dir::new();
    let plain = dir.path().join("plain");
    std::fs::write(&plain, "echo").expect("writes");
    let shebang = dir.path().join("shebang");
    std::fs::write(&shebang, "#!/nonexistent\n").expect("writes");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&shebang, mode).expect("makes it executable");
    for (program, code, says) in [
        ("/nonexistent", 127, "no such file"),
        ("no-such-program-anywhere", 127, "not found in PATH"),
        (plain.to_str().expect("text"), 126, "not executable"),
        ("/tmp", 126, "directory"),
        (shebang.to_str().expect("text"), 127, "interpreter"),
    ] {
        let output = run(&["run", "--", program]);
        assert_eq!(output.status.code(), Some(code), "{program}");
        assert!(stderr(&output).contains(says), "{program}: {}", stderr(&output));
    }
    let output = run(&["run", "--cwd", "/nonexistent", "true"]);
    assert_eq!(output.status.code(), Some(125));
    assert!(stderr(&output).contains("enter /nonexistent"), "{}", stderr(&output));
}

#[test]
fn what_looks_like_one_command_is_not_taken_for_several() {
    let output = run(&["run", "ls", "nonsense-argument"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("sundown run -- ls nonsense-argument"), "{}", stderr(&output));
    assert_eq!(code(&["run", "true", "pwd"]), Some(0), "two programs are two commands");
}

#[test]
fn wrong_usage_names_the_place_and_what_to_do() {
    for (args, says) in [
        (&["run", "--stop", "INT", "true"][..], "no time"),
        (&["run", "--timeout", "soon", "true"], "30m"),
        (&["run", "--env", "NOEQUALS", "true"], "NAME=VALUE"),
        (&["run", "--name", "a", "--name", "b", "true"], "2 times for 1 commands"),
        (&["run", "--name", "a", "--name", "a", "true", "false"], "twice"),
        (&["run", "-j", "0", "true"], "0 is not in"),
        (&["run", "true", "--", "ls"], "not both"),
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(says), "{args:?}: {}", stderr(&output));
    }
}

#[test]
fn c06_strange_times_are_no_trouble() {
    assert_eq!(code(&["run", "--timeout", "0", "exec sleep 100"]), Some(124));
    assert_eq!(code(&["run", "--timeout", "1ns", "exec sleep 100"]), Some(124));
    assert_eq!(code(&["run", "--timeout", "1000000000000s", "true"]), Some(0));
    assert_eq!(code(&["run", "--stop", "INT:1000000000000s,TERM:infinity,KILL", "true"]), Some(0));
}

#[test]
fn jobs_wait_for_their_turn() {
    let mut run = Headless::start(&["-j", "1", "--name", "a", "--name", "b", "sleep 0.3", "true"]);
    run.end();
    let at = |name: &str, event: &str| {
        let events = run.events();
        let found = events.iter().find(|e| e["command"] == name && e["event"] == event).cloned();
        found.expect("the event")["at_ms"].as_u64().expect("a time")
    };
    assert!(at("b", "started") >= at("a", "finished"));
}

#[test]
fn fail_fast_stops_the_others() {
    let begun = Instant::now();
    let mut run = Headless::start(&[
        "--fail-fast",
        "-j",
        "2",
        "--name",
        "a",
        "--name",
        "b",
        "--name",
        "c",
        // Not below a shell: dash loses a SIGINT that comes while it starts a program (measured).
        "exec sleep 100",
        "exit 3",
        "true",
    ]);
    let (status, ended) = run.end();
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(status.code(), Some(1));
    let kinds: Vec<_> = ["a", "b"].iter().map(|name| kind(&ended[*name])).collect();
    assert_eq!(kinds, ["interrupted", "failed"]);
    assert_eq!(ended.get("c").map(kind), Some("skipped"), "{ended:#?}");
}

#[test]
fn while_stopping_a_line_says_who_is_waited_for() {
    let tag = tag();
    let state = Dir::new();
    let mut child = Command::new(sundown())
        .args([
            "run",
            "--headless",
            "--stop",
            "INT:3s,KILL",
            "--name",
            "db",
            &nasty(&format!("note {tag} none")),
        ])
        .env("XDG_STATE_HOME", state.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    until("it is set up", LONG, || left(&tag) == 1);
    kill(child.id() as i32, Signal::TERM);
    let mut said = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut said).expect("reads");
    child.wait().expect("waits");
    let line = said.lines().find(|line| line.starts_with("sundown: waiting for db (interrupted, kill in "));
    assert!(line.is_some_and(|line| line.contains(&tag) && line.contains("again to kill now")), "{said}");
}

#[test]
fn l05_a_reader_that_goes_away_ends_the_session() {
    let tag = tag();
    let state = Dir::new();
    let line = format!(
        "{}; exec {} note {tag} TERM",
        "i=0; while [ $i -lt 2000 ]; do echo $i; i=$((i+1)); done",
        torture()
    );
    let mut child = Command::new(sundown())
        .args(["run", "--headless", "--stop", "INT:200ms,TERM:5s,KILL", &line])
        .env("XDG_STATE_HOME", state.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let mut first = [0; 10];
    child.stdout.take().expect("piped").read_exact(&mut first).expect("reads");
    let status = child.wait().expect("waits");
    assert_eq!(left(&tag), 0);
    assert_eq!(status.signal(), Some(1), "as when a terminal hangs up: {status:?}");
}

#[test]
fn a_slow_reader_gets_everything_and_holds_nothing_up() {
    let state = Dir::new();
    let mut child = Command::new(sundown())
        .args(["run", "--headless", "--no-tty", "--name", "a", &nasty("burst 3000000")])
        .env("XDG_STATE_HOME", state.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    // The command has written all of it, and ended, before anybody reads.
    let log = || {
        let session = std::fs::read_dir(state.path().join("sundown/logs")).ok()?.flatten().next()?;
        std::fs::metadata(session.path().join("a.log")).ok().map(|data| data.len())
    };
    until("all is in the log", LONG, || log() == Some(3_000_000));
    let mut text = String::new();
    child.stdout.take().expect("piped").read_to_string(&mut text).expect("reads");
    assert_eq!(text.lines().count(), 300_000);
    assert!(text.ends_with("a │ 000299999\n"));
    assert!(child.wait().expect("waits").success());
}

#[test]
fn l04_without_any_terminal_there_are_no_escapes() {
    let state = Dir::new();
    let log = state.path().join("out");
    let file = std::fs::File::create(&log).expect("creates");
    let status = Command::new("setsid")
        .arg("-w")
        .arg(sundown())
        .args(["run", "echo hello"])
        .env("XDG_STATE_HOME", state.path())
        .stdin(Stdio::null())
        .stdout(file.try_clone().expect("a descriptor"))
        .stderr(file)
        .status();
    if status.is_err() {
        eprintln!("skipped: no setsid");
        return;
    }
    let text = std::fs::read_to_string(&log).expect("reads");
    assert!(text.contains("hello") && !text.contains('\x1b'), "{text}");
}

#[test]
fn progress_and_stages_are_events() {
    let mut run =
        Headless::start(&["--name", "a", "printf 'x\\r 40%%'; sleep 0.3; printf '\\r 80%%'; sleep 0.3"]);
    run.end();
    let events = run.events();
    let percents: Vec<_> = events
        .iter()
        .filter(|e| e["event"] == "progress")
        .map(|e| e["progress"]["percent"].as_f64())
        .collect();
    assert_eq!(percents, [Some(40.0), Some(80.0)]);
    assert!(events.iter().all(|event| event["v"] == 1));
    let names: Vec<_> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    assert_eq!((names.first(), names.last()), (Some(&"started"), Some(&"summary")), "{names:?}");
}

#[test]
fn a_session_in_a_pipe_stops_by_ctrl_c_of_the_terminal() {
    // In cooked mode the terminal signals the whole group; sundown and its reader are in it.
    let script = format!(
        "{} run --headless 'trap \"echo stopped; exit 0\" INT; echo go; while :; do sleep 1; done'; echo rc $?",
        sundown().display()
    );
    let mut tui = Tui::run(80, 24, "bash", &["-ic", &script], |_| {});
    tui.tty.see("│ go");
    tui.tty.keys(b"\x03");
    tui.tty.see("│ stopped");
    tui.tty.see("0 processes left");
    let _ended = tui.end();
}

#[test]
fn l08_ctrl_z_without_a_screen_pauses_everything() {
    let tag = tag();
    let line = nasty(&format!("note {tag} INT"));
    let script = format!("{} run --headless '{line}'", sundown().display());
    let mut tui = Tui::run(80, 24, "bash", &["--norc", "-i"], |_| {});
    tui.tty.keys(format!("{script}\r").as_bytes());
    tui.tty.see("ready");
    tui.tty.keys(b"\x1a");
    tui.tty.see("Stopped");
    until("the command stands still", LONG, || named(&tag).iter().all(|found| found.state == 'T'));
    tui.tty.keys(b"fg\r");
    until("it goes on", LONG, || named(&tag).iter().all(|found| found.state != 'T'));
    tui.tty.keys(b"\x03");
    tui.tty.see("got INT");
    tui.tty.see("0 processes left");
    tui.tty.keys(b"exit\r");
    tui.end();
    assert_eq!(left(&tag), 0);
}
