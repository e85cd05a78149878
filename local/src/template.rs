//! The real `template.yaml`, read for what it says about this machine's stand-ins: the tables, what each
//! function is told, what its role allows, and which stream events reach `change-stream`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

pub mod event_source;
pub mod function;
pub mod pattern;
pub mod role;
pub mod table;

use function::Function;
use table::Table;

/// What of the template matters here. Resources go by their logical ids.
#[derive(Debug)]
pub struct Template {
    /// The tables.
    pub tables: Vec<Table>,
    /// The functions, by the names of their binaries.
    pub functions: BTreeMap<String, Function>,
}

/// Why the template cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file cannot be read.
    #[error("failed to read {}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It is no YAML, or not of CloudFormation's shape.
    #[error("failed to read the template: {0}")]
    Yaml(String),
    /// A resource says something that has no counterpart here.
    #[error("failed to read {resource} of the template: {why}")]
    Resource {
        /// Its logical id.
        resource: String,
        /// What is not understood.
        why: String,
    },
}

impl TemplateError {
    fn resource(resource: &str, why: impl std::fmt::Display) -> TemplateError {
        TemplateError::Resource { resource: resource.to_owned(), why: why.to_string() }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    #[serde(default)]
    parameters: BTreeMap<String, Parameter>,
    #[serde(default)]
    globals: Globals,
    resources: BTreeMap<String, Resource>,
}

/// What resources of a type have in common.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Globals {
    #[serde(default)]
    function: function::Globals,
}

/// What whoever deploys the template may set.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    /// What it is if nobody sets it.
    default: Option<Scalar>,
}

/// A text or a number; a variable of the environment is always text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Number(i64),
}

impl Scalar {
    fn into_text(self) -> String {
        match self {
            Scalar::Text(text) => text,
            Scalar::Number(number) => number.to_string(),
        }
    }
}

/// A resource before its type is looked at.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    r#type: String,
    properties: Value,
    #[serde(default)]
    metadata: Value,
}

impl Template {
    /// Reads `template.yaml` in `root`.
    pub fn read(root: &Path) -> Result<Template, TemplateError> {
        let path = root.join("template.yaml");
        let text = std::fs::read_to_string(&path).map_err(|source| TemplateError::File { path, source })?;
        Template::parse(&text)
    }

    /// Reads the template's text.
    pub fn parse(text: &str) -> Result<Template, TemplateError> {
        let Document { parameters, globals, resources } =
            serde_saphyr::from_str(text).map_err(|error| TemplateError::Yaml(error.to_string()))?;
        let default = |(id, parameter): (String, Parameter)| Some((id, parameter.default?.into_text()));
        let defaults = parameters.into_iter().filter_map(default).collect();
        let variables = function::Variables { globals: globals.function, resources: &resources, defaults };
        let mut template = Template { tables: Vec::new(), functions: BTreeMap::new() };
        for (id, resource) in &resources {
            match resource.r#type.as_str() {
                "AWS::DynamoDB::Table" => template.tables.push(Table::read(id, resource)?),
                "AWS::Serverless::Function" => {
                    let (binary, function) = Function::read(id, resource, &variables)?;
                    template.functions.insert(binary, function);
                }
                // Roles are read with the functions that take them; the rest has no counterpart here.
                _ => {}
            }
        }
        Ok(template)
    }
}

impl Resource {
    /// The properties as `T`, whose fields are those that matter.
    fn properties<'a, T: Deserialize<'a>>(&'a self, id: &str) -> Result<T, TemplateError> {
        T::deserialize(&self.properties).map_err(|error| TemplateError::resource(id, error))
    }
}

/// A value that names another resource: `Ref`, or `Fn::GetAtt` for one of its attributes.
#[derive(Debug, Deserialize, PartialEq, Eq)]
pub(crate) enum Reference {
    /// The resource itself.
    Ref(String),
    /// One of its attributes.
    #[serde(rename = "Fn::GetAtt")]
    Attribute(String, String),
}

impl Reference {
    /// What `value` refers to, if it is a reference.
    fn read(value: &Value) -> Option<Reference> {
        Reference::deserialize(value).ok()
    }
}

#[cfg(test)]
mod tests;
