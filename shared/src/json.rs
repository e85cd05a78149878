//! JSON as text: kept as it was received, so that no number is ever rounded.

use serde_json::value::RawValue;

use crate::limits::{ECHO_BYTES_MAX, JSON_DEPTH_MAX};

/// A JSON text. Equal when the same to the letter.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct JsonText(Box<RawValue>);

impl JsonText {
    /// JSON's `null`.
    pub fn null() -> JsonText {
        JsonText(RawValue::NULL.to_owned())
    }

    /// Takes text that is JSON.
    pub fn from_text(text: String) -> Result<JsonText, serde_json::Error> {
        RawValue::from_string(text).map(JsonText)
    }

    /// The text, without white space around it.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Whether the value is an object.
    pub fn is_object(&self) -> bool {
        self.as_str().starts_with('{')
    }
}

impl From<Box<RawValue>> for JsonText {
    fn from(raw: Box<RawValue>) -> JsonText {
        JsonText(raw)
    }
}

impl PartialEq for JsonText {
    fn eq(&self, other: &JsonText) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for JsonText {}

/// What is wrong with a JSON text, for the one who sent it: cut, since it repeats what was sent.
pub fn what_is_wrong(error: &serde_json::Error) -> String {
    cut(&error.to_string()).to_owned()
}

/// At most [`ECHO_BYTES_MAX`] bytes of `text`, whole characters.
pub fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(ECHO_BYTES_MAX)).unwrap_or_default()
}

/// Whether arrays and objects nest deeper than [`JSON_DEPTH_MAX`] anywhere in `bytes`.
///
/// Brackets are counted without parsing, since parsers are what deep nesting is aimed at.
pub fn too_deep(bytes: &[u8]) -> bool {
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
        if depth > JSON_DEPTH_MAX {
            return true;
        }
    }
    false
}

/// The members of a JSON object in the order they stand, each value as its own text.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// `old` with those members that `fields` names taken from `new`; one that `new` lacks is removed.
///
/// Members keep their place, new ones come last, and every value keeps its text.
pub fn merge_fields(
    old: &JsonText,
    new: &JsonText,
    fields: &[String],
) -> Result<JsonText, serde_json::Error> {
    let Members(mut merged) = serde_json::from_str(old.as_str())?;
    let Members(sent) = serde_json::from_str(new.as_str())?;
    for field in fields {
        // The last of two members with one name is the one every JSON parser keeps.
        let value = sent.iter().rev().find(|(name, _)| name == field).map(|(_, value)| value.clone());
        let place = merged.iter().rposition(|(name, _)| name == field);
        match (value, place.and_then(|i| merged.get_mut(i))) {
            (Some(value), Some(member)) => member.1 = value,
            (Some(value), None) => merged.push((field.clone(), value)),
            (None, _) => merged.retain(|(name, _)| name != field),
        }
    }
    let mut text = String::with_capacity(old.as_str().len() + new.as_str().len());
    for (name, value) in merged {
        text.push(if text.is_empty() { '{' } else { ',' });
        text.push_str(&serde_json::to_string(&name)?);
        text.push(':');
        text.push_str(value.get());
    }
    text.push_str(if text.is_empty() { "{}" } else { "}" });
    JsonText::from_text(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> JsonText {
        JsonText::from_text(text.to_owned()).unwrap()
    }

    fn merged(old: &str, new: &str, fields: &[&str]) -> String {
        let fields: Vec<String> = fields.iter().map(|&f| f.to_owned()).collect();
        merge_fields(&json(old), &json(new), &fields).unwrap().as_str().to_owned()
    }

    #[test]
    fn only_named_fields_change_and_numbers_keep_their_text() {
        let old = r#"{"name":"A","price":1.10,"big":9007199254740993}"#;
        let new = r#"{"price":2.50,"name":"ignored"}"#;
        assert_eq!(merged(old, new, &["price"]), r#"{"name":"A","price":2.50,"big":9007199254740993}"#);
    }

    #[test]
    fn a_named_field_may_come_and_go() {
        assert_eq!(merged(r#"{"a":1}"#, r#"{"b":2}"#, &["a", "b"]), r#"{"b":2}"#);
        assert_eq!(merged(r#"{"a":1}"#, "{}", &["a"]), "{}");
        assert_eq!(merged("{}", r#"{"q\"":1}"#, &["q\""]), r#"{"q\"":1}"#);
    }

    #[test]
    fn depth_is_counted_outside_strings_only() {
        assert!(!too_deep("[".repeat(JSON_DEPTH_MAX).as_bytes()));
        assert!(too_deep("[".repeat(JSON_DEPTH_MAX + 1).as_bytes()));
        assert!(too_deep(r#"{"a":"#.repeat(10_000).as_bytes()));
        assert!(!too_deep(format!(r#"["{}\"{}"]"#, "[".repeat(100), "{".repeat(100)).as_bytes()));
        assert!(!too_deep("[],".repeat(1000).as_bytes()));
    }
}
