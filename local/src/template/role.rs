//! What a role allows in DynamoDB.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::{Reference, Resource, TemplateError};

/// Pairs of an IAM action without its service (`PutItem`) and a table's name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants(BTreeSet<(String, String)>);

impl Grants {
    /// Whether `action` is allowed on `table`.
    pub fn allow(&self, action: &str, table: &str) -> bool {
        self.0.iter().any(|(granted, on)| granted == action && on == table)
    }

    /// All grants, for messages and tests.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(action, table)| (action.as_str(), table.as_str()))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    policies: Vec<Policy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    policy_document: PolicyDocument,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyDocument {
    statement: Vec<Statement>,
}

/// Unknown fields are errors: ignoring a condition or an exception would grant more than AWS does.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    effect: Effect,
    action: OneOrMany,
    resource: Value,
}

/// Only "Allow" is supported.
#[derive(Deserialize)]
enum Effect {
    Allow,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// The grants of the role with the logical id `id`.
pub(super) fn read(id: &str, resources: &BTreeMap<String, Resource>) -> Result<Grants, TemplateError> {
    let role = resources.get(id).ok_or_else(|| TemplateError::resource(id, "there is no such role"))?;
    let mut grants = Grants::default();
    for policy in role.properties::<Properties>(id)?.policies {
        for Statement { effect: Effect::Allow, action, resource } in policy.policy_document.statement {
            let actions = match action {
                OneOrMany::One(action) => vec![action],
                OneOrMany::Many(actions) => actions,
            };
            // Here the poller accesses streams and queues, not the function.
            let Some(table) = table(&resource, resources) else { continue };
            let ours = actions.iter().filter_map(|action| action.strip_prefix("dynamodb:"));
            grants.0.extend(ours.map(|action| (action.to_owned(), table.clone())));
        }
    }
    Ok(grants)
}

fn table(resource: &Value, resources: &BTreeMap<String, Resource>) -> Option<String> {
    match Reference::read(resource)? {
        Reference::Attribute(id, attribute) if attribute == "Arn" => {
            let is_table = resources.get(&id).is_some_and(|found| found.r#type == "AWS::DynamoDB::Table");
            is_table.then_some(id)
        }
        _ => None,
    }
}
