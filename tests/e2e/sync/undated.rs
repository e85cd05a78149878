//! Clients without a clock: records without `local_updated_at`, and batches whose retries are dated or
//! spelled in another way.

use protocol::stamp::Stamp;
use protocol::wire::push::PushResponse;
use serde_json::{Value, json};

use crate::replies::{assert_error, json as json_body};
use crate::shop::{Shop, hall, with};

trials! {
    shared:
    an_undated_write_loses_to_a_dated_copy_and_its_conflict_says_so,
    a_batch_is_the_same_whatever_its_times_and_spelling,
    an_undated_delta_waits_for_a_person_unless_it_is_proved_to_be_new,
}

fn undated(id: &str, data: &Value) -> Value {
    json!({ "table_name": "halls", "record_id": id, "data": data })
}

async fn an_undated_write_loses_to_a_dated_copy_and_its_conflict_says_so(shop: &'static Shop) {
    let (till, script) = (shop.till("till-1").await, shop.till("script").await);
    let early = with(hall("h1", &json!({"name": "A"})), "local_updated_at", "2001-01-01T00:00:00Z");
    till.push(&[with(early, "base_version", 0)]).await;
    let reply = script.push_raw(&script.batch(None, &[undated("h1", &json!({"name": "B"}))])).await;
    let conflict = &json_body(&reply)["conflicts"][0];
    assert_eq!(
        (&conflict["reason"], &conflict["local_updated_at"]),
        (&json!("newer_on_server"), &Value::Null)
    );
    let current = with(undated("h1", &json!({"name": "B"})), "base_version", 1);
    assert_eq!(script.push(&[current]).await.applied[0].version, 2);
    assert_eq!(script.push(&[undated("h2", &json!({"name": "C"}))]).await.applied[0].version, 1);
    // Whatever the time of the till is, it is one.
    let early = with(hall("h2", &json!({"name": "D"})), "local_updated_at", "1970-01-01T00:00:00Z");
    assert_eq!(till.push(&[early]).await.applied[0].version, 2);
}

async fn a_batch_is_the_same_whatever_its_times_and_spelling(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let push = async |records: &str| {
        let body = format!(r#"{{"device_id":"till-1","batch_id":"b1","records":[{records}]}}"#);
        till.api.post("/api/sync/batch-push", body).await.unwrap()
    };
    let sum = r#"{"table_name":"product_stock","record_id":"s1","data":{"quantity":{"$delta":"-2"},"note":"Größe"}"#;
    let first: PushResponse = push(&format!("{sum}}}")).await.ok().unwrap();
    let respelled = r#"{ "record_id":"s1", "data":{"note":"Gr\u00f6\u00dfe", "quantity":{"$delta":"-2"}}, "table_name":"product_stock" }"#;
    let again = [
        format!(r#"{sum},"local_updated_at":"2025-12-07T10:30:00Z"}}"#),
        format!(r#"{sum},"local_updated_at":"2025-12-07T10:31:00Z"}}"#),
        respelled.to_owned(),
    ];
    for records in &again {
        let again: PushResponse = push(records).await.ok().unwrap();
        assert_eq!((again.stamp, again.applied[0].stamp), (first.stamp, first.applied[0].stamp), "{records}");
    }
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await.len(), 1, "the delta counts once");
    assert_error(
        &push(&sum.replace("-2", "-3").replace("Größe\"}", "Größe\"}}")).await,
        409,
        "batch_id_reused",
    );
}

async fn an_undated_delta_waits_for_a_person_unless_it_is_proved_to_be_new(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let add = |delta: &str| json!({ "table_name": "product_stock", "record_id": "s1", "data": { "quantity": { "$delta": delta } } });
    let push =
        async |batch: &str, records: &[Value]| till.push_batch(&till.batch(Some(batch), records)).await;
    push("b1", &[add("10")]).await;
    let refused = push("b2", &[add("-1")]).await;
    assert_eq!(refused.errors[0].code, "undated_delta");
    let row = json!({ "table_name": "invoice_items", "record_id": "i1", "data": { "price": "9.90" } });
    assert_eq!(push("b3", &[row, add("-2")]).await.applied.len(), 2, "the new row is a proof");
    assert_eq!(push("b4", &[with(add("-3"), "base_version", 2)]).await.applied[0].version, 3);
    let stock = till.pull_all(Stamp::ZERO, 100).await.pop().unwrap();
    assert_eq!(stock.data.as_str(), r#"{"quantity":5}"#);
}
