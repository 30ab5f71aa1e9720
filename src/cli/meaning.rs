//! `sundown run cargo build`: two shell lines, or one command that lacks its `--`?

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::error::Error;

/// Builtins of the shell that are lines of their own.
const BUILTINS: [&str; 6] = ["true", "false", "pwd", "times", "umask", "wait"];

/// What several words are to be taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Each is a shell line.
    Lines,
    /// Together they are one command.
    OneCommand,
}

/// Looks at the words; asks if they look like one command and there is somebody to ask.
///
/// # Errors
/// If it is not clear, and nobody can be asked.
pub(super) fn of(words: &[OsString], interactive: bool) -> Result<Meaning, Error> {
    if !looks_like_one_command(words, &is_program) {
        return Ok(Meaning::Lines);
    }
    let text: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let (joined, count) = (text.join(" "), words.len());
    if !interactive {
        return Err(Error::Usage(format!(
            "'{joined}' is {count} commands as it stands. For one command, write\n  sundown run -- {joined}\n\
             For {count} commands, quote each: one that is a line of the shell contains a blank or a path."
        )));
    }
    eprint!("'{joined}' is {count} commands as it stands. Run it as one command? [Y/n] ");
    // An answer that cannot be asked for or read is none.
    let asked = std::io::stderr().flush().and_then(|()| {
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).map(|_| answer)
    });
    match asked.unwrap_or_default().trim().to_lowercase().as_str() {
        "" | "y" | "yes" => Ok(Meaning::OneCommand),
        _ => Ok(Meaning::Lines),
    }
}

/// True if there are several bare words, the first of which is a program and one of the others is none.
fn looks_like_one_command(words: &[OsString], is_program: &impl Fn(&OsStr) -> bool) -> bool {
    let bare = |word: &OsString| {
        let text = word.to_string_lossy();
        !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || ";|&<>$`(){}*?'\"\\".contains(c))
    };
    words.len() > 1
        && words.iter().all(bare)
        && is_program(&words[0])
        && !words[1..].iter().all(|word| is_program(word))
}

/// True if the shell would find it.
fn is_program(word: &OsStr) -> bool {
    let is_executable = |path: &Path| {
        path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    };
    if word.to_string_lossy().contains('/') {
        return is_executable(Path::new(word));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    BUILTINS.iter().any(|builtin| word == *builtin)
        || std::env::split_paths(&path).any(|dir| is_executable(&dir.join(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(words: &[&str]) -> bool {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        looks_like_one_command(&words, &|word: &OsStr| word == "cargo" || word == "ls")
    }

    #[test]
    fn a_program_followed_by_what_is_none_looks_like_one_command() {
        assert!(one(&["cargo", "build"]));
        assert!(one(&["cargo", "build", "--release"]));
        assert!(!one(&["cargo"]), "one line is one command anyway");
        assert!(!one(&["cargo", "ls"]), "both are programs");
        assert!(!one(&["cargo build", "ls"]), "a line with a blank was quoted on purpose");
        assert!(!one(&["nope", "build"]), "which of them would it be");
        assert!(!one(&["cargo", "a;b"]));
    }
}
