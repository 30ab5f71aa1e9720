//! Races and the state machine (torture X).

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use rustix::process::Signal;

use crate::harness::*;

/// Few in the usual run, many in `tests/run full`.
fn runs(usual: u32, full: u32) -> u32 {
    if std::env::var_os("SUNDOWN_TESTS_FULL").is_some() { full } else { usual }
}

#[test]
fn x01_an_interrupt_during_the_start_is_neither_lost_nor_survived() {
    let big = "X".repeat(100_000);
    for n in 0..runs(40, 500) {
        let tag = tag();
        let line = nasty(&format!("wl {tag} term"));
        let mut run = Headless::with(&[&line], |command| {
            // A large environment makes exec slow.
            for n in 0..10 {
                command.env(format!("BIG{n}"), &big);
            }
        });
        std::thread::park_timeout(Duration::from_micros(u64::from(n % 40) * 500));
        run.signal(Signal::TERM);
        let (status, ended) = run.end();
        // Before it has taken signals over, it dies of them, and has started nothing.
        if status.signal() == Some(15) && ended.is_empty() && run.events().is_empty() {
            assert_eq!(left(&tag), 0, "run {n}");
            continue;
        }
        assert_eq!(status.signal(), Some(15), "run {n}: {ended:?}");
        assert_eq!(left(&tag), 0, "run {n}");
        assert_eq!(kind(ended.values().next().expect("one")), "interrupted", "run {n}");
    }
}

#[test]
fn x03_an_interrupt_of_what_has_ended_is_answered_and_sends_nothing() {
    let mut tui = Tui::start(&["run", "--hold", "--name", "a", "true"]);
    tui.tty.see("q leaves");
    tui.tty.keys(b"x");
    tui.tty.see("it has ended already: succeeded");
    tui.tty.keys(b"q");
    assert_eq!(tui.end().code(), Some(0));
}

#[test]
fn x06_restart_and_interrupt_at_once_leave_at_most_one() {
    let tag = tag();
    let line = nasty(&format!("note {tag} INT"));
    let mut tui = Tui::start(&["run", "--hold", "--name", "a", &line]);
    tui.ready();
    for n in 0..runs(10, 200) {
        tui.tty.keys(if n % 2 == 0 { b"rx" } else { b"xr" });
        until("at most one", LONG, || {
            assert!(left(&tag) <= 1, "two at once");
            let screen = tui.tty.text();
            if screen.contains("s start again") {
                tui.tty.keys(b"s");
            }
            screen.contains("● 1 running") && left(&tag) == 1
        });
        // A press that follows too soon is part of the one before.
        std::thread::park_timeout(Duration::from_millis(750));
    }
    tui.signal(Signal::TERM);
    tui.end();
    tui.assert_clean(&tag);
}

#[test]
fn x07_an_exit_and_an_interrupt_at_once_make_one_end() {
    for n in 0..runs(30, 1000) {
        let mut run = Headless::start(&["sleep 0.05"]);
        run.wait("start", |event| event["event"] == "started");
        std::thread::park_timeout(Duration::from_micros(48_000 + u64::from(n % 20) * 200));
        run.signal(Signal::TERM);
        let (_, ended) = run.end();
        let event = ended.values().next().expect("one end");
        assert!(["success", "interrupted"].contains(&kind(event)), "run {n}: {event}");
    }
}

#[test]
fn x08_two_presses_are_one_stage_or_two_by_the_time_between_them() {
    let tag = tag();
    let line = nasty(&format!("note {tag} none"));
    let mut tui = Tui::start(&["run", "--hold", "--name", "a", &line]);
    tui.tty.see("ready");
    tui.tty.keys(b"x");
    std::thread::park_timeout(Duration::from_millis(5));
    tui.tty.keys(b"x");
    tui.tty.see("got INT");
    std::thread::park_timeout(Duration::from_millis(900));
    assert!(!tui.tty.text().contains("got TERM"), "{}", tui.tty.text());
    tui.tty.keys(b"x");
    tui.tty.see("got TERM");
    std::thread::park_timeout(Duration::from_millis(900));
    tui.tty.keys(b"x");
    tui.tty.see("killed");
    tui.tty.keys(b"q");
    tui.end();
    tui.assert_clean(&tag);
}

#[test]
fn x11_an_interrupt_of_a_paused_one_wakes_it() {
    let tag = tag();
    let line = nasty(&format!("wl {tag} term"));
    let mut tui = Tui::start(&["run", "--hold", "--name", "a", &line]);
    until("it is set up", LONG, || left(&tag) == 5);
    tui.tty.keys(b"p");
    tui.tty.see("paused");
    until("all stand still", LONG, || named(&tag).iter().all(|found| found.state == 'T'));
    tui.tty.keys(b"x");
    until("all are gone", LONG, || left(&tag) == 0);
    tui.tty.see("interrupted");
    tui.tty.keys(b"q");
    tui.end();
    tui.assert_clean(&tag);
}

#[test]
fn c08_a_pause_does_not_count_against_the_timeout() {
    let tag = tag();
    let line = nasty(&format!("note {tag} INT"));
    let mut tui = Tui::start(&["run", "--hold", "--timeout", "2s", "--name", "a", &line]);
    tui.tty.see("ready");
    tui.tty.keys(b"p");
    tui.tty.see("paused");
    std::thread::park_timeout(Duration::from_secs(3));
    assert_eq!(left(&tag), 1, "the pause counted");
    tui.tty.keys(b"p");
    tui.tty.see("timed out");
    tui.tty.keys(b"q");
    assert_eq!(tui.end().code(), Some(124));
}
