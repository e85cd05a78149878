//! Functions: their environment, their permissions and their event source.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::event_source::{Event, EventSource};
use super::role::{self, Grants};
use super::{Reference, Resource, TemplateError};

/// A function of the template.
#[derive(Debug)]
pub struct Function {
    /// Its environment. It gets no other names, so that a name that the template lacks is missing here as in
    /// AWS.
    pub variables: BTreeMap<String, Variable>,
    /// What its role allows in DynamoDB.
    pub grants: Grants,
    /// The stream that calls it, if any.
    pub source: Option<EventSource>,
}

/// The source of a variable's value.
#[derive(Debug, PartialEq, Eq)]
pub enum Variable {
    /// The name of this table.
    Table(String),
    /// A secret or a parameter that the deployment sets; here, the stack.
    Setting,
    /// A parameter with this default.
    Default(String),
    /// This text in every deployment.
    Literal(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    role: Value,
    #[serde(default)]
    environment: Environment,
    #[serde(default)]
    events: BTreeMap<String, Event>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Environment {
    variables: BTreeMap<String, Value>,
}

/// The settings of all functions.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Globals {
    #[serde(default)]
    environment: Environment,
}

/// What resolves the variables of a function.
pub(super) struct Variables<'a> {
    pub(super) globals: Globals,
    pub(super) resources: &'a BTreeMap<String, Resource>,
    /// The defaults of the parameters.
    pub(super) defaults: BTreeMap<String, String>,
}

impl Variables<'_> {
    /// The global variables and those of `own`, which take precedence.
    fn of(&self, own: &Environment) -> BTreeMap<String, Variable> {
        let all = self.globals.environment.variables.iter().chain(&own.variables);
        all.map(|(name, value)| (name.clone(), self.read(value))).collect()
    }

    fn read(&self, value: &Value) -> Variable {
        match (Reference::read(value), value) {
            // A parameter is referenced in the same way, but is not a resource.
            (Some(Reference::Ref(id)), _) if self.resources.contains_key(&id) => Variable::Table(id),
            (Some(Reference::Ref(id)), _) => {
                self.defaults.get(&id).map_or(Variable::Setting, |default| Variable::Default(default.clone()))
            }
            (None, Value::String(text)) => Variable::Literal(text.clone()),
            (None, Value::Number(number)) => Variable::Literal(number.to_string()),
            // Composed from other values, such as the address of a secret.
            _ => Variable::Setting,
        }
    }
}

impl Function {
    /// Reads a function and the name of its binary.
    pub(super) fn read(
        id: &str,
        resource: &Resource,
        variables: &Variables<'_>,
    ) -> Result<(String, Function), TemplateError> {
        let binary = resource.metadata.pointer("/BuildProperties/Binary").and_then(Value::as_str);
        let binary = binary.ok_or_else(|| TemplateError::resource(id, "it has no BuildProperties/Binary"))?;
        let properties: Properties = resource.properties(id)?;
        let Some(Reference::Attribute(role, _)) = Reference::read(&properties.role) else {
            return Err(TemplateError::resource(id, "its role must be written out in the template"));
        };
        let function = Function {
            variables: variables.of(&properties.environment),
            grants: role::read(&role, variables.resources)?,
            source: properties.events.into_values().next().and_then(Event::source),
        };
        Ok((binary.to_owned(), function))
    }
}
