//! How the binary is linked.
//!
//! Every execution has a shim, which is this binary once more. A position-independent one relocates its tables at
//! each start: 190 KB of memory of its own for each shim, and half a millisecond (measured). On Linux the binary
//! is therefore linked to a fixed address. What it runs is memory-safe code, and commands are programs of their
//! own, randomized as ever.

fn main() {
    let linux = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux");
    let gnu = std::env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "gnu");
    if linux && gnu {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
    println!("cargo::rerun-if-changed=src/build.rs");
}
