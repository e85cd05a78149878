//! The members of a record's data.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::decimal;

/// Members by name, each in the [`canonical`] spelling.
pub type Members = BTreeMap<String, String>;

/// The members of a JSON object. `None` if the text is not an object.
pub fn parse(json: &str) -> Option<Members> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(json).ok()?;
    Some(members.into_iter().map(|(name, value)| (name, canonical(value.get()))).collect())
}

/// The same members, each as it is written.
pub fn written(json: &str) -> Option<Members> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(json).ok()?;
    Some(members.into_iter().map(|(name, value)| (name, value.get().to_owned())).collect())
}

/// The one spelling of a JSON value: without white space, with members in the order of their names, with no
/// escapes but the necessary ones, and with numbers as they are.
pub fn canonical(json: &str) -> String {
    let text = |text: &str| serde_json::to_string(text).unwrap_or_default();
    if let Ok(members) = serde_json::from_str::<BTreeMap<String, &RawValue>>(json) {
        let members =
            members.iter().map(|(name, value)| format!("{}:{}", text(name), canonical(value.get())));
        return format!("{{{}}}", members.collect::<Vec<_>>().join(","));
    }
    if let Ok(values) = serde_json::from_str::<Vec<&RawValue>>(json) {
        return format!(
            "[{}]",
            values.iter().map(|value| canonical(value.get())).collect::<Vec<_>>().join(",")
        );
    }
    serde_json::from_str::<String>(json).map_or_else(|_| json.to_owned(), |content| text(&content))
}

/// The number in `{"$delta": number}`, as text. `None` if the value is not a delta.
pub fn delta(value: &str) -> Option<String> {
    only(value, "$delta")
}

/// The number in `{"$set": number}`, as text. `None` if the value does not set a sum.
pub(crate) fn set(value: &str) -> Option<String> {
    only(value, "$set")
}

/// Whether the value changes a sum, instead of being one.
pub(crate) fn changes_sum(value: &str) -> bool {
    delta(value).is_some() || set(value).is_some()
}

fn only(value: &str, name: &str) -> Option<String> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(value).ok()?;
    let text = members.get(name)?;
    Some(serde_json::from_str(text.get()).unwrap_or_else(|_| text.get().to_owned()))
}

/// A JSON string without its quotes; empty for any other value.
pub(crate) fn unquote(value: &str) -> String {
    serde_json::from_str(value).unwrap_or_default()
}

/// Whether two records have equal data. Additive members are compared by value.
pub fn equal(one: &Members, other: &Members, is_additive: impl Fn(&str) -> bool) -> bool {
    let equal = |(name, value): (&String, &String)| match other.get(name) {
        Some(found) if is_additive(name) => found == value || decimal::parse(found) == decimal::parse(value),
        Some(found) => found == value,
        None => false,
    };
    one.len() == other.len() && one.iter().all(equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_one_canonical_spelling() {
        let spelled = r#" { "b" : [ 1.10 , null ], "\u0061" : "\u00e9\/" , "b" : [ 1.1, "x" ] } "#;
        assert_eq!(canonical(spelled.trim()), r#"{"a":"é/","b":[1.1,"x"]}"#);
    }
}
