//! Who may name whom, held against the code: the architecture of `lib.rs`, as a test.

use std::fs;
use std::path::{Path, PathBuf};

/// The source files below `src/DIR`, without their tests, with their text.
fn sources(dir: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(dir);
    let mut found = Vec::new();
    let mut dirs = vec![root.clone()];
    if root.with_extension("rs").exists() {
        dirs.push(root.with_extension("rs"));
    }
    while let Some(path) = dirs.pop() {
        if path.is_dir() {
            dirs.extend(fs::read_dir(&path).expect("reads").map(|entry| entry.expect("reads").path()));
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            let is_test =
                path.file_stem().is_some_and(|name| name == "tests" || name == "sim" || name == "samples");
            let text = fs::read_to_string(&path).expect("reads");
            let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
            if !is_test {
                found.push((path, code));
            }
        }
    }
    found
}

/// Every place in `dir` whose line contains one of the words, comments aside.
fn naming(dir: &str, words: &[&str]) -> Vec<String> {
    let mut places = Vec::new();
    for (path, code) in sources(dir) {
        for (n, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            if words.iter().any(|word| line.contains(word)) {
                places.push(format!("{}:{}: {}", path.display(), n + 1, line.trim()));
            }
        }
    }
    places
}

#[track_caller]
fn nobody_in(dir: &str, words: &[&str]) {
    let places = naming(dir, words);
    assert!(places.is_empty(), "{}", places.join("\n"));
}

/// `crate::NAME` for each of the names.
fn of_crate(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("crate::{name}")).collect()
}

#[track_caller]
fn does_not_know(dir: &str, others: &[&str]) {
    let words = of_crate(others);
    nobody_in(dir, &words.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn the_core_is_pure() {
    nobody_in(
        "core",
        &[
            "tokio",
            "Instant",
            "SystemTime",
            "std::env",
            "std::fs",
            "std::process",
            "std::net",
            "std::thread",
            "rustix",
            "libc",
            "tracing",
        ],
    );
    does_not_know(
        "core",
        &["process", "screen", "wire", "engine", "session", "frontend", "cli", "signals", "log"],
    );
}

#[test]
fn each_layer_knows_only_those_below() {
    let above_engine = ["session", "frontend", "cli"];
    does_not_know("wire", &["process", "screen", "engine", "session", "frontend", "cli"]);
    does_not_know("screen", &["process", "engine", "session", "frontend", "cli"]);
    does_not_know("process", &["screen", "engine", "session", "frontend", "cli"]);
    does_not_know("engine", &above_engine);
    does_not_know("session", &["frontend", "cli"]);
    does_not_know("frontend", &["cli"]);
    does_not_know("frontend/tui", &["frontend::headless"]);
    does_not_know("frontend/headless", &["frontend::tui"]);
}

#[test]
fn only_process_signals_and_waits() {
    let words = [
        "kill_process",
        "pidfd_send_signal",
        "waitpid",
        "waitid",
        "libc::kill",
        "libc::fork",
        "Command::new",
    ];
    for dir in ["core", "engine", "screen", "wire", "session", "frontend", "cli", "signals", "exit", "log"] {
        nobody_in(dir, &words);
    }
}

#[test]
fn unsafe_code_is_in_process_only() {
    for dir in ["core", "engine", "screen", "wire", "session", "frontend", "cli", "signals", "exit", "log"] {
        nobody_in(dir, &["unsafe "]);
    }
}

#[test]
fn only_exit_ends_the_process() {
    for dir in ["core", "engine", "screen", "wire", "session", "frontend", "cli", "signals", "log"] {
        nobody_in(dir, &["process::exit", "process::abort", "raise_default"]);
    }
}

#[test]
fn only_the_keymap_names_keys() {
    let places = naming("frontend", &["KeyCode::"]);
    let elsewhere: Vec<_> = places.iter().filter(|place| !place.contains("keymap.rs")).collect();
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
}
