//! Two releases side by side: what a newer one has stored is kept, or is "come back later".

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use functions::dynamo::kind::FORMAT;
use functions::sync::keys;
use protocol::stamp::Stamp;
use serde_json::{Value, json};
use tests::api::Reply;
use tests::wait::poll;

use crate::carts;
use crate::replies::assert_error;
use crate::shop::{PASSWORD, Shop, ago, deletion, product, record, with};
use crate::stored::Stored;
use crate::till::Till;
use crate::world::PATIENCE;

trials! {
    shared:
    every_write_keeps_the_attributes_of_a_newer_release,
    compaction_keeps_the_attributes_of_a_newer_release,
    a_refresh_keeps_the_attributes_of_a_newer_release,
    accounts_of_a_newer_release_answer_503_and_damaged_ones_are_refused,
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
    // Two dead letters, so that closing one rewrites their item; and the time, so that there are CLOCKS.
    let rejected = [json!("a"), json!("b")];
    let records = [&[product("p", &json!({ "n": 1 }))], &rejected[..]].concat();
    let timed = |batch: Value, secs: u64| with(batch, "device_time", ago(secs));
    till.push_batch(&timed(till.batch(Some("b1"), &records), 0)).await;
    // The device's own batch replaces a marker of a free token.
    let (free, _) = shop.session("cashier", "1", None).await;
    let free = Till { api: free, device: till.device.clone() };
    free.push_batch(&free.batch(Some("b2"), &[record("customers", "free", &json!({}))])).await;
    super::stats::wait_until_delivered(&till.api).await;
    let room = keys::room(&shop.room("1"));
    let items = crate::invariants::partition(&shop.world.dynamo, &shop.world.table, room).await;
    let mut all = Vec::new();
    for item in &items {
        let sk = item["sk"].as_s().unwrap();
        let stored = Stored::in_room(shop, sk).await;
        add(&stored).await;
        all.push((sk.clone(), stored));
    }
    let kinds: BTreeSet<&str> = all.iter().map(|(sk, _)| sk.split('#').next().unwrap()).collect();
    assert_eq!(kinds, ["BATCH", "CLOCKS", "COUNTS", "DEAD", "FEED", "HEAD", "REC"].into());
    let head = Stored::in_room(shop, keys::HEAD).await;
    head.set_member("shortest_retention", LATER, text("kept")).await;
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
    let own = till.batch(Some("b2"), &[record("customers", "own", &json!({}))]);
    assert_eq!(till.push_batch(&timed(own, 60)).await.synced_count, 1);
    super::stats::wait_until_delivered(&till.api).await;
    for (sk, stored) in &all {
        assert_kept(stored, sk).await;
        let rewritten = ["BATCH#till-1#b1", "REC#customers#free"];
        assert!(stored.is_rewritten(LATER).await != rewritten.contains(&sk.as_str()), "{sk}");
    }
    let kept = head.now("shortest_retention").await.unwrap();
    let (kept, stamp) = (kept.as_m().unwrap().clone(), head.now("stamp").await.unwrap());
    assert_eq!((kept.get(LATER), kept.get("as_of")), (Some(&text("kept")), Some(&stamp)));
    // What a release knows and does not write is removed: the expiry of the tombstone.
    assert_eq!(Stored::product(shop, "p").await.now("ttl").await, None);
    let branch = keys::branch(&shop.room("1").branch);
    let client = keys::client(&shop.room("1").client);
    let branch = Stored::of(shop, &shop.world.table, client, &branch).await;
    add(&branch).await;
    till.push(&[record("customers", "c", &json!({}))]).await;
    assert_kept(&branch, "branch").await;
}

/// The cart of the partition `pk`, once its changes are compacted.
async fn compacted(shop: &'static Shop, pk: String) -> Stored {
    let items = async || {
        let items =
            crate::invariants::partition(&shop.world.dynamo, &shop.world.carts_table, pk.clone()).await;
        items.iter().map(|item| item["sk"].as_s().unwrap().clone()).collect::<Vec<_>>()
    };
    let is_done = |items: &Vec<String>| *items == [functions::carts::keys::COMPACTED];
    poll(PATIENCE, items, is_done).await.unwrap();
    Stored::of(shop, &shop.world.carts_table, pk.clone(), functions::carts::keys::COMPACTED).await
}

async fn compaction_keeps_the_attributes_of_a_newer_release(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    carts::put_data(&till.api, "c-1", &json!({ "n": 1 })).await;
    let pk = functions::carts::keys::cart(&shop.room("1"), &"c-1".parse().unwrap());
    let cart = compacted(shop, pk).await;
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

async fn accounts_of_a_newer_release_answer_503_and_damaged_ones_are_refused(shop: &'static Shop) {
    let (api, session) = shop.session("anna", "1", None).await;
    let login = || async {
        let body = json!({ "username": shop.username("anna"), "password": PASSWORD }).to_string();
        shop.anonymous().post("/api/auth/login", body).await.unwrap()
    };
    let refresh = || async {
        let body = json!({ "refreshToken": session.refresh_token }).to_string();
        shop.anonymous().post("/api/auth/refresh", body).await.unwrap()
    };
    let table = &shop.world.accounts_table;
    let item = async |key: functions::dynamo::item::Item| {
        let part = |name: &str| key[name].as_s().unwrap().clone();
        Stored::of(shop, table, part("pk"), &part("sk")).await
    };
    let pk = functions::accounts::keys::families(&session.user.id);
    let items = crate::invariants::partition(&shop.world.dynamo, table, pk).await;
    let family = items.iter().find(|item| item["sk"].as_s().unwrap().starts_with("FAMILY#")).unwrap();
    let (user, name) = (
        functions::accounts::keys::user(&session.user.id),
        functions::accounts::keys::name(&shop.username("anna")),
    );
    let second = || (FORMAT, AttributeValue::N("2".into()));
    assert_comes_back_later(item(user.clone()).await, second(), login()).await;
    assert_comes_back_later(item(user.clone()).await, second(), refresh()).await;
    assert_comes_back_later(item(name.clone()).await, second(), login()).await;
    assert_comes_back_later(item(family.clone()).await, second(), refresh()).await;
    let sessions = async { api.get("/api/sessions").await.unwrap() };
    assert_comes_back_later(item(family.clone()).await, second(), sessions).await;
    // Damage is not "later": an administrator is told by the alarm, and the caller signs in again.
    let stored = item(user).await;
    for attribute in ["role", "client_id"] {
        stored.damage(attribute).await;
        assert_error(&login().await, 401, "bad_credentials");
        assert_error(&refresh().await, 401, "refresh_invalid");
        stored.repair().await;
    }
    stored.damage("password_hash").await;
    assert_error(&login().await, 401, "bad_credentials");
    stored.repair().await;
    let stored = item(name).await;
    stored.damage("user").await;
    assert_error(&login().await, 401, "bad_credentials");
    stored.repair().await;
    assert_eq!(login().await.status, 200);
    assert_eq!(refresh().await.status, 200);
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
    carts::put_data(&till.api, "c-1", &json!({ "n": 1 })).await;
    let pk = functions::carts::keys::cart(&shop.room("1"), &"c-1".parse().unwrap());
    let cart = compacted(shop, pk).await;
    let read = till.api.get("/api/carts/c-1?min=9000000000000000");
    assert_comes_back_later(cart, second(), async { read.await.unwrap() }).await;
    // An outcome that this release does not know is a newer format too.
    let unknown = ("codes", text("r999"));
    assert_comes_back_later(Stored::in_room(shop, &marker).await, unknown, till.push_raw(&batch)).await;
    assert_eq!(till.push_batch(&batch).await.stamp, stamp);
    assert_eq!(till.pull_all(Stamp::ZERO, 10).await.len(), 1);
}
