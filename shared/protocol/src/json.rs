//! JSON as text, kept as received so that no number is rounded.

pub mod integer;
pub mod object;
pub mod value;

use serde_json::value::RawValue;

use crate::limits::{ECHO_BYTES_MAX, JSON_DEPTH_MAX};
use value::JsonValue;

/// A JSON text, kept as received and compared as [`JsonValue`]s are.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct JsonText(Box<RawValue>);

impl JsonText {
    /// JSON's `null`.
    pub fn null() -> JsonText {
        JsonText(RawValue::NULL.to_owned())
    }

    /// Wraps text; an error if it is not JSON.
    pub fn from_text(text: String) -> Result<JsonText, serde_json::Error> {
        RawValue::from_string(text).map(JsonText)
    }

    /// The text, without surrounding white space.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The unparsed value.
    pub fn as_raw(&self) -> &RawValue {
        &self.0
    }

    /// The value, for comparisons.
    pub fn value(&self) -> JsonValue<'_> {
        self.as_raw().into()
    }

    /// Whether the value is an object.
    pub fn is_object(&self) -> bool {
        self.value().is_object()
    }
}

impl From<Box<RawValue>> for JsonText {
    fn from(raw: Box<RawValue>) -> JsonText {
        JsonText(raw)
    }
}

impl PartialEq for JsonText {
    fn eq(&self, other: &JsonText) -> bool {
        self.value() == other.value()
    }
}

impl Eq for JsonText {}

/// The text of a parse error for the client, cut because it repeats input.
pub fn parse_error_text(error: &serde_json::Error) -> String {
    truncated(&error.to_string(), ECHO_BYTES_MAX).to_owned()
}

/// The longest prefix of `text` of at most `bytes` bytes.
pub fn truncated(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or_default()
}

/// Whether arrays and objects nest deeper than [`JSON_DEPTH_MAX`] anywhere in `bytes`.
///
/// Counts brackets without parsing, because deep nesting attacks parsers.
pub fn too_deep(bytes: &[u8]) -> bool {
    nests_deeper(bytes, JSON_DEPTH_MAX)
}

/// Whether arrays and objects nest deeper than `levels` anywhere in `bytes`.
pub fn nests_deeper(bytes: &[u8], levels: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'[' | b'{') => depth += 1,
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > levels {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_outside_strings_only() {
        assert!(!too_deep("[".repeat(JSON_DEPTH_MAX).as_bytes()));
        assert!(too_deep("[".repeat(JSON_DEPTH_MAX + 1).as_bytes()));
        assert!(too_deep(r#"{"a":"#.repeat(10_000).as_bytes()));
        assert!(!too_deep(format!(r#"["{}\"{}"]"#, "[".repeat(100), "{".repeat(100)).as_bytes()));
        assert!(!too_deep("[],".repeat(1000).as_bytes()));
    }
}
