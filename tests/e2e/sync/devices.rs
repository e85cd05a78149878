//! `GET /api/sync/devices/{device_id}`: which numbered batches a branch holds.

use functions::sync::keys;
use local::dynamo::faults::Fault;
use protocol::wire::device::DeviceResponse;
use serde_json::{Value, json};
use tests::api::Api;
use tests::fleet;

use super::absence::{days_ago, expire};
use super::late::{batch, codes, dated, opened, quantity, taken};
use crate::replies::assert_error;
use crate::shop::{Shop, product, record, with};
use crate::stored::Stored;
use crate::till::Till;

trials! {
    shared:
    a_device_proves_that_it_is_drained,
    a_device_may_ask_about_itself_and_a_manager_about_all,
    numbers_of_two_batches_prove_nothing,
    a_batch_whose_marker_has_expired_is_known_by_its_number,
    damaged_numbers_hold_up_no_push,
}

async fn of(api: &Api, device: &str) -> DeviceResponse {
    api.get(&format!("/api/sync/devices/{device}")).await.unwrap().ok().unwrap()
}

/// The ranges of a device's numbers.
async fn held(api: &Api, device: &str) -> Vec<(u64, u64)> {
    of(api, device).await.batches.iter().map(|range| (range.first, range.last)).collect()
}

fn numbered(till: &Till, seq: u64, records: &[Value]) -> Value {
    with(till.batch(Some(&format!("b{seq}")), records), "device_seq", seq)
}

async fn a_device_proves_that_it_is_drained(shop: &'static Shop) {
    let (till, manager) = (shop.till("till-1").await, shop.manager().await);
    assert_eq!(of(&till.api, "till-1").await.last_batch_at, None);
    let hall = |id: &str| record("halls", id, &json!({}));
    for seq in [7, 8] {
        till.push_batch(&numbered(&till, seq, &[hall(&seq.to_string())])).await;
    }
    assert_eq!(held(&till.api, "till-1").await, [(7, 8)]);
    // A lost response, and its retry.
    let lost = numbered(&till, 9, &[hall("9")]);
    let reply = shop.with_dynamo_fault("TransactWriteItems", Fault::LostResponse, till.push_raw(&lost)).await;
    assert_error(&reply, 503, "unavailable");
    assert_eq!(till.push_batch(&lost).await.synced_count, 1);
    // A refused batch is not held, nor is one that never arrived, an atomic one that was not applied, or one
    // without an id.
    assert_error(&till.push_raw(&numbered(&till, 10, &vec![hall("x"); 51])).await, 413, "batch_too_large");
    let bad = [hall("11"), with(hall("12"), "local_updated_at", "yesterday")];
    assert!(!till.push_batch(&with(numbered(&till, 11, &bad), "atomic", true)).await.success);
    till.push_batch(&with(numbered(&till, 12, &[hall("12")]), "batch_id", Value::Null)).await;
    // A batch whose records are all rejected is: they wait at the server.
    till.push_batch(&numbered(&till, 14, &[json!("nonsense")])).await;
    assert_eq!(held(&manager, "till-1").await, [(14, 14), (7, 9)]);
    // The rest comes late and in any order; empty batches close the holes.
    for seq in [11, 13, 10, 12] {
        till.push_batch(&numbered(&till, seq, &[])).await;
    }
    assert_eq!(held(&manager, "till-1").await, [(7, 14)]);
    // Another installation of the device counts from elsewhere.
    till.push_batch(&numbered(&till, 4_503_599_627_370_495, &[])).await;
    assert_eq!(held(&manager, "till-1").await, [(4_503_599_627_370_495, 4_503_599_627_370_495), (7, 14)]);
    assert!(of(&manager, "till-1").await.last_batch_at.is_some());
}

async fn a_device_may_ask_about_itself_and_a_manager_about_all(shop: &'static Shop) {
    let (one, two, manager) = (shop.till("till-1").await, shop.till("till-2").await, shop.manager().await);
    one.push_batch(&numbered(&one, 7, &[])).await;
    let path = "/api/sync/devices/till-1";
    assert_error(&two.api.get(path).await.unwrap(), 403, "device_mismatch");
    let mismatch = format!("{path}?branch_id=2");
    assert_error(&one.api.get(&mismatch).await.unwrap(), 403, "branch_forbidden");
    assert_eq!(held(&manager, "till-1").await, [(7, 7)]);
    let office = shop.head_office().await;
    let there: DeviceResponse = office.get(&format!("{path}?branch_id=1")).await.unwrap().ok().unwrap();
    assert_eq!((there.batches.len(), there.device_id.as_str()), (1, "till-1"));
    assert_error(&office.get(path).await.unwrap(), 403, "branch_required");
    assert_eq!(held(&manager, "never%20seen%2F1").await, []);
    let too_long = format!("/api/sync/devices/{}", "x".repeat(129));
    assert_error(&manager.get(&too_long).await.unwrap(), 404, "not_found");
    // A token of no device pushes under another name, and adds nothing to the device's own numbers.
    let (free, _) = shop.session("free", "1", None).await;
    let batch = json!({ "device_id": "till-1", "batch_id": "b8", "device_seq": 8, "records": [] });
    assert_eq!(free.post("/api/sync/batch-push", batch.to_string()).await.unwrap().status, 200);
    assert_eq!(held(&one.api, "till-1").await, [(7, 7)]);
    assert_eq!(
        (held(&free, "till-1").await, held(&manager, "free:till-1").await),
        (vec![(8, 8)], vec![(8, 8)])
    );
}

async fn numbers_of_two_batches_prove_nothing(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    till.push_batch(&numbered(&till, 7, &[])).await;
    let other = with(numbered(&till, 7, &[product("p1", &json!({}))]), "batch_id", "other");
    assert_eq!(till.push_batch(&other).await.synced_count, 1, "it is another batch, and is applied");
    let told = of(&till.api, "till-1").await;
    assert!(told.numbers_reused && told.batches.len() == 1, "{told:?}");
    till.push_batch(&numbered(&till, 8, &[])).await;
    assert_eq!(held(&till.api, "till-1").await, [(7, 7)], "nothing is added any more");
    // The way out is a device id that has no numbers yet.
    let (api, _) = shop.session("again", "1", Some("till-1b")).await;
    let renamed = Till { api, device: "till-1b".into() };
    for seq in [7, 8] {
        renamed.push_batch(&numbered(&renamed, seq, &[])).await;
    }
    let told = of(&renamed.api, "till-1b").await;
    assert_eq!((told.numbers_reused, held(&renamed.api, "till-1b").await), (false, vec![(7, 8)]));
}

async fn a_batch_whose_marker_has_expired_is_known_by_its_number(shop: &'static Shop) {
    let then = opened(shop, 100).await;
    // The clock of the till is two months ahead, so that the batch looks young for as much longer.
    let ahead = days_ago(40);
    let sold = with(batch(&[taken(ahead)]), "device_seq", 7);
    assert_eq!(shop.push_batch_at(&sold, then).await.synced_count, 1);
    let marker = keys::batch(&"till-1".parse().unwrap(), &"b1".parse().unwrap());
    expire(shop, keys::room(&shop.room("1")), marker.clone()).await;
    let again = shop.push_batch_at(&sold, fleet::now()).await;
    assert_eq!((again.synced_count, codes(&again)), (0, vec!["too_old"]));
    assert_eq!(quantity(shop).await, r#"{"quantity":9}"#);
    // Its row was rejected then, because the caller might not write it. A manager sends it again.
    let deposit = with(
        dated(record("deposits", "d1", &json!({ "status": "pending" })), then),
        "local_updated_at",
        "never",
    );
    let first = with(
        json!({ "device_id": "till-1", "batch_id": "b2", "records": [deposit, taken(then)] }),
        "device_seq",
        8,
    );
    assert_eq!(codes(&shop.push_batch_at(&first, then.plus_secs(60)).await), ["bad_time"]);
    expire(shop, keys::room(&shop.room("1")), marker.replace("b1", "b2")).await;
    let mut second = first.clone();
    second["records"][0]["local_updated_at"] = then.to_string().into();
    let again = shop.push_batch_at(&second, fleet::now()).await;
    assert_eq!(
        (again.synced_count, codes(&again)),
        (1, vec!["too_old"]),
        "a sale is never refused for being late"
    );
    assert_eq!(quantity(shop).await, r#"{"quantity":8}"#);
    // A batch with a new number is a new one.
    let new =
        with(json!({ "device_id": "till-1", "batch_id": "b3", "records": [taken(ahead)] }), "device_seq", 9);
    assert_eq!(shop.push_batch_at(&new, fleet::now()).await.synced_count, 1);
}

async fn damaged_numbers_hold_up_no_push(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    till.push_batch(&numbered(&till, 7, &[])).await;
    let stored = Stored::in_room(shop, &keys::device(&"till-1".parse().unwrap())).await;
    for attribute in ["ranges", "marks", "reused", "noted_at", "revision"] {
        stored.damage(attribute).await;
        let batch = with(numbered(&till, 8, &[product(attribute, &json!({}))]), "batch_id", attribute);
        assert_eq!(till.push_batch(&batch).await.synced_count, 1, "{attribute}");
        assert_eq!(held(&till.api, "till-1").await, [], "{attribute}");
        stored.repair().await;
    }
    assert_eq!(held(&till.api, "till-1").await, [(7, 7)], "what is damaged is not written over");
}
