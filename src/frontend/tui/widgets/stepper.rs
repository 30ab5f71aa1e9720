//! The way down: each phase done, current or to come, how many are gone, and what the next press does.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::pen::{Pen, fitting};
use crate::core::shutdown::{Level, Phase};
use crate::core::time::Elapsed;
use crate::core::view::ShutdownView;
use crate::frontend::text;
use crate::frontend::tui::theme::Theme;

/// Where a phase is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Done,
    Current,
    ToCome,
}

/// Draws it over whatever is there.
pub(in crate::frontend::tui) fn draw(
    shutdown: &ShutdownView,
    now: Elapsed,
    theme: Theme,
    area: Rect,
    buffer: &mut Buffer,
) {
    buffer.set_style(area, theme.plain());
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            buffer[(x, y)].reset();
        }
    }
    let gone = format!("{} of {} gone", shutdown.drained, shutdown.to_drain);
    if area.height < 2 {
        return draw_short(shutdown, now, theme, area, buffer, &gone);
    }
    draw_steps(shutdown, now, theme, Rect { height: 1, ..area }, buffer, &gone);
    let mut pen = Pen::new(buffer, area, 1);
    pen.skip(1).text(fitting(&next_press(shutdown, now), area.width.saturating_sub(2)), theme.warning());
}

fn draw_steps(
    shutdown: &ShutdownView,
    now: Elapsed,
    theme: Theme,
    area: Rect,
    buffer: &mut Buffer,
    gone: &str,
) {
    let steps = steps(shutdown);
    let room = usize::from(area.width).saturating_sub(gone.width() + 3);
    let names: usize = steps.iter().map(|(phase, ..)| phase.name().len() + 3).sum::<usize>() + 5;
    // With names if they fit, and with room between them if that does, too.
    let gap = u16::from(names + steps.len() <= room) + 1;
    let mut pen = Pen::new(buffer, area, 0);
    pen.skip(1);
    for (phase, step, since) in steps {
        let (mark, style) = match step {
            Step::Done => (theme.mark("✓", "+"), theme.good()),
            Step::Current => (theme.mark("●", "*"), theme.warning()),
            Step::ToCome => (theme.mark("○", "o"), theme.faint()),
        };
        pen.text(mark, style);
        let clock = || since.map(|since| format!(" {}", text::clock(now.since(since)))).unwrap_or_default();
        match step {
            Step::Current => {
                let strong = style.patch(theme.strong());
                pen.skip(1).text(phase.name(), strong).text(&clock(), style).skip(gap);
            }
            Step::Done | Step::ToCome if names <= room => {
                let quiet = if step == Step::Done { theme.plain() } else { theme.faint() };
                pen.skip(1).text(phase.name(), quiet).skip(gap);
            }
            Step::Done | Step::ToCome => {
                pen.skip(1);
            }
        }
    }
    let left = pen.left();
    pen.right_column(gone, left.saturating_sub(1), theme.strong());
}

fn draw_short(
    shutdown: &ShutdownView,
    now: Elapsed,
    theme: Theme,
    area: Rect,
    buffer: &mut Buffer,
    gone: &str,
) {
    let current = steps(shutdown).into_iter().find(|(_, step, _)| *step == Step::Current);
    let (name, since) = current.map_or(("stop", None), |(phase, _, since)| (phase.name(), since));
    let clock = since.map(|since| text::clock(now.since(since))).unwrap_or_default();
    let press = match shutdown.level {
        Level::Graceful => "^C kills",
        Level::Kill => "^C leaves",
        Level::Leave => "",
    };
    let dot = theme.dot();
    let texts = [
        format!("{name} {clock} {dot} {gone} {dot} {press}"),
        format!("{name} {clock} {dot} {}/{} {dot} {press}", shutdown.drained, shutdown.to_drain),
        format!("{name} {clock} {press}"),
    ];
    Pen::new(buffer, area, 0).text(fitting(&texts, area.width), theme.warning());
}

fn steps(shutdown: &ShutdownView) -> Vec<(Phase, Step, Option<Elapsed>)> {
    let current = shutdown.phases.iter().rposition(|(_, entered)| entered.is_some()).unwrap_or(0);
    let step = |n: usize| match n.cmp(&current) {
        std::cmp::Ordering::Less => Step::Done,
        std::cmp::Ordering::Equal => Step::Current,
        std::cmp::Ordering::Greater => Step::ToCome,
    };
    shutdown.phases.iter().enumerate().map(|(n, (phase, entered))| (*phase, step(n), *entered)).collect()
}

/// What the next press does, and what happens without one; the longest first.
fn next_press(shutdown: &ShutdownView, now: Elapsed) -> Vec<String> {
    let kills = shutdown.kill_at.map(|at| text::seconds_left(at.since(now)));
    match (shutdown.level, kills) {
        (Level::Graceful, Some(seconds)) => vec![
            format!("Ctrl-C again kills everything now; what is left in {seconds} s is killed anyway"),
            format!("Ctrl-C again kills all now; else in {seconds} s"),
            format!("Ctrl-C kills now; else in {seconds} s"),
        ],
        (Level::Graceful, None) => {
            vec!["Ctrl-C again kills everything now".into(), "Ctrl-C kills now".into()]
        }
        (Level::Kill, _) => vec![
            "Killing. Ctrl-C again leaves at once: the terminal is yours, the shims finish".into(),
            "Killing. Ctrl-C again leaves at once".into(),
            "Ctrl-C leaves at once".into(),
        ],
        (Level::Leave, _) => vec!["leaving".into()],
    }
}
