//! The commands of a request: their keys, and their times to live, which are stretched so far that no key
//! expires while a run lasts. Nothing relies on expiry: an entry holds the time at which it ends.

use serde_json::Value;

/// A command's name and arguments.
pub(crate) type Words = Vec<String>;

/// By how much a time to live is stretched: a lease of 3 seconds lasts for most of an hour.
const STRETCH: u64 = 1000;

/// The commands in the body of a request, with stretched times.
pub(crate) fn read(body: &[u8]) -> Option<Vec<Words>> {
    let mut commands = match serde_json::from_slice(body).ok()? {
        Value::Array(items) if items.first().is_some_and(Value::is_array) => {
            items.into_iter().map(serde_json::from_value).collect::<Result<Vec<Words>, _>>().ok()?
        }
        one => vec![serde_json::from_value(one).ok()?],
    };
    commands.iter_mut().for_each(stretch);
    Some(commands)
}

/// The body for commands that came as the body `like`.
pub(crate) fn write(commands: &[Words], like: &[u8]) -> Vec<u8> {
    let is_one = !like.starts_with(b"[[");
    let written = match commands {
        [one] if is_one => serde_json::to_vec(one),
        several => serde_json::to_vec(several),
    };
    written.unwrap_or_default()
}

/// The arguments that are keys of a run.
pub(crate) fn keys<'a>(commands: &'a [Words], prefix: &str) -> impl Iterator<Item = &'a String> {
    commands.iter().flatten().filter(move |word| word.starts_with(prefix))
}

fn stretch(words: &mut Words) {
    let time = match words.first().map(String::as_str) {
        Some("PEXPIRE") => Some(2),
        // After the key and the value, which may be any text.
        Some("SET") => words.iter().skip(3).position(|word| word == "PX").map(|at| at + 4),
        Some("GETEX") => Some(3),
        _ => None,
    };
    if let Some(time) = time.and_then(|at| words.get_mut(at))
        && let Ok(millis) = time.parse::<u64>()
    {
        *time = millis.saturating_mul(STRETCH).to_string();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_to_live_are_stretched_and_nothing_else_changes() {
        let stretched = |body: &str| {
            let commands = read(body.as_bytes()).unwrap();
            String::from_utf8(write(&commands, body.as_bytes())).unwrap()
        };
        for (body, expected) in [
            (r#"["SET","k","PX","PX","30","NX"]"#, r#"["SET","k","PX","PX","30000","NX"]"#),
            (r#"["GETEX","k","PX","7"]"#, r#"["GETEX","k","PX","7000"]"#),
            (r#"[["MGET","a","b"],["PEXPIRE","a","9"]]"#, r#"[["MGET","a","b"],["PEXPIRE","a","9000"]]"#),
            (r#"[["GET","PX"]]"#, r#"[["GET","PX"]]"#),
        ] {
            assert_eq!(stretched(body), expected);
        }
        let commands = read(br#"["MGET","run-1:x","run-2:x","value"]"#).unwrap();
        assert_eq!(keys(&commands, "run-1:").collect::<Vec<_>>(), ["run-1:x"]);
    }
}
