//! Finds the task that the words after `cargo xtask` name, as a pure function.
//!
//! Not clap: most tasks pass all their words on unread, `--` included, which clap swallows; and it would make
//! the build that comes before everything else half as long again (15 s to 23 s).

use std::ffi::OsString;

use thiserror::Error;

use crate::task::{TASKS, Task};

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arguments {
    Nothing,
    /// Passed on to the program that the task runs.
    PassedOn,
    /// One of these names first; all are passed on.
    NameFirst(&'static [&'static str]),
}

/// What to do.
#[derive(Debug)]
pub(crate) enum Request {
    Help,
    Run(&'static Task, Vec<OsString>),
}

#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum UsageError {
    #[error("failed to read the command line: no command was given")]
    NoCommand,
    #[error("failed to read the command line: there is no command `{0}`")]
    UnknownCommand(String),
    #[error("failed to read the command line: `{command}` takes no argument `{argument}`")]
    UnwantedArgument { command: &'static str, argument: String },
    #[error("failed to read the command line: `{command}` needs one of these names: {}", names.join(", "))]
    MissingName { command: &'static str, names: &'static [&'static str] },
}

/// The text of `help`, which also follows a usage error.
pub(crate) fn usage() -> String {
    let mut text = "usage: cargo xtask COMMAND [ARGS]\n".to_owned();
    for task in &TASKS {
        let syntax = match task.arguments {
            Arguments::Nothing => "",
            Arguments::PassedOn => "[ARGS]",
            Arguments::NameFirst(_) => "NAME [ARGS]",
        };
        text.push_str(&format!("\n  {:<10} {syntax:<12} {}", task.name, task.help));
    }
    text.push_str("\n  help                    show this text");
    text
}

/// Parses the words after `cargo xtask`.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Request, UsageError> {
    let mut words = words.into_iter();
    let command = words.next().ok_or(UsageError::NoCommand)?;
    let arguments: Vec<OsString> = words.collect();
    if ["help", "--help", "-h"].iter().any(|help| command == *help) {
        return Ok(Request::Help);
    }
    let Some(task) = TASKS.iter().find(|task| command == task.name) else {
        return Err(UsageError::UnknownCommand(command.to_string_lossy().into_owned()));
    };
    check(task, arguments.first())?;
    Ok(Request::Run(task, arguments))
}

fn check(task: &Task, first: Option<&OsString>) -> Result<(), UsageError> {
    let command = task.name;
    match (&task.arguments, first) {
        (Arguments::Nothing, Some(argument)) => {
            Err(UsageError::UnwantedArgument { command, argument: argument.to_string_lossy().into_owned() })
        }
        (Arguments::NameFirst(names), first)
            if !names.iter().any(|name| first.is_some_and(|first| first == name)) =>
        {
            Err(UsageError::MissingName { command, names })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::BENCHES;

    /// The name of the task and its arguments.
    fn read(words: &[&str]) -> Result<(&'static str, Vec<OsString>), UsageError> {
        match parse(words.iter().map(OsString::from))? {
            Request::Help => Ok(("help", Vec::new())),
            Request::Run(task, arguments) => Ok((task.name, arguments)),
        }
    }

    fn owned(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn every_command_of_the_usage_text_is_understood() {
        let usage = usage();
        let commands: Vec<&str> =
            usage.lines().filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next()).collect();
        assert_eq!(commands.len(), TASKS.len() + 1);
        for name in commands {
            let words = if name == "bench" { vec![name, "sync"] } else { vec![name] };
            assert_eq!(read(&words).unwrap().0, name);
        }
    }

    #[test]
    fn every_benchmark_is_named_in_the_usage_text() {
        let usage = usage();
        let named: Vec<&str> = usage
            .split("bench ")
            .skip(1)
            .filter_map(|rest| rest.split([',', ')']).next())
            .filter(|name| name.chars().all(char::is_alphanumeric))
            .collect();
        assert_eq!(named, BENCHES);
        for name in BENCHES {
            let words = ["bench", name, "--rounds", "7"];
            assert_eq!(read(&words), Ok(("bench", owned(&words[1..]))));
        }
    }

    #[test]
    fn arguments_are_passed_on_unchanged() {
        assert_eq!(read(&["dev", "--edge-port", "0"]), Ok(("dev", owned(&["--edge-port", "0"]))));
        assert_eq!(read(&["redis-rest", "--token", "t"]), Ok(("redis-rest", owned(&["--token", "t"]))));
        assert_eq!(read(&["test", "-p", "shared", "--"]), Ok(("test", owned(&["-p", "shared", "--"]))));
        assert_eq!(read(&["test", "--", "--nocapture"]), Ok(("test", owned(&["--", "--nocapture"]))));
        assert_eq!(read(&["dev", "--help"]), Ok(("dev", owned(&["--help"]))));
    }

    #[test]
    fn an_error_says_what_is_wrong() {
        assert_eq!(read(&[]), Err(UsageError::NoCommand));
        assert_eq!(read(&["deploy"]), Err(UsageError::UnknownCommand("deploy".into())));
        assert_eq!(
            read(&["lint", "--fix"]),
            Err(UsageError::UnwantedArgument { command: "lint", argument: "--fix".into() })
        );
        let error = read(&["bench"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "failed to read the command line: `bench` needs one of these names: {}",
                BENCHES.join(", ")
            )
        );
        assert_eq!(read(&["bench", "--rounds"]).unwrap_err(), error);
    }
}
