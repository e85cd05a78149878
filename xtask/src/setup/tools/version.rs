//! The version of a program, from the output of `--version`.

use std::fs;
use std::path::Path;

use crate::child;
use crate::project::Project;

/// The version that the program prints, if it runs and prints one.
pub(super) fn of(project: &Project, program: &Path) -> Option<String> {
    // Runs in a folder without a crate: a program that ignores the flag may start to build.
    fs::create_dir_all(&project.tools).ok()?;
    let mut command = project.machine_command(program);
    command.arg("--version").current_dir(&project.tools);
    let output = child::capture(command).ok()?;
    if output.status.success() { parse(&output.last_lines).map(str::to_owned) } else { None }
}

/// The first word of the first line that looks like a version, as in `wasm-bindgen 0.2.130 (8bb2ce0)`,
/// `v1.2.3` or only `0.9.2`.
fn parse(lines: &[String]) -> Option<&str> {
    let words = lines.first()?.split_whitespace();
    words.map(|word| word.strip_prefix('v').unwrap_or(word)).find(|word| is_version(word))
}

/// Whether the word is `major.minor.patch` with an optional pre-release or build suffix.
fn is_version(word: &str) -> bool {
    let numbers = word.split(['-', '+']).next().unwrap_or_default();
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    numbers.split('.').count() == 3 && numbers.split('.').all(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Option<String> {
        parse(&[line.to_owned(), "2.2.2".to_owned()]).map(str::to_owned)
    }

    #[test]
    fn the_version_is_found_beside_the_name_and_the_commit() {
        assert_eq!(parsed("wasm-bindgen 0.2.130").as_deref(), Some("0.2.130"));
        assert_eq!(parsed("wasm-bindgen 0.2.130 (8bb2ce0)").as_deref(), Some("0.2.130"));
        assert_eq!(parsed("cargo-deny 0.20.2").as_deref(), Some("0.20.2"));
        assert_eq!(parsed("0.9.2").as_deref(), Some("0.9.2"));
        assert_eq!(parsed("node v22.23.3").as_deref(), Some("22.23.3"));
        assert_eq!(parsed("tool 1.0.0-rc.1+build.5").as_deref(), Some("1.0.0-rc.1+build.5"));
    }

    #[test]
    fn output_without_a_version_has_none() {
        for line in
            ["", "error: unknown option --version", "tool 1.2", "tool 1..3", "tool 1.2.3.4", "tool a.b.c"]
        {
            assert_eq!(parsed(line), None, "{line}");
        }
        assert_eq!(parse(&[]), None);
    }

    #[test]
    fn a_longer_version_is_another_one() {
        assert_ne!(parsed("worker-build 0.8.70").as_deref(), Some("0.8.7"));
        assert_ne!(parsed("worker-build 0.8.7-beta").as_deref(), Some("0.8.7"));
    }
}
