//! `sundown demo`: commands that behave as real ones do, so that stopping can be tried without harm.

use clap::Args;

use super::launch::{self, Launch};
use super::run::Display;
use crate::core::command::{CommandSpec, ExecutionPolicy, Program};
use crate::core::outcome::Verdict;
use crate::core::supervisor::SessionPolicy;
use crate::error::Error;

/// The scripts, which need a POSIX shell and nothing else.
const SCRIPTS: [(&str, &str); 8] = [
    ("build", include_str!("../../assets/demo/build.sh")),
    ("download", include_str!("../../assets/demo/download.sh")),
    ("pipeline", include_str!("../../assets/demo/pipeline.sh")),
    ("server", include_str!("../../assets/demo/server.sh")),
    ("stubborn", include_str!("../../assets/demo/stubborn.sh")),
    ("tests", include_str!("../../assets/demo/tests.sh")),
    ("flood", include_str!("../../assets/demo/flood.sh")),
    ("daemon", include_str!("../../assets/demo/daemon.sh")),
];

#[derive(Debug, Args)]
pub(super) struct Demo {
    #[command(flatten)]
    display: Display,
}

impl Demo {
    pub(super) fn run(self) -> Result<Verdict, Error> {
        let command = |(name, script): (&str, &str)| CommandSpec {
            name: name.into(),
            program: Program::Shell(script.into()),
            cwd: None,
            env: Vec::new(),
            tty: true,
            policy: ExecutionPolicy::default(),
        };
        let commands = SCRIPTS.into_iter().map(command).collect();
        let policy = SessionPolicy { name: "demo".into(), hold: true, ..SessionPolicy::default() };
        launch::launch(Launch { policy, commands, display: self.display })
    }
}
