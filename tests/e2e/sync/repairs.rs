//! Values from before their member had a rule: a manager repairs them, by a push, a resolution or a replay.

use aws_sdk_dynamodb::types::AttributeValue;
use functions::sync::keys;
use protocol::record::RecordKey;
use protocol::stamp::Stamp;
use protocol::wire::push::PushResponse;
use protocol::wire::resolve::ResolveResponse;
use serde_json::{Value, json};
use tests::api::Reply;

use crate::replies::assert_error;
use crate::shop::{Shop, record, with};
use crate::sync::broadcast::Listener;
use crate::till::Till;

trials! {
    shared:
    a_manager_sets_a_sum_that_holds_no_number,
    a_manager_moves_a_state_that_is_not_declared,
    a_resolution_repairs_or_says_what_it_cannot_do,
    a_replayed_repair_has_the_role_of_the_manager,
}

/// Stores `data` as a version 1 of `table` `r1` would have been before the table had its rules.
async fn store(shop: &Shop, table: &str, data: &str) {
    let till = shop.till(&format!("{table}-till")).await;
    till.push(&[record(table, "r1", &json!({}))]).await;
    let key = RecordKey { table: table.into(), id: "r1".into() };
    let update = shop.world.dynamo.update_item().table_name(&shop.world.table);
    update
        .key("pk", AttributeValue::S(keys::room(&shop.room("1"))))
        .key("sk", AttributeValue::S(keys::record(&key)))
        .update_expression("SET #data = :data")
        .expression_attribute_names("#data", "data")
        .expression_attribute_values(":data", AttributeValue::S(data.into()))
        .send()
        .await
        .unwrap();
}

async fn push_named(till: &Till, batch: &str, table: &str, data: &Value) -> PushResponse {
    till.push_batch(&till.batch(Some(batch), &[record(table, "r1", data)])).await
}

fn code(response: &PushResponse) -> &str {
    &response.errors[0].code
}

fn set(sum: &str) -> Value {
    json!({ "quantity": { "$set": sum } })
}

async fn a_manager_sets_a_sum_that_holds_no_number(shop: &'static Shop) {
    store(shop, "product_stock", r#"{"quantity":"abc","shelf":"A"}"#).await;
    let (till, office) = (shop.till("till-1").await, shop.office().await);
    let mut listener = Listener::open(&till.api, "till-1").await;
    let delta = json!({ "quantity": { "$delta": "-1" } });
    assert_eq!(code(&push_named(&till, "b1", "product_stock", &delta).await), "bad_delta");
    assert_eq!(code(&push_named(&till, "b2", "product_stock", &set("5")).await), "forbidden");
    let unnamed = office.push(&[record("product_stock", "r1", &set("5"))]).await;
    assert_eq!(code(&unnamed), "delta_needs_batch");
    let batch = office.batch(Some("b3"), &[record("product_stock", "r1", &set("5"))]);
    for _ in 0..2 {
        let repaired = office.push_batch(&batch).await;
        let applied = &repaired.applied[0];
        let stored = applied.data.as_ref().unwrap().as_str();
        assert_eq!((applied.version, stored), (2, r#"{"quantity":"5","shelf":"A"}"#), "once");
    }
    let frame = listener.next_sync().await;
    assert_eq!((frame.version, frame.data.as_str()), (2, r#"{"quantity":"5","shelf":"A"}"#));
    let sold = push_named(&till, "b4", "product_stock", &delta).await;
    assert_eq!(sold.applied[0].data.as_ref().unwrap().as_str(), r#"{"quantity":"4","shelf":"A"}"#);
}

async fn a_manager_moves_a_state_that_is_not_declared(shop: &'static Shop) {
    store(shop, "shifts", r#"{"status":"lost","by":"Ann"}"#).await;
    let (till, office) = (shop.till("till-1").await, shop.office().await);
    let to = |state: &str| json!({ "status": state, "by": "Ann" });
    assert_eq!(code(&push_named(&till, "b1", "shifts", &to("closed")).await), "bad_transition");
    assert_eq!(code(&push_named(&office, "b2", "shifts", &to("gone")).await), "bad_transition");
    assert_eq!(push_named(&office, "b3", "shifts", &to("closed")).await.applied[0].version, 2);
    assert_eq!(code(&push_named(&office, "b4", "shifts", &to("open")).await), "bad_transition");
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await[1].data.as_str(), to("closed").to_string());
}

async fn resolve(till: &Till, table: &str, data: &Value) -> Reply {
    let body = json!({ "device_id": till.device, "batch_id": tests::fleet::batch_id(), "table_name": table,
        "record_id": "r1", "resolution": "accept_client", "client_data": data });
    till.api.post("/api/sync/resolve-conflict", body.to_string()).await.unwrap()
}

async fn a_resolution_repairs_or_says_what_it_cannot_do(shop: &'static Shop) {
    store(shop, "product_stock", r#"{"quantity":"abc","shelf":"A"}"#).await;
    store(shop, "shifts", r#"{"status":"lost"}"#).await;
    let (till, office) = (shop.till("till-1").await, shop.office().await);
    let set = json!({ "quantity": { "$set": "5" }, "shelf": "B" });
    for (caller, table, data, code) in [
        (&office, "product_stock", json!({ "quantity": 5, "shelf": "B" }), "delta_required"),
        (&office, "product_stock", json!({ "quantity": { "$delta": "1" } }), "bad_delta"),
        (&till, "product_stock", set.clone(), "forbidden"),
        (&till, "shifts", json!({ "status": "closed" }), "bad_transition"),
    ] {
        let error = assert_error(&resolve(caller, table, &data).await, 422, "record_rejected");
        assert_eq!(error["details"], json!({ "code": code }));
    }
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await.len(), 2, "nothing was written");
    let repaired: ResolveResponse = resolve(&office, "product_stock", &set).await.ok().unwrap();
    assert_eq!((repaired.version, repaired.data.as_str()), (2, r#"{"quantity":"5","shelf":"B"}"#));
    let closed: ResolveResponse =
        resolve(&office, "shifts", &json!({ "status": "closed" })).await.ok().unwrap();
    assert_eq!((closed.version, closed.data.as_str()), (2, r#"{"status":"closed"}"#));
}

async fn a_replayed_repair_has_the_role_of_the_manager(shop: &'static Shop) {
    store(shop, "shifts", r#"{"status":"lost"}"#).await;
    let (till, office) = (shop.till("till-1").await, shop.office().await);
    let closed = with(record("shifts", "r1", &json!({ "status": "closed" })), "base_version", 1);
    assert_eq!(code(&till.push(&[closed]).await), "bad_transition");
    let list: Value = office.api.get("/api/sync/dead-letters").await.unwrap().ok().unwrap();
    let replay = format!("/api/sync/dead-letters/{}/replay", list["dead_letters"][0]["id"].as_str().unwrap());
    let replayed: PushResponse = office.api.post(&replay, "").await.unwrap().ok().unwrap();
    assert_eq!((replayed.synced_count, replayed.applied[0].version), (1, 2));
}
