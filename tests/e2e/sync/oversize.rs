//! Records over the limit: each fails alone, and a batch is refused only if it cannot be read or stored.

use protocol::limits::{BATCH_BYTES_MAX, BODY_BYTES_MAX, PUSH_RECORDS_MAX, RECORD_BYTES_MAX};
use protocol::stamp::Stamp;
use protocol::wire::dead_letters::DeadLettersResponse;
use protocol::wire::push::PushResponse;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sync::limits::DEAD_PAYLOAD_BYTES_MAX;
use tests::api::Api;

use crate::replies::assert_error;
use crate::shop::{Shop, product, record, with};

trials! {
    shared:
    a_photo_over_the_limit_fails_alone,
    a_malformed_record_of_three_megabytes_fails_alone,
    the_most_and_largest_rejected_records_are_kept_and_listed,
    a_batch_over_a_limit_is_refused,
}

async fn dead_letters(api: &Api) -> DeadLettersResponse {
    api.get("/api/sync/dead-letters?limit=100").await.unwrap().ok().unwrap()
}

fn sale() -> Value {
    record("cash_movements", "m1", &json!({ "amount": "9.90" }))
}

/// A sale and a record that is rejected with `code`: the sale is applied, and the other one cut, listed, and
/// replayed with data.
async fn fails_alone(shop: &Shop, bad: Value, code: &str, kept_bytes: usize) {
    let till = shop.till("till-1").await;
    let batch = till.batch(Some("b1"), &[bad.clone(), sale()]);
    // A retry gets the same response and leaves no second dead letter.
    for _ in 0..2 {
        let pushed = till.push_batch(&batch).await;
        assert_eq!((pushed.errors[0].index, pushed.errors[0].code.as_str()), (0, code));
        assert_eq!((pushed.applied[0].index, pushed.applied[0].version), (1, 1));
    }
    let manager = shop.manager().await;
    let letters = dead_letters(&manager).await.dead_letters;
    let [letter] = letters.as_slice() else { panic!("{} dead letters", letters.len()) };
    let (sent, payload) = (bad.to_string(), letter.payload.as_deref().unwrap());
    assert_eq!((letter.code.as_str(), letter.is_cut, letter.record.is_none()), (code, true, true));
    assert_eq!((letter.bytes, &letter.sha256), (sent.len(), &hex::encode(Sha256::digest(&sent))));
    assert!(payload.len() == kept_bytes && sent.starts_with(payload));
    let names = (letter.table_name.as_deref(), letter.record_id.as_deref());
    assert_eq!(names, (Some("products"), Some("p1")));
    let replay = format!("/api/sync/dead-letters/{}/replay", letter.id);
    assert_error(&manager.post(&replay, "").await.unwrap(), 409, "payload_cut");
    let reply = manager.post(&replay, r#"{"data":{"photo":"small"}}"#).await.unwrap();
    assert_eq!(reply.ok::<PushResponse>().unwrap().synced_count, 1);
    let changes = till.pull_all(Stamp::ZERO, 100).await;
    assert_eq!(changes.iter().map(|change| change.record_id.as_str()).collect::<Vec<_>>(), ["m1", "p1"]);
}

async fn a_photo_over_the_limit_fails_alone(shop: &'static Shop) {
    let photo = product("p1", &json!({ "photo": "x".repeat(BATCH_BYTES_MAX + 50 * 1024) }));
    fails_alone(shop, photo, "record_too_large", RECORD_BYTES_MAX).await;
}

async fn a_malformed_record_of_three_megabytes_fails_alone(shop: &'static Shop) {
    let malformed = with(product("p1", &json!({ "x": "y".repeat(3_000_000) })), "is_deleted", 7);
    fails_alone(shop, malformed, "malformed", DEAD_PAYLOAD_BYTES_MAX).await;
}

async fn the_most_and_largest_rejected_records_are_kept_and_listed(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    // Texts of many quotes, which grow when they are escaped.
    let data = json!({ "x": vec![""; 75_000] });
    let most = BATCH_BYTES_MAX / RECORD_BYTES_MAX;
    let photos: Vec<Value> = (0..most).map(|n| product(&format!("p{n}"), &data)).collect();
    let pushed = till.push(&photos).await;
    assert!(
        pushed.errors.len() == most && pushed.errors.iter().all(|error| error.code == "record_too_large")
    );
    let listed = dead_letters(&shop.manager().await).await;
    assert!(listed.dead_letters.len() == most && listed.dead_letters.iter().all(|letter| letter.is_cut));
    assert!(!listed.has_more);
}

async fn a_batch_over_a_limit_is_refused(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let records = |count: usize, data: &Value| -> Vec<Value> {
        (0..count).map(|n| product(&format!("p{n}"), data)).collect()
    };
    let exact = |bytes: usize| json!({ "x": "y".repeat(bytes - r#"{"x":""}"#.len()) });
    let most = BATCH_BYTES_MAX / RECORD_BYTES_MAX;
    for refused in [
        records(PUSH_RECORDS_MAX + 1, &json!({})),
        records(most + 1, &exact(RECORD_BYTES_MAX)),
        records(most + 1, &exact(RECORD_BYTES_MAX + 1)),
        [records(most, &exact(RECORD_BYTES_MAX + 1)), records(1, &json!({}))].concat(),
    ] {
        let error = assert_error(&till.push_raw(&till.batch(None, &refused)).await, 413, "batch_too_large");
        let (unit, limit) = match refused.len() > PUSH_RECORDS_MAX {
            true => ("records", PUSH_RECORDS_MAX),
            false => ("bytes", BATCH_BYTES_MAX),
        };
        let details = &error["details"];
        assert_eq!((&details["unit"], &details["limit"]), (&json!(unit), &json!(limit)));
        assert!(details["got"].as_u64() > details["limit"].as_u64(), "{details}");
    }
    let unreadable = till.batch(None, &records(1, &exact(BODY_BYTES_MAX)));
    let error = assert_error(&till.push_raw(&unreadable).await, 413, "body_too_large");
    let details = json!({ "limit": BODY_BYTES_MAX, "got": unreadable.to_string().len(), "unit": "bytes" });
    assert_eq!(error["details"], details);
    assert_eq!(dead_letters(&shop.manager().await).await.dead_letters, []);
    let accepted = [records(most - 1, &exact(RECORD_BYTES_MAX + 1)), vec![sale()]].concat();
    let pushed = till.push(&accepted).await;
    assert_eq!((pushed.errors.len(), pushed.applied.len()), (most - 1, 1));
}
