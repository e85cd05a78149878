//! SECURITY.md names the tests that prove its claims: each must exist.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../SECURITY.md");
/// Folders with our code, below the project's root.
const FOLDERS: [&str; 6] = ["edge/src", "functions/src", "local", "shared", "tests", "xtask/src"];
/// The page names more tests than this.
const TESTS_MIN: usize = 25;

/// The names in the page's last column.
fn named_tests(page: &str) -> BTreeSet<&str> {
    let rows = page.lines().filter(|line| line.starts_with("| **"));
    let cells = rows.filter_map(|row| row.trim_end_matches(" |").rsplit_once(" | "));
    cells.flat_map(|(_, proof)| proof.split('`').skip(1).step_by(2)).collect()
}

/// The names of the tests in Rust code: functions after a test attribute, or in the list of `trials!`.
fn tests(code: &str) -> BTreeSet<&str> {
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    let is_listed = |name: &str| lines.iter().any(|line| line.trim_end_matches([',', ';']) == name);
    let mut tests = BTreeSet::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = function(line) else { continue };
        let above = lines.get(at.saturating_sub(3)..at).unwrap_or_default();
        let attributes = above.iter().rev().take_while(|line| line.starts_with("#["));
        if attributes.into_iter().any(|line| line.contains("test")) || is_listed(name) {
            tests.insert(name);
        }
    }
    tests
}

/// The name of the function that the line declares.
fn function(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub(crate) ").unwrap_or(line);
    line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?.split('(').next()
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn every_test_that_the_page_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    FOLDERS.iter().for_each(|folder| rust_files(&root.join(folder), &mut files));
    let code: Vec<String> = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let existing: BTreeSet<&str> = code.iter().flat_map(|code| tests(code)).collect();
    let named = named_tests(PAGE);
    assert!(named.len() > TESTS_MIN, "{named:?}");
    let missing: Vec<_> = named.difference(&existing).collect();
    assert!(missing.is_empty(), "SECURITY.md names tests that do not exist: {missing:?}");
}

#[test]
fn every_attacker_has_a_proof() {
    let rows: Vec<&str> = PAGE.lines().filter(|line| line.starts_with("| **")).collect();
    assert!(rows.len() >= 7);
    for row in rows {
        assert!(!named_tests(row).is_empty(), "{row}");
    }
}

#[test]
fn a_test_is_told_from_another_function() {
    let code = "trials! {\n    shared:\n    listed,\n    last\n}\n\nasync fn listed() {}\nfn last() {}\n\
                #[tokio::test]\nasync fn attributed() {}\n#[inline]\nfn helper() {}\nfn caller() { helper() }\n";
    assert_eq!(tests(code), BTreeSet::from(["attributed", "last", "listed"]));
    assert_eq!(
        named_tests("| **A** | `Secret` | `one`, `two` |\n| b | c | `three` |"),
        BTreeSet::from(["one", "two"])
    );
}
