//! The commands of `cargo xtask`: one row each, and the functions of the short ones.

use std::ffi::OsString;

use thiserror::Error;

use crate::child::{self, ChildError};
use crate::command_line::Arguments::{self, NameFirst, Nothing, PassedOn};
use crate::edge;
use crate::lint::{self, LintError};
use crate::native::{self, Profile};
use crate::project::{Project, ProjectError};
use crate::report;
use crate::setup::{self, SetupError};
use crate::signals::SignalsError;

#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) name: &'static str,
    pub(crate) arguments: Arguments,
    run: fn(&Project, &[OsString]) -> Result<(), TaskError>,
    pub(crate) help: &'static str,
}

/// The benchmarks, in the order in which the usage text of `bench` names them.
pub(crate) const BENCHES: [&str; 5] = ["sync", "redis", "bootstrap", "edge", "rooms"];

/// Every command, in the order of the usage text.
pub(crate) const TASKS: [Task; 13] = [
    task("dev", PassedOn, dev, "set up, build and run the whole stack on this machine"),
    task(
        "redis-rest",
        PassedOn,
        redis_rest,
        "run a local Upstash: Redis over REST (--token t [--port 8079])",
    ),
    task("user", PassedOn, user, "manage users of the running stack (user add NAME --client 1 ...)"),
    task("branch", PassedOn, branch, "manage branches of the running stack (branch add ID --client 1)"),
    task("keys", PassedOn, keys, "manage the keys of a local stack (keys rotate)"),
    task("replay", PassedOn, replay, "replay a day of sales on several tills and compare their records"),
    task("restore-drill", PassedOn, restore_drill, "put tables back from a copy and let the tills return"),
    task(
        "sim",
        PassedOn,
        sim,
        "simulate tills and faults from a seed (--seed 7); --dev reuses the tests' build",
    ),
    task(
        "bench",
        NameFirst(&BENCHES),
        bench,
        "measure a release build (bench sync, bench redis, bench bootstrap, bench edge, bench rooms)",
    ),
    task("test", PassedOn, test, "set up and run every test; ARGS go to `cargo test`"),
    task("lint", Nothing, |project, _| Ok(lint::run(project)?), "run everything else that CI checks"),
    task(
        "edge",
        Nothing,
        |project, _| Ok(edge::run(project)?),
        "build the worker into edge/build, if it changed",
    ),
    task("openapi", Nothing, openapi, "generate edge/openapi.json from the wire types"),
];

const fn task(
    name: &'static str,
    arguments: Arguments,
    run: fn(&Project, &[OsString]) -> Result<(), TaskError>,
    help: &'static str,
) -> Task {
    Task { name, arguments, run, help }
}

#[derive(Debug, Error)]
pub(crate) enum TaskError {
    #[error(transparent)]
    Project(#[from] ProjectError),
    #[error(transparent)]
    Signals(#[from] SignalsError),
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error(transparent)]
    Child(#[from] ChildError),
    #[error(transparent)]
    Lint(#[from] LintError),
}

impl Task {
    /// Runs the command. Tasks that end in a program of ours become it and return only on failure.
    pub(crate) fn run(&self, arguments: &[OsString]) -> Result<(), TaskError> {
        let project = Project::find()?;
        crate::signals::install()?;
        (self.run)(&project, arguments)
    }
}

fn dev(project: &Project, arguments: &[OsString]) -> Result<(), TaskError> {
    if !asks_for_help(arguments) {
        let tools = setup::dev(project)?;
        // Wrangler builds again when it starts, quickly. Building first keeps the compiler's messages out of
        // the stack's log.
        edge::build(project, &tools)?;
    }
    local(project, "dev", arguments)
}

fn user(project: &Project, arguments: &[OsString]) -> Result<(), TaskError> {
    local(project, "user", arguments)
}

fn branch(project: &Project, arguments: &[OsString]) -> Result<(), TaskError> {
    local(project, "branch", arguments)
}

fn keys(project: &Project, arguments: &[OsString]) -> Result<(), TaskError> {
    local(project, "keys", arguments)
}

fn local(project: &Project, command: &str, arguments: &[OsString]) -> Result<(), TaskError> {
    let arguments: Vec<OsString> = std::iter::once(command.into()).chain(arguments.iter().cloned()).collect();
    Ok(native::build_and_exec(project, "tillsync-local", Profile::Dev, &arguments)?)
}

fn redis_rest(project: &Project, arguments: &[OsString]) -> Result<(), TaskError> {
    const PROGRAM: &str = "redis-rest";
    if needs_engine(arguments) {
        setup::redis(project)?;
    }
    let mut build = project.cargo();
    // Built alone, unlike our other programs: it is small and does not need the AWS SDK.
    build.args(["build", "--package", PROGRAM, "--bin", PROGRAM]);
    child::run(build)?;
    report::say("build", &format!("{PROGRAM} built"));
    let mut program = project.command_here(project.target.join("debug").join(PROGRAM));
    program.args(arguments);
    Err(child::exec(program).into())
}

/// Whether `redis-rest` starts an engine of its own.
fn needs_engine(arguments: &[OsString]) -> bool {
    const REDIS_URL: &str = "--redis-url";
    let names_one = |argument: &OsString| {
        let rest = argument.to_str().and_then(|argument| argument.strip_prefix(REDIS_URL));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    !asks_for_help(arguments) && !arguments.iter().any(names_one)
}

/// Whether a program only prints its usage, which needs nothing installed.
fn asks_for_help(arguments: &[OsString]) -> bool {
    arguments.iter().any(|argument| argument == "--help" || argument == "-h")
}

fn replay(project: &Project, arguments: &[OsString]) -> Result<(), TaskError> {
    stack(project, arguments)?;
    Ok(native::build_and_exec(project, "replay", Profile::Dev, arguments)?)
}

fn restore_drill(project: &Project, arguments: &[OsString]) -> Result<(), TaskError> {
    edge::run(project)?;
    Ok(native::build_and_exec(project, "restore-drill", Profile::Dev, arguments)?)
}

/// Needs no worker, but a Redis.
fn sim(project: &Project, arguments: &[OsString]) -> Result<(), TaskError> {
    setup::redis(project)?;
    const DEV: &str = "--dev";
    let profile =
        if arguments.iter().any(|argument| argument == DEV) { Profile::Dev } else { Profile::Release };
    let rest: Vec<OsString> = arguments.iter().filter(|argument| *argument != DEV).cloned().collect();
    Ok(native::build_and_exec(project, "sim", profile, &rest)?)
}

/// Release, because what is deployed is what is compared with the bare SDK.
fn bench(project: &Project, arguments: &[OsString]) -> Result<(), TaskError> {
    stack(project, arguments)?;
    let names = |name: &str| arguments.iter().any(|argument| argument == name) && !asks_for_help(arguments);
    if names("bootstrap") {
        setup::rxserver(project)?;
    }
    if names("rooms") {
        setup::partyserver(project)?;
    }
    Ok(native::build_and_exec(project, "bench", Profile::Release, arguments)?)
}

/// Prepares what a program needs that runs the whole stack.
fn stack(project: &Project, arguments: &[OsString]) -> Result<(), TaskError> {
    if !asks_for_help(arguments) {
        setup::redis(project)?;
        edge::run(project)?;
    }
    Ok(())
}

fn test(project: &Project, arguments: &[OsString]) -> Result<(), TaskError> {
    let tools = setup::test(project)?;
    edge::build(project, &tools)?;
    let mut tests = project.cargo();
    tests.args(["test", "--workspace", "--no-fail-fast"]).args(arguments);
    child::run(tests)?;
    report::say("test", "every test passed");
    Ok(())
}

fn openapi(project: &Project, _: &[OsString]) -> Result<(), TaskError> {
    let file = project.root.join("edge").join("openapi.json");
    Ok(native::build_and_exec(project, "openapi", Profile::Dev, &[file.into()])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn help_and_a_named_redis_need_no_engine() {
        for line in ["--help", "-h", "--token t --help", "--redis-url redis://h", "--redis-url=redis://h"] {
            assert!(!needs_engine(&words(line)), "{line}");
        }
        for line in ["", "--token t", "--token t --port 0", "--token --redis-urls"] {
            assert!(needs_engine(&words(line)), "{line}");
        }
    }
}
