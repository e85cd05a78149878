//! Known vulnerabilities of our crates, from RustSec's advisory database.
//!
//! cargo-deny fetches the database with git. Where it cannot, the last copy that was fetched is used; where
//! there is none, the step says that nothing was checked and passes, because lint must work offline.

use super::StepError;
use crate::child::{self, ChildError, Output};
use crate::project::Project;
use crate::report;
use crate::setup::{self, CARGO_DENY};

/// The outcome of one run of cargo-deny.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    /// There is no database to check against.
    NoDatabase,
    Failed,
}

/// What cargo-deny prints when it cannot fetch its database, or has no copy of it.
const NO_DATABASE: [&str; 2] = ["failed to fetch advisory database", "failed to get 'FETCH_HEAD' metadata"];

pub(super) fn run(project: &Project) -> Result<(), StepError> {
    let deny = setup::lint_tool(project, CARGO_DENY)?;
    let check = |options: &[&str]| -> Result<(Outcome, Output), ChildError> {
        let mut command = project.command(&deny);
        command.args(options).args(["check", "advisories"]);
        let output = child::capture(command)?;
        Ok((outcome(output.status.success(), &output.last_lines), output))
    };
    let (mut result, mut output) = check(&[])?;
    if result == Outcome::NoDatabase {
        report::line("    the advisory database cannot be fetched; trying the last copy");
        (result, output) = check(&["--offline"])?;
    }
    match result {
        Outcome::Passed => Ok(()),
        Outcome::NoDatabase => {
            report::line("    advisories were NOT checked: there is no network and no earlier copy");
            Ok(())
        }
        Outcome::Failed => {
            output.show();
            Err(StepError::Advisories)
        }
    }
}

fn outcome(success: bool, lines: &[String]) -> Outcome {
    let lacks_database = |line: &String| NO_DATABASE.iter().any(|text| line.contains(text));
    match success {
        true => Outcome::Passed,
        false if lines.iter().any(lacks_database) => Outcome::NoDatabase,
        false => Outcome::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_missing_database_is_no_failure() {
        let of = |success, line: &str| outcome(success, &[line.to_owned(), String::new()]);
        assert_eq!(of(true, "advisories ok"), Outcome::Passed);
        let fetch =
            "2026-11-29 00:05:41 [ERROR] failed to fetch advisory database https://x with cli: failed";
        assert_eq!(of(false, fetch), Outcome::NoDatabase);
        let offline = "2026-11-29 00:05:49 [ERROR] failed to get 'FETCH_HEAD' metadata: failed to get HEAD";
        assert_eq!(of(false, offline), Outcome::NoDatabase);
        assert_eq!(of(false, "error[vulnerability]: Use after free"), Outcome::Failed);
        assert_eq!(of(false, ""), Outcome::Failed);
    }
}
