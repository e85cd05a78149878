//! Failing parts: the client gets a clear error, and a retry with the same batch id is applied exactly once.

use local::dynamo::faults::Fault;
use local::function_host::faults::HostFault;
use protocol::stamp::Stamp;
use serde_json::{Value, json};
use tests::api::Reply;

use crate::replies::assert_error;
use crate::shop::{Shop, product, with};
use crate::till::Till;

trials! {
    shared:
    a_push_succeeds_after_a_function_was_down = |shop| check_host_fault(shop, HostFault::Down),
    a_push_is_applied_once_after_a_lost_function_response =
        |shop| check_host_fault(shop, HostFault::LostResponse),
    a_push_succeeds_after_lambda_answered_502 = |shop| check_host_fault(shop, HostFault::Status(502)),
    a_push_succeeds_after_dynamodb_was_down = |shop| check_dynamo_fault(shop, Fault::Refused, "unavailable"),
    a_push_is_applied_once_after_a_lost_dynamodb_response =
        |shop| check_dynamo_fault(shop, Fault::LostResponse, "unavailable"),
    a_push_succeeds_after_dynamodb_throttled =
        |shop| check_dynamo_fault(shop, Fault::Throttled, "unavailable"),
    transaction_conflicts_are_retried,
    endless_transaction_conflicts_answer_busy =
        |shop| check_dynamo_fault(shop, Fault::TransactionConflict, "busy"),
    a_pull_answers_503_without_dynamodb,
}

fn assert_retry_later(reply: &Reply, code: &str) {
    assert_error(reply, 503, code);
    assert!(reply.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
}

/// A batch of two new records.
fn sale(till: &Till) -> Value {
    let record = |id: &str| with(product(id, &json!({"n": 1})), "base_version", 0);
    till.batch(Some("b1"), &[record("p1"), record("p2")])
}

/// Pushes the batch, which must then have been applied exactly once.
async fn assert_applied_once(till: &Till, batch: &Value) {
    let response = till.push_batch(batch).await;
    assert_eq!((response.synced_count, response.applied[0].version), (2, 1));
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await.len(), 2);
}

async fn check_host_fault(shop: &'static Shop, fault: HostFault) {
    let till = shop.till("till-1").await;
    shop.world.host_faults.inject(&shop.client, fault, 1);
    let batch = sale(&till);
    assert_retry_later(&till.push_raw(&batch).await, "unavailable");
    assert_applied_once(&till, &batch).await;
}

async fn check_dynamo_fault(shop: &'static Shop, fault: Fault, code: &str) {
    let till = shop.till("till-1").await;
    let batch = sale(&till);
    let reply = shop.with_dynamo_fault("TransactWriteItems", fault, till.push_raw(&batch)).await;
    assert_retry_later(&reply, code);
    assert_applied_once(&till, &batch).await;
}

async fn transaction_conflicts_are_retried(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    shop.inject_dynamo_fault("TransactWriteItems", Fault::TransactionConflict, 3);
    assert_applied_once(&till, &sale(&till)).await;
}

async fn a_pull_answers_503_without_dynamodb(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    till.push_raw(&sale(&till)).await;
    let reply = shop.with_dynamo_fault("GetItem", Fault::Refused, till.pull_raw("")).await;
    assert_retry_later(&reply, "unavailable");
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await.len(), 2);
}
