//! Puts `guard.lua` into scripts and libraries that have the flag, on one line, so that errors name the same
//! lines as the service's.

use std::sync::LazyLock;

use bytes::Bytes;

use crate::resp::Reply;

/// The flag that only the service knows (feature page "Key-Based Locking").
pub(super) const KEY_LOCKING: &str = "allow-key-locking";

/// The guard without comments and line breaks. Its argument, in brackets, is to follow.
static GUARD: LazyLock<String> = LazyLock::new(|| {
    let lines = include_str!("guard.lua").lines().map(str::trim);
    lines.filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join(" ")
});

/// What follows in a script. Valkey's other name for `redis` would lead around the guard.
const FOR_SCRIPT: &str = "(KEYS) local server = nil ";
/// What follows in a library: each call brings its keys.
const FOR_LIBRARY: &str = "() local server = redis ";

/// The script without the flag, held to its rule; nothing if it has no flag.
pub(super) fn script(text: &Bytes) -> Option<Bytes> {
    let end = line_end(text);
    let (header, rest) = text.split_at(end);
    let header = std::str::from_utf8(header).ok()?.strip_prefix("#!")?;
    let mut words = Vec::new();
    let mut found = false;
    for word in header.split_ascii_whitespace() {
        let Some(flags) = word.strip_prefix("flags=") else {
            words.push(word.to_owned());
            continue;
        };
        let others: Vec<&str> = flags.split(',').filter(|flag| flag.trim() != KEY_LOCKING).collect();
        found |= others.len() < flags.split(',').count();
        if !others.is_empty() {
            words.push(format!("flags={}", others.join(",")));
        }
    }
    match (found, words.len()) {
        (false, _) => None,
        // A header without flags is left out: engines before version 7 know none.
        (true, ..=1) => Some([GUARD.as_bytes(), FOR_SCRIPT.as_bytes(), rest].concat().into()),
        (true, _) => {
            let header = format!("#!{}", words.join(" "));
            Some(insert(header.as_bytes(), rest, FOR_SCRIPT))
        }
    }
}

/// The library with its functions held to the rule, each if it has the flag; nothing if none can have it.
pub(super) fn library(code: &Bytes) -> Option<Bytes> {
    let mentioned = code.windows(KEY_LOCKING.len()).any(|words| words == KEY_LOCKING.as_bytes());
    let (header, rest) = code.split_at(line_end(code));
    (mentioned && header.starts_with(b"#!") && !rest.is_empty()).then(|| insert(header, rest, FOR_LIBRARY))
}

/// The reply to FUNCTION LIST, with the code of each library as it was loaded.
pub(super) fn original_libraries(reply: Reply) -> Reply {
    match reply {
        Reply::Array(items) => Reply::Array(items.into_iter().map(original_libraries).collect()),
        Reply::Bulk(code) => Reply::Bulk(original_library(&code).unwrap_or(code)),
        other => other,
    }
}

fn original_library(code: &Bytes) -> Option<Bytes> {
    let (header, rest) = code.split_at(line_end(code));
    let rest =
        rest.strip_prefix(b"\n")?.strip_prefix(GUARD.as_bytes())?.strip_prefix(FOR_LIBRARY.as_bytes())?;
    Some([header, b"\n", rest].concat().into())
}

/// Puts the guard at the beginning of the second line.
fn insert(header: &[u8], rest: &[u8], argument: &str) -> Bytes {
    let body = rest.strip_prefix(b"\n").unwrap_or(rest);
    [header, b"\n", GUARD.as_bytes(), argument.as_bytes(), body].concat().into()
}

fn line_end(text: &[u8]) -> usize {
    text.iter().position(|&byte| byte == b'\n').unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of a script, without the guard.
    fn stripped(text: &'static str) -> Option<String> {
        let guarded = String::from_utf8(script(&Bytes::from_static(text.as_bytes()))?.to_vec()).unwrap();
        assert_eq!(guarded.matches(GUARD.as_str()).count(), 1, "{guarded}");
        Some(guarded.replace(&format!("{}{FOR_SCRIPT}", *GUARD), "GUARD "))
    }

    #[test]
    fn the_flag_is_replaced_by_the_guard_and_the_lines_stay() {
        assert!(!GUARD.contains('\n'));
        for (text, expected) in [
            ("#!lua flags=allow-key-locking\nreturn 1", "GUARD \nreturn 1"),
            ("#!lua flags=allow-key-locking", "GUARD "),
            ("#!lua flags=allow-key-locking\r\nreturn 1", "GUARD \nreturn 1"),
            (
                "#!lua flags=no-writes,allow-key-locking,allow-stale\nx",
                "#!lua flags=no-writes,allow-stale\nGUARD x",
            ),
            ("#!lua name=a flags=allow-key-locking\nx", "#!lua name=a\nGUARD x"),
        ] {
            assert_eq!(stripped(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_scripts_are_not_changed() {
        let others = [
            "",
            "return 1",
            "#!lua\nreturn 1",
            "#!lua flags=no-writes\nx",
            "return '#!lua flags=allow-key-locking'",
        ];
        for text in others {
            assert_eq!(stripped(text), None, "{text}");
        }
    }

    #[test]
    fn a_library_is_listed_as_it_was_loaded() {
        let code = Bytes::from_static(b"#!lua name=a\nredis.register_function{flags={'allow-key-locking'}}");
        let guarded = library(&code).unwrap();
        assert!(guarded.len() > code.len() + GUARD.len());
        let list =
            |code: &Bytes| Reply::Array(vec![Reply::Array(vec![Reply::Bulk(code.clone()), Reply::Nil])]);
        assert_eq!(original_libraries(list(&guarded)), list(&code));
        assert_eq!(library(&Bytes::from_static(b"#!lua name=a\nreturn 1")), None);
        assert_eq!(original_libraries(list(&code)), list(&code));
    }
}
