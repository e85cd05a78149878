//! Maximum lengths of files.

use super::Source;

/// Maximum lines of a source file.
const LINES_MAX: usize = 300;
/// Maximum lines of a `lib.rs`, which only lists modules.
const LIB_LINES_MAX: usize = 60;
/// The median length of all Rust files stays below this.
const MEDIAN_LINES_UNDER: usize = 100;

const SOURCE_EXTENSIONS: [&str; 6] = ["rs", "ts", "js", "mjs", "py", "sh"];

pub(super) fn check(source: &Source) -> Option<String> {
    if !SOURCE_EXTENSIONS.contains(&source.extension()) {
        return None;
    }
    let max = if source.name() == "lib.rs" { LIB_LINES_MAX } else { LINES_MAX };
    let lines = lines(source);
    (lines > max).then(|| format!("{}: {lines} lines, at most {max}", source.path))
}

pub(super) fn rust_median(sources: &[Source]) -> usize {
    let mut lengths: Vec<usize> =
        sources.iter().filter(|source| source.extension() == "rs").map(lines).collect();
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).copied().unwrap_or_default()
}

pub(super) fn check_median(median: usize) -> Option<String> {
    (median >= MEDIAN_LINES_UNDER).then(|| {
        format!("Rust files: a median of {median} lines, which should be under {MEDIAN_LINES_UNDER}")
    })
}

fn lines(source: &Source) -> usize {
    source.text.lines().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, lines: usize) -> Source {
        Source { path: path.into(), text: "x\n".repeat(lines) }
    }

    #[test]
    fn a_file_one_line_over_the_limit_is_found() {
        assert_eq!(check(&source("edge/src/route.rs", LINES_MAX)), None);
        let found = check(&source("edge/src/route.rs", LINES_MAX + 1));
        assert_eq!(found.as_deref(), Some("edge/src/route.rs: 301 lines, at most 300"));
        assert_eq!(check(&source("edge/src/lib.rs", LIB_LINES_MAX)), None);
        assert!(check(&source("edge/src/lib.rs", LIB_LINES_MAX + 1)).is_some());
        assert_eq!(check(&source("Cargo.lock", 5000)), None);
    }

    #[test]
    fn the_median_counts_rust_files_only() {
        let sources = [source("a.rs", 10), source("b.rs", 30), source("c.rs", 200), source("d.ts", 290)];
        assert_eq!(rust_median(&sources), 30);
        assert_eq!(rust_median(&[]), 0);
        assert_eq!(check_median(MEDIAN_LINES_UNDER - 1), None);
        assert!(check_median(MEDIAN_LINES_UNDER).is_some());
    }
}
