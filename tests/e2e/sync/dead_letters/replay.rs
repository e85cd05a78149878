//! `POST /api/sync/dead-letters/{id}/replay`

use local::dynamo::faults::Fault;
use local::function_host::faults::HostFault;
use protocol::limits::RECORD_BYTES_MAX;
use protocol::stamp::Stamp;
use protocol::wire::dead_letters::DeadLetterEntry;
use protocol::wire::push::PushResponse;
use serde_json::{Value, json};

use super::{dead_letters, post, reject, rejected, undated};
use crate::replies::assert_error;
use crate::shop::{Shop, product, record, with};
use crate::sync::broadcast::Listener;

trials! {
    shared:
    a_replay_is_a_new_write_and_removes_the_dead_letter,
    a_replay_with_corrected_data_succeeds_and_a_bad_one_keeps_the_dead_letter,
    a_truncated_payload_needs_data_to_replay,
    a_replayed_delta_is_added_once,
    a_replay_whose_response_is_lost_is_applied_once,
}

async fn a_replay_is_a_new_write_and_removes_the_dead_letter(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    two.push(&[product("p1", &json!({"price": 1}))]).await;
    reject(&one, Some("b1"), &[with(undated("p1", &json!({"price": 2})), "base_version", 7)]).await;
    let api = shop.manager().await;
    let dead_letter = dead_letters(&api).await.remove(0);
    let mut listener = Listener::open(&two.api, "till-2").await;
    let reply = post(&api, &dead_letter.id, "replay", "").await;
    assert!(!reply.body.contains("publications"), "{}", reply.body);
    let response: PushResponse = reply.ok().unwrap();
    assert_eq!((response.success, response.synced_count, response.applied[0].version), (true, 1, 2));
    let frame = listener.next_sync().await;
    assert_eq!((frame.stamp, frame.data.as_str()), (response.stamp, r#"{"price":2}"#));
    let change = two.pull_all(response.prev, 100).await.remove(0);
    assert_eq!((change.device_id.as_str(), change.version), (format!("dead:{}", dead_letter.id).as_str(), 2));
    assert_eq!(dead_letters(&api).await, []);
    assert_error(&post(&api, &dead_letter.id, "replay", "").await, 404, "dead_letter_not_found");
    assert_error(&post(&api, &dead_letter.id, "discard", "").await, 404, "dead_letter_not_found");
    assert_eq!(two.pull_all(Stamp::ZERO, 100).await.len(), 2);
}

async fn a_replay_with_corrected_data_succeeds_and_a_bad_one_keeps_the_dead_letter(shop: &'static Shop) {
    let (till, api, DeadLetterEntry { id, .. }) = rejected(shop, product("p1", &json!(5))).await;
    for body in ["", "{}", r#"{"data":7}"#] {
        let response: PushResponse = post(&api, &id, "replay", body).await.ok().unwrap();
        assert_eq!((response.synced_count, response.errors[0].code.as_str()), (0, "malformed"), "{body}");
        assert_eq!(response.prev, response.stamp);
        assert_eq!(dead_letters(&api).await.len(), 1, "there is still one dead letter");
    }
    let response: PushResponse = post(&api, &id, "replay", r#"{"data":{"price":2.50}}"#).await.ok().unwrap();
    assert_eq!(response.synced_count, 1);
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await[0].data.as_str(), r#"{"price":2.50}"#);
    assert_eq!(dead_letters(&api).await, []);
}

async fn a_truncated_payload_needs_data_to_replay(shop: &'static Shop) {
    let large = product("p1", &json!({"x": "x".repeat(RECORD_BYTES_MAX)}));
    let (_, api, dead_letter) = rejected(shop, large.clone()).await;
    assert_eq!(
        (&*dead_letter.code, dead_letter.is_cut, dead_letter.record),
        ("record_too_large", true, None)
    );
    assert_eq!((dead_letter.bytes, dead_letter.sha256.len()), (large.to_string().len(), 64));
    assert!(large.to_string().starts_with(dead_letter.payload.as_deref().unwrap()));
    assert_error(&post(&api, &dead_letter.id, "replay", "{}").await, 409, "payload_cut");
    let response: PushResponse =
        post(&api, &dead_letter.id, "replay", r#"{"data":{"x":"y"}}"#).await.ok().unwrap();
    assert_eq!((response.synced_count, response.applied[0].record_id.as_str()), (1, "p1"));
    assert_eq!(dead_letters(&api).await, []);
}

async fn a_replayed_delta_is_added_once(shop: &'static Shop) {
    let stock = |data: Value| record("product_stock", "s1", &data);
    let till = shop.till("till-2").await;
    till.push(&[stock(json!({"quantity": 5}))]).await;
    // A delta without a batch id is rejected, since a retry would add it twice.
    let (_, api, dead_letter) = rejected(shop, stock(json!({"quantity": {"$delta": "-2"}}))).await;
    assert_eq!(dead_letter.code, "delta_needs_batch");
    shop.world.host_faults.inject(&shop.client, HostFault::LostResponse, 1);
    assert_error(&post(&api, &dead_letter.id, "replay", "").await, 503, "unavailable");
    assert_error(&post(&api, &dead_letter.id, "replay", "").await, 404, "dead_letter_not_found");
    let last = till.pull_all(Stamp::ZERO, 100).await.pop().unwrap();
    assert_eq!((last.version, last.data.as_str()), (2, r#"{"quantity":3}"#));
}

async fn a_replay_whose_response_is_lost_is_applied_once(shop: &'static Shop) {
    let (till, api, DeadLetterEntry { id, .. }) = rejected(shop, undated("p1", &json!({}))).await;
    let replay = post(&api, &id, "replay", "");
    let reply = shop.with_dynamo_fault("TransactWriteItems", Fault::LostResponse, replay).await;
    assert_error(&reply, 503, "unavailable");
    // The write was committed once, together with the removal of the dead letter.
    assert_error(&post(&api, &id, "replay", "").await, 404, "dead_letter_not_found");
    assert_eq!((till.pull_all(Stamp::ZERO, 100).await.len(), dead_letters(&api).await.len()), (1, 0));
}
