//! Trees of processes (torture T): wherever they go, they are found.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::*;

const SECOND: Duration = Duration::from_secs(1);

/// Runs a shell line until `count` processes of that name are there, stops it, and sees that none is left.
#[track_caller]
fn stopped(line: &str, name: &str, count: usize) -> serde_json::Value {
    let mut run = Headless::start(&["--stop", "INT:1s,TERM:1s,KILL", line]);
    until("it is set up", LONG, || left(name) >= count);
    run.signal(Signal::TERM);
    let (status, ended) = run.end();
    assert_eq!(status.signal(), Some(15));
    assert_eq!(named(name), [], "processes are left");
    ended.into_values().next().expect("one has ended")
}

/// A copy of `sleep` under a name of its own.
fn sleeper(dir: &Dir) -> (String, String) {
    let name = tag();
    let path = dir.path().join(&name);
    std::fs::copy("/bin/sleep", &path).expect("copies");
    (path.to_string_lossy().into_owned(), name)
}

#[test]
fn t01_children_of_the_same_group() {
    let dir = Dir::new();
    let (sleep, name) = sleeper(&dir);
    stopped(&format!("{sleep} 300 & {sleep} 300 | cat"), &name, 2);
}

#[test]
fn t02_t03_t04_own_group_own_session_and_daemon() {
    let tag = tag();
    let event = stopped(&nasty(&format!("wl {tag} ign")), &tag, 5);
    assert!(event["escaped"].as_u64() >= Some(1), "{event}");
    assert_eq!(stages(&event), ["interrupt", "terminate", "kill"]);
}

#[test]
fn t03_setsid_in_the_background() {
    let dir = Dir::new();
    let (sleep, name) = sleeper(&dir);
    stopped(&format!("setsid {sleep} 300 & wait"), &name, 1);
}

#[test]
fn t06_a_comet() {
    for life in [0, 1, 2] {
        let tag = tag();
        let line = nasty(&format!("comet {tag} {life}"));
        let mut run = Headless::start(&["--stop", "KILL", &line]);
        run.see("ready");
        let begun = Instant::now();
        run.signal(Signal::TERM);
        let (_, ended) = run.end();
        assert!(begun.elapsed() < 2 * SECOND, "{:?}", begun.elapsed());
        assert_eq!(left(&tag), 0);
        // Its leader ended as soon as it had forked; what we stopped may have been a leak by then.
        let event = ended.values().next().expect("one");
        assert!(kind(event) == "interrupted" || event["leaked"].as_u64() >= Some(1), "{event}");
    }
}

#[test]
fn t07_a_bounded_fork_bomb() {
    let tag = tag();
    let line = nasty(&format!("hydra {tag} 3000"));
    let mut run = Headless::start(&["--stop", "KILL", &line]);
    until("it has grown", LONG, || left(&tag) > 100);
    let begun = Instant::now();
    run.signal(Signal::TERM);
    let (_, ended) = run.end();
    assert!(begun.elapsed() < 12 * SECOND, "{:?}", begun.elapsed());
    assert_eq!(left(&tag), 0);
    assert_eq!(kind(ended.values().next().expect("one")), "interrupted");
}

#[test]
fn t09_a_thousand_children() {
    let tag = tag();
    let line = nasty(&format!("forest {tag} 1000"));
    let mut run = Headless::start(&[&line]);
    until("all are there", LONG, || left(&tag) >= 1000);
    let begun = Instant::now();
    run.signal(Signal::TERM);
    let (status, _) = run.end();
    assert!(begun.elapsed() < 12 * SECOND, "{:?}", begun.elapsed());
    assert_eq!((status.signal(), left(&tag)), (Some(15), 0));
}

#[test]
fn t10_what_outlives_its_leader_is_a_leak() {
    let dir = Dir::new();
    let (sleep, name) = sleeper(&dir);
    let mut run = Headless::start(&["--no-tty", &format!("{sleep} 300 & exit 0")]);
    let (status, ended) = run.end();
    let event = ended.values().next().expect("one has ended");
    assert_eq!((kind(event), event["leaked"].as_u64()), ("success", Some(1)), "{event}");
    assert_eq!(status.code(), Some(0));
    assert_eq!(named(&name), []);
}

#[test]
fn t11_a_leader_that_ends_and_a_child_that_holds_the_terminal() {
    let tag = tag();
    let begun = Instant::now();
    let mut run = Headless::start(&["--stop", "INT:1s,TERM:1s,KILL", &nasty(&format!("hup-proof {tag}"))]);
    let (_, ended) = run.end();
    let event = ended.values().next().expect("one has ended");
    assert_eq!((kind(event), event["leaked"].as_u64()), ("success", Some(1)), "{event}");
    assert!(begun.elapsed() < 5 * SECOND, "{:?}", begun.elapsed());
    assert_eq!(named(&tag), []);
}

#[test]
fn t16_a_storm_of_zombies_is_reaped() {
    let tag = tag();
    let run = Headless::start(&[&nasty(&format!("zombies {tag} 500"))]);
    run.see("ready");
    let shim = shims(run.pid())[0];
    until("no zombie below the shim", SECOND + SECOND, || {
        children(shim as u32).iter().all(|(_, line)| !line.is_empty())
    });
}

#[test]
fn t18_what_may_not_be_signalled_is_named_as_a_survivor() {
    let dir = Dir::new();
    let (sleep, name) = sleeper(&dir);
    if !rustix::process::getuid().is_root() {
        eprintln!("skipped: only root can start what it may not signal");
        return;
    }
    // As root, another user's process is no obstacle.
    stopped(&format!("setpriv --reuid 65534 --clear-groups {sleep} 300"), &name, 1);
}

#[test]
fn t20_a_traced_child() {
    let tag = tag();
    if Command::new("strace").arg("-V").output().is_err() {
        eprintln!("skipped: no strace");
        return;
    }
    stopped(&format!("strace -f -o /dev/null {} wl {tag} ign", torture()), &tag, 5);
}

#[test]
fn stopped_children_are_woken_to_be_stopped() {
    let tag = tag();
    let mut run = Headless::start(&[&nasty(&format!("stopped {tag}"))]);
    until("all have stopped", LONG, || named(&tag).iter().filter(|found| found.state == 'T').count() == 3);
    let begun = Instant::now();
    run.signal(Signal::TERM);
    let (_, ended) = run.end();
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
    assert_eq!(left(&tag), 0);
    assert_eq!(stages(ended.values().next().expect("one")), ["interrupt"]);
}

#[test]
fn a_wrapper_that_ends_at_once_is_not_the_end() {
    let dir = Dir::new();
    let (sleep, name) = sleeper(&dir);
    // The wrapper dies of SIGINT; what it has started is deaf to it, and in a group of its own.
    let line = format!("setsid sh -c 'trap \"\" INT; exec {sleep} 300' & wait");
    let mut run = Headless::start(&[&line]);
    until("it is set up", LONG, || left(&name) == 1);
    run.signal(Signal::INT);
    run.end();
    assert_eq!(named(&name), []);
}

#[test]
fn output_is_drained_in_every_stage() {
    let tag = tag();
    let mut run = Headless::start(&["--stop", "INT:200ms,TERM:10s,KILL", &nasty(&format!("flush {tag}"))]);
    run.see("ready");
    run.signal(Signal::TERM);
    let (_, ended) = run.end();
    let event = ended.values().next().expect("one has ended");
    assert_eq!(stages(event), ["interrupt", "terminate"], "a megabyte was taken in time");
    assert!(run.output().values().next().expect("some").contains("flushed"));
}
