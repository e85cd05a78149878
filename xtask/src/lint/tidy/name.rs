//! Names of files and modules that say what is inside.

use super::Source;

/// Names that fit anything and so say nothing.
const FORBIDDEN: [&str; 7] = ["util", "utils", "helper", "helpers", "common", "misc", "manager"];

/// Findings about the file's path and the modules that it declares.
pub(super) fn check(source: &Source) -> Vec<String> {
    let mut findings = Vec::new();
    if source.name() == "mod.rs" {
        findings.push(format!("{}: modules are `foo.rs` beside `foo/`", source.path));
    }
    let parts = source.path.split('/').map(|part| part.split('.').next().unwrap_or_default());
    let mut modules = Vec::new();
    if source.extension() == "rs" {
        modules.extend(source.text.lines().filter_map(declared_module));
    }
    for name in parts.chain(modules).filter(|name| FORBIDDEN.contains(name)) {
        findings.push(format!("{}: `{name}` does not say what is inside", source.path));
    }
    findings
}

/// The name after `mod`, with any visibility.
fn declared_module(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = match line.strip_prefix("pub") {
        Some(rest) => rest.split_once(' ')?.1,
        None => line,
    };
    line.strip_prefix("mod ")?.split([' ', ';', '{']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> usize {
        check(&Source { path: path.into(), text: text.into() }).len()
    }

    #[test]
    fn names_that_say_nothing_are_found_in_paths_and_declarations() {
        assert_eq!(findings("shared/src/utils.rs", ""), 1);
        assert_eq!(findings("shared/src/common/money.rs", ""), 1);
        assert_eq!(findings("shared/src/money/mod.rs", ""), 1);
        assert_eq!(findings("shared/src/lib.rs", "    pub(crate) mod helpers {"), 1);
        assert_eq!(findings("shared/src/lib.rs", "mod misc;\npub mod manager;"), 2);
    }

    #[test]
    fn other_names_are_allowed() {
        assert_eq!(findings("shared/src/commons.rs", "// a common mistake\nmod utility;"), 0);
        assert_eq!(findings("README.md", "mod utils;"), 0);
    }
}
