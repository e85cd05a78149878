//! `Debug` shows no secret: a type that derives it holds secrets only as `Secret`, whose `Debug` hides them.

use super::Source;

/// Types whose `Debug` shows their content.
const SHOWN: [&str; 4] = ["String", "str", "u8", "SecretBytes"];

/// Findings about fields of types that derive `Debug`.
pub(super) fn check(source: &Source) -> Vec<String> {
    if source.extension() != "rs" {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut lines = (1_usize..).zip(source.text.lines());
    while let Some((_, line)) = lines.next() {
        if !line.trim_start().starts_with("#[derive(") {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let mut derived = line.to_owned();
        while !derived.contains(")]") {
            let Some((_, line)) = lines.next() else { break };
            derived.push_str(line);
        }
        if !words(&derived).any(|word| word == "Debug") {
            continue;
        }
        for (number, line) in lines.by_ref() {
            if let Some(field) = shown_secret(line) {
                findings.push(format!("{}:{number}: `Debug` shows `{field}`; use `Secret`", source.path));
            }
            // The end of the type: a closing brace as far left as the derive, or a type on one line.
            let ends = line.starts_with(&format!("{}}}", " ".repeat(indent)));
            if ends || line.trim_end().ends_with(';') {
                break;
            }
        }
    }
    findings
}

/// The name of the field, or of the type with one unnamed field, that the line declares, if it is a secret
/// that `Debug` shows.
fn shown_secret(line: &str) -> Option<&str> {
    let (declared, kind) = line.split_once(": ").or_else(|| line.split_once('('))?;
    let name = declared.split_whitespace().last()?;
    let shown = words(kind).any(|word| SHOWN.contains(&word));
    (shown && is_secret(&snake_case(name))).then_some(name)
}

fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len());
    for (at, c) in name.char_indices() {
        if c.is_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

fn is_secret(name: &str) -> bool {
    // Upstash's sync token is the number of a write.
    let harmless = name == "sync_token";
    let ends = ["password", "secret", "token", "secret_access_key", "private_key", "tag_key"];
    !harmless && ends.iter().any(|end| name == *end || name.ends_with(&format!("_{end}")))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        check(&Source { path: "a.rs".into(), text: text.into() }).len()
    }

    #[test]
    fn a_secret_that_debug_shows_is_found() {
        for field in [
            "pub password: String,",
            "refresh_token: Option<String>,",
            "pub(crate) token: &'a str,",
            "secret: SecretBytes,",
            "tag_key: Option<[u8; 32]>,",
        ] {
            let text =
                format!("#[derive(Clone, Debug)]\n#[serde(default)]\npub struct A<'a> {{\n    {field}\n}}\n");
            assert_eq!(found(&text), 1, "{field}");
            assert_eq!(found(&text.replace(", Debug", "")), 0, "{field}");
        }
        assert_eq!(
            found("#[derive(Debug)]\nenum A {\n    B {\n        secret: SecretBytes,\n    },\n}\n"),
            1
        );
    }

    #[test]
    fn unnamed_fields_and_derives_over_several_lines_are_seen() {
        assert_eq!(found("#[derive(Debug)]\npub struct RefreshToken(pub String);\n"), 1);
        assert_eq!(found("#[derive(Debug)]\nenum A {\n    Password(String),\n}\n"), 1);
        assert_eq!(found("#[derive(\n    Clone,\n    Debug,\n)]\nstruct A {\n    token: String,\n}\n"), 1);
        assert_eq!(found("#[derive(\n    Clone,\n)]\nstruct A {\n    token: String,\n}\n"), 0);
        assert_eq!(found("#[derive(Debug)]\nstruct Name(String);\n"), 0);
    }

    #[test]
    fn wrapped_secrets_and_other_fields_are_allowed() {
        for field in [
            "password: Secret,",
            "password: Option<Secret>,",
            "sync_token: Option<String>,",
            "tokens: usize,",
            "name: String,",
        ] {
            assert_eq!(found(&format!("#[derive(Debug)]\nstruct A {{\n    {field}\n}}\n")), 0, "{field}");
        }
        // The field belongs to the next type, which derives no `Debug`.
        assert_eq!(found("#[derive(Debug)]\nstruct A;\nstruct B {\n    token: String,\n}\n"), 0);
    }
}
