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

/// Findings about forbidden words in comments and pages.
pub(super) fn check(source: &Source) -> Vec<String> {
    let mut findings = Vec::new();
    for comment in comments(source) {
        for (word, instead) in words(comment.text).filter_map(forbidden) {
            findings.push(format!("{}:{}: `{word}`: {instead}", source.path, comment.line));
        }
    }
    findings
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
    fn longer_words_identifiers_and_code_are_allowed() {
        assert_eq!(found("a.rs", "// A newer one; anewly; nobody_reads\n"), Vec::<String>::new());
        assert_eq!(found("a.rs", "let text = \"somebody\";\n"), Vec::<String>::new());
        assert_eq!(found("PROTOCOL.md", "```\n{\"name\": \"nobody\"}\n```\n"), Vec::<String>::new());
    }
}
