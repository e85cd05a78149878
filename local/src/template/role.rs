//! What a role allows in DynamoDB.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Reference, Resource, TemplateError};

/// What a role may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants(BTreeSet<Grant>);

/// An IAM action on a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Grant {
    /// The action without its service (`PutItem`).
    action: String,
    /// The table's name.
    table: String,
    /// The beginning of the partition keys that it is limited to, if it is limited.
    prefix: Option<String>,
}

impl Grants {
    /// Whether `action` is allowed on the partition `pk` of `table`. A request may name no single partition.
    pub fn allow(&self, action: &str, table: &str, pk: Option<&str>) -> bool {
        let covers = |prefix: &Option<String>| match (prefix, pk) {
            (None, _) => true,
            (Some(prefix), Some(pk)) => pk.starts_with(prefix),
            (Some(_), None) => false,
        };
        self.0.iter().any(|grant| grant.action == action && grant.table == table && covers(&grant.prefix))
    }

    /// All actions and tables, for messages and tests.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|grant| (grant.action.as_str(), grant.table.as_str()))
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
    condition: Option<Condition>,
}

/// Only a limit on the partition keys is supported, to those with one beginning.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Condition {
    #[serde(rename = "ForAllValues:StringLike")]
    all_like: LeadingKeys,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LeadingKeys {
    #[serde(rename = "dynamodb:LeadingKeys", deserialize_with = "prefix")]
    prefix: String,
}

/// A pattern that ends with its only `*`.
fn prefix<'a, D: Deserializer<'a>>(pattern: D) -> Result<String, D::Error> {
    let pattern = String::deserialize(pattern)?;
    let prefix = pattern.strip_suffix('*').filter(|prefix| !prefix.contains(['*', '?']));
    prefix.map(str::to_owned).ok_or_else(|| D::Error::custom("the pattern must be a prefix and `*`"))
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
        for statement in policy.policy_document.statement {
            let Statement { effect: Effect::Allow, action, resource, condition } = statement;
            let actions = match action {
                OneOrMany::One(action) => vec![action],
                OneOrMany::Many(actions) => actions,
            };
            // Here the poller accesses streams and queues, not the function.
            let Some(table) = table(&resource, resources) else { continue };
            let ours = actions.iter().filter_map(|action| action.strip_prefix("dynamodb:"));
            let prefix = condition.map(|condition| condition.all_like.prefix);
            grants.0.extend(ours.map(|action| Grant {
                action: action.to_owned(),
                table: table.clone(),
                prefix: prefix.clone(),
            }));
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
