//! Names for commands that were given none.

use std::collections::BTreeMap;

use crate::core::command::Program;

/// A name is cut after this many characters.
const LONGEST: usize = 20;
/// Programs whose first argument says what they do.
const RUNNERS: [&str; 16] = [
    "npm",
    "npx",
    "yarn",
    "pnpm",
    "bun",
    "cargo",
    "make",
    "just",
    "task",
    "go",
    "docker",
    "kubectl",
    "terraform",
    "git",
    "systemctl",
    "mix",
];

/// Names for all commands, in order: those given, then one made of what each runs; told apart by a number.
pub(super) fn all(given: &[String], programs: &[Program]) -> Vec<String> {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let named = |(n, program): (usize, &Program)| given.get(n).cloned().unwrap_or_else(|| derive(program));
    let wanted = programs.iter().enumerate().map(named);
    let mut names = Vec::new();
    for name in wanted {
        let count = seen.entry(name.clone()).or_default();
        *count += 1;
        names.push(if *count == 1 { name } else { format!("{name}#{count}") });
    }
    names
}

/// A short name for what a program does.
fn derive(program: &Program) -> String {
    let line = program.display();
    let is_assignment = |word: &&str| word.contains('=') && !word.starts_with('-');
    let words: Vec<&str> = line
        .split_whitespace()
        .filter(|word| !is_assignment(word) && !matches!(*word, "exec" | "env" | "sudo" | "nice"))
        .collect();
    let base = |word: &str| {
        word.rsplit('/').next().unwrap_or(word).trim_matches(['\'', '"', ';', '(', ')']).to_owned()
    };
    let Some(first) = words.first().map(|word| base(word)).filter(|word| !word.is_empty()) else {
        return "command".into();
    };
    let second = words.get(1).filter(|word| RUNNERS.contains(&first.as_str()) && !word.starts_with('-'));
    let name = second.map_or_else(|| first.clone(), |second| format!("{first} {second}"));
    name.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_is_run() {
        for (line, name) in [
            ("make -j8", "make"),
            ("npm test", "npm test"),
            ("exec /usr/local/bin/job --fast", "job"),
            ("FOO=1 cargo build --release", "cargo build"),
            ("sleep 100", "sleep"),
            ("", "command"),
            ("./a-very-long-program-name-indeed", "a-very-long-program-"),
        ] {
            assert_eq!(derive(&Program::Shell(line.into())), name, "{line}");
        }
    }

    #[test]
    fn equal_names_are_told_apart_and_given_ones_come_first() {
        let programs = ["sleep 1", "sleep 2", "sleep 3"].map(|line| Program::Shell(line.into()));
        assert_eq!(all(&["a".into()], &programs), ["a", "sleep", "sleep#2"]);
    }
}
