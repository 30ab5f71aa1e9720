//! What a client asks of an engine.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::shim::TerminalSize;
use crate::core::event::Scope;
use crate::core::id::{CommandIndex, ExecutionId};
use crate::core::stop::Stage;

/// A request. Who asks (a person's keys, a program) is a property of the connection, not of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    /// Stop one execution, or the session.
    Interrupt {
        /// Which.
        scope: Scope,
        /// The stage wanted; none for the next one.
        stage: Option<Stage>,
        /// The terminal reported the key as repeating.
        repeat: bool,
    },
    /// Give a stopping execution more time.
    MoreTime {
        /// Which.
        id: ExecutionId,
        /// How much.
        by: Duration,
    },
    /// Make an execution stand still.
    Pause {
        /// Which.
        id: ExecutionId,
    },
    /// Let it go on.
    Resume {
        /// Which.
        id: ExecutionId,
    },
    /// Run a command again that is over.
    Start {
        /// Which.
        command: CommandIndex,
    },
    /// Stop a command, and run it again.
    Restart {
        /// Which.
        command: CommandIndex,
    },
    /// The client's terminal is being suspended.
    Suspend,
    /// It is back.
    Continue,
    /// Send frames of this from now on, or of nothing.
    Look(Option<Look>),
    /// The terminals of all commands are to have this size.
    Resize(TerminalSize),
    /// What was typed into an execution's terminal.
    Input {
        /// Which.
        id: ExecutionId,
        /// As it is to be read there.
        bytes: Vec<u8>,
    },
    /// The client's terminal, or the reader of what it prints, is gone.
    HungUp,
    /// The client has let go of its terminal.
    Closed,
}

/// What a client looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Look {
    /// Whose screen.
    pub(crate) id: ExecutionId,
    /// How many lines above its end.
    pub(crate) back: usize,
}
