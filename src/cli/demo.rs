//! The demo: commands that behave as real ones do.

use crate::core::command::{CommandSpec, ExecutionPolicy, Program};

/// The demo's commands, kept in assets/demo as they are.
pub(super) fn commands() -> Vec<CommandSpec> {
    let command = |name: &str, script: &str| CommandSpec {
        name: name.into(),
        program: Program::Shell(script.into()),
        cwd: None,
        env: Vec::new(),
        tty: true,
        policy: ExecutionPolicy::default(),
    };
    vec![command("sleep", "sleep 100")]
}
