//! One call to DynamoDB, as it looks on the wire.

use std::collections::BTreeMap;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// What a request asks for.
pub(super) struct Call<'a> {
    /// The operation, such as `TransactWriteItems`.
    pub(super) action: &'a str,
    /// Its JSON.
    pub(super) body: &'a str,
}

/// An action in the sense of IAM, and the table it is about.
pub(super) type Permission = (&'static str, String);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    table_name: String,
}

/// The part of a body that names tables; data is skipped, not built.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    table_name: Option<String>,
    request_items: Option<BTreeMap<String, IgnoredAny>>,
    transact_items: Option<Vec<BTreeMap<String, Named>>>,
}

/// What is known here. A new operation must be added before a function can use it, on purpose.
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

    /// What the caller's role must allow; `None` where that is not known.
    pub(super) fn permissions(&self) -> Option<Vec<Permission>> {
        let body: Body = serde_json::from_str(self.body).ok()?;
        if let Some(items) = body.transact_items {
            // A transaction has no permission of its own: IAM asks for each action in it.
            let parts = items.into_iter().flatten();
            return parts.map(|(part, named)| Some((permission_of(&part)?, named.table_name))).collect();
        }
        let action = ACTIONS.iter().find(|action| **action == self.action)?;
        let tables = body.request_items.into_iter().flat_map(BTreeMap::into_keys).chain(body.table_name);
        Some(tables.map(|table| (*action, table)).collect())
    }

    /// How many actions a transaction has.
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

    #[test]
    fn iam_asks_for_each_action_of_a_transaction() {
        let body = r#"{"TransactItems":[
            {"Put":{"TableName":"T","Item":{"pk":{"S":"a"}}}},
            {"ConditionCheck":{"TableName":"U","Key":{"pk":{"S":"b"}}}}]}"#;
        let expected = vec![("PutItem", "T".to_owned()), ("ConditionCheckItem", "U".to_owned())];
        assert_eq!(permissions("TransactWriteItems", body), Some(expected));
        assert_eq!(Call { action: "TransactWriteItems", body }.transaction_len(), Some(2));
        assert_eq!(
            permissions("TransactWriteItems", r#"{"TransactItems":[{"Odd":{"TableName":"T"}}]}"#),
            None
        );
    }

    #[test]
    fn other_calls_ask_for_themselves_on_every_table_they_name() {
        let expected = vec![("Query", "T".to_owned())];
        assert_eq!(permissions("Query", r#"{"TableName":"T","Limit":1}"#), Some(expected));
        let expected = vec![("BatchGetItem", "T".to_owned()), ("BatchGetItem", "U".to_owned())];
        assert_eq!(
            permissions("BatchGetItem", r#"{"RequestItems":{"T":{"Keys":[]},"U":{}}}"#),
            Some(expected)
        );
        assert_eq!(permissions("ExecuteStatement", r#"{"Statement":"SELECT * FROM T"}"#), None);
    }
}
