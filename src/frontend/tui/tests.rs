//! The screen as it is drawn: each phase at the sizes that are promised, and what keys do to it.

use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use terminput::{Event, KeyCode, KeyEvent, KeyModifiers};

use super::canvas::Canvas;
use super::draw::{Drawn, draw};
use super::input::{Input, Reader};
use super::model::{Act, Mode, Model};
use crate::core::event::{OutputNote, Scope};
use crate::core::id::ExecutionId;
use crate::core::outcome::{Ending, Outcome, ShutdownCause, StageRecord};
use crate::core::progress::{Progress, Reading, Source};
use crate::core::report::Blocker;
use crate::core::shutdown::{Level, Phase};
use crate::core::stop::{Origin, Signal, Stage, StopCause, StopRequest};
use crate::core::time::Elapsed;
use crate::core::view::{RowState, RowView, ShutdownView, StopView, View};
use crate::frontend::{Look, samples};
use crate::wire::client::Request;
use crate::wire::frame::{Frame, InputModes, Line, Span, Style};
use crate::wire::shim::TerminalSize;

const SIZES: [(u16, u16); 3] = [(40, 10), (80, 24), (120, 36)];
const PLAIN: Look = Look { color: false, ascii: false };

fn at(secs: u64) -> Elapsed {
    Elapsed::from_millis(secs * 1000)
}

fn progress(fraction: Option<f64>, phase: &str) -> Option<Progress> {
    let reading = Reading {
        fraction,
        phase: Some(phase.into()),
        eta: fraction.map(|_| Duration::from_secs(30)),
        rate: fraction.is_none().then(|| "3.1 MB/s".into()),
        ..Reading::new(Source::Percent)
    };
    Some(Progress::first(at(40), reading))
}

fn stopping(name: &str, stage: Stage, until: Option<u64>) -> RowView {
    let request = StopRequest { stage, cause: StopCause::Shutdown, origin: Origin::Key };
    let waiting = Some(Blocker { pid: 4711, name: "postgres".into(), alive: 3 });
    let stop = StopView { request, next: stage.next(), until: until.map(at), waiting };
    RowView { state: RowState::Stopping, stop: Some(stop), ..samples::row(name) }
}

fn ended(name: &str, outcome: Outcome) -> RowView {
    let ending = Some(Ending::plain(outcome));
    RowView { state: RowState::Finished, ended: Some(at(12)), ending, pid: None, ..samples::row(name) }
}

fn interrupted(stage: Stage) -> Outcome {
    Outcome::Interrupted {
        cause: StopCause::Shutdown,
        origin: Origin::Key,
        stage: Some(stage),
        work: Some("merging".into()),
    }
}

/// A session with something of everything.
fn busy() -> Vec<RowView> {
    let note = OutputNote { wants_input: true, ..OutputNote::default() };
    vec![
        RowView { progress: progress(Some(0.62), "Compiling"), ..samples::row("build") },
        RowView { progress: progress(None, "copying"), ..samples::row("download") },
        RowView { note, ..samples::row("ask") },
        RowView { paused: true, ..samples::row("a-rather-long-name-for-it") },
        RowView { state: RowState::Queued, started: None, pid: None, ..samples::row("later") },
        stopping("stubborn", Stage::Interrupt, Some(46)),
        ended("tests", Outcome::Failed { code: 1 }),
        ended("lint", Outcome::Success),
    ]
}

fn shutdown(level: Level, phase: Phase, drained: u32) -> ShutdownView {
    let entered = |p: Phase| (p, (p <= phase).then(|| if p <= Phase::Stop { at(40) } else { at(41) }));
    ShutdownView {
        cause: ShutdownCause::Asked(Origin::Key),
        level,
        phases: Phase::DOWN.map(entered).to_vec(),
        to_drain: 4,
        drained,
        kill_at: Some(at(57)),
    }
}

fn going_down(level: Level, phase: Phase) -> View {
    let stage = if level == Level::Kill { Stage::Kill } else { Stage::Terminate };
    let until = if level == Level::Kill { None } else { Some(46) };
    let mut view = samples::view([
        stopping("stubborn", stage, until),
        RowView { state: RowState::Draining, ..samples::row("server") },
        ended("build", interrupted(Stage::Interrupt)),
        ended("pipeline", interrupted(Stage::Terminate)),
    ]);
    view.session.shutdown = Some(shutdown(level, phase, 2));
    view.session.phase = phase;
    view
}

fn frame(id: ExecutionId) -> Arc<Frame> {
    let line = |text: &str, flags| {
        let style = Style { flags, ..Style::default() };
        Arc::new(Line { spans: vec![Span { text: text.into(), cells: text.len() as u16, style }] })
    };
    Arc::new(Frame {
        id,
        size: TerminalSize { cols: 80, rows: 24 },
        lines: vec![line("$ make -j8", Style::BOLD), line("[62/100] CC src/main.c", 0), line("", 0)],
        cursor: Some((0, 2)),
        history: 40,
        back: 0,
        modes: InputModes::default(),
    })
}

fn model(view: View, (cols, rows): (u16, u16)) -> Model {
    let mut model = Model::new(Arc::new(view), TerminalSize { cols, rows }, PLAIN);
    model.tick(at(42));
    let id = model.row().map(|row| row.id).expect("a row");
    model.set_frame(Some(frame(id)));
    model
}

fn drawn(model: &Model) -> (String, Drawn) {
    let mut buffer = Buffer::empty(Rect::new(0, 0, model.size.cols, model.size.rows));
    let drawn = draw(model, &mut buffer);
    let row = |y: u16| {
        let cells: String = (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect();
        cells.trim_end().to_owned()
    };
    ((0..buffer.area.height).map(row).collect::<Vec<_>>().join("\n"), drawn)
}

/// Compares the drawing with the one that was approved, at every size.
fn check(name: &str, model: impl Fn((u16, u16)) -> Model) {
    for (cols, rows) in SIZES {
        insta::assert_snapshot!(format!("{name}-{cols}x{rows}"), drawn(&model((cols, rows))).0);
    }
}

#[test]
fn a_busy_session() {
    check("busy", |size| model(samples::view(busy()), size));
}

#[test]
fn each_phase_on_the_way_down() {
    for phase in [Phase::Stop, Phase::Sweep, Phase::Cleanup, Phase::Flush] {
        let level = if phase == Phase::Sweep { Level::Kill } else { Level::Graceful };
        check(&format!("down-{}", phase.name()), |size| model(going_down(level, phase), size));
    }
}

#[test]
fn all_over() {
    let rows = || {
        let mut killed = ended("stubborn", interrupted(Stage::Kill));
        let stage = |stage, signal| StageRecord::begun(stage, signal, at(1));
        killed.ending.as_mut().expect("it has ended").stages = vec![
            stage(Stage::Interrupt, Signal::INT),
            stage(Stage::Terminate, Signal::TERM),
            stage(Stage::Kill, Signal::KILL),
        ];
        [ended("tests", Outcome::Failed { code: 1 }), ended("lint", Outcome::Success), killed]
    };
    check("over", |size| model(samples::view(rows()), size));
}

#[test]
fn the_question_before_leaving_and_the_page_of_help() {
    for (name, mode) in
        [("quit", Mode::Quit), ("help", Mode::Help), ("focus", Mode::Focus), ("filter", Mode::Filter)]
    {
        check(name, |size| Model { mode: mode.clone(), ..model(samples::view(busy()), size) });
    }
}

#[test]
fn zoomed_and_scrolled_back() {
    check("zoom", |size| {
        let mut model = Model { zoom: true, back: 7, ..model(samples::view(busy()), size) };
        let frame = model.current_frame().cloned().expect("a frame");
        model.set_frame(Some(Arc::new(Frame { back: 7, ..(*frame).clone() })));
        model
    });
}

#[test]
fn ascii_only() {
    for size in SIZES {
        for view in [samples::view(busy()), going_down(Level::Graceful, Phase::Stop)] {
            for mode in [Mode::List, Mode::Help, Mode::Quit] {
                let model = Model { look: Look { ascii: true, ..PLAIN }, mode, ..model(view.clone(), size) };
                assert!(drawn(&model).0.is_ascii(), "{}", drawn(&model).0);
            }
        }
    }
}

#[test]
fn any_size_is_drawn() {
    for cols in [1, 5, 19, 20, 25, 39, 71, 72, 100, 500] {
        for rows in [1, 2, 4, 5, 8, 13, 40, 300] {
            for view in [samples::view(busy()), going_down(Level::Kill, Phase::Sweep)] {
                for mode in [Mode::List, Mode::Help, Mode::Quit, Mode::Filter, Mode::Focus] {
                    for zoom in [false, true] {
                        drawn(&Model { mode: mode.clone(), zoom, ..model(view.clone(), (cols, rows)) });
                    }
                }
            }
        }
    }
}

#[test]
fn a_long_list_keeps_what_is_selected_in_sight() {
    let rows: Vec<RowView> = (0..100).map(|n| samples::row(&format!("c{n:02}"))).collect();
    let mut model = model(samples::view(rows), (80, 24));
    assert!(drawn(&model).0.contains("↓ 80 more"), "{}", drawn(&model).0);
    type_keys(&mut model, &"j".repeat(60));
    assert!(drawn(&model).0.contains("▸● c60"), "{}", drawn(&model).0);
    type_keys(&mut model, &"j".repeat(60));
    assert!(drawn(&model).0.contains("c99"), "{}", drawn(&model).0);
}

#[test]
fn only_what_changed_is_written() {
    let mut model = model(samples::view(busy()), (80, 24));
    let mut canvas = Canvas::new(model.size);
    let mut show = |model: &Model| {
        let mut next = canvas.blank();
        let drawn = draw(model, &mut next);
        canvas.advance(next, drawn.cursor).expect("memory")
    };
    assert!(show(&model).len() > 500);
    assert_eq!(show(&model), b"", "nothing has changed");
    model.tick(at(43));
    let second = show(&model);
    assert!(!second.is_empty() && second.len() < 300, "{} bytes for a second", second.len());
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Input {
    Input { event: Event::Key(KeyEvent::new(code).modifiers(modifiers)), bytes: Vec::new() }
}

fn type_keys(model: &mut Model, keys: &str) -> Vec<Act> {
    let inputs = Reader::default().feed(keys.as_bytes());
    inputs.iter().flat_map(|input| model.on_input(input)).collect()
}

#[test]
fn keys_ask_for_what_they_say() {
    let mut model = model(samples::view(busy()), (80, 24));
    let id = model.row().expect("a row").id;
    let interrupt = |scope, stage| Act::Ask(Request::Interrupt { scope, stage, repeat: false });
    assert_eq!(type_keys(&mut model, "x"), [interrupt(Scope::One(id), None)]);
    assert_eq!(type_keys(&mut model, "X"), [interrupt(Scope::One(id), Some(Stage::Kill))]);
    assert_eq!(type_keys(&mut model, "\x03"), [interrupt(Scope::All, None)]);
    assert_eq!(type_keys(&mut model, "\x1a"), [Act::Suspend]);
    assert_eq!(type_keys(&mut model, "p"), [Act::Ask(Request::Pause { id })]);
    assert_eq!(type_keys(&mut model, "/"), [], "kept for search");
    assert_eq!(type_keys(&mut model, "+"), [], "it is not stopping");
    assert!(model.message.is_some());
    let stubborn = model.view.rows[5].id;
    assert_eq!(
        type_keys(&mut model, "6+"),
        [Act::Ask(Request::MoreTime { id: stubborn, by: Duration::from_secs(30) })]
    );
}

#[test]
fn q_asks_only_if_there_is_something_to_stop() {
    let stop = [Act::Ask(Request::Interrupt { scope: Scope::All, stage: None, repeat: false })];
    let mut running = model(samples::view(busy()), (80, 24));
    assert_eq!(type_keys(&mut running, "q"), []);
    assert_eq!(running.mode, Mode::Quit);
    assert_eq!(type_keys(&mut running, "c"), []);
    assert_eq!(running.mode, Mode::List);
    assert_eq!(type_keys(&mut running, "q\r"), stop);
    let mut over = model(samples::view([ended("a", Outcome::Success)]), (80, 24));
    assert_eq!(type_keys(&mut over, "q"), stop);
    let mut stopping = model(going_down(Level::Graceful, Phase::Stop), (80, 24));
    assert_eq!(type_keys(&mut stopping, "q\r"), [], "it is stopping already");
}

#[test]
fn ctrl_c_and_ctrl_z_mean_the_same_whatever_is_open() {
    for mode in [Mode::List, Mode::Help, Mode::Quit, Mode::Filter] {
        let mut model = Model { mode, ..model(samples::view(busy()), (80, 24)) };
        assert_eq!(type_keys(&mut model, "\x03").len(), 1);
        assert_eq!(type_keys(&mut model, "\x1a"), [Act::Suspend]);
    }
}

#[test]
fn a_focused_command_gets_the_bytes_as_they_came() {
    let mut model = model(samples::view(busy()), (80, 24));
    let id = model.row().expect("a row").id;
    assert_eq!(type_keys(&mut model, "\r"), []);
    assert_eq!(model.mode, Mode::Focus);
    let input = |bytes: &[u8]| Act::Ask(Request::Input { id, bytes: bytes.to_vec() });
    assert_eq!(type_keys(&mut model, "q\x03\x1b[A"), [input(b"q"), input(b"\x03"), input(b"\x1b[A")]);
    let modes = InputModes { application_cursor: true, bracketed_paste: true, ..InputModes::default() };
    model.set_frame(Some(Arc::new(Frame { modes, ..(*frame(id)).clone() })));
    assert_eq!(type_keys(&mut model, "\x1b[A"), [input(b"\x1bOA")]);
    assert_eq!(
        type_keys(&mut model, "\x1b[200~a\nb\x1b[201~"),
        [input(b"\x1b[200~a\rb\x1b[201~")],
        "in brackets, with the line ends that a keyboard gives"
    );
    assert_eq!(type_keys(&mut model, "\x01"), []);
    assert_eq!(model.mode, Mode::List);
    assert_eq!(model.on_input(&key(KeyCode::Char('a'), KeyModifiers::CTRL)), [input(b"\x01")]);
}

#[test]
fn what_ends_loses_the_keyboard() {
    let mut model = model(samples::view(busy()), (80, 24));
    type_keys(&mut model, "\r");
    model.set_view(Arc::new(samples::view([ended("build", Outcome::Success)])));
    assert_eq!(model.mode, Mode::List);
}

#[test]
fn a_scrolled_screen_stays_at_its_lines_while_more_come() {
    let mut model = model(samples::view(busy()), (80, 24));
    let id = model.row().expect("a row").id;
    type_keys(&mut model, "\x1b[5~");
    let back = model.back;
    assert!(back > 0);
    model.set_frame(Some(Arc::new(Frame { history: 45, ..(*frame(id)).clone() })));
    assert_eq!(model.back, back + 5);
    type_keys(&mut model, "G");
    assert_eq!(model.back, 0);
}
