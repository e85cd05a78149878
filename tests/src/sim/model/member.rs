//! The members of a record's data.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::number;

/// Members by name, each as the JSON text it was sent with.
pub type Members = BTreeMap<String, String>;

/// The members of an object; none if it is no object.
pub fn read(json: &str) -> Option<Members> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(json).ok()?;
    Some(members.into_iter().map(|(name, value)| (name, value.get().to_owned())).collect())
}

/// The text of `{"$delta":"text"}`; none if the value is something else.
pub fn delta(value: &str) -> Option<String> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(value).ok()?;
    let text = members.get("$delta")?;
    Some(serde_json::from_str(text.get()).unwrap_or_else(|_| text.get().to_owned()))
}

/// A text value without its quotes.
pub fn text(value: &str) -> String {
    serde_json::from_str(value).unwrap_or_default()
}

/// Whether two data are the same: text by text, but numbers of additive members by their value.
pub fn same(one: &Members, other: &Members, additive: impl Fn(&str) -> bool) -> bool {
    let equal = |(name, value): (&String, &String)| match other.get(name) {
        Some(found) if additive(name) => found == value || number::read(found) == number::read(value),
        Some(found) => found == value,
        None => false,
    };
    one.len() == other.len() && one.iter().all(equal)
}
