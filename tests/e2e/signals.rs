//! Signals to sundown, and the ladder (torture S).

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::*;

/// Half a second, within which timers and processes may be late.
const E: Duration = Duration::from_millis(500);
const SECOND: Duration = Duration::from_secs(1);

/// A command of five processes that takes signals as `how` says.
fn wl(tag: &str, how: &str) -> String {
    nasty(&format!("wl {tag} {how}"))
}

/// Starts a program that prints nothing to the tests' own output.
fn quiet(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts")
}

/// A TUI with so many of them, all set up.
fn with_wl(tag: &str, how: &str, count: usize) -> Tui {
    let line = wl(tag, how);
    let mut args = vec!["run"];
    args.extend(std::iter::repeat_n(line.as_str(), count));
    let tui = Tui::start(&args);
    tui.ready();
    until("all are set up", LONG, || left(tag) == 5 * count);
    tui
}

#[test]
fn s01_one_sigint_ends_cooperative_children_and_then_us_by_it() {
    let tag = tag();
    let mut tui = with_wl(&tag, "term", 3);
    let begun = Instant::now();
    tui.signal(Signal::INT);
    let status = tui.end();
    assert!(begun.elapsed() < SECOND + E, "{:?}", begun.elapsed());
    assert_eq!(status.signal(), Some(2), "{}", tui.tty.text());
    tui.assert_clean(&tag);
    tui.tty.see("0 processes left");
}

#[test]
fn s02_the_ladder_reaches_kill() {
    let tag = tag();
    let mut run = Headless::start(&[&wl(&tag, "ign")]);
    until("it is set up", LONG, || left(&tag) == 5);
    let begun = Instant::now();
    run.signal(Signal::INT);
    let (status, ended) = run.end();
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
    assert_eq!(left(&tag), 0);
    assert_eq!(status.signal(), Some(2));
    let event = ended.values().next().expect("one has ended");
    assert_eq!(stages(event), ["interrupt", "terminate", "kill"]);
    let start = |n: usize| event["stages"][n]["start"].as_u64().expect("a moment") / 1_000_000;
    for n in 1..3 {
        let waited = Duration::from_millis(start(n) - start(0));
        let wanted = Duration::from_secs(5 * n as u64);
        assert!(waited >= wanted && waited < wanted + E, "stage {n} after {waited:?}");
    }
    assert_eq!(kind(event), "interrupted");
}

#[test]
fn s03_a_stage_that_nobody_hears_is_skipped() {
    let tag = tag();
    let mut run = Headless::start(&[&wl(&tag, "int-deaf")]);
    until("it is set up", LONG, || left(&tag) == 5);
    let begun = Instant::now();
    run.signal(Signal::INT);
    let (_, ended) = run.end();
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
    let event = ended.values().next().expect("one has ended");
    assert_eq!(stages(event), ["interrupt", "terminate"]);
    assert_eq!(event["stages"][0]["ignored_by_all"], true);
}

#[test]
fn s04_the_second_press_kills() {
    let tag = tag();
    let mut tui = with_wl(&tag, "ign", 1);
    tui.signal(Signal::INT);
    tui.tty.see("Ctrl-C again kills");
    std::thread::park_timeout(SECOND);
    let begun = Instant::now();
    tui.signal(Signal::INT);
    let status = tui.end();
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
    assert_eq!(status.signal(), Some(2));
    tui.assert_clean(&tag);
}

#[test]
fn s05_the_third_press_leaves_at_once_and_the_shims_finish() {
    let tag = tag();
    // Stopped, its shim cannot finish before the third press.
    let mut tui = with_wl(&tag, "ign", 1);
    let shim = shims(tui.pid())[0];
    kill(shim, Signal::STOP);
    for _ in 0..2 {
        tui.signal(Signal::INT);
        std::thread::park_timeout(SECOND);
    }
    let begun = Instant::now();
    tui.signal(Signal::INT);
    let status = tui.end();
    let took = begun.elapsed();
    kill(shim, Signal::CONT);
    assert!(took < Duration::from_millis(300) + E, "{took:?}");
    assert_eq!(status.code(), Some(3), "{}", tui.tty.text());
    tui.assert_terminal_whole();
    until("the shim has finished", Duration::from_secs(12), || left(&tag) == 0);
}

#[test]
fn s07_a_hundred_sigints_in_50_ms_are_one_press() {
    let tag = tag();
    let mut run = Headless::start(&[&wl(&tag, "ign")]);
    until("it is set up", LONG, || left(&tag) == 5);
    let begun = Instant::now();
    for _ in 0..100 {
        run.signal(Signal::INT);
        std::thread::park_timeout(Duration::from_micros(500));
    }
    let (status, ended) = run.end();
    assert_eq!(status.signal(), Some(2));
    assert!(begun.elapsed() > Duration::from_secs(9), "it escalated: {:?}", begun.elapsed());
    assert_eq!(stages(ended.values().next().expect("one")), ["interrupt", "terminate", "kill"]);
}

#[test]
fn s08_signals_of_different_kinds_count_together() {
    let tag = tag();
    let mut run = Headless::start(&[&wl(&tag, "ign")]);
    until("it is set up", LONG, || left(&tag) == 5);
    run.signal(Signal::TERM);
    std::thread::park_timeout(SECOND);
    let begun = Instant::now();
    run.signal(Signal::INT);
    let (status, _) = run.end();
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
    assert_eq!(status.signal(), Some(15), "the first one names the end");
}

#[test]
fn s09_even_the_worst_ends_within_the_budget() {
    let tag = tag();
    let mut run = Headless::start(&["--stop", "INT:infinity,KILL", &wl(&tag, "ign"), &wl(&tag, "ign")]);
    until("they are set up", LONG, || left(&tag) == 10);
    let begun = Instant::now();
    run.signal(Signal::TERM);
    let (status, _) = run.end();
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
    assert_eq!((status.signal(), left(&tag)), (Some(15), 0));
}

#[test]
fn s10_sigquit_is_graceful_and_leaves_no_core() {
    let tag = tag();
    let mut run = Headless::start(&[&wl(&tag, "term")]);
    until("it is set up", LONG, || left(&tag) == 5);
    run.signal(Signal::QUIT);
    let (status, ended) = run.end();
    assert_eq!((status.signal(), status.core_dumped()), (Some(3), false));
    assert_eq!(kind(ended.values().next().expect("one")), "interrupted");
    assert_eq!(left(&tag), 0);
}

#[test]
fn s12_a_sigint_that_was_ignored_when_we_started_stays_ignored() {
    let tag = tag();
    let script = format!("trap '' INT; exec {} run --headless '{}'", sundown().display(), wl(&tag, "term"));
    let mut child = quiet(Command::new("bash").args(["-c", &script]));
    until("it is set up", LONG, || left(&tag) == 5);
    kill(child.id() as i32, Signal::INT);
    std::thread::park_timeout(SECOND);
    assert_eq!(left(&tag), 5, "SIGINT was heeded");
    kill(child.id() as i32, Signal::TERM);
    assert_eq!(child.wait().expect("waits").signal(), Some(15));
    assert_eq!(left(&tag), 0);
}

#[test]
fn s14_l11_kill_9_leaves_nothing_behind_and_the_terminal_whole() {
    let tag = tag();
    let mut tui = with_wl(&tag, "ign", 3);
    let begun = Instant::now();
    tui.signal(Signal::KILL);
    assert_eq!(tui.end().signal(), Some(9));
    until("the modes are given back", Duration::from_millis(200) + E, || {
        same_modes(&tui.tty.modes(), &tui.before)
    });
    tui.assert_terminal_whole();
    until("nothing is left", Duration::from_secs(12).saturating_sub(begun.elapsed()) + E, || left(&tag) == 0);
}

#[test]
fn s14_output_goes_on_to_the_log_when_the_engine_is_killed() {
    let tag = tag();
    let dir = Dir::new();
    let logs = dir.path().to_str().expect("text").to_owned();
    let line = nasty(&format!("note {tag} TERM"));
    let run = Headless::start(&["--log-dir", &logs, "--name", "a", &line]);
    run.see("ready");
    run.signal(Signal::KILL);
    until("nothing is left", Duration::from_secs(12), || left(&tag) == 0);
    // The last of it may still be on its way from the terminal to the file.
    until("the log has it all", LONG, || {
        let log = std::fs::read_to_string(dir.path().join("a.log")).expect("the log is there");
        log.contains("got INT") && log.contains("got TERM")
    });
}

#[test]
fn s16_a_killed_shim_is_noticed_and_its_tree_swept() {
    let tag = tag();
    let mut run = Headless::start(&["--name", "a", "--name", "b", &wl(&tag, "ign"), "sleep 2"]);
    until("it is set up", LONG, || left(&tag) == 5);
    let parent =
        named(&tag).iter().map(|found| found.parent).find(|parent| shims(run.pid()).contains(parent));
    let begun = Instant::now();
    kill(parent.expect("the leader is below its shim"), Signal::KILL);
    let event = run.wait("end", |event| event["event"] == "finished" && event["command"] == "a");
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
    assert_eq!(kind(&event), "shim_lost");
    assert_eq!(left(&tag), 0);
    let (status, ended) = run.end();
    assert_eq!(kind(&ended["b"]), "success", "the others go on");
    assert_eq!(status.code(), Some(1));
}

#[test]
fn s18_as_the_first_process_of_a_namespace() {
    let tag = tag();
    let unshare = Command::new("unshare").args(["-pf", "--mount-proc", "true"]).status();
    if !unshare.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no right to make a pid namespace");
        return;
    }
    let program = sundown();
    let state = Dir::new();
    let mut child = quiet(
        Command::new("unshare")
            .args(["-pf", "--mount-proc"])
            .arg(&program)
            .args(["run", "--headless", &wl(&tag, "term")])
            .env("XDG_STATE_HOME", state.path()),
    );
    until("it is set up", LONG, || left(&tag) == 5);
    let engine = children(child.id()).first().expect("unshare has forked").0;
    kill(engine, Signal::TERM);
    assert_eq!(child.wait().expect("waits").code(), Some(143));
    assert_eq!(left(&tag), 0);
}

#[test]
fn s19_a_script_does_not_run_on_after_ctrl_c() {
    let script = format!("{} run -- sleep 100; echo NEXT", sundown().display());
    let mut tui = Tui::run(80, 24, "bash", &["-c", &script], |_| {});
    tui.ready();
    tui.tty.keys(b"\x03");
    let status = tui.end();
    assert_eq!(status.signal(), Some(2), "{}", tui.tty.text());
    assert!(!tui.tty.text().contains("NEXT"), "{}", tui.tty.text());
    tui.assert_terminal_whole();
}

#[test]
fn a_hang_up_stops_everything() {
    let tag = tag();
    let mut run = Headless::start(&[&wl(&tag, "term")]);
    until("it is set up", LONG, || left(&tag) == 5);
    run.signal(Signal::HUP);
    let (status, _) = run.end();
    assert_eq!((status.signal(), left(&tag)), (Some(1), 0));
}

#[test]
fn a_terminal_that_goes_away_stops_everything() {
    let tag = tag();
    let mut tui = with_wl(&tag, "term", 1);
    // Closing the last descriptor of its master hangs the terminal up.
    let Tui { tty, child, .. } = &mut tui;
    let closed = std::mem::replace(tty, Tty::open(80, 24));
    closed.hang_up();
    until("nothing is left", LONG, || left(&tag) == 0);
    until("it has ended", LONG, || child.try_wait().expect("waits").is_some());
}

#[test]
fn a_hundred_stubborn_ones_stop_in_the_time_of_one() {
    let tag = tag();
    let line = nasty(&format!("note {tag} none"));
    let mut args = vec!["--stop", "INT:1s,TERM:1s,KILL"];
    args.extend(std::iter::repeat_n(line.as_str(), 100));
    let mut run = Headless::start(&args);
    until("all are set up", LONG, || left(&tag) == 100);
    let begun = Instant::now();
    run.signal(Signal::TERM);
    let (status, ended) = run.end();
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!((status.signal(), ended.len(), left(&tag)), (Some(15), 100, 0));
}

#[test]
fn usr1_writes_the_state_to_our_log() {
    let run = Headless::start(&["exec sleep 100"]);
    run.wait("start", |event| event["event"] == "started");
    run.signal(Signal::USR1);
    let dir = run.state.path().join("sundown");
    until("the state is in the log", LONG, || {
        let logs = std::fs::read_dir(&dir).into_iter().flatten().flatten();
        let is_ours = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().ends_with(".jsonl");
        logs.filter(is_ours).any(|entry| {
            std::fs::read_to_string(entry.path()).is_ok_and(|text| text.contains("\"message\":\"state\""))
        })
    });
}
