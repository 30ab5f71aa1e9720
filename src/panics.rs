//! Our own failures: logged where they happen, and said once, readable, by whoever catches them.
//!
//! Owns the panic hook: nothing is printed while a screen is up.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};

thread_local! {
    /// What the last panic of this thread said.
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// From now on panics are logged and kept for [`caught`], not printed.
pub(crate) fn keep_quiet() {
    panic::set_hook(Box::new(|info| {
        let thread = std::thread::current();
        let said = format!("thread '{}' {}", thread.name().unwrap_or("unnamed"), one_line(&info.to_string()));
        tracing::error!("{said}");
        LAST.with_borrow_mut(|last| *last = said);
    }));
}

/// Runs `work`; says what it panicked with, if it did.
///
/// # Errors
/// If it panicked. Whatever it worked on may be half done.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|_| LAST.take())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Panics if `SUNDOWN_FAULT` names this place: how tests make us fail. Nothing in a release.
pub(crate) fn fault(place: &str) {
    let asked =
        cfg!(debug_assertions) && std::env::var_os("SUNDOWN_FAULT").is_some_and(|fault| fault == place);
    assert!(!asked, "this fault was asked for");
}
