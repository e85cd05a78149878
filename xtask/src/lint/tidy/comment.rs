//! Finds the comments of a file.

use super::Source;

/// A comment, or a line of a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Comment<'text> {
    /// The number of its line, from 1.
    pub(super) line: usize,
    pub(super) text: &'text str,
}

/// The only page with code blocks that are not prose: examples of the wire protocol.
const WIRE_PAGE: &str = "PROTOCOL.md";

/// Every comment of the file, one per line. Of a Markdown page, every line.
pub(super) fn comments(source: &Source) -> Vec<Comment<'_>> {
    let markers: &[&str] = match source.extension() {
        "md" => return page(source),
        "rs" => &["//"],
        "js" | "mjs" | "ts" => &["//", "/*", "* "],
        "toml" | "yaml" | "yml" | "sh" | "py" | "txt" | "gitignore" => &["#"],
        _ if source.text.starts_with("#!") => &["#"],
        _ => return Vec::new(),
    };
    numbered(source)
        .filter_map(|(line, text)| Some(Comment { line, text: comment(text, markers)? }))
        .collect()
}

fn page(source: &Source) -> Vec<Comment<'_>> {
    let mut in_block = false;
    let mut is_prose = |text: &str| {
        let is_fence = text.trim_start().starts_with("```");
        in_block ^= is_fence;
        source.name() != WIRE_PAGE || !(in_block || is_fence)
    };
    numbered(source).filter(|(_, text)| is_prose(text)).map(|(line, text)| Comment { line, text }).collect()
}

fn numbered(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(source.text.lines())
}

/// The comment of a line: the whole line, or what follows code and a space. A marker behind an odd number of
/// quotes stands in a string.
fn comment<'text>(line: &'text str, markers: &[&str]) -> Option<&'text str> {
    let trimmed = line.trim_start();
    if markers.iter().any(|marker| trimmed.starts_with(marker)) {
        return Some(trimmed);
    }
    let marker = markers.first()?;
    line.match_indices(marker).find_map(|(at, _)| {
        let (code, comment) = line.split_at(at);
        let is_comment = code.ends_with(' ') && code.matches('"').count() % 2 == 0;
        is_comment.then_some(comment)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<(usize, String)> {
        let source = Source { path: path.into(), text: text.into() };
        comments(&source).into_iter().map(|comment| (comment.line, comment.text.to_owned())).collect()
    }

    #[test]
    fn comments_of_rust_stand_alone_or_behind_code() {
        let text = "//! a\nlet x = 1; // b\n    /// c\nlet y = \"https://d // e\";\nlet z = \"f\"; // g\n";
        let expected = [(1, "//! a".into()), (2, "// b".into()), (3, "/// c".into()), (5, "// g".into())];
        assert_eq!(found("a.rs", text), expected);
    }

    #[test]
    fn comments_of_other_files_begin_with_their_own_marker() {
        assert_eq!(found("a.toml", "# a\nb = \"#c\" # d\n"), [(1, "# a".into()), (2, "# d".into())]);
        assert_eq!(found(".ci/run", "#!/bin/sh\necho a\n# b\n").len(), 2);
        assert_eq!(found("a.mjs", "/* a\n * b\n */\n// c\nd();\n").len(), 3);
        assert_eq!(found("a.json", "{\"a\": \"// b\"}"), []);
        assert_eq!(found("LICENSE", "# a"), []);
    }

    #[test]
    fn every_line_of_a_page_counts_except_the_wire_examples() {
        let text = "a\n```json\n{}\n```\nb\n";
        assert_eq!(found("README.md", text).len(), 5);
        assert_eq!(found("PROTOCOL.md", text), [(1, "a".into()), (5, "b".into())]);
    }
}
