//! Runs other programs, so that a signal to us ends them too.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};

use thiserror::Error;

use crate::signals;

/// How much of a failed program's output is worth showing: npm ends with a screenful about its usage.
const LAST_LINES_MAX: usize = 40;

/// Why a program did not do what it was run for.
#[derive(Debug, Error)]
pub(crate) enum ChildError {
    #[error("failed to run {program}: {source}")]
    Start { program: String, source: io::Error },
    #[error("failed to read the output of {program}: {source}")]
    Read { program: String, source: io::Error },
    #[error("failed to run {program}: {status}")]
    Status { program: String, status: ExitStatus },
}

/// How a program ended that was run out of sight.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    /// Its last lines, standard output and standard error as they came.
    pub(crate) last_lines: Vec<String>,
}

/// Runs a program whose output the person at the terminal sees.
///
/// # Errors
///
/// [`ChildError`] where it could not be run, or did not succeed.
pub(crate) fn run(mut command: Command) -> Result<(), ChildError> {
    let program = name(&command);
    let started = signals::spawn(command.stdin(Stdio::null()));
    let status = started.and_then(|mut child| child.wait());
    signals::forget();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(ChildError::Status { program, status }),
        Err(source) => Err(ChildError::Start { program, source }),
    }
}

/// Runs a program out of sight and keeps its last lines.
///
/// # Errors
///
/// [`ChildError`] where it could not be run or read; that it did not succeed is in the [`Outcome`].
pub(crate) fn run_out_of_sight(mut command: Command) -> Result<Outcome, ChildError> {
    let program = name(&command);
    let outcome = read_to_end(&mut command, &program);
    signals::forget();
    outcome
}

fn read_to_end(command: &mut Command, program: &str) -> Result<Outcome, ChildError> {
    let start = |source| ChildError::Start { program: program.to_owned(), source };
    // One pipe for both, so that the lines keep their order.
    let (reader, writer) = io::pipe().map_err(start)?;
    let twin = writer.try_clone().map_err(start)?;
    let mut child =
        signals::spawn(command.stdin(Stdio::null()).stdout(writer).stderr(twin)).map_err(start)?;
    // The command holds our ends of the pipe; with them open, the output would never end.
    command.stdout(Stdio::null()).stderr(Stdio::null());

    let mut last_lines = VecDeque::with_capacity(LAST_LINES_MAX);
    for line in BufReader::new(reader).split(b'\n') {
        let line = line.map_err(|source| ChildError::Read { program: program.to_owned(), source })?;
        if last_lines.len() == LAST_LINES_MAX {
            last_lines.pop_front();
        }
        last_lines.push_back(String::from_utf8_lossy(&line).trim_end().to_owned());
    }
    let status = child.wait().map_err(start)?;
    Ok(Outcome { status, last_lines: last_lines.into() })
}

/// Turns this process into the program: same process id, and signals reach it directly. Comes back only
/// with the reason why not.
pub(crate) fn become_program(mut command: Command) -> ChildError {
    signals::release();
    let program = name(&command);
    ChildError::Start { program, source: command.exec() }
}

/// The program with its first words, enough to tell which of several runs it was.
fn name(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = command.get_args().take(2).map(|word| word.to_string_lossy());
    let words = words.take_while(|word| !word.starts_with('-'));
    std::iter::once(program.to_string_lossy()).chain(words).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_failure_names_the_program_and_its_status() {
        let error = run(shell("exit 3")).unwrap_err();
        assert_eq!(error.to_string(), "failed to run sh: exit status: 3");
        let error = run(Command::new("/nowhere/to/be/found")).unwrap_err();
        assert!(error.to_string().starts_with("failed to run found: No such file"), "{error}");
    }

    #[test]
    fn out_of_sight_keeps_the_last_lines_of_both_outputs_in_order() {
        let script = "for i in $(seq 1 50); do echo $i; done; echo oops >&2; echo end; exit 1";
        let outcome = run_out_of_sight(shell(script)).unwrap();
        assert!(!outcome.status.success());
        assert_eq!(outcome.last_lines.len(), LAST_LINES_MAX);
        assert_eq!(outcome.last_lines[LAST_LINES_MAX - 3..], ["50", "oops", "end"]);
    }
}
