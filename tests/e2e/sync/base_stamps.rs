//! Clients that know no versions, and tell what they had seen.

use std::collections::BTreeMap;

use protocol::stamp::Stamp;
use protocol::wire::push::PushResponse;
use serde_json::{Value, json};

use crate::replies::assert_error;
use crate::shop::{Shop, deletion, product, record, with};
use crate::till::Till;

trials! {
    shared:
    two_clients_that_know_no_versions_lose_no_edit,
    a_stamp_beyond_the_last_change_holds_up_nothing,
    a_stamp_is_no_part_of_a_batch,
}

/// A client as WatermelonDB's: it pulls all that has changed since its last pull, and then pushes its own
/// changes with the time of that pull.
struct Client {
    till: Till,
    pulled: Stamp,
    rows: BTreeMap<String, Value>,
    batches: u32,
}

impl Client {
    async fn new(shop: &Shop, name: &str) -> Client {
        Client { till: shop.till(name).await, pulled: Stamp::ZERO, rows: BTreeMap::new(), batches: 0 }
    }

    async fn pull(&mut self) {
        for change in self.till.pull_all(self.pulled, 2).await {
            self.pulled = change.stamp;
            match change.is_deleted {
                true => drop(self.rows.remove(&change.record_id)),
                false => drop(
                    self.rows.insert(change.record_id, serde_json::from_str(change.data.as_str()).unwrap()),
                ),
            }
        }
    }

    /// Changes one member of a product.
    async fn set(&mut self, id: &str, name: &str, value: u32) -> PushResponse {
        let row = self.rows.entry(id.to_owned()).or_insert_with(|| json!({}));
        row[name] = value.into();
        let write = with(product(id, &json!({ name: value })), "fields", json!([name]));
        self.batches += 1;
        let batch = self.till.batch(Some(&format!("b{}", self.batches)), &[write]);
        self.till.push_batch(&with(batch, "base_stamp", self.pulled.0)).await
    }
}

async fn two_clients_that_know_no_versions_lose_no_edit(shop: &'static Shop) {
    let mut one = Client::new(shop, "one").await;
    let mut two = Client::new(shop, "two").await;
    one.till.push(&[product("p1", &json!({ "price": 1, "stock": 1 }))]).await;
    one.pull().await;
    two.pull().await;
    assert_eq!(one.set("p1", "price", 2).await.synced_count, 1);
    assert_eq!(two.set("p1", "stock", 2).await.synced_count, 1, "another member");
    assert_eq!(one.set("p1", "price", 3).await.synced_count, 1, "its own edit");
    let lost = two.set("p1", "price", 9).await;
    assert_eq!((lost.conflicts[0].reason.as_str(), lost.conflicts[0].server_version), ("fields_conflict", 4));
    for _ in 0..2 {
        one.pull().await;
        two.pull().await;
    }
    assert_eq!((&one.rows, one.rows["p1"].clone()), (&two.rows, json!({ "price": 3, "stock": 2 })));
    assert_eq!(two.set("p1", "price", 9).await.synced_count, 1, "it has seen the other edit");
    // What was deleted stays deleted.
    one.till.push(&[deletion("p1", 5)]).await;
    let gone = two.set("p1", "price", 10).await;
    assert_eq!(gone.conflicts[0].reason, "deleted_on_server");
    two.pull().await;
    assert_eq!(two.set("p1", "price", 11).await.conflicts[0].reason, "deleted_on_server");
}

async fn a_stamp_beyond_the_last_change_holds_up_nothing(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let head = till.push(&[product("p1", &json!({ "price": 1 }))]).await.stamp;
    let stock = record("product_stock", "s1", &json!({ "quantity": { "$delta": "-2" } }));
    let sale = record("invoice_items", "i1", &json!({ "price": "1.20" }));
    let batch = till.batch(Some("b1"), &[product("p1", &json!({ "price": 2 })), stock, sale]);
    let pushed = till.push_batch(&with(batch.clone(), "base_stamp", head.0 + 1)).await;
    assert_eq!((pushed.conflicts[0].reason.as_str(), pushed.synced_count), ("unknown_version", 2));
    for bad in [json!(-1), json!("2025-12-07T10:30:00Z"), json!(1.5)] {
        assert_error(&till.push_raw(&with(batch.clone(), "base_stamp", bad)).await, 400, "bad_request");
    }
}

async fn a_stamp_is_no_part_of_a_batch(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let head = till.push(&[product("p1", &json!({ "price": 1 }))]).await.stamp;
    let batch = till.batch(Some("b1"), &[product("p1", &json!({ "price": 2 }))]);
    let first = till.push_batch(&with(batch.clone(), "base_stamp", head.0)).await;
    for stamp in [Value::Null, json!(0), json!(first.stamp.0), json!(first.stamp.0 + 9)] {
        let again = till.push_batch(&with(batch.clone(), "base_stamp", stamp)).await;
        assert_eq!((again.synced_count, again.stamp), (1, first.stamp));
    }
}
