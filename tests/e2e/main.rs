//! End to end: the real binary on real terminals, with real processes and real signals.
//!
//! Cases are named after the rows of the torture list that they come from, where they do.

#![expect(unreachable_pub, reason = "the harness is for all modules of these tests")]

mod harness;
mod headless;
mod output;
mod picture;
mod pty;
mod races;
mod signals;
mod ssh;
mod trees;
mod tui;
