//! The width of comment lines, which rustfmt does not check.

use super::Source;
use super::comment::comments;

/// `max_width` of the text of `rustfmt.toml`.
pub(super) fn max_width(rustfmt: &str) -> Option<usize> {
    let values = rustfmt.lines().filter_map(|line| line.trim().strip_prefix("max_width"));
    values.filter_map(|rest| rest.trim_start().strip_prefix('=')).find_map(|value| value.trim().parse().ok())
}

/// Findings about comment lines of Rust files that are wider than code may be. A word that does not fit on a
/// line of its own, such as a URL, is allowed.
pub(super) fn check(source: &Source, max: usize) -> Vec<String> {
    if source.extension() != "rs" {
        return Vec::new();
    }
    let lines: Vec<&str> = source.text.lines().collect();
    let mut findings = Vec::new();
    for comment in comments(source) {
        let line = lines.get(comment.line - 1).copied().unwrap_or_default();
        let width = line.chars().count();
        if width > max && !has_unbreakable_word(line, comment.text, max) {
            findings.push(format!(
                "{}:{}: a comment of {width} columns, at most {max}",
                source.path, comment.line
            ));
        }
    }
    findings
}

/// Whether a word is too wide even if it follows the indentation and the marker directly.
fn has_unbreakable_word(line: &str, comment: &str, max: usize) -> bool {
    let indentation = line.len() - line.trim_start().len();
    let mut words = comment.split_whitespace();
    let marker = words.next().map_or(0, |marker| marker.chars().count());
    words.any(|word| indentation + marker + 1 + word.chars().count() > max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        check(&Source { path: "a.rs".into(), text: text.into() }, 20)
    }

    #[test]
    fn comments_wider_than_code_are_found() {
        let finding = "a.rs:1: a comment of 21 columns, at most 20";
        assert_eq!(found("/// abcd efgh ijkl mn\n"), [finding]);
        assert_eq!(found("//! abcd efgh ijkl mn\n").len(), 1);
        assert_eq!(found("let x = 1; // abcd ef\n").len(), 1);
        assert_eq!(found("    // abcd efgh ijkl\n").len(), 1);
    }

    #[test]
    fn comments_that_fit_code_and_single_long_words_are_allowed() {
        assert_eq!(found("/// abcd efgh ijkl m\n"), Vec::<String>::new());
        assert_eq!(
            found("// \u{e9}\u{e9}\u{e9}\u{e9}\u{e9} \u{e9}\u{e9}\u{e9}\u{e9}\u{e9} \u{e9}\u{e9}\n"),
            Vec::<String>::new()
        );
        assert_eq!(found("/// https://long.example/\n"), Vec::<String>::new());
        assert_eq!(found("let x = \"abcd efgh ijkl\";\n"), Vec::<String>::new());
        let page = Source { path: "a.md".into(), text: "abcd efgh ijkl mnop qrst\n".into() };
        assert_eq!(check(&page, 20), Vec::<String>::new());
    }

    #[test]
    fn the_width_is_that_of_rustfmt() {
        assert_eq!(max_width("edition = \"2024\"\nmax_width = 110\n"), Some(110));
        assert_eq!(max_width("use_small_heuristics = \"Max\"\n"), None);
    }
}
