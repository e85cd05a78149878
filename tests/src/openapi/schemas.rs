//! The schemas of the types, gathered as operations ask for them.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::strict::each;

/// Where a schema is kept in the document.
pub(super) const PLACE: &str = "/components/schemas";

/// Adds a type to what is gathered, and returns how to refer to it.
pub(super) type Shape = fn(&mut Schemas) -> Value;

/// What was gathered so far. What a client sends may leave out more than what it gets: an answer always has every
/// member that is not said to be absent at times.
pub(super) struct Schemas {
    requests: SchemaGenerator,
    answers: SchemaGenerator,
}

impl Default for Schemas {
    fn default() -> Schemas {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = PLACE.into();
            settings.meta_schema = None;
        });
        Schemas {
            requests: settings.clone().for_deserialize().into_generator(),
            answers: settings.for_serialize().into_generator(),
        }
    }
}

/// The shape of a request's body.
pub(super) fn request<T: JsonSchema>(schemas: &mut Schemas) -> Value {
    schemas.requests.subschema_for::<T>().into()
}

/// The shape of an answer.
pub(super) fn answer<T: JsonSchema>(schemas: &mut Schemas) -> Value {
    schemas.answers.subschema_for::<T>().into()
}

/// Any object.
pub(super) fn object(_: &mut Schemas) -> Value {
    json!({ "type": "object" })
}

/// All that was gathered, by name.
pub(super) struct Gathered {
    /// What clients send, and what it consists of.
    pub(super) requests: Map<String, Value>,
    /// What clients get, and what it consists of.
    pub(super) answers: Map<String, Value>,
}

impl Schemas {
    /// Ends the gathering.
    pub(super) fn finish(mut self) -> Gathered {
        let mut gathered = Gathered {
            requests: self.requests.take_definitions(true),
            answers: self.answers.take_definitions(true),
        };
        gathered.requests.values_mut().chain(gathered.answers.values_mut()).for_each(tidy);
        gathered.answers.values_mut().for_each(absent_is_not_null);
        gathered
    }
}

/// Takes out what says nothing to a client: Rust's names of numbers, links of its documentation.
fn tidy(value: &mut Value) {
    if let Value::Object(schema) = value {
        schema.retain(|name, value| name != "format" || !value.as_str().is_some_and(is_of_rust));
        if let Some(Value::String(text)) = schema.get_mut("description") {
            *text = text.replace("[`", "`").replace("`]", "`").replace('\n', " ");
        }
    }
    each(value, tidy);
}

/// A member of an answer that may be absent is left out where there is nothing to say, never `null`.
fn absent_is_not_null(value: &mut Value) {
    let required = value.get("required").cloned().unwrap_or_default();
    let required =
        |name: &str| required.as_array().is_some_and(|names| names.iter().any(|known| known == name));
    if let Some(Value::Object(members)) = value.get_mut("properties") {
        for (_, member) in members.iter_mut().filter(|(name, _)| !required(name)) {
            if let Some(Value::Array(types)) = member.get_mut("type") {
                types.retain(|kind| kind != "null");
            }
        }
    }
    each(value, absent_is_not_null);
}

fn is_of_rust(format: &str) -> bool {
    format.starts_with("uint") || format.starts_with("int")
}
