//! Broken parts: a clear answer, and the retry with the same batch id ends in exactly one application.

use libtest_mimic::Trial;
use local::dynamo::faults::Fault;
use local::function_host::faults::HostFault;
use protocol::stamp::Stamp;
use protocol::wire::push::PushResponse;
use serde_json::json;
use tests::api::Reply;

use crate::shop::{Shop, Till, product, with};

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        a_function_that_is_down,
        a_connection_dropped_after_the_commit,
        a_platform_that_answers_502,
        dynamodb_that_is_down,
        an_answer_of_dynamodb_lost_after_the_commit,
        dynamodb_that_throttles,
        lost_races_are_run_again,
        lost_races_without_end_say_when_to_come_back,
        a_pull_without_dynamodb,
    ]
}

async fn a_function_that_is_down(shop: &'static Shop) {
    host(shop, HostFault::Down).await;
}

async fn a_connection_dropped_after_the_commit(shop: &'static Shop) {
    host(shop, HostFault::LostResponse).await;
}

async fn a_platform_that_answers_502(shop: &'static Shop) {
    host(shop, HostFault::Status(502)).await;
}

async fn dynamodb_that_is_down(shop: &'static Shop) {
    dynamo(shop, Fault::Refused).await;
}

async fn an_answer_of_dynamodb_lost_after_the_commit(shop: &'static Shop) {
    dynamo(shop, Fault::LostResponse).await;
}

async fn dynamodb_that_throttles(shop: &'static Shop) {
    dynamo(shop, Fault::Throttled).await;
}

/// More often than any retry of ours or the SDK's.
const FOR_EVER: u32 = 1000;

fn assert_come_back(reply: &Reply, code: &str) {
    assert_eq!((reply.status.as_u16(), reply.code().as_deref()), (503, Some(code)), "{}", reply.body);
    assert!(reply.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
}

/// The same batch again, until it is taken: it must have been applied exactly once.
async fn assert_applied_once(till: &Till, batch: &serde_json::Value) {
    let answer: PushResponse = till.push_raw(batch).await.ok().unwrap();
    assert_eq!((answer.synced_count, answer.applied[0].version), (2, 1));
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await.len(), 2);
}

fn sale(till: &Till) -> serde_json::Value {
    let record = |id: &str| with(product(id, &json!({"n": 1})), "base_version", 0);
    till.batch(Some("b1"), &[record("p1"), record("p2")])
}

async fn host(shop: &'static Shop, fault: HostFault) {
    let till = shop.till("till-1").await;
    shop.world.host_faults.inject(&shop.client, fault, 1);
    let batch = sale(&till);
    assert_come_back(&till.push_raw(&batch).await, "unavailable");
    assert_applied_once(&till, &batch).await;
}

async fn dynamo(shop: &'static Shop, fault: Fault) {
    let till = shop.till("till-1").await;
    let batch = sale(&till);
    let scope = format!("ROOM#{}#", shop.client);
    let faults = shop.world.dynamo_faults.clone();
    faults.inject(&scope, "TransactWriteItems", fault, FOR_EVER);
    assert_come_back(&till.push_raw(&batch).await, "unavailable");
    faults.clear(&scope);
    assert_applied_once(&till, &batch).await;
}

async fn lost_races_are_run_again(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let batch = sale(&till);
    let scope = format!("ROOM#{}#", shop.client);
    shop.world.dynamo_faults.clone().inject(&scope, "TransactWriteItems", Fault::TransactionConflict, 3);
    assert_applied_once(&till, &batch).await;
}

async fn lost_races_without_end_say_when_to_come_back(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let batch = sale(&till);
    let scope = format!("ROOM#{}#", shop.client);
    let faults = shop.world.dynamo_faults.clone();
    faults.inject(&scope, "TransactWriteItems", Fault::TransactionConflict, FOR_EVER);
    assert_come_back(&till.push_raw(&batch).await, "busy");
    faults.clear(&scope);
    assert_applied_once(&till, &batch).await;
}

async fn a_pull_without_dynamodb(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    till.push_raw(&sale(&till)).await;
    let scope = format!("ROOM#{}#", shop.client);
    let faults = shop.world.dynamo_faults.clone();
    faults.inject(&scope, "GetItem", Fault::Refused, FOR_EVER);
    assert_come_back(&till.pull_raw("").await, "unavailable");
    faults.clear(&scope);
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await.len(), 2);
}
