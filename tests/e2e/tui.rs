//! The screen, used as a person uses it.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use rustix::process::Signal;

use crate::harness::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_demo_is_understood_and_its_stubborn_one_stopped() {
    let mut tui = Tui::start(&["demo"]);
    tui.ready();
    for name in ["build", "download", "pipeline", "server", "stubborn", "tests", "flood", "daemon"] {
        tui.tty.see(name);
    }
    tui.tty.keys(b"5");
    tui.tty.see("I do not end on SIGINT");
    tui.tty.keys(b"x");
    tui.tty.see("SIGINT? I am busy.");
    tui.tty.see("SIGTERM in");
    tui.tty.keys(b"X");
    tui.tty.see("killed");
    tui.tty.keys(b"q");
    tui.tty.see("Stop all");
    tui.tty.keys(b"\r");
    let status = tui.end();
    assert_eq!(status.signal(), Some(2), "{}", tui.tty.text());
    tui.tty.see("0 processes left");
    tui.assert_terminal_whole();
    assert_eq!(shims(tui.pid()), Vec::<i32>::new());
}

#[test]
fn ctrl_c_shows_the_phases_until_the_last_worker_is_gone() {
    let tag = tag();
    let mut tui =
        Tui::start(&["run", "--stop", "INT:2s,KILL", &nasty(&format!("note {tag} none")), "exec sleep 100"]);
    tui.tty.see("ready");
    tui.tty.keys(b"\x03");
    tui.tty.see("● stop");
    tui.tty.see("1 of 2 gone");
    tui.tty.see("Ctrl-C again kills everything now");
    tui.tty.see("SIGKILL in");
    assert!(tui.tty.is_alternate(), "the screen went before the last worker");
    assert_eq!(tui.end().signal(), Some(2));
    tui.assert_clean(&tag);
    tui.tty.see("killed, after SIGINT");
}

#[test]
fn q_asks_and_can_be_taken_back() {
    let mut tui = Tui::start(&["run", "exec sleep 100"]);
    tui.ready();
    tui.tty.keys(b"q");
    tui.tty.see("Stop the command that runs and leave?");
    tui.tty.keys(b"\x1b");
    tui.tty.wait("the question is gone", |screen| !screen.contains("Stop the command"));
    tui.tty.keys(b"q");
    tui.tty.see("Stop the command");
    tui.tty.keys(b"\r");
    assert_eq!(tui.end().signal(), Some(2));
    tui.assert_terminal_whole();
}

#[test]
fn a_focused_command_gets_every_key_but_ctrl_a() {
    let tag = tag();
    let mut tui = Tui::start(&["run", "--name", "raw", "--hold", &nasty(&format!("raw {tag}"))]);
    tui.tty.see("ready");
    tui.tty.keys(b"\r");
    tui.tty.see("Ctrl-a leaves");
    tui.tty.keys(b"q\x03\x1a\x1b[A");
    for byte in ["byte 113", "byte 3", "byte 26", "byte 27", "byte 91", "byte 65"] {
        tui.tty.see(byte);
    }
    tui.tty.keys(b"\x01");
    tui.tty.see("x interrupt");
    tui.tty.keys(b"\x01");
    tui.tty.see("byte 1\n");
    tui.tty.keys(b"\x01x");
    tui.tty.see("interrupted");
    tui.tty.keys(b"q");
    tui.end();
    tui.assert_clean(&tag);
}

#[test]
fn pastes_arrive_as_the_command_wants_them() {
    let mut tui = Tui::start(&["run", "--name", "cat", "printf '\\033[?2004h'; cat -v"]);
    tui.ready();
    tui.tty.keys(b"\r");
    tui.tty.see("Ctrl-a leaves");
    until("it wants brackets", LONG, || {
        tui.tty.keys(b"\x1b[200~q\x1b[201~");
        tui.tty.text().contains("^[[200~q^[[201~")
    });
    tui.tty.keys(b"\x01");
    tui.tty.see("x interrupt");
    tui.signal(Signal::TERM);
    tui.end();
}

#[test]
fn history_can_be_scrolled_and_comes_back() {
    let mut tui = Tui::start(&["run", "--hold", "--name", "seq", "seq 1 500"]);
    tui.tty.see("q leaves");
    tui.tty.see("500");
    tui.tty.keys(b"g");
    tui.tty.wait("the oldest line", |screen| screen.contains("│1\n") && screen.contains("lines back"));
    tui.tty.keys(b"\x1b[6~");
    tui.tty.wait("a page further", |screen| !screen.contains("│1\n") && screen.contains("lines back"));
    tui.tty.keys(b"G");
    tui.tty.wait("the newest line", |screen| screen.contains("500") && !screen.contains("lines back"));
    tui.tty.keys(b"\x1b[<64;90;10M");
    tui.tty.see("↑ 3 of");
    tui.tty.keys(b"q");
    assert_eq!(tui.end().code(), Some(0));
}

#[test]
fn the_mouse_selects_and_clicks_hints() {
    let mut tui = Tui::start(&[
        "run",
        "--hold",
        "--name",
        "first",
        "--name",
        "second",
        "exec sleep 100",
        "exec sleep 100",
    ]);
    tui.ready();
    tui.tty.keys(b"\x1b[<0;5;3M");
    tui.tty.see("▸● second");
    let keys = tui.tty.rows().last().expect("a row").clone();
    let column = keys.chars().take_while(|c| *c != 'X').count() + 1;
    tui.tty.keys(format!("\x1b[<0;{column};36M").as_bytes());
    tui.tty.see("killed");
    tui.tty.keys(b"\x03");
    tui.end();
}

#[test]
fn the_list_is_filtered() {
    let mut tui = Tui::start(&[
        "run",
        "--name",
        "alpha",
        "--name",
        "beta",
        "--name",
        "gamma",
        "exec sleep 100",
        "exec sleep 100",
        "exec sleep 100",
    ]);
    tui.ready();
    tui.tty.keys(b"Fbet");
    tui.tty.wait("only beta", |screen| screen.contains("beta") && !screen.contains("gamma"));
    tui.tty.keys(b"\r");
    tui.tty.see("showing 1 of 3");
    tui.tty.keys(b"\x1b");
    tui.tty.see("gamma");
    tui.tty.keys(b"\x03");
    tui.end();
}

#[test]
fn start_again_and_restart() {
    let mut tui = Tui::start(&["run", "--hold", "--name", "a", "echo run $$; sleep 100"]);
    tui.tty.see("run ");
    let pid = |text: &str| {
        let at = text.find("│run ").map(|at| at + "│run ".len())?;
        text[at..].split_whitespace().next().map(ToOwned::to_owned)
    };
    let first = pid(&tui.tty.text());
    tui.tty.keys(b"r");
    tui.tty.wait("another run", |screen| pid(screen).is_some_and(|now| Some(now) != first));
    tui.tty.keys(b"X");
    tui.tty.see("s start again");
    let second = pid(&tui.tty.text());
    tui.tty.keys(b"s");
    tui.tty.wait("a third run", |screen| pid(screen).is_some_and(|now| Some(now) != second));
    tui.tty.keys(b"\x03");
    tui.end();
}

#[test]
fn more_time_moves_the_next_stage() {
    let tag = tag();
    let mut tui = Tui::start(&["run", "--hold", "--name", "a", &nasty(&format!("note {tag} none"))]);
    tui.tty.see("ready");
    tui.tty.keys(b"x");
    tui.tty.see("SIGTERM in");
    tui.tty.keys(b"+");
    tui.tty.wait("half a minute", |screen| (31..36).any(|n| screen.contains(&format!("SIGTERM in {n} s"))));
    tui.tty.keys(b"X");
    tui.tty.see("killed");
    tui.tty.keys(b"q");
    tui.end();
}

#[test]
fn l08_ctrl_z_gives_the_shell_its_terminal_and_fg_comes_back() {
    let tag = tag();
    let line = nasty(&format!("note {tag} INT"));
    let mut tui = Tui::run(100, 30, "bash", &["--norc", "-i"], |_| {});
    tui.tty.keys(format!("stty > /dev/null; {} run --name a '{line}'\r", sundown().display()).as_bytes());
    tui.tty.see("x interrupt");
    tui.tty.see("ready");
    tui.tty.keys(b"\x1a");
    tui.tty.see("Stopped");
    assert!(!tui.tty.is_alternate());
    until("the command stands still", LONG, || named(&tag).iter().all(|found| found.state == 'T'));
    tui.tty.keys(b"echo still $((40 + 2))\r");
    tui.tty.see("still 42");
    tui.tty.keys(b"fg\r");
    tui.tty.see("x interrupt");
    until("it goes on", LONG, || named(&tag).iter().all(|found| found.state != 'T'));
    tui.tty.keys(b"\x03");
    tui.tty.see("0 processes left");
    tui.tty.keys(b"echo rc $?\r");
    tui.tty.see("rc 130");
    tui.tty.keys(b"exit\r");
    tui.end();
    assert_eq!(left(&tag), 0);
}

#[test]
fn l09_started_in_the_background_it_waits_for_the_terminal() {
    let mut tui = Tui::run(100, 30, "bash", &["--norc", "-i"], |_| {});
    tui.tty.keys(format!("{} run --name a 'sleep 100' &\r", sundown().display()).as_bytes());
    tui.tty.keys(b"echo here $((40 + 2))\r");
    tui.tty.see("here 42");
    std::thread::park_timeout(SECOND);
    assert!(!tui.tty.is_alternate(), "it took the terminal");
    tui.tty.keys(b"fg\r");
    tui.tty.see("x interrupt");
    tui.tty.keys(b"\x03");
    tui.tty.see("0 processes left");
    tui.tty.keys(b"exit\r");
    tui.end();
}

#[test]
fn a_window_that_is_too_small_says_so_and_goes_on() {
    let mut tui = Tui::sized(80, 24, &["run", "--name", "a", "exec sleep 100"]);
    tui.ready();
    tui.tty.resize(10, 3);
    tui.tty.see("too small");
    tui.tty.resize(80, 24);
    tui.tty.see("x interrupt");
    tui.tty.keys(b"\x03");
    assert_eq!(tui.end().signal(), Some(2));
    tui.assert_terminal_whole();
}

#[test]
fn nothing_is_written_while_nothing_changes() {
    let tui = Tui::start(&["run", "--hold", "--name", "a", "true"]);
    tui.tty.see("q leaves");
    std::thread::park_timeout(Duration::from_millis(300));
    let before = tui.tty.bytes().len();
    std::thread::park_timeout(3 * SECOND);
    assert_eq!(tui.tty.bytes().len(), before);
}

#[test]
fn without_colours_there_are_none() {
    let mut tui =
        Tui::with(80, 24, &["run", "--name", "a", "printf '\\033[31mred\\033[0m'; sleep 100"], |command| {
            command.env("NO_COLOR", "1");
        });
    tui.tty.see("red");
    tui.tty.keys(b"\x03");
    tui.end();
    let bytes = String::from_utf8_lossy(&tui.tty.bytes()).into_owned();
    for color in ["\x1b[31m", "\x1b[38;5;", "\x1b[32m", "\x1b[33m", "\x1b[36m"] {
        assert!(!bytes.contains(color), "{color:?} is in the output");
    }
}

#[test]
fn ascii_is_ascii() {
    let mut tui = Tui::sized(80, 24, &["run", "--ascii", "--name", "a", "exec sleep 100"]);
    tui.ready();
    tui.tty.keys(b"\x03");
    tui.end();
    assert!(tui.tty.bytes().is_ascii(), "{}", tui.tty.text());
}

#[test]
fn a_prompt_is_marked() {
    let mut tui = Tui::start(&[
        "run",
        "--name",
        "ask",
        "--name",
        "secret",
        "printf 'Name? '; read x",
        "stty -echo; printf 'Password: '; read x",
    ]);
    tui.tty.see("●?ask");
    tui.tty.see("●?secret");
    tui.tty.see("may be waiting for somebody to type");
    tui.tty.keys(b"\r");
    tui.tty.see("Ctrl-a leaves");
    tui.tty.keys(b"me\r");
    tui.tty.see("✓ ask");
    tui.tty.keys(b"\x01\x03");
    tui.end();
}

#[test]
fn the_window_is_told_of_the_progress_and_of_the_end() {
    let mut tui =
        Tui::start(&["run", "--hold", "--name", "a", "printf 'x\\r 40%%'; sleep 0.5; printf '\\r100%%'"]);
    tui.tty.see("q leaves");
    tui.tty.keys(b"q");
    tui.end();
    tui.tty.see("0 processes left");
    let bytes = String::from_utf8_lossy(&tui.tty.bytes()).into_owned();
    let at = |text: &str| bytes.find(text).unwrap_or_else(|| panic!("no {text:?}"));
    assert!(at("\x1b]9;4;1;40\x1b\\") < at("\x1b]9;4;1;100\x1b\\"));
    assert!(at("\x1b]9;4;1;100\x1b\\") < at("\x1b]9;4;0;\x1b\\"));
    at("\x07");
    let mut tui = Tui::start(&["run", "--no-progress", "--no-bell", "--name", "a", "printf 'x\\r 40%%'"]);
    tui.end();
    tui.tty.see("0 processes left");
    let bytes = String::from_utf8_lossy(&tui.tty.bytes()).into_owned();
    assert!(!bytes.contains("\x1b]9;4;1") && !bytes.contains('\x07'));
}

#[test]
fn a_stopped_terminal_holds_nothing_up() {
    let tag = tag();
    let mut tui =
        Tui::start(&["run", "--name", "a", "--name", "b", &nasty(&format!("note {tag} INT")), "yes"]);
    tui.tty.see("ready");
    // Nobody reads any more; what is written fills the line and stays there.
    let stopped = tui.tty.stop_reading();
    std::thread::park_timeout(SECOND);
    tui.tty.keys(b"x");
    until("the interrupt arrived", 2 * SECOND, || left(&tag) == 0);
    drop(stopped);
    tui.tty.see("interrupted");
    tui.tty.keys(b"\x03");
    assert_eq!(tui.end().signal(), Some(2));
    tui.assert_terminal_whole();
}

#[test]
fn l12_a_screen_that_fails_leaves_nothing_and_says_so() {
    let tag = tag();
    let line = nasty(&format!("note {tag} INT"));
    let mut tui = Tui::with(120, 36, &["run", &line], |command| {
        command.env("SUNDOWN_FAULT", "screen");
    });
    tui.tty.see("ready");
    tui.tty.keys(b"j");
    assert_eq!(tui.end().code(), Some(125));
    tui.tty.see("the screen failed, so everything is stopped: thread 'main' panicked at");
    tui.tty.see("0 processes left");
    assert_eq!(left(&tag), 0);
    assert!(same_modes(&tui.tty.modes(), &tui.before) && !tui.tty.is_alternate());
}

#[test]
fn an_engine_that_fails_leaves_nothing_and_says_so() {
    let tag = tag();
    let line = nasty(&format!("note {tag} INT"));
    let mut tui = Tui::with(120, 36, &["run", "--stop", "INT:100ms,KILL", &line], |command| {
        command.env("SUNDOWN_FAULT", "engine");
    });
    tui.tty.see("ready");
    tui.signal(Signal::USR1);
    assert_eq!(tui.end().code(), Some(125));
    tui.tty.see("could not end the session well: thread 'engine' panicked at");
    assert_eq!(left(&tag), 0);
    assert!(same_modes(&tui.tty.modes(), &tui.before) && !tui.tty.is_alternate());
}
