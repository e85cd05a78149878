//! Reads a request to DynamoDB: its operation, the tables and the IAM actions it needs.

use std::collections::BTreeMap;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use serde::Deserialize;
use serde::de::IgnoredAny;

pub(super) struct Call<'a> {
    /// The operation, such as `TransactWriteItems`.
    pub(super) action: &'a str,
    /// Its JSON.
    pub(super) body: &'a str,
}

/// What a request needs: an IAM action without its service, the table, and the partition, if it names one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Permission {
    pub(super) action: &'static str,
    pub(super) table: String,
    pub(super) pk: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    table_name: String,
    #[serde(default, alias = "Item")]
    key: Option<Key>,
}

/// The partition of an item.
#[derive(Deserialize)]
struct Key {
    pk: KeyValue,
}

#[derive(Deserialize)]
struct KeyValue {
    #[serde(rename = "S")]
    text: String,
}

impl Key {
    fn pk(self) -> String {
        self.pk.text
    }
}

/// The part of a body that names tables. Items are skipped, not built.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    table_name: Option<String>,
    #[serde(default, alias = "Item")]
    key: Option<Key>,
    request_items: Option<BTreeMap<String, IgnoredAny>>,
    transact_items: Option<Vec<BTreeMap<String, Named>>>,
    key_condition_expression: Option<String>,
    expression_attribute_values: Option<QueryValues>,
}

/// The partition of a Query; its other values do not matter here.
#[derive(Deserialize)]
struct QueryValues {
    #[serde(rename = ":pk")]
    pk: Option<KeyValue>,
}

impl Body {
    /// The partition of a Query whose condition begins with it.
    fn queried(&self) -> Option<String> {
        self.key_condition_expression.as_deref().filter(|condition| condition.starts_with("pk = :pk"))?;
        Some(self.expression_attribute_values.as_ref()?.pk.as_ref()?.text.clone())
    }
}

/// The known operations. A function can use a new one only after it is added here.
const ACTIONS: [&str; 9] = [
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "Scan",
    "UpdateItem",
    "DescribeTable",
];

impl<'a> Call<'a> {
    pub(super) fn read(request: &'a HttpRequest) -> Option<Call<'a>> {
        let (_, action) = request.headers().get("x-amz-target")?.split_once('.')?;
        let body = request.body().bytes().and_then(|bytes| std::str::from_utf8(bytes).ok())?;
        Some(Call { action, body })
    }

    /// What the caller's role must allow; `None` for an unknown operation.
    pub(super) fn permissions(&self) -> Option<Vec<Permission>> {
        let body: Body = serde_json::from_str(self.body).ok()?;
        if let Some(items) = body.transact_items {
            // IAM has no permission for a transaction: it checks each action in it.
            let parts = items.into_iter().flatten();
            let permission = |(part, named): (String, Named)| {
                let (table, pk) = (named.table_name, named.key.map(Key::pk));
                Some(Permission { action: permission_of(&part)?, table, pk })
            };
            return parts.map(permission).collect();
        }
        let action = ACTIONS.iter().find(|action| **action == self.action)?;
        let queried = body.queried();
        let tables = body.request_items.into_iter().flat_map(BTreeMap::into_keys).chain(body.table_name);
        let pk = body.key.map(Key::pk).or(queried);
        Some(tables.map(|table| Permission { action, table, pk: pk.clone() }).collect())
    }

    /// The number of actions, if this is a transaction.
    pub(super) fn transaction_len(&self) -> Option<usize> {
        serde_json::from_str::<Body>(self.body).ok()?.transact_items.map(|items| items.len())
    }
}

fn permission_of(part: &str) -> Option<&'static str> {
    match part {
        "ConditionCheck" => Some("ConditionCheckItem"),
        "Delete" => Some("DeleteItem"),
        "Get" => Some("GetItem"),
        "Put" => Some("PutItem"),
        "Update" => Some("UpdateItem"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permissions(action: &str, body: &str) -> Option<Vec<Permission>> {
        Call { action, body }.permissions()
    }

    fn permission(action: &'static str, table: &str, pk: Option<&str>) -> Permission {
        Permission { action, table: table.to_owned(), pk: pk.map(str::to_owned) }
    }

    #[test]
    fn a_transaction_needs_permission_for_each_of_its_actions() {
        let body = r#"{"TransactItems":[
            {"Put":{"TableName":"T","Item":{"pk":{"S":"a"}}}},
            {"ConditionCheck":{"TableName":"U","Key":{"pk":{"S":"b"}}}}]}"#;
        let expected =
            vec![permission("PutItem", "T", Some("a")), permission("ConditionCheckItem", "U", Some("b"))];
        assert_eq!(permissions("TransactWriteItems", body), Some(expected));
        assert_eq!(Call { action: "TransactWriteItems", body }.transaction_len(), Some(2));
        assert_eq!(
            permissions("TransactWriteItems", r#"{"TransactItems":[{"Odd":{"TableName":"T"}}]}"#),
            None
        );
    }

    #[test]
    fn other_calls_need_permission_on_every_table_they_name() {
        let expected = vec![permission("Query", "T", None)];
        assert_eq!(permissions("Query", r#"{"TableName":"T","Limit":1}"#), Some(expected));
        let body = r#"{"TableName":"T","KeyConditionExpression":"pk = :pk AND sk > :n",
            "ExpressionAttributeValues":{":pk":{"S":"a"},":n":{"N":"1"}}}"#;
        assert_eq!(permissions("Query", body), Some(vec![permission("Query", "T", Some("a"))]));
        let body = r#"{"TableName":"T","Key":{"pk":{"S":"a"},"sk":{"S":"b"}}}"#;
        assert_eq!(permissions("UpdateItem", body), Some(vec![permission("UpdateItem", "T", Some("a"))]));
        let expected = vec![permission("BatchGetItem", "T", None), permission("BatchGetItem", "U", None)];
        assert_eq!(
            permissions("BatchGetItem", r#"{"RequestItems":{"T":{"Keys":[]},"U":{}}}"#),
            Some(expected)
        );
        assert_eq!(permissions("ExecuteStatement", r#"{"Statement":"SELECT * FROM T"}"#), None);
    }
}
