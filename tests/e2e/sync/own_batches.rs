//! Numbered batches: edits of a record before an earlier one was acknowledged.

use protocol::wire::push::PushResponse;
use serde_json::{Value, json};

use crate::shop::{Shop, product, with};
use crate::till::Till;

trials! {
    shared:
    a_second_edit_from_the_same_version_follows_the_first_one,
}

/// Sets the price of a product from version 1 in batch number `seq`.
async fn price(till: &Till, seq: impl Into<Value>, price: u32) -> PushResponse {
    let record =
        with(with(product("p1", &json!({ "price": price })), "base_version", 1), "fields", json!(["price"]));
    let batch = till.batch(Some(&format!("b{price}")), &[record]);
    till.push_batch(&with(batch, "device_seq", seq)).await
}

async fn a_second_edit_from_the_same_version_follows_the_first_one(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    till.push(&[product("p1", &json!({ "name": "Tea", "price": 1 }))]).await;
    assert_eq!(price(&till, 7, 2).await.applied[0].version, 2);
    let second = price(&till, 8, 3).await;
    assert_eq!(second.applied[0].data.as_ref().unwrap().as_str(), r#"{"name":"Tea","price":3}"#);
    assert_eq!(price(&till, Value::Null, 4).await.conflicts[0].reason, "fields_conflict", "without a number");
    assert_eq!(price(&shop.till("till-2").await, 9, 5).await.conflicts[0].reason, "fields_conflict");
    assert_eq!(price(&till, 9, 6).await.applied[0].version, 4);
}
