//! sundown's own log: JSON lines in the state directory, and nothing of it on any screen.

use std::path::Path;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;

/// Days kept; the appender deletes one file more than it should at a start, so one more is asked for.
const DAYS: usize = 7 + 1;

/// Starts to log to `sundown.DATE.jsonl` in `dir`. `SUNDOWN_LOG` filters as `RUST_LOG` does elsewhere; the
/// default is `info`. What is logged is on disk once the guard is dropped.
///
/// None if the directory cannot be written: then sundown goes on without a log of its own.
pub(crate) fn start(dir: &Path) -> Option<WorkerGuard> {
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("sundown")
        .filename_suffix("jsonl")
        .max_log_files(DAYS)
        .build(dir)
        .ok()?;
    let (writer, guard) = tracing_appender::non_blocking(file);
    let filter = EnvFilter::try_from_env("SUNDOWN_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt().json().with_writer(writer).with_env_filter(filter).finish();
    // A program that embeds us may have a subscriber of its own: then that one gets it.
    tracing::subscriber::set_global_default(subscriber).ok()?;
    Some(guard)
}
