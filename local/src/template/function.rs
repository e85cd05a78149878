//! Functions: what they are told, what they may do, and what calls them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::event_source::{Event, EventSource};
use super::role::{self, Grants};
use super::{Reference, Resource, TemplateError};

/// A function of the template.
#[derive(Debug)]
pub struct Function {
    /// The names of its environment. It gets these and no others, so that one that the template forgot is
    /// missed here as it would be in AWS.
    pub variables: BTreeMap<String, Variable>,
    /// What its role allows at DynamoDB.
    pub grants: Grants,
    /// The stream that calls it, if one does.
    pub source: Option<EventSource>,
}

/// Where the value of a variable comes from.
#[derive(Debug, PartialEq, Eq)]
pub enum Variable {
    /// It is the name of this table.
    Table(String),
    /// It is a secret or a parameter: set by whoever deploys, here by the stack.
    Setting,
    /// It is a parameter that has this value unless somebody sets it.
    Default(String),
    /// It is this, whoever deploys.
    Literal(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    build_properties: BuildProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BuildProperties {
    binary: String,
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

/// What all functions have in common.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Globals {
    #[serde(default)]
    environment: Environment,
}

/// What the variables of a function may refer to.
pub(super) struct Variables<'a> {
    pub(super) globals: Globals,
    pub(super) resources: &'a BTreeMap<String, Resource>,
    /// The parameters that have a value if nobody sets them.
    pub(super) defaults: BTreeMap<String, String>,
}

impl Variables<'_> {
    /// The variables of all functions, and those of `own`, which win.
    fn of(&self, own: &Environment) -> BTreeMap<String, Variable> {
        let all = self.globals.environment.variables.iter().chain(&own.variables);
        all.map(|(name, value)| (name.clone(), self.read(value))).collect()
    }

    fn read(&self, value: &Value) -> Variable {
        match (Reference::read(value), value) {
            // A parameter is referred to in the same way, but is no resource.
            (Some(Reference::Ref(id)), _) if self.resources.contains_key(&id) => Variable::Table(id),
            (Some(Reference::Ref(id)), _) => {
                self.defaults.get(&id).map_or(Variable::Setting, |default| Variable::Default(default.clone()))
            }
            (None, Value::String(text)) => Variable::Literal(text.clone()),
            (None, Value::Number(number)) => Variable::Literal(number.to_string()),
            // Put together from others, such as the address of a secret.
            _ => Variable::Setting,
        }
    }
}

impl Function {
    /// The function's binary and the function.
    pub(super) fn read(
        id: &str,
        resource: &Resource,
        variables: &Variables<'_>,
    ) -> Result<(String, Function), TemplateError> {
        let metadata = Metadata::deserialize(&resource.metadata);
        let metadata = metadata.map_err(|error| TemplateError::resource(id, error))?;
        let properties: Properties = resource.properties(id)?;
        let Some(Reference::Attribute(role, _)) = Reference::read(&properties.role) else {
            return Err(TemplateError::resource(id, "its role must be written out in the template"));
        };
        let function = Function {
            variables: variables.of(&properties.environment),
            grants: role::read(&role, variables.resources)?,
            source: properties.events.into_values().next().map_or(Ok(None), |event| event.source(id))?,
        };
        Ok((metadata.build_properties.binary, function))
    }
}
