//! Reads the real `template.yaml`: the tables, and each function's environment, role and stream.

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

/// The checkout with `template.yaml`, `wrangler.toml` and `node_modules`: `TILLSYNC_ROOT`, or the one that
/// this program was built from.
pub fn project_root() -> PathBuf {
    let root = match std::env::var_os("TILLSYNC_ROOT") {
        Some(root) => PathBuf::from(root),
        None => PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")),
    };
    // Only to shorten messages: reading from a missing directory reports the error.
    root.canonicalize().unwrap_or(root)
}

/// The tables and functions of the template. Resources are named by their logical ids.
#[derive(Debug)]
pub struct Template {
    /// The tables.
    pub tables: Vec<Table>,
    /// The functions by the name of their binary.
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
    /// It is not YAML in CloudFormation's shape.
    #[error("failed to read the template: {0}")]
    Yaml(String),
    /// A resource uses something that is not supported here.
    #[error("failed to read {resource} of the template: {why}")]
    Resource {
        /// Its logical id.
        resource: String,
        /// What is not supported.
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

/// The settings that all resources of a type share.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Globals {
    #[serde(default)]
    function: function::Globals,
}

/// A value that a deployment may set.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    /// Its value if the deployment does not set it.
    default: Option<Scalar>,
}

/// A text or a number. Environment variables are always text.
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

/// A resource of any type.
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
                // Roles are read with their functions; the rest has no counterpart here.
                _ => {}
            }
        }
        Ok(template)
    }
}

impl Resource {
    /// The properties as `T`, which has only the fields that are used.
    fn properties<'a, T: Deserialize<'a>>(&'a self, id: &str) -> Result<T, TemplateError> {
        T::deserialize(&self.properties).map_err(|error| TemplateError::resource(id, error))
    }
}

/// A reference to another resource: `Ref`, or `Fn::GetAtt` for an attribute.
#[derive(Debug, Deserialize, PartialEq, Eq)]
pub(crate) enum Reference {
    /// The resource itself.
    Ref(String),
    /// One of its attributes.
    #[serde(rename = "Fn::GetAtt")]
    Attribute(String, String),
}

impl Reference {
    fn read(value: &Value) -> Option<Reference> {
        Reference::deserialize(value).ok()
    }
}

#[cfg(test)]
mod tests;
