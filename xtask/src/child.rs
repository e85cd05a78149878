//! Runs other programs in a way that a signal to us ends them too.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};

use thiserror::Error;

use crate::report;
use crate::signals;

/// Lines kept of a program's output: npm alone ends with a screenful about its usage.
const LAST_LINES_MAX: usize = 40;

#[derive(Debug, Error)]
pub(crate) enum ChildError {
    #[error("failed to run {program}: {source}")]
    Start { program: String, source: io::Error },
    #[error("failed to read the output of {program}: {source}")]
    Read { program: String, source: io::Error },
    #[error("failed to run {program}: {status}")]
    Status { program: String, status: ExitStatus },
}

impl ChildError {
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Start { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// The result of a program whose output was captured.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    /// The last lines of standard output and standard error, in the order they were written.
    pub(crate) last_lines: Vec<String>,
}

impl Output {
    /// Prints the last lines, indented.
    pub(crate) fn show(&self) {
        for line in &self.last_lines {
            report::line(&format!("    {line}"));
        }
    }
}

/// Runs a program with its output on the terminal.
pub(crate) fn run(mut command: Command) -> Result<(), ChildError> {
    let program = name(&command);
    let started = signals::spawn(command.stdin(Stdio::null()));
    match started.and_then(|mut running| running.wait()) {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(ChildError::Status { program, status }),
        Err(source) => Err(ChildError::Start { program, source }),
    }
}

/// Runs a program without showing its output, and keeps the last lines. A failure of the program is in
/// [`Output::status`].
pub(crate) fn capture(mut command: Command) -> Result<Output, ChildError> {
    let program = name(&command);
    let start = |source| ChildError::Start { program: program.clone(), source };
    // One pipe for both outputs keeps the order of the lines.
    let (reader, writer) = io::pipe().map_err(start)?;
    let stderr = writer.try_clone().map_err(start)?;
    command.stdin(Stdio::null()).stdout(writer).stderr(stderr);
    let mut running = signals::spawn(&mut command).map_err(start)?;
    // Closes our ends of the pipe, which the command holds; otherwise reading would never end.
    command.stdout(Stdio::null()).stderr(Stdio::null());

    let mut last_lines = VecDeque::with_capacity(LAST_LINES_MAX);
    for line in BufReader::new(reader).split(b'\n') {
        let line = line.map_err(|source| ChildError::Read { program: program.clone(), source })?;
        if last_lines.len() == LAST_LINES_MAX {
            last_lines.pop_front();
        }
        last_lines.push_back(String::from_utf8_lossy(&line).trim_end().to_owned());
    }
    let status = running.wait().map_err(start)?;
    Ok(Output { status, last_lines: last_lines.into() })
}

/// Replaces this process by the program: it keeps our process id and receives signals directly. Returns only
/// if that fails.
pub(crate) fn exec(mut command: Command) -> ChildError {
    signals::release();
    let program = name(&command);
    ChildError::Start { program, source: command.exec() }
}

/// The program and up to two words before the first flag: enough to tell several runs apart.
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
        assert!(error.is_not_found());
    }

    #[test]
    fn capture_keeps_the_last_lines_of_both_outputs_in_order() {
        let script = "for i in $(seq 1 50); do echo $i; done; echo oops >&2; echo end; exit 1";
        let output = capture(shell(script)).unwrap();
        assert!(!output.status.success());
        assert_eq!(output.last_lines.len(), LAST_LINES_MAX);
        assert_eq!(output.last_lines[LAST_LINES_MAX - 3..], ["50", "oops", "end"]);
    }
}
