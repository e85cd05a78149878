//! `POST /api/sync/dead-letters/{id}/replay`

use libtest_mimic::Trial;
use local::dynamo::faults::Fault;
use local::function_host::faults::HostFault;
use protocol::limits::RECORD_BYTES_MAX;
use protocol::stamp::Stamp;
use protocol::wire::push::PushResponse;
use serde_json::{Value, json};

use super::{assert_refused, letters, manager, post, reject, undated};
use crate::shop::{Shop, product, with};
use crate::sync::broadcast::Listener;

pub(super) fn trials() -> Vec<Trial> {
    trials![
        a_replay_is_a_write_of_now_that_others_hear_and_closes_the_letter,
        a_replay_may_correct_the_data_and_stays_if_that_is_no_better,
        a_payload_that_is_cut_needs_its_data,
        a_delta_is_added_once_however_often_its_replay_is_sent,
        the_answer_to_a_replay_may_be_lost,
    ]
}

async fn a_replay_is_a_write_of_now_that_others_hear_and_closes_the_letter(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    two.push(&[product("p1", &json!({"price": 1}))]).await;
    reject(&one, Some("b1"), &[with(undated("p1", &json!({"price": 2})), "base_version", 7)]).await;
    let api = manager(shop).await;
    let letter = letters(&api).await.remove(0);
    let mut ear = Listener::open(&two.api, "till-2").await;
    let reply = post(&api, &letter.id, "replay", "").await;
    assert!(!reply.body.contains("publications"), "{}", reply.body);
    let answer: PushResponse = reply.ok().unwrap();
    assert_eq!((answer.success, answer.synced_count, answer.applied[0].version), (true, 1, 2));
    let frame = ear.next_sync().await;
    assert_eq!((frame.stamp, frame.data.as_str()), (answer.stamp, r#"{"price":2}"#));
    let change = two.pull_all(answer.prev, 100).await.remove(0);
    assert_eq!((change.device_id.as_str(), change.version), (format!("dead:{}", letter.id).as_str(), 2));
    assert_eq!(letters(&api).await, []);
    assert_refused(&post(&api, &letter.id, "replay", "").await, 404, "dead_letter_not_found");
    assert_refused(&post(&api, &letter.id, "discard", "").await, 404, "dead_letter_not_found");
    assert_eq!(two.pull_all(Stamp::ZERO, 100).await.len(), 2);
}

async fn a_replay_may_correct_the_data_and_stays_if_that_is_no_better(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    reject(&till, None, &[product("p1", &json!(5))]).await;
    let api = manager(shop).await;
    let id = letters(&api).await.remove(0).id;
    for body in ["", "{}", r#"{"data":7}"#] {
        let answer: PushResponse = post(&api, &id, "replay", body).await.ok().unwrap();
        assert_eq!((answer.synced_count, answer.errors[0].code.as_str()), (0, "malformed"), "{body}");
        assert_eq!(answer.prev, answer.stamp);
        assert_eq!(letters(&api).await.len(), 1, "it stays, and there is no second one");
    }
    let answer: PushResponse = post(&api, &id, "replay", r#"{"data":{"price":2.50}}"#).await.ok().unwrap();
    assert_eq!(answer.synced_count, 1);
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await[0].data.as_str(), r#"{"price":2.50}"#);
    assert_eq!(letters(&api).await, []);
}

async fn a_payload_that_is_cut_needs_its_data(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let large = product("p1", &json!({"x": "x".repeat(RECORD_BYTES_MAX)}));
    reject(&till, None, std::slice::from_ref(&large)).await;
    let api = manager(shop).await;
    let letter = letters(&api).await.remove(0);
    assert_eq!((letter.code.as_str(), letter.is_cut, letter.record), ("record_too_large", true, None));
    assert_eq!((letter.bytes, letter.sha256.len()), (large.to_string().len(), 64));
    assert!(large.to_string().starts_with(letter.payload.as_deref().unwrap()));
    assert_refused(&post(&api, &letter.id, "replay", "{}").await, 409, "payload_cut");
    let answer: PushResponse = post(&api, &letter.id, "replay", r#"{"data":{"x":"y"}}"#).await.ok().unwrap();
    assert_eq!((answer.synced_count, answer.applied[0].record_id.as_str()), (1, "p1"));
    assert_eq!(letters(&api).await, []);
}

async fn a_delta_is_added_once_however_often_its_replay_is_sent(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let stock = |data: Value| with(product("s1", &data), "table_name", "product_stock");
    till.push(&[stock(json!({"quantity": 5}))]).await;
    // Without the batch's name it cannot be added once, so it is not added at all.
    reject(&till, None, &[stock(json!({"quantity": {"$delta": "-2"}}))]).await;
    let api = manager(shop).await;
    let letter = letters(&api).await.remove(0);
    assert_eq!(letter.code, "delta_needs_batch");
    shop.world.host_faults.inject(&shop.client, HostFault::LostResponse, 1);
    assert_refused(&post(&api, &letter.id, "replay", "").await, 503, "unavailable");
    assert_refused(&post(&api, &letter.id, "replay", "").await, 404, "dead_letter_not_found");
    let last = till.pull_all(Stamp::ZERO, 100).await.pop().unwrap();
    assert_eq!((last.version, last.data.as_str()), (2, r#"{"quantity":3}"#));
}

async fn the_answer_to_a_replay_may_be_lost(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    reject(&till, None, &[undated("p1", &json!({}))]).await;
    let api = manager(shop).await;
    let id = letters(&api).await.remove(0).id;
    let scope = format!("ROOM#{}#", shop.client);
    let faults = shop.world.dynamo_faults.clone();
    faults.inject(&scope, "TransactWriteItems", Fault::LostResponse, 1000);
    assert_refused(&post(&api, &id, "replay", "").await, 503, "unavailable");
    faults.clear(&scope);
    // It was committed, once, and its letter went with it.
    assert_refused(&post(&api, &id, "replay", "").await, 404, "dead_letter_not_found");
    assert_eq!((till.pull_all(Stamp::ZERO, 100).await.len(), letters(&api).await.len()), (1, 0));
}
