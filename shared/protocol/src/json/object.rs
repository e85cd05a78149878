//! JSON objects as members whose values keep their text.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::JsonText;
use super::value::JsonValue;

/// The members of a JSON object in order. Of two members with the same name the last counts.
#[derive(Clone, Debug, Default)]
pub struct Object {
    /// A removed member keeps its slot, so that the positions of the others stay valid.
    members: Vec<(String, Option<Box<RawValue>>)>,
    places: HashMap<String, usize>,
}

/// The order of members does not matter.
impl PartialEq for Object {
    fn eq(&self, other: &Object) -> bool {
        self.iter().count() == other.iter().count()
            && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

impl Object {
    /// Parses an object.
    pub fn parse(text: &JsonText) -> Result<Object, serde_json::Error> {
        Object::of(text.value())
    }

    /// The same for a member's value.
    pub fn of(value: JsonValue<'_>) -> Result<Object, serde_json::Error> {
        serde_json::from_str(value.as_str())
    }

    /// Name and value of every member, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, JsonValue<'_>)> {
        self.members.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?.into())))
    }

    /// The value of a member.
    pub fn get(&self, name: &str) -> Option<JsonValue<'_>> {
        self.value(name).map(JsonValue::from)
    }

    fn value(&self, name: &str) -> Option<&RawValue> {
        self.members.get(*self.places.get(name)?)?.1.as_deref()
    }

    /// Sets the member `name` to its value in `other`; removes it if `other` lacks it. A new member is
    /// appended.
    pub fn take(&mut self, name: &str, other: &Object) {
        self.put(name.to_owned(), other.value(name).map(ToOwned::to_owned));
    }

    /// Sets the member `name` to the JSON text `value`. A new member is appended.
    pub fn set(&mut self, name: &str, value: String) -> Result<(), serde_json::Error> {
        self.put(name.to_owned(), Some(RawValue::from_string(value)?));
        Ok(())
    }

    fn put(&mut self, name: String, value: Option<Box<RawValue>>) {
        match self.places.get(&name).and_then(|&place| self.members.get_mut(place)) {
            Some(member) => member.1 = value,
            None if value.is_none() => {}
            None => {
                self.places.insert(name.clone(), self.members.len());
                self.members.push((name, value));
            }
        }
    }

    /// The object as text.
    pub fn to_text(&self) -> Result<JsonText, serde_json::Error> {
        let mut text = String::new();
        for (name, value) in self.iter() {
            text.push(if text.is_empty() { '{' } else { ',' });
            text.push_str(&serde_json::to_string(name)?);
            text.push(':');
            text.push_str(value.as_str());
        }
        text.push_str(if text.is_empty() { "{}" } else { "}" });
        JsonText::from_text(text)
    }
}

/// The object `text` with `value` as its member `name` and every other byte unchanged; a new member is
/// appended. `None` if `text` is not an object or `value` not JSON.
pub fn replace_member(text: &JsonText, name: &str, value: &str) -> Option<JsonText> {
    let whole = text.as_str();
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(whole).ok()?;
    let Some(old) = members.get(name) else {
        let comma = if members.is_empty() { "" } else { "," };
        let name = serde_json::to_string(name).ok()?;
        return JsonText::from_text(format!("{}{comma}{name}:{value}}}", whole.strip_suffix('}')?)).ok();
    };
    // `old` borrows from `whole`, so the difference of the pointers is its offset.
    let place = (old.get().as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let (before, after) = (whole.get(..place)?, whole.get(place + old.get().len()..)?);
    JsonText::from_text(format!("{before}{value}{after}")).ok()
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Object;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut object = Object::default();
        while let Some((name, value)) = map.next_entry()? {
            object.put(name, Some(value));
        }
        Ok(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> JsonText {
        JsonText::from_text(text.to_owned()).unwrap()
    }

    fn taken(old: &str, new: &str, names: &[&str]) -> String {
        let (mut old, new) = (Object::parse(&json(old)).unwrap(), Object::parse(&json(new)).unwrap());
        names.iter().for_each(|name| old.take(name, &new));
        old.to_text().unwrap().as_str().to_owned()
    }

    #[test]
    fn taking_a_member_keeps_the_text_of_the_others() {
        let old = r#"{"name":"A","price":1.10,"big":9007199254740993}"#;
        let new = r#"{"price":2.50,"name":"ignored"}"#;
        assert_eq!(taken(old, new, &["price"]), r#"{"name":"A","price":2.50,"big":9007199254740993}"#);
    }

    #[test]
    fn members_are_added_and_removed() {
        assert_eq!(taken(r#"{"a":1}"#, r#"{"b":2}"#, &["a", "b"]), r#"{"b":2}"#);
        assert_eq!(taken(r#"{"a":1}"#, "{}", &["a", "x"]), "{}");
        assert_eq!(taken("{}", r#"{"q\"":1}"#, &["q\""]), r#"{"q\"":1}"#);
        assert_eq!(taken(r#"{"a":1,"b":2,"a":3}"#, "{}", &[]), r#"{"a":3,"b":2}"#);
        let mut object = Object::parse(&json(r#"{"a":1,"b":2}"#)).unwrap();
        object.take("a", &Object::default());
        object.set("a", "9".into()).unwrap();
        assert_eq!(object.to_text().unwrap().as_str(), r#"{"a":9,"b":2}"#);
    }

    #[test]
    fn replacing_a_value_keeps_every_other_byte() {
        let row = json(r#"{ "status" : "open" ,"n": 1.0,  "x":{"status":"y"}}"#);
        let moved = replace_member(&row, "status", r#""paid""#).unwrap();
        assert_eq!(moved.as_str(), r#"{ "status" : "paid" ,"n": 1.0,  "x":{"status":"y"}}"#);
        let put = |text: &str| replace_member(&json(text), "a", "33").map(|text| text.as_str().to_owned());
        assert_eq!(put(r#"{"a":1,"a":2}"#).unwrap(), r#"{"a":1,"a":33}"#);
        assert_eq!(put(r#"{"b": 1 }"#).unwrap(), r#"{"b": 1 ,"a":33}"#);
        assert_eq!(put("{}").unwrap(), r#"{"a":33}"#);
        assert_eq!(put("[]"), None);
        assert_eq!(replace_member(&row, "n", "{"), None);
    }
}
