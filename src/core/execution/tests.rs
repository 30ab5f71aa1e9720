//! Every rule of SEMANTICS 1 and 2 about one execution, by its name.

use std::time::Duration;

use proptest::prelude::*;

use crate::core::command::{AfterExit, ExecutionPolicy};
use crate::core::event::ExecutionEvent;
use crate::core::report::Report;
use crate::core::sim::{Proc, Reaction, Script, ShimSim};
use crate::core::stop::{Ladder, Origin, Rung, Signal, Stage, StopCause, StopRequest};
use crate::core::time::{Elapsed, Wait};

const POLITE: Proc = Proc::POLITE;
const STUBBORN: Proc = Proc::STUBBORN;
const IMMORTAL: Proc = Proc { killable: None, ..Proc::STUBBORN };

fn stop(stage: Stage) -> ExecutionEvent {
    ExecutionEvent::StopRequested(StopRequest { stage, cause: StopCause::Operator, origin: Origin::Key })
}

fn x() -> ExecutionEvent {
    stop(Stage::Interrupt)
}

fn kill() -> ExecutionEvent {
    stop(Stage::Kill)
}

fn exits(at: u64, code: i32) -> Proc {
    Proc { exits: Some((at, code)), ..POLITE }
}

fn with_policy(policy: ExecutionPolicy, procs: &[Proc]) -> Script {
    Script { policy, ..Script::of(procs) }
}

/// Plays the events at their milliseconds, then lets a minute pass.
fn play(script: Script, events: &[(u64, ExecutionEvent)]) -> ShimSim {
    let mut shim = ShimSim::spawn(Elapsed::ZERO, script);
    for (at, event) in events {
        let now = Elapsed::from_millis(*at);
        shim.run_until(now);
        shim.feed(now, event.clone());
    }
    shim.run_until(Elapsed::from_millis(60_000));
    shim
}

/// Plays and compares with the transcript; whitespace before lines is for the reader.
#[track_caller]
fn check(script: Script, events: &[(u64, ExecutionEvent)], expected: &str) {
    let transcript = play(script, events).transcript();
    let lines =
        |text: &str| text.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("\n");
    assert_eq!(lines(&transcript), lines(expected));
}

#[test]
fn leader_exit_tree_empty_and_output_closed_make_the_end() {
    check(
        Script::of([exits(30, 7)]),
        &[],
        "0 > started 100
         30 > leader exited 7
         30 > finished: failed (7)",
    );
}

#[test]
fn the_ladder_is_interrupt_5_s_terminate_5_s_kill() {
    check(
        Script::of([STUBBORN]),
        &[(100, x())],
        "0 > started 100
         100 send SIGINT to 1
         100 > interrupt (Operator) until 5100
         300 > waits for 100 of 1
         5100 send SIGTERM to 1
         5100 > terminate (Operator) until 10100
         10100 sweep
         10100 > kill (Operator) until -
         10100 > leader died of SIGKILL
         10100 > finished: interrupted (Operator, kill)",
    );
}

#[test]
fn a_polite_child_ends_at_its_stage() {
    check(
        Script::of([POLITE]),
        &[(100, x())],
        "0 > started 100
         100 send SIGINT to 1
         100 > interrupt (Operator) until 5100
         100 > leader died of SIGINT
         100 > finished: interrupted (Operator, interrupt)",
    );
}

#[test]
fn a_stage_that_every_member_ignores_is_skipped_at_once() {
    let deaf = Proc { on_int: Reaction::Ignores, on_term: Reaction::Dies(10), ..POLITE };
    check(
        Script::of([deaf, deaf]),
        &[(100, x())],
        "0 > started 100
         100 send SIGINT to 2
         100 > interrupt (Operator) until 5100
         100 send SIGTERM to 2
         100 > terminate (Operator) until 5100
         110 > leader died of SIGTERM
         110 > finished: interrupted (Operator, terminate)",
    );
}

#[test]
fn a_stage_that_one_member_hears_is_not_skipped() {
    let deaf = Proc { on_int: Reaction::Ignores, on_term: Reaction::Dies(0), ..POLITE };
    let shim = play(Script::of([deaf, STUBBORN]), &[(0, x())]);
    assert!(shim.transcript().contains("5000 send SIGTERM to 2"), "{}", shim.transcript());
}

#[test]
fn what_outlives_its_leader_and_is_deaf_is_not_waited_for() {
    let deaf = Proc { on_int: Reaction::Ignores, ..POLITE };
    check(
        Script::of([POLITE, deaf]),
        &[(100, x())],
        "0 > started 100
         100 send SIGINT to 2
         100 > interrupt (Operator) until 5100
         100 > leader died of SIGINT
         100 send SIGTERM to 1
         100 > terminate (Operator) until 5100
         100 > finished: interrupted (Operator, terminate)",
    );
}

#[test]
fn who_was_not_in_the_foreground_is_interrupted_when_the_leader_has_heeded_it() {
    check(
        Script::of([POLITE, POLITE, POLITE]),
        &[(100, x())],
        "0 > started 100
         100 send SIGINT to 2
         100 > interrupt (Operator) until 5100
         100 send SIGINT to 1
         100 > leader died of SIGINT
         100 > finished: interrupted (Operator, interrupt)",
    );
}

#[test]
fn a_zero_wait_skips_a_stage() {
    let mut ladder = Ladder::default();
    ladder.interrupt.wait = Wait::For(Duration::ZERO);
    let policy = ExecutionPolicy { ladder, ..Default::default() };
    check(
        with_policy(policy, &[POLITE]),
        &[(10, x())],
        "0 > started 100
         10 send SIGTERM to 1
         10 > terminate (Operator) until 5010
         10 > leader died of SIGTERM
         10 > finished: interrupted (Operator, terminate)",
    );
}

#[test]
fn an_infinite_wait_ends_only_by_a_further_request() {
    let forever = Rung { signal: Signal::INT, wait: Wait::Forever };
    let policy =
        ExecutionPolicy { ladder: Ladder { interrupt: forever, ..Ladder::default() }, ..Default::default() };
    check(
        with_policy(policy, &[STUBBORN]),
        &[(10, x()), (50_000, kill())],
        "0 > started 100
         10 send SIGINT to 1
         10 > interrupt (Operator) until -
         210 > waits for 100 of 1
         50000 sweep
         50000 > kill (Operator) until -
         50000 > leader died of SIGKILL
         50000 > finished: interrupted (Operator, kill)",
    );
}

#[test]
fn stages_never_go_back_and_the_same_request_twice_is_one() {
    check(
        Script::of([STUBBORN]),
        &[(10, stop(Stage::Terminate)), (20, x()), (30, stop(Stage::Terminate)), (40, kill()), (50, x())],
        "0 > started 100
         10 send SIGTERM to 1
         10 > terminate (Operator) until 5010
         40 sweep
         40 > kill (Operator) until -
         40 > leader died of SIGKILL
         40 > finished: interrupted (Operator, kill)",
    );
}

#[test]
fn an_interrupt_during_spawn_is_delivered_right_after_it() {
    check(
        Script { spawn_ms: 50, ..Script::of([POLITE]) },
        &[(10, x())],
        "50 > started 100
         50 send SIGINT to 1
         50 > interrupt (Operator) until 5050
         50 > leader died of SIGINT
         50 > finished: interrupted (Operator, interrupt)",
    );
}

#[test]
fn a_spawn_that_hangs_is_killed_when_the_ladder_would_be() {
    let shim = play(Script { spawn_ms: 30_000, ..Script::of([POLITE]) }, &[(10, x())]);
    assert!(shim.transcript().starts_with("10010 sweep"), "{}", shim.transcript());
    assert!(shim.is_finished());
}

#[test]
fn a_spawn_error_is_the_outcome() {
    check(
        Script { spawn_error: Some(127), ..Script::of([POLITE]) },
        &[],
        "0 > finished: not started: scripted",
    );
}

#[test]
fn an_interrupt_after_the_end_sends_no_signal() {
    check(
        Script::of([exits(10, 0)]),
        &[(100, x()), (200, kill())],
        "0 > started 100
         10 > leader exited 0
         10 > finished: succeeded",
    );
}

#[test]
fn what_outlives_the_leader_is_stopped_after_the_leak_grace() {
    check(
        Script::of([exits(10, 0), STUBBORN]),
        &[],
        "0 > started 100
         10 > leader exited 0
         210 send SIGTERM to 1
         210 > terminate (Leak) until 5210
         210 > waits for 101 of 1
         5210 sweep
         5210 > kill (Leak) until -
         5210 > finished: succeeded, 1 leaked",
    );
}

#[test]
fn what_follows_the_leader_within_the_grace_is_no_leak() {
    check(
        Script::of([exits(10, 0), exits(100, 0)]),
        &[],
        "0 > started 100
         10 > leader exited 0
         100 > finished: succeeded",
    );
}

#[test]
fn after_exit_wait_runs_until_the_tree_is_empty() {
    let policy = ExecutionPolicy { after_exit: AfterExit::Wait, ..Default::default() };
    check(
        with_policy(policy.clone(), &[exits(10, 0), exits(20_000, 0)]),
        &[],
        "0 > started 100
         10 > leader exited 0
         20000 > finished: succeeded",
    );
    check(
        with_policy(policy, &[exits(10, 0), POLITE]),
        &[(500, x())],
        "0 > started 100
         10 > leader exited 0
         500 send SIGINT to 1
         500 > interrupt (Operator) until 5500
         500 > finished: interrupted (Operator, interrupt)",
    );
}

#[test]
fn after_exit_leave_counts_and_kills_nothing() {
    let policy = ExecutionPolicy { after_exit: AfterExit::Leave, ..Default::default() };
    check(
        with_policy(policy, &[exits(10, 0), STUBBORN]),
        &[],
        "0 > started 100
         10 > leader exited 0
         210 > finished: succeeded, 1 leaked",
    );
}

#[test]
fn the_leaders_end_does_not_end_the_ladder_over_the_rest() {
    check(
        Script::of([POLITE, STUBBORN]),
        &[(0, x())],
        "0 > started 100
         0 send SIGINT to 2
         0 > interrupt (Operator) until 5000
         0 > leader died of SIGINT
         200 > waits for 101 of 1
         5000 send SIGTERM to 1
         5000 > terminate (Operator) until 10000
         10000 sweep
         10000 > kill (Operator) until -
         10000 > finished: interrupted (Operator, kill)",
    );
}

#[test]
fn output_held_by_a_stranger_is_closed_after_its_bound() {
    check(
        Script { output_held: true, ..Script::of([exits(10, 0)]) },
        &[],
        "0 > started 100
         10 > leader exited 0
         210 close output
         210 > finished: succeeded, truncated",
    );
    check(
        Script { output_held: true, ..Script::of([POLITE]) },
        &[(0, x())],
        "0 > started 100
         0 send SIGINT to 1
         0 > interrupt (Operator) until 5000
         0 > leader died of SIGINT
         2000 close output
         2000 > finished: interrupted (Operator, interrupt), truncated",
    );
}

#[test]
fn what_survives_kill_for_2_s_is_unkillable_and_named() {
    check(
        Script::of([POLITE, IMMORTAL]),
        &[(0, kill())],
        "0 > started 100
         0 sweep
         0 > kill (Operator) until -
         0 > leader died of SIGKILL
         200 > waits for 101 of 1
         2000 > finished: unkillable, left: pid 101 scripted state D",
    );
}

#[test]
fn a_large_process_may_take_a_second_to_die() {
    let large = Proc { killable: Some(1500), ..STUBBORN };
    let shim = play(Script::of([large]), &[(0, kill())]);
    assert!(shim.transcript().ends_with("1500 > finished: interrupted (Operator, kill)\n"));
}

#[test]
fn a_timeout_starts_the_ladder_and_names_the_outcome() {
    let policy = ExecutionPolicy { timeout: Some(Duration::from_secs(2)), ..Default::default() };
    check(
        with_policy(policy, &[POLITE]),
        &[],
        "0 > started 100
         2000 send SIGINT to 1
         2000 > interrupt (Timeout) until 7000
         2000 > leader died of SIGINT
         2000 > finished: timed out",
    );
}

#[test]
fn a_pause_does_not_count_against_the_timeout() {
    let policy = ExecutionPolicy { timeout: Some(Duration::from_secs(3)), ..Default::default() };
    check(
        with_policy(policy, &[exits(9_000, 0)]),
        &[(1000, ExecutionEvent::PauseRequested), (6000, ExecutionEvent::ResumeRequested)],
        "0 > started 100
         1000 pause
         1000 > paused
         6000 resume
         6000 > resumed until -
         8000 send SIGINT to 1
         8000 > interrupt (Timeout) until 13000
         8000 > leader died of SIGINT
         8000 > finished: timed out",
    );
}

#[test]
fn an_interrupt_of_a_paused_one_wakes_it_first() {
    check(
        Script::of([POLITE]),
        &[(10, ExecutionEvent::PauseRequested), (20, x())],
        "0 > started 100
         10 pause
         10 > paused
         20 resume
         20 > resumed until -
         20 send SIGINT to 1
         20 > interrupt (Operator) until 5020
         20 > leader died of SIGINT
         20 > finished: interrupted (Operator, interrupt)",
    );
}

#[test]
fn stage_clocks_stand_still_while_paused() {
    let shim = play(
        Script::of([STUBBORN]),
        &[(0, x()), (1000, ExecutionEvent::PauseRequested), (11_000, ExecutionEvent::ResumeRequested)],
    );
    assert!(shim.transcript().contains("11000 > resumed until 15000"), "{}", shim.transcript());
    assert!(shim.transcript().contains("15000 send SIGTERM to 1"), "{}", shim.transcript());
}

#[test]
fn more_time_moves_the_current_stage_only() {
    let more = ExecutionEvent::MoreTimeRequested { by: Duration::from_secs(30) };
    let shim = play(Script::of([STUBBORN]), &[(0, x()), (1000, more)]);
    assert!(shim.transcript().contains("1000 > extended until 35000"), "{}", shim.transcript());
    assert!(shim.transcript().contains("35000 send SIGTERM to 1"), "{}", shim.transcript());
    assert!(shim.transcript().contains("40000 sweep"), "{}", shim.transcript());
}

#[test]
fn a_lost_engine_starts_the_same_ladder_and_names_the_outcome() {
    check(
        Script::of([POLITE]),
        &[(10, ExecutionEvent::EngineLost)],
        "0 > started 100
         10 send SIGINT to 1
         10 > interrupt (SupervisorLost) until 5010
         10 > leader died of SIGINT
         10 > finished: lost its supervisor",
    );
    let shim = play(Script::of([STUBBORN]), &[(0, x()), (10, ExecutionEvent::EngineLost)]);
    assert!(shim.transcript().ends_with("finished: lost its supervisor\n"), "{}", shim.transcript());
}

fn any_reaction() -> impl Strategy<Value = Reaction> {
    prop_oneof![
        Just(Reaction::Ignores),
        Just(Reaction::Catches),
        (0..8000u64).prop_map(Reaction::Dies),
        (0..8000u64, 0..3).prop_map(|(ms, code)| Reaction::Exits(ms, code)),
    ]
}

fn any_proc() -> impl Strategy<Value = Proc> {
    let killable = prop_oneof![9 => (0..1500u64).prop_map(Some), 1 => Just(None)];
    let exits = prop::option::of((0..20_000u64, 0..3));
    (any_reaction(), any_reaction(), killable, exits).prop_map(|(on_int, on_term, killable, exits)| Proc {
        on_int,
        on_term,
        killable,
        exits,
    })
}

fn any_script() -> impl Strategy<Value = Script> {
    let wait =
        prop_oneof![(0..6000u64).prop_map(|ms| Wait::For(Duration::from_millis(ms))), Just(Wait::Forever)];
    let ladder = (wait.clone(), wait).prop_map(|(interrupt, terminate)| Ladder {
        interrupt: Rung { signal: Signal::INT, wait: interrupt },
        terminate: Rung { signal: Signal::TERM, wait: terminate },
    });
    let after_exit = prop_oneof![Just(AfterExit::Stop), Just(AfterExit::Wait), Just(AfterExit::Leave)];
    let timeout = prop::option::of((0..9000u64).prop_map(Duration::from_millis));
    let policy = (ladder, timeout, after_exit).prop_map(|(ladder, timeout, after_exit)| ExecutionPolicy {
        ladder,
        timeout,
        after_exit,
    });
    (
        policy,
        0..300u64,
        prop::option::weighted(0.05, 126..=127),
        prop::collection::vec(any_proc(), 1..4),
        any::<bool>(),
    )
        .prop_map(|(policy, spawn_ms, spawn_error, procs, output_held)| Script {
            policy,
            spawn_ms,
            spawn_error,
            procs,
            output_held,
        })
}

fn any_event() -> impl Strategy<Value = ExecutionEvent> {
    prop_oneof![
        prop::sample::select(Stage::ALL.to_vec()).prop_map(stop),
        Just(ExecutionEvent::PauseRequested),
        Just(ExecutionEvent::ResumeRequested),
        Just(ExecutionEvent::EngineLost),
        (0..40_000u64).prop_map(|ms| ExecutionEvent::MoreTimeRequested { by: Duration::from_millis(ms) }),
    ]
}

proptest! {
    #![proptest_config(crate::core::sim::cases(2000))]

    /// SEMANTICS 1: one terminal outcome, emitted once; stages never go back (asserted by the simulator, as is
    /// that nothing is sent to an empty tree); once killed, it ends within the verify bound whatever it is.
    #[test]
    fn every_execution_that_is_killed_ends_once_and_in_time(
        script in any_script(),
        events in prop::collection::vec((0..30_000u64, any_event()), 0..8),
    ) {
        let mut events = events;
        events.sort_by_key(|(at, _)| *at);
        events.push((30_000, ExecutionEvent::ResumeRequested));
        events.push((30_000, kill()));
        let mut shim = play(script.clone(), &events);
        let finished = |reports: &[Report]| reports.iter().filter(|r| matches!(r, Report::Finished(_))).count();
        let reports = shim.take_reports();
        prop_assert_eq!(finished(&reports), 1, "{}", shim.transcript());
        let last = shim.log.last().expect("something was reported");
        prop_assert!(last.1.starts_with("> finished"), "{}", shim.transcript());
        prop_assert!(last.0 <= Elapsed::from_millis(30_000 + 2_000 + 2_000), "{}", shim.transcript());
        let unkillable = script.procs.iter().any(|proc| proc.killable.is_none());
        let left_alone = script.policy.after_exit == AfterExit::Leave;
        prop_assert!(shim.living() == 0 || unkillable || left_alone, "{}", shim.transcript());
    }
}
