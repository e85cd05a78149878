//! The limits of a record's data.

use protocol::json::JsonText;

/// Bytes of a record's data.
const BYTES_MAX: usize = 64 * 1024;
/// Levels of objects and arrays in each other.
const DEPTH_MAX: usize = 64;

/// The code of the rejection if `data` is over a limit.
pub(crate) fn check(data: &JsonText) -> Result<(), &'static str> {
    if data.as_str().len() > BYTES_MAX {
        return Err("record_too_large");
    }
    if depth(data.as_str()) > DEPTH_MAX {
        return Err("too_deep");
    }
    Ok(())
}

fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for c in json.chars() {
        match c {
            '"' if !escaped => in_text = !in_text,
            '{' | '[' if !in_text => depth += 1,
            '}' | ']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        escaped = in_text && c == '\\' && !escaped;
        deepest = deepest.max(depth);
    }
    deepest
}
