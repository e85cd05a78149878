//! Public types have standard names, not metaphors.

use super::Source;
use super::metaphors::METAPHORS;

const KEYWORDS: [&str; 5] = ["struct ", "enum ", "trait ", "type ", "union "];

/// Findings about public types whose name is a metaphor.
pub(super) fn check(source: &Source) -> Vec<String> {
    if source.extension() != "rs" {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (number, line) in (1_usize..).zip(source.text.lines()) {
        let Some(name) = declared_type(line) else { continue };
        for (_, term) in METAPHORS.iter().filter(|(pattern, _)| pattern.matches(name)) {
            findings.push(format!("{}:{number}: `{name}` is a metaphor; use {term}", source.path));
        }
    }
    findings
}

/// The name of the type that the line declares as `pub` or `pub(…)`.
fn declared_type(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("pub")?;
    let rest = match rest.strip_prefix('(') {
        Some(scope) => scope.split_once(')')?.1,
        None => rest,
    };
    let rest = rest.strip_prefix(' ')?;
    let name = KEYWORDS.iter().find_map(|keyword| rest.strip_prefix(keyword))?;
    name.split(|character: char| !character.is_alphanumeric() && character != '_').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        check(&Source { path: "a.rs".into(), text: text.into() })
    }

    #[test]
    fn public_metaphors_are_found_with_the_standard_term() {
        assert_eq!(found("\npub struct Visit<'a> {"), ["a.rs:2: `Visit` is a metaphor; use RequestContext"]);
        assert_eq!(found("    pub(crate) enum Verdict {").len(), 1);
        assert_eq!(found("pub(in crate::x) trait Gate {}").len(), 1);
        assert_eq!(found("pub type Micros = u64;").len(), 1);
        assert_eq!(found("pub struct PushAnswer;\npub struct KeeperApp;\npub struct Told(u8);").len(), 3);
    }

    #[test]
    fn private_types_and_other_names_are_allowed() {
        for text in [
            "struct Visit;",
            "pub struct DeadLetter;",
            "pub struct Visitor;",
            "pub struct Keepers;",
            "pub struct Answered;",
            "pub fn gate() {}",
            "pub mod Door {}",
            "// pub struct Seat",
        ] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
        let page = Source { path: "a.md".into(), text: "pub struct Visit;".into() };
        assert_eq!(check(&page), Vec::<String>::new());
    }
}
