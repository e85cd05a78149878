//! From a command to the module that does it.

use thiserror::Error;

use crate::child::ChildError;
use crate::command_line::{Task, USAGE};
use crate::edge::EdgeError;
use crate::lint::LintError;
use crate::project::{Project, ProjectError};
use crate::setup::SetupError;
use crate::signals::SignalsError;
use crate::{bench, dev, edge, lint, openapi, redis_rest, replay, report, signals, sim, test, user};

/// Why a command failed. Each text is one sentence: it is all that the person at the terminal is told.
#[derive(Debug, Error)]
pub(crate) enum TaskError {
    #[error(transparent)]
    Project(#[from] ProjectError),
    #[error(transparent)]
    Signals(#[from] SignalsError),
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error(transparent)]
    Edge(#[from] EdgeError),
    #[error(transparent)]
    Child(#[from] ChildError),
    #[error(transparent)]
    Lint(#[from] LintError),
}

/// Does what was asked for.
///
/// # Errors
///
/// [`TaskError`] where any part of it failed. `dev` and the like do not come back at all when they
/// succeed, since this process becomes the program.
pub(crate) fn run(task: &Task) -> Result<(), TaskError> {
    if *task == Task::Help {
        report::answer(USAGE);
        return Ok(());
    }
    let project = Project::find()?;
    signals::install()?;
    match task {
        Task::Help => Ok(()),
        Task::Dev(args) => dev::run(&project, args),
        Task::RedisRest(args) => redis_rest::run(&project, args),
        Task::User(args) => user::run(&project, args),
        Task::Replay(args) => replay::run(&project, args),
        Task::Sim(args) => sim::run(&project, args),
        Task::Bench(args) => bench::run(&project, args),
        Task::Test(args) => test::run(&project, args),
        Task::Lint => Ok(lint::run(&project)?),
        Task::Edge => Ok(edge::run(&project)?),
        Task::OpenApi => openapi::run(&project),
    }
}
