//! `sundown run`: commands given on the command line.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::launch::{self, Launch};
use super::meaning::{self, Meaning};
use super::{names, values};
use crate::core::command::{AfterExit, CommandSpec, ExecutionPolicy, Program};
use crate::core::outcome::Verdict;
use crate::core::stop::Ladder;
use crate::core::supervisor::SessionPolicy;
use crate::error::{Context, Error};
use crate::frontend::Color;
use crate::frontend::headless::Format;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sundown run 'make -j8' 'npm test'          two shell lines, each on its own terminal
  sundown run -- cargo build --release       one program with its arguments
  sundown run --stop INT:30s,KILL ./migrate  half a minute to finish, then the end")]
pub(super) struct Run {
    /// Shell lines, run in parallel
    #[arg(value_name = "LINE", required_unless_present = "argv")]
    lines: Vec<OsString>,

    /// One program and its arguments
    #[arg(last = true, value_name = "ARGV")]
    argv: Vec<OsString>,

    /// A name for a command; once for each, in order
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,

    /// Run at most this many at once; the rest wait
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    jobs: Option<u32>,

    /// Stop all when one fails
    #[arg(long)]
    fail_fast: bool,

    /// Stop each command after this time (30m, 1h 30m, 90s)
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    timeout: Option<Duration>,

    /// How a command is stopped: what is sent, and how long each step may take
    #[arg(long, value_name = "LADDER", value_parser = values::ladder, default_value = "INT:5s,TERM:5s,KILL")]
    stop: Ladder,

    /// Where the commands run
    #[arg(long, value_name = "DIR")]
    cwd: Option<PathBuf>,

    /// A variable for the commands; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = values::Variable)]
    env: Vec<(OsString, OsString)>,

    /// Give the commands pipes, not terminals
    #[arg(long)]
    no_tty: bool,

    #[command(flatten)]
    display: Display,
}

/// How a session is shown, and where it writes.
#[derive(Debug, Args)]
pub(super) struct Display {
    /// Write each command's output to a file here, and keep it
    #[arg(long, value_name = "DIR")]
    pub(super) log_dir: Option<PathBuf>,

    /// Lines of output kept for each command on screen
    #[arg(long, value_name = "LINES", default_value_t = 5000)]
    pub(super) history: usize,

    /// Stay when all have ended, until q
    #[arg(long)]
    pub(super) hold: bool,

    /// Print lines, no screen; as without a terminal
    #[arg(long)]
    pub(super) headless: bool,

    /// What to print without a screen
    #[arg(long, value_name = "FORMAT")]
    pub(super) output: Option<Format>,

    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(super) color: Color,

    /// Do not tell the terminal how far the session is (OSC 9;4)
    #[arg(long)]
    pub(super) no_progress: bool,

    /// Do not ring the bell when all have ended
    #[arg(long)]
    pub(super) no_bell: bool,

    /// Draw with ASCII characters only
    #[arg(long)]
    pub(super) ascii: bool,
}

impl Run {
    pub(super) fn run(self) -> Result<Verdict, Error> {
        let programs = self.programs()?;
        if self.name.len() > programs.len() {
            return Err(Error::Usage(format!(
                "--name was given {} times for {} commands",
                self.name.len(),
                programs.len()
            )));
        }
        if let Some(twice) = self.name.iter().enumerate().find(|(n, name)| self.name[..*n].contains(name)) {
            return Err(Error::Usage(format!(
                "--name {} was given twice; names tell commands apart",
                twice.1
            )));
        }
        let cwd = self
            .cwd
            .as_ref()
            .map(|dir| std::path::absolute(dir).context(format!("find the directory {}", dir.display())));
        let cwd = cwd.transpose()?.map(PathBuf::into_os_string);
        let names = names::all(&self.name, &programs);
        let commands = names
            .into_iter()
            .zip(programs)
            .map(|(name, program)| CommandSpec {
                name,
                program,
                cwd: cwd.clone(),
                env: self.env.clone(),
                tty: !self.no_tty,
                policy: ExecutionPolicy {
                    ladder: self.stop,
                    timeout: self.timeout,
                    after_exit: AfterExit::Stop,
                },
            })
            .collect();
        let policy = SessionPolicy {
            name: "run".into(),
            jobs: self.jobs,
            fail_fast: self.fail_fast,
            hold: self.display.hold,
            ..SessionPolicy::default()
        };
        launch::launch(Launch { policy, commands, display: self.display })
    }

    fn programs(&self) -> Result<Vec<Program>, Error> {
        if !self.argv.is_empty() && !self.lines.is_empty() {
            return Err(Error::Usage("give either shell lines or, after --, one program; not both".into()));
        }
        if !self.argv.is_empty() {
            return Ok(vec![Program::Argv(self.argv.clone())]);
        }
        let interactive = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        match meaning::of(&self.lines, interactive)? {
            Meaning::OneCommand => Ok(vec![Program::Argv(self.lines.clone())]),
            Meaning::Lines => Ok(self.lines.iter().cloned().map(Program::Shell).collect()),
        }
    }
}

impl ValueEnum for Color {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Auto, Self::Always, Self::Never]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }))
    }
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Prefixed, Self::Json, Self::Quiet]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(match self {
            Self::Prefixed => {
                clap::builder::PossibleValue::new("prefixed").help("every line behind its command's name")
            }
            Self::Json => clap::builder::PossibleValue::new("json").help("one event a line"),
            Self::Quiet => clap::builder::PossibleValue::new("quiet").help("nothing but what went wrong"),
        })
    }
}
