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
    environment: Environment,
    #[serde(default)]
    events: BTreeMap<String, Event>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Environment {
    variables: BTreeMap<String, Value>,
}

impl Function {
    /// The function's binary and the function.
    pub(super) fn read(
        id: &str,
        resource: &Resource,
        resources: &BTreeMap<String, Resource>,
    ) -> Result<(String, Function), TemplateError> {
        let metadata = Metadata::deserialize(&resource.metadata);
        let metadata = metadata.map_err(|error| TemplateError::resource(id, error))?;
        let properties: Properties = resource.properties(id)?;
        let Some(Reference::Attribute(role, _)) = Reference::read(&properties.role) else {
            return Err(TemplateError::resource(id, "its role must be written out in the template"));
        };
        let variables = properties.environment.variables;
        let function = Function {
            variables: variables
                .into_iter()
                .map(|(name, value)| (name, Variable::read(&value, resources)))
                .collect(),
            grants: role::read(&role, resources)?,
            source: properties.events.into_values().next().map(|event| event.source(id)).transpose()?,
        };
        Ok((metadata.build_properties.binary, function))
    }
}

impl Variable {
    fn read(value: &Value, resources: &BTreeMap<String, Resource>) -> Variable {
        match Reference::read(value) {
            // A parameter is referred to in the same way, but is no resource.
            Some(Reference::Ref(id)) if resources.contains_key(&id) => Variable::Table(id),
            _ => Variable::Setting,
        }
    }
}
