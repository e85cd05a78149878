//! What may be asked for: a closed set of commands, read by a pure function.

use std::ffi::OsString;

use thiserror::Error;

use crate::bench::BENCHES;

/// What `help` prints, and what an unknown command is answered with.
pub(crate) const USAGE: &str = "\
usage: cargo xtask COMMAND [ARGS]

  dev [ARGS]         set up, build and run the whole street on this machine
  redis-rest ARGS    a local Upstash for anything that uses one (redis-rest --port 8079 --token t)
  user ARGS          manage users of the running stack (user add NAME --client 1 ...)
  replay [ARGS]      replay a day of sales with many tills and compare their stores
  sim [ARGS]         simulate tills, faults and clocks from seeds (sim --seed 7); --dev: in the build that tests use
  bench NAME [ARGS]  measure, in release (bench sync, bench redis)
  test [ARGS]        set up and run every test; ARGS go to `cargo test`
  lint               everything else that CI checks
  edge               build the worker into edge/build, if it changed
  openapi            write edge/openapi.json anew from the types of the wire
  help               this text";

/// One command with its arguments; those of `dev` and the like belong to the program that is run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Help,
    Dev(Vec<OsString>),
    RedisRest(Vec<OsString>),
    User(Vec<OsString>),
    Replay(Vec<OsString>),
    Sim(Vec<OsString>),
    Bench(Vec<OsString>),
    Test(Vec<OsString>),
    Lint,
    Edge,
    OpenApi,
}

/// Why a command line was refused.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum UsageError {
    #[error("failed to read the command line: no command was given")]
    NoCommand,
    #[error("failed to read the command line: there is no command `{0}`")]
    UnknownCommand(String),
    #[error("failed to read the command line: there is no benchmark `{0}`")]
    UnknownBench(String),
    #[error("failed to read the command line: `{command}` takes no argument `{argument}`")]
    UnwantedArgument { command: &'static str, argument: String },
    #[error("failed to read the command line: `{command}` needs {what}")]
    MissingArgument { command: &'static str, what: &'static str },
}

/// Reads the words after `cargo xtask`.
///
/// # Errors
///
/// [`UsageError`] where there is no such command, or one with the wrong number of arguments.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Task, UsageError> {
    let mut words = words.into_iter();
    let command = words.next().ok_or(UsageError::NoCommand)?;
    let args: Vec<OsString> = words.collect();
    match command.to_str() {
        Some("help" | "--help" | "-h") => Ok(Task::Help),
        Some("dev") => Ok(Task::Dev(args)),
        Some("redis-rest") => Ok(Task::RedisRest(args)),
        Some("user") => Ok(Task::User(args)),
        Some("replay") => Ok(Task::Replay(args)),
        Some("sim") => Ok(Task::Sim(args)),
        Some("bench") => bench(args),
        Some("test") => Ok(Task::Test(args)),
        Some("lint") => without_arguments("lint", &args, Task::Lint),
        Some("edge") => without_arguments("edge", &args, Task::Edge),
        Some("openapi") => without_arguments("openapi", &args, Task::OpenApi),
        _ => Err(UsageError::UnknownCommand(command.to_string_lossy().into_owned())),
    }
}

/// A benchmark is looked for here, because building it takes minutes.
fn bench(args: Vec<OsString>) -> Result<Task, UsageError> {
    match args.first() {
        Some(name) if BENCHES.iter().any(|known| name == known) => Ok(Task::Bench(args)),
        Some(name) => Err(UsageError::UnknownBench(name.to_string_lossy().into_owned())),
        None => Err(UsageError::MissingArgument { command: "bench", what: "the name of a benchmark" }),
    }
}

fn without_arguments(command: &'static str, args: &[OsString], task: Task) -> Result<Task, UsageError> {
    match args.first() {
        None => Ok(task),
        Some(argument) => {
            Err(UsageError::UnwantedArgument { command, argument: argument.to_string_lossy().into_owned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Task, UsageError> {
        parse(words.iter().map(OsString::from))
    }

    #[test]
    fn every_command_of_the_usage_text_is_understood() {
        for line in USAGE.lines().filter_map(|line| line.strip_prefix("  ")) {
            let name = line.split_whitespace().next().unwrap();
            let words = if name == "bench" { vec![name, "sync"] } else { vec![name] };
            assert!(read(&words).is_ok(), "{name}");
        }
    }

    #[test]
    fn every_benchmark_is_named_in_the_usage_text() {
        for name in BENCHES {
            assert!(USAGE.contains(&format!("bench {name}")), "{name}");
            let words = ["bench", name, "--rounds", "7"];
            assert_eq!(read(&words), Ok(Task::Bench(words[1..].iter().map(OsString::from).collect())));
        }
    }

    #[test]
    fn arguments_are_passed_on_as_they_are() {
        let expected = vec![OsString::from("--edge-port"), OsString::from("0")];
        assert_eq!(read(&["dev", "--edge-port", "0"]), Ok(Task::Dev(expected)));
        let expected = vec![OsString::from("--token"), OsString::from("t")];
        assert_eq!(read(&["redis-rest", "--token", "t"]), Ok(Task::RedisRest(expected)));
        let expected = vec![OsString::from("-p"), OsString::from("shared"), OsString::from("--")];
        assert_eq!(read(&["test", "-p", "shared", "--"]), Ok(Task::Test(expected)));
    }

    #[test]
    fn a_wrong_command_line_says_what_is_wrong() {
        assert_eq!(read(&[]), Err(UsageError::NoCommand));
        assert_eq!(read(&["deploy"]), Err(UsageError::UnknownCommand("deploy".into())));
        assert_eq!(
            read(&["lint", "--fix"]),
            Err(UsageError::UnwantedArgument { command: "lint", argument: "--fix".into() })
        );
        assert!(matches!(read(&["bench"]), Err(UsageError::MissingArgument { command: "bench", .. })));
        assert_eq!(read(&["bench", "--rounds"]), Err(UsageError::UnknownBench("--rounds".into())));
    }
}
