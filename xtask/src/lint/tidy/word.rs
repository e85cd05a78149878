//! Words that make a sentence hard to read.

use super::Source;
use super::comment::comments;

/// Each word, and what to write instead.
const FORBIDDEN: [(&str, &str); 5] = [
    ("whoever", "name the person or program"),
    ("nobody", "say that there is none, and of what"),
    ("somebody", "name the person or program"),
    ("anybody", "name the person or program"),
    ("anew", "write `again`, or leave it out"),
];

/// Findings about forbidden words in comments, pages and messages.
pub(super) fn check(source: &Source) -> Vec<String> {
    let comments = comments(source).into_iter().map(|comment| (comment.line, comment.text));
    let mut findings = Vec::new();
    for (line, text) in comments.chain(messages(source)) {
        for (word, instead) in words(text).filter_map(forbidden) {
            findings.push(format!("{}:{line}: `{word}`: {instead}", source.path));
        }
    }
    findings
}

/// The sentences in the strings of Rust code, each with its line: people read them as messages.
fn messages(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    let lines = source.text.lines().zip(1..).filter(|_| source.path.ends_with(".rs"));
    let strings =
        lines.flat_map(|(text, line)| text.split('"').skip(1).step_by(2).map(move |part| (line, part)));
    strings.filter(|(_, text)| text.contains(' ') && text.ends_with('.'))
}

/// Words of prose; an identifier with underscores is one word.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric() && character != '_')
}

fn forbidden(word: &str) -> Option<&'static (&'static str, &'static str)> {
    FORBIDDEN.iter().find(|(forbidden, _)| word.eq_ignore_ascii_case(forbidden))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&Source { path: path.into(), text: text.into() })
    }

    #[test]
    fn forbidden_words_are_found_in_comments_and_pages() {
        let finding = "a.rs:2: `whoever`: name the person or program";
        assert_eq!(found("a.rs", "\n// Whoever asks again\n"), [finding]);
        assert_eq!(found("a.rs", "let x = 1; // is nobody's\n").len(), 1);
        assert_eq!(found("template.yaml", "# somebody, or ANYBODY\n").len(), 2);
        assert_eq!(found("CHANGELOG.md", "- Written anew.\n").len(), 1);
    }

    #[test]
    fn forbidden_words_are_found_in_messages() {
        for (word, instead) in FORBIDDEN {
            let text = format!("let message = \"The message says {word}.\";\n");
            assert_eq!(found("a.rs", &text), [format!("a.rs:1: `{word}`: {instead}")]);
            assert_eq!(found("a.py", &text), Vec::<String>::new());
        }
    }

    #[test]
    fn longer_words_identifiers_and_code_are_allowed() {
        assert_eq!(found("a.rs", "// A newer one; anewly; nobody_reads\n"), Vec::<String>::new());
        assert_eq!(found("a.rs", "let text = \"somebody\";\n"), Vec::<String>::new());
        assert_eq!(found("PROTOCOL.md", "```\n{\"name\": \"nobody\"}\n```\n"), Vec::<String>::new());
    }
}
