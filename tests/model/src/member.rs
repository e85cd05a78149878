//! The members of a record's data.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::decimal;

/// Members by name, each as the JSON text that was sent.
pub type Members = BTreeMap<String, String>;

/// The members of a JSON object. `None` if the text is not an object.
pub fn parse(json: &str) -> Option<Members> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(json).ok()?;
    Some(members.into_iter().map(|(name, value)| (name, value.get().to_owned())).collect())
}

/// The number in `{"$delta": number}`, as text. `None` if the value is not a delta.
pub fn delta(value: &str) -> Option<String> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(value).ok()?;
    let text = members.get("$delta")?;
    Some(serde_json::from_str(text.get()).unwrap_or_else(|_| text.get().to_owned()))
}

/// A JSON string without its quotes; empty for any other value.
pub(crate) fn unquote(value: &str) -> String {
    serde_json::from_str(value).unwrap_or_default()
}

/// Whether two records have equal data. Members are compared as text, but additive ones by value.
pub fn equal(one: &Members, other: &Members, is_additive: impl Fn(&str) -> bool) -> bool {
    let equal = |(name, value): (&String, &String)| match other.get(name) {
        Some(found) if is_additive(name) => found == value || decimal::parse(found) == decimal::parse(value),
        Some(found) => found == value,
        None => false,
    };
    one.len() == other.len() && one.iter().all(equal)
}
