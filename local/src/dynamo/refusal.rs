//! What DynamoDB answers when it refuses, in the words of AWS.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

pub(super) const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// Another transaction holds the first item of a transaction of `len` actions, or of a single write.
pub(super) fn conflict(transaction_len: Option<usize>) -> Result<HttpResponse, ConnectorError> {
    let Some(len) = transaction_len else {
        return answer(&json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException",
            "message": "Transaction is ongoing for the item",
        }));
    };
    let codes = || std::iter::once("TransactionConflict").chain(std::iter::repeat("None")).take(len);
    let reasons: Vec<Value> = codes()
        .map(|code| match code {
            "None" => json!({ "Code": code }),
            _ => json!({ "Code": code, "Message": "Transaction is ongoing for the item" }),
        })
        .collect();
    let codes = codes().collect::<Vec<_>>().join(", ");
    answer(&json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": format!(
            "Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
        ),
        "CancellationReasons": reasons,
    }))
}

/// The partition has had enough.
pub(super) fn throttled() -> Result<HttpResponse, ConnectorError> {
    answer(&json!({
        "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        "message": "The level of configured provisioned throughput for the table was exceeded. \
                    Consider increasing your provisioning level with the UpdateTable API.",
    }))
}

/// The caller's role does not allow it.
pub(super) fn denied(sentence: &str) -> Result<HttpResponse, ConnectorError> {
    answer(&json!({
        "__type": "com.amazon.coral.service#AccessDeniedException",
        "Message": sentence,
    }))
}

fn answer(body: &Value) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(400).map_err(|error| ConnectorError::user(error.into()))?;
    let mut response = HttpResponse::new(status, SdkBody::from(body.to_string()));
    response.headers_mut().insert("content-type", CONTENT_TYPE);
    Ok(response)
}
