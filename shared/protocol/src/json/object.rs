//! A JSON object taken apart into its members, and put together again; every value keeps its text.

use std::collections::HashMap;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::JsonText;

/// The members of a JSON object in the order they stand, each value as its own text. Of two members with one name
/// the last counts, as in every JSON parser.
#[derive(Clone, Debug, Default)]
pub struct Object {
    /// A member that went leaves its place empty, so that the others keep theirs.
    members: Vec<(String, Option<Box<RawValue>>)>,
    places: HashMap<String, usize>,
}

/// The order of members says nothing, as everywhere in JSON.
impl PartialEq for Object {
    fn eq(&self, other: &Object) -> bool {
        self.iter().count() == other.iter().count()
            && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

impl Object {
    /// Takes an object apart.
    pub fn parse(text: &JsonText) -> Result<Object, serde_json::Error> {
        let Members(members) = serde_json::from_str(text.as_str())?;
        let mut object = Object::default();
        for (name, value) in members {
            object.put(name, Some(value));
        }
        Ok(object)
    }

    /// Name and text of every member, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.members.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_ref()?.get())))
    }

    /// The text of a member.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.value(name).map(RawValue::get)
    }

    fn value(&self, name: &str) -> Option<&RawValue> {
        self.members.get(*self.places.get(name)?)?.1.as_deref()
    }

    /// Gives the member `name` the value that `other` has for it, in its place or as the last; if `other` has none, the
    /// member goes.
    pub fn take(&mut self, name: &str, other: &Object) {
        self.put(name.to_owned(), other.value(name).map(ToOwned::to_owned));
    }

    /// Gives the member `name` the JSON text `value`, in its place or as the last.
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
            text.push_str(value);
        }
        text.push_str(if text.is_empty() { "{}" } else { "}" });
        JsonText::from_text(text)
    }
}

/// `text`, an object, with `value` as its member `name`, and every other byte as it was: in its place, or as the last.
/// `None` if `text` is no object or `value` no JSON.
pub fn put_in_place(text: &JsonText, name: &str, value: &str) -> Option<JsonText> {
    let whole = text.as_str();
    let Members(members) = serde_json::from_str::<Members<&RawValue>>(whole).ok()?;
    let Some((_, old)) = members.iter().rev().find(|(known, _)| known == name) else {
        let comma = if members.is_empty() { "" } else { "," };
        let name = serde_json::to_string(name).ok()?;
        return JsonText::from_text(format!("{}{comma}{name}:{value}}}", whole.strip_suffix('}')?)).ok();
    };
    // The value is a part of the text, so the distance of the two is its place in it.
    let place = (old.get().as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let (before, after) = (whole.get(..place)?, whole.get(place + old.get().len()..)?);
    JsonText::from_text(format!("{before}{value}{after}")).ok()
}

/// Name and value of every member, doubled ones included.
struct Members<V>(Vec<(String, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Members<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs(PhantomData))
    }
}

struct Pairs<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for Pairs<V> {
    type Value = Members<V>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<V>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
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
    fn only_what_is_taken_changes_and_numbers_keep_their_text() {
        let old = r#"{"name":"A","price":1.10,"big":9007199254740993}"#;
        let new = r#"{"price":2.50,"name":"ignored"}"#;
        assert_eq!(taken(old, new, &["price"]), r#"{"name":"A","price":2.50,"big":9007199254740993}"#);
    }

    #[test]
    fn a_member_may_come_and_go_and_come_again() {
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
    fn a_value_is_replaced_and_every_other_byte_stays() {
        let row = json(r#"{ "status" : "open" ,"n": 1.0,  "x":{"status":"y"}}"#);
        let moved = put_in_place(&row, "status", r#""paid""#).unwrap();
        assert_eq!(moved.as_str(), r#"{ "status" : "paid" ,"n": 1.0,  "x":{"status":"y"}}"#);
        let put = |text: &str| put_in_place(&json(text), "a", "33").map(|text| text.as_str().to_owned());
        assert_eq!(put(r#"{"a":1,"a":2}"#).unwrap(), r#"{"a":1,"a":33}"#);
        assert_eq!(put(r#"{"b": 1 }"#).unwrap(), r#"{"b": 1 ,"a":33}"#);
        assert_eq!(put("{}").unwrap(), r#"{"a":33}"#);
        assert_eq!(put("[]"), None);
        assert_eq!(put_in_place(&row, "n", "{"), None);
    }
}
