//! The JSON Schemas of the wire types, collected as endpoints refer to them.

use protocol::endpoints::wire_type::WireType;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The place of the schemas in the document.
pub(super) const PLACE: &str = "/components/schemas";

/// The schemas so far, of requests and of responses. A response has every member that its schema does not
/// mark as optional; a request may omit those with a default.
pub(super) struct Schemas {
    requests: SchemaGenerator,
    responses: SchemaGenerator,
}

impl Default for Schemas {
    fn default() -> Schemas {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = PLACE.into();
            settings.meta_schema = None;
        });
        Schemas {
            requests: settings.clone().for_deserialize().into_generator(),
            responses: settings.for_serialize().into_generator(),
        }
    }
}

/// All schemas, by name.
pub(super) struct Collected {
    /// Schemas of requests and their parts.
    pub(super) requests: Map<String, Value>,
    /// Schemas of responses and their parts.
    pub(super) responses: Map<String, Value>,
}

impl Schemas {
    /// Adds a type that clients send; returns a reference to its schema.
    pub(super) fn request(&mut self, wire_type: WireType) -> Value {
        (wire_type.schema)(&mut self.requests).into()
    }

    /// Adds a type that clients receive; returns a reference to its schema.
    pub(super) fn response(&mut self, wire_type: WireType) -> Value {
        (wire_type.schema)(&mut self.responses).into()
    }

    /// Takes the schemas so far.
    pub(super) fn finish(&mut self) -> Collected {
        let mut collected = Collected {
            requests: self.requests.take_definitions(true),
            responses: self.responses.take_definitions(true),
        };
        collected.requests.values_mut().chain(collected.responses.values_mut()).for_each(tidy);
        collected.responses.values_mut().for_each(absent_is_not_null);
        collected
    }
}

/// Removes what only Rust knows: names of number types, and links of its documentation.
fn tidy(value: &mut Value) {
    if let Value::Object(schema) = value {
        schema.retain(|name, value| name != "format" || !value.as_str().is_some_and(is_of_rust));
        if let Some(Value::String(text)) = schema.get_mut("description") {
            *text = text.replace("[`", "`").replace("`]", "`").replace('\n', " ");
        }
    }
    each(value, tidy);
}

/// An optional member of a response is absent rather than `null`.
fn absent_is_not_null(value: &mut Value) {
    let required = value.get("required").cloned().unwrap_or_default();
    let required =
        |name: &str| required.as_array().is_some_and(|names| names.iter().any(|known| known == name));
    if let Some(Value::Object(members)) = value.get_mut("properties") {
        for (_, member) in members.iter_mut().filter(|(name, _)| !required(name)) {
            if let Some(Value::Array(types)) = member.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [kind] = &mut types[..] {
                    let kind = kind.take();
                    member["type"] = kind;
                }
            }
        }
    }
    each(value, absent_is_not_null);
}

fn is_of_rust(format: &str) -> bool {
    format.starts_with("uint") || format.starts_with("int")
}

/// The schemas for clients: an enumeration in a response may grow, one in a request may not.
pub(super) fn open(collected: Collected) -> Value {
    let Collected { requests: mut all, mut responses } = collected;
    responses.values_mut().for_each(loosen);
    all.extend(responses);
    all.values_mut().for_each(allow_members);
    all.values_mut().for_each(leave_out_defaults);
    Value::Object(all)
}

fn loosen(value: &mut Value) {
    if let Some(words) = words(value)
        && let Value::Object(schema) = value
    {
        schema.remove("oneOf");
        schema.remove("enum");
        schema.extend(extensible(&words));
        return;
    }
    each(value, loosen);
}

/// Any text, with the values that are known. Generators make a type of the known values from `anyOf`.
pub(super) fn extensible(words: &Value) -> Map<String, Value> {
    let known = json!({ "type": "string", "enum": words });
    [
        ("type".to_owned(), json!("string")),
        ("anyOf".to_owned(), json!([known, { "type": "string" }])),
        ("x-extensible-enum".to_owned(), words.clone()),
    ]
    .into_iter()
    .collect()
}

/// Says that an object without declared members has any. JSON Schema takes that for granted, but generators
/// make an empty type of such an object.
fn allow_members(value: &mut Value) {
    if let Value::Object(schema) = value
        && schema.get("type").is_some_and(is_object)
        && !["properties", "additionalProperties"].iter().any(|name| schema.contains_key(*name))
    {
        schema.insert("additionalProperties".into(), json!(true));
    }
    each(value, allow_members);
}

/// Leaves out the values of absent members: generators make required members of those with a default.
fn leave_out_defaults(value: &mut Value) {
    if let Value::Object(schema) = value {
        schema.remove("default");
    }
    each(value, leave_out_defaults);
}

/// Whether `kind`, the `type` of a schema, includes objects.
fn is_object(kind: &Value) -> bool {
    kind == "object" || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "object"))
}

/// The values of an enumeration, written as `enum` or as `oneOf` of constants.
fn words(value: &Value) -> Option<Value> {
    if let Some(words) = value.get("enum") {
        return Some(words.clone());
    }
    let variants = value.get("oneOf")?.as_array()?;
    variants.iter().map(|variant| variant.get("const").cloned()).collect::<Option<Vec<_>>>().map(Value::from)
}

/// The schemas without unknown members: those of requests, and those of responses.
pub(super) fn close(collected: Collected) -> (Value, Value) {
    let Collected { mut requests, mut responses } = collected;
    requests.values_mut().chain(responses.values_mut()).for_each(close_schema);
    (Value::Object(requests), Value::Object(responses))
}

fn close_schema(value: &mut Value) {
    if let Value::Object(schema) = value
        && schema.contains_key("properties")
    {
        schema.insert("unevaluatedProperties".into(), json!(false));
    }
    each(value, close_schema);
}

/// Applies `change` to every schema inside `value`.
fn each(value: &mut Value, change: fn(&mut Value)) {
    match value {
        Value::Object(members) => members.values_mut().for_each(change),
        Value::Array(values) => values.iter_mut().for_each(change),
        _ => {}
    }
}
