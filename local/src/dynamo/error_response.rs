//! DynamoDB's error responses in the words of AWS, and failed connections.

use std::io::ErrorKind;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use super::faults::Fault;

/// The result of one attempt of the SDK.
pub(super) type HttpResult = Result<HttpResponse, ConnectorError>;

/// What the SDK sees of `fault`; `transaction_len` is the number of actions if the request is a transaction.
pub(super) fn of_fault(fault: Fault, transaction_len: Option<usize>) -> HttpResult {
    match fault {
        Fault::Refused => Err(connection_error(ErrorKind::ConnectionRefused)),
        Fault::LostResponse => Err(connection_error(ErrorKind::ConnectionReset)),
        Fault::Throttled => bad_request(&json!({
            "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
            "message": "The level of configured provisioned throughput for the table was exceeded. \
                        Consider increasing your provisioning level with the UpdateTable API.",
        })),
        Fault::TransactionConflict => conflict(transaction_len),
    }
}

/// The caller's role does not allow the action.
pub(super) fn access_denied(message: &str) -> HttpResult {
    bad_request(&json!({
        "__type": "com.amazon.coral.service#AccessDeniedException",
        "Message": message,
    }))
}

/// Another transaction holds the first item of a transaction of `len` actions, or of a single write.
fn conflict(transaction_len: Option<usize>) -> HttpResult {
    let Some(len) = transaction_len else {
        return bad_request(&json!({
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
    bad_request(&json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": format!(
            "Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
        ),
        "CancellationReasons": reasons,
    }))
}

fn bad_request(body: &Value) -> HttpResult {
    response(400, body.to_string())
}

pub(super) fn response(status: u16, body: String) -> HttpResult {
    let status = StatusCode::try_from(status).map_err(|error| ConnectorError::user(error.into()))?;
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    Ok(response)
}

pub(super) fn connection_error(kind: ErrorKind) -> ConnectorError {
    ConnectorError::io(std::io::Error::from(kind).into())
}
