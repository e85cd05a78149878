//! Two releases side by side: what a newer one has stored is kept, or is "come back later".

use aws_sdk_dynamodb::types::AttributeValue;
use functions::dynamo::kind::FORMAT;
use functions::sync::keys;
use protocol::stamp::Stamp;
use serde_json::{Value, json};
use tests::api::Reply;
use tests::wait::poll;

use crate::carts;
use crate::replies::assert_error;
use crate::shop::{Shop, deletion, product, record, with};
use crate::stored::Stored;
use crate::world::PATIENCE;

trials! {
    shared:
    every_write_keeps_the_attributes_of_a_newer_release,
    compaction_keeps_the_attributes_of_a_newer_release,
    a_refresh_keeps_the_attributes_of_a_newer_release,
    items_of_a_newer_release_answer_503,
}

const LATER: &str = "added_later";

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// Adds an attribute, as a newer release does.
async fn add(stored: &Stored) {
    stored.set(LATER, Some(text("kept"))).await;
}

async fn assert_kept(stored: &Stored, what: &str) {
    assert_eq!(stored.now(LATER).await, Some(text("kept")), "{what}");
}

async fn every_write_keeps_the_attributes_of_a_newer_release(shop: &'static Shop) {
    let (till, manager) = (shop.till("till-1").await, shop.manager().await);
    // Two dead letters, so that closing one rewrites their item.
    let rejected = [json!("a"), json!("b")];
    till.push_batch(&till.batch(Some("b1"), &[&[product("p", &json!({ "n": 1 }))], &rejected[..]].concat()))
        .await;
    super::stats::wait_until_delivered(&till.api).await;
    let room = keys::room(&shop.room("1"));
    let items = crate::invariants::partition(&shop.world.dynamo, &shop.world.table, room).await;
    let mut all = Vec::new();
    for item in &items {
        let sk = item["sk"].as_s().unwrap();
        // CLOCKS exists once a device has sent its time.
        let stored = Stored::in_room(shop, sk).await;
        add(&stored).await;
        all.push((sk.clone(), stored));
    }
    assert!(all.len() >= 4, "a record, HEAD, FEED, dead letters and a marker");
    let version = |n: u64| json!({ "n": n });
    for write in [
        with(product("p", &version(2)), "base_version", 1),
        with(product("p", &version(3)), "fields", json!(["n"])),
        deletion("p", 3),
        with(product("p", &version(4)), "base_version", 0),
    ] {
        assert_eq!(till.push(&[write]).await.synced_count, 1);
    }
    let resolve = json!({ "device_id": "till-1", "table_name": "products", "record_id": "p",
        "resolution": "accept_client", "client_data": { "n": 5 } });
    let reply = till.api.post("/api/sync/resolve-conflict", resolve.to_string()).await.unwrap();
    assert!(reply.status.is_success(), "{}", reply.body);
    let letters: Value = manager.get("/api/sync/dead-letters").await.unwrap().ok().unwrap();
    let id = letters["dead_letters"][0]["id"].as_str().unwrap();
    let reply = manager.post(&format!("/api/sync/dead-letters/{id}/discard"), "").await.unwrap();
    assert!(reply.status.is_success(), "{}", reply.body);
    super::stats::wait_until_delivered(&till.api).await;
    for (sk, stored) in &all {
        assert_kept(stored, sk).await;
    }
    // What a release knows and does not write is removed: the expiry of the tombstone.
    assert_eq!(Stored::product(shop, "p").await.now("ttl").await, None);
    let branch = keys::branch(&shop.room("1").branch);
    let client = keys::client(&shop.room("1").client);
    let branch = Stored::of(shop, &shop.world.table, client, &branch).await;
    add(&branch).await;
    till.push(&[record("customers", "c", &json!({}))]).await;
    assert_kept(&branch, "branch").await;
}

async fn compaction_keeps_the_attributes_of_a_newer_release(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    carts::put_data(&till.api, "c-1", &json!({ "n": 1 })).await;
    let pk = functions::carts::keys::cart(&shop.room("1"), &"c-1".parse().unwrap());
    let compacted = async || {
        let items =
            crate::invariants::partition(&shop.world.dynamo, &shop.world.carts_table, pk.clone()).await;
        items.iter().map(|item| item["sk"].as_s().unwrap().clone()).collect::<Vec<_>>()
    };
    let is_done = |items: &Vec<String>| *items == [functions::carts::keys::COMPACTED];
    poll(PATIENCE, compacted, is_done).await.unwrap();
    let cart = Stored::of(shop, &shop.world.carts_table, pk.clone(), functions::carts::keys::COMPACTED).await;
    add(&cart).await;
    carts::put_data(&till.api, "c-1", &json!({ "n": 2 })).await;
    poll(PATIENCE, async || cart.now("data").await, |data| *data == Some(text(r#"{"n":2}"#))).await.unwrap();
    assert_kept(&cart, "cart").await;
    // Removing the cart removes what this release knows.
    carts::delete(&till.api, "c-1").await;
    poll(PATIENCE, async || cart.now("data").await, Option::is_none).await.unwrap();
    assert_kept(&cart, "removed cart").await;
}

async fn a_refresh_keeps_the_attributes_of_a_newer_release(shop: &'static Shop) {
    let (api, session) = shop.session("anna", "1", Some("till-1")).await;
    let pk = functions::accounts::keys::families(&session.user.id);
    let items =
        crate::invariants::partition(&shop.world.dynamo, &shop.world.accounts_table, pk.clone()).await;
    let sk = |item: &functions::dynamo::item::Item| item["sk"].as_s().unwrap().clone();
    let family = items.iter().map(sk).find(|sk| sk.starts_with("FAMILY#")).unwrap();
    let family = Stored::of(shop, &shop.world.accounts_table, pk, &family).await;
    add(&family).await;
    let body = json!({ "refreshToken": session.refresh_token }).to_string();
    let reply = api.post("/api/auth/refresh", body).await.unwrap();
    assert!(reply.status.is_success(), "{}", reply.body);
    assert!(family.now("previous").await.is_some(), "the token was replaced");
    assert_kept(&family, "refreshed").await;
    // A damaged family is refused, and left out of the list.
    family.damage("session").await;
    let next: Value = reply.ok().unwrap();
    let body = json!({ "refreshToken": next["refreshToken"] }).to_string();
    assert_error(&api.post("/api/auth/refresh", body).await.unwrap(), 401, "refresh_invalid");
    let listed: Value = api.get("/api/sessions").await.unwrap().ok().unwrap();
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 0);
}

/// Awaits `call` while `stored` has an attribute that only a newer release can read.
async fn assert_comes_back_later(
    stored: Stored,
    (name, value): (&str, AttributeValue),
    call: impl Future<Output = Reply>,
) {
    stored.set(name, Some(value)).await;
    let reply = call.await;
    assert_error(&reply, 503, "unavailable");
    assert!(reply.headers.contains_key("retry-after"));
    stored.repair().await;
}

async fn items_of_a_newer_release_answer_503(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let batch = till.batch(Some("b1"), &[product("p", &json!({ "n": 1 }))]);
    let stamp = till.push_batch(&batch).await.stamp;
    let marker = keys::batch(&"till-1".parse().unwrap(), &"b1".parse().unwrap());
    let second = || (FORMAT, AttributeValue::N("2".into()));
    for sk in [marker.as_str(), keys::HEAD] {
        let stored = Stored::in_room(shop, sk).await;
        assert_comes_back_later(stored, second(), till.push_raw(&batch)).await;
    }
    assert_comes_back_later(Stored::product(shop, "p").await, second(), till.push_raw(&batch)).await;
    let all = || till.pull_raw("since=0");
    assert_comes_back_later(Stored::in_room(shop, keys::HEAD).await, second(), all()).await;
    assert_comes_back_later(Stored::last_log_item(shop).await, second(), all()).await;
    let walk = till.pull_raw("cursor=v1.9000000000000000");
    assert_comes_back_later(Stored::product(shop, "p").await, second(), walk).await;
    // An outcome that this release does not know is a newer format too.
    let unknown = ("codes", text("r999"));
    assert_comes_back_later(Stored::in_room(shop, &marker).await, unknown, till.push_raw(&batch)).await;
    assert_eq!(till.push_batch(&batch).await.stamp, stamp);
    assert_eq!(till.pull_all(Stamp::ZERO, 10).await.len(), 1);
}
