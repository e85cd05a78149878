//! Record ids of every kind: each id that is accepted can be read in every way.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use protocol::limits::RECORD_ID_BYTES_MAX;
use protocol::record::Operation;
use protocol::stamp::Stamp;
use protocol::wire::dead_letters::DeadLettersResponse;
use protocol::wire::pull::PullResponse;
use protocol::wire::push::PushResponse;
use protocol::wire::record::{BatchGetResponse, RecordResponse};
use protocol::wire::resolve::ResolveResponse;
use serde_json::{Value, json};

use super::{data, read, wait_for_data, wait_until_cached};
use crate::replies::is_fresh;
use crate::shop::{Shop, product, with};
use crate::sync::broadcast::Listener;

trials! {
    shared:
    an_accepted_id_is_read_by_its_address_and_in_batches,
    an_accepted_id_is_in_pages_walks_and_frames,
    an_accepted_id_is_resolved_rejected_replayed_and_deleted,
    an_id_that_no_url_can_hold_is_rejected,
}

/// Ids that break when a URL, a key, a cursor or a pattern is built carelessly.
fn ids() -> Vec<String> {
    let mut ids: Vec<String> = [
        "a b",
        " ",
        " a ",
        "a+b",
        "+",
        "a/b",
        "/",
        "//",
        "/a",
        "a/",
        "a\\b",
        "%",
        "100%",
        "a%20b",
        "%2F",
        "%2e",
        "%2e%2e",
        "%00",
        "a?b",
        "?",
        "#",
        "a#b",
        "x#?y",
        "a&b=c",
        "a:b",
        "a;b",
        "...",
        ".a",
        "a.",
        "./a",
        "../a",
        "~",
        "*",
        "[a]",
        "{id}",
        "<a>",
        "\"",
        "'",
        "`",
        "^",
        "|",
        "@",
        "$",
        ",",
        "null",
        "0",
        "-",
        "_",
        "Käse/1",
        "K\u{61}\u{308}se",
        "日本",
        "😀",
        "\u{feff}",
        "\u{2028}",
        "\u{200f}",
        "\u{ffff}",
        "products#p1",
        "REC#products#p1",
        "HEAD",
        "batch-get",
    ]
    .map(str::to_owned)
    .into();
    ids.push("x".repeat(RECORD_ID_BYTES_MAX));
    ids.push("%".repeat(RECORD_ID_BYTES_MAX));
    ids.push("ä".repeat(RECORD_ID_BYTES_MAX / 2));
    ids.push(format!("{}abc", "😀".repeat(RECORD_ID_BYTES_MAX / 4)));
    ids
}

fn encoded(id: &str) -> String {
    utf8_percent_encode(id, NON_ALPHANUMERIC).to_string()
}

/// A product for each of [`ids`], in batches that fit a push.
fn batches() -> Vec<Vec<Value>> {
    let products: Vec<Value> = ids().iter().map(|id| product(id, &json!({ "is": id }))).collect();
    products.chunks(40).map(<[Value]>::to_vec).collect()
}

/// A till that has pushed all products, and the last stamp.
async fn pushed(shop: &Shop) -> (crate::till::Till, Stamp) {
    let till = shop.till("till-1").await;
    let mut stamp = Stamp::ZERO;
    for batch in batches() {
        let response = till.push(&batch).await;
        assert_eq!(response.applied.len(), batch.len(), "{:?}", response.errors);
        stamp = response.stamp;
    }
    (till, stamp)
}

async fn an_accepted_id_is_read_by_its_address_and_in_batches(shop: &'static Shop) {
    let (till, stamp) = pushed(shop).await;
    // As many users as it takes to stay within the rate limit of one.
    for (reader, ids) in ids().chunks(15).enumerate() {
        let api = shop.till(&format!("reader-{reader}")).await.api;
        for id in ids {
            let path = encoded(id);
            let reply = read(&api, &path, Some(stamp)).await;
            assert_eq!(reply.ok::<RecordResponse>().unwrap().record_id, *id, "{path}");
            assert_eq!(data(&reply), json!({ "is": id }));
            wait_until_cached(&api, &path, Some(stamp)).await;
            let cached = read(&api, &path, None).await;
            assert!(is_fresh(&cached));
            assert_eq!(data(&cached), json!({ "is": id }));
        }
    }
    for ids in ids().chunks(40) {
        let names = json!({ "records": super::names(ids) }).to_string();
        let reply = till.api.post("/api/data/batch-get", names).await.unwrap();
        let BatchGetResponse { records, missing, .. } = reply.ok().unwrap();
        let found: Vec<String> = records.into_iter().map(|record| record.record_id).collect();
        assert_eq!((found.as_slice(), missing.len()), (ids, 0));
    }
    // A change invalidates the cached entry of each.
    for id in ["a/b", "%2e%2e", "Käse/1", "*"] {
        till.push(&[product(id, &json!({ "is": "changed" }))]).await;
        wait_for_data(&till.api, &encoded(id), &json!({ "is": "changed" })).await;
    }
}

async fn an_accepted_id_is_in_pages_walks_and_frames(shop: &'static Shop) {
    let other = shop.till("till-2").await;
    let mut listener = Listener::open(&other.api, "till-2").await;
    let (till, _) = pushed(shop).await;
    let expected: BTreeSet<String> = ids().into_iter().collect();
    let mut seen = BTreeSet::new();
    for _ in 0..expected.len() {
        seen.insert(listener.next_sync().await.record_id);
    }
    assert_eq!(seen, expected, "in frames");
    let log: BTreeSet<String> =
        till.pull_all(Stamp::ZERO, 7).await.into_iter().map(|change| change.record_id).collect();
    assert_eq!(log, expected, "in the log");
    // One record per page, so that each id is in a cursor.
    let (mut walked, mut query) = (BTreeSet::new(), "since=9007199254740991".to_owned());
    loop {
        let reply = till.pull_raw(&format!("{query}&limit=1")).await;
        let page: PullResponse = reply.ok().unwrap();
        walked.extend(page.changes.into_iter().map(|change| change.record_id));
        if !page.has_more {
            break;
        }
        query = format!("cursor={}", encoded(&page.next_cursor));
    }
    assert_eq!(walked, expected, "in a walk");
}

async fn an_accepted_id_is_resolved_rejected_replayed_and_deleted(shop: &'static Shop) {
    let (till, _) = pushed(shop).await;
    let office = shop.office().await;
    let undated = |record: &Value| with(record.clone(), "local_updated_at", "yesterday");
    for batch in batches() {
        let response = till.push(&batch.iter().map(undated).collect::<Vec<_>>()).await;
        assert_eq!(response.errors.len(), batch.len());
    }
    let listed = office.api.get("/api/sync/dead-letters?limit=100").await.unwrap();
    let page: DeadLettersResponse = listed.ok().unwrap();
    let letters = page.dead_letters.into_iter().map(|letter| (letter.record_id.unwrap(), letter.id));
    let letters: BTreeMap<String, String> = letters.collect();
    assert_eq!(letters.keys().cloned().collect::<BTreeSet<_>>(), ids().into_iter().collect());
    for id in ["../a", "%2e%2e", "a#b", "Käse/1", "😀"] {
        let path = format!("/api/sync/dead-letters/{}/replay", letters[id]);
        let replayed: PushResponse = office.api.post(&path, "").await.unwrap().ok().unwrap();
        assert_eq!((replayed.applied[0].record_id.as_str(), replayed.applied[0].version), (id, 2));
        let resolve = json!({ "device_id": "office", "table_name": "products", "record_id": id,
            "resolution": "accept_client", "client_data": { "is": "resolved" }, "expected_version": 2 });
        let reply = office.api.post("/api/sync/resolve-conflict", resolve.to_string()).await.unwrap();
        let resolved = reply.ok::<ResolveResponse>().unwrap();
        assert_eq!((resolved.record_id.as_str(), resolved.version), (id, 3));
        assert_eq!(
            data(&read(&till.api, &encoded(id), Some(resolved.stamp)).await),
            json!({ "is": "resolved" })
        );
        let deletion = with(with(product(id, &Value::Null), "is_deleted", true), "base_version", 3);
        let deleted = till.push(&[deletion]).await;
        assert_eq!(read(&till.api, &encoded(id), Some(deleted.stamp)).await.status, 404);
        let last = till.pull_all(deleted.prev, 10).await.remove(0);
        assert_eq!((last.record_id.as_str(), last.operation), (id, Operation::Delete));
    }
}

async fn an_id_that_no_url_can_hold_is_rejected(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let response = till.push(&[product(".", &json!({})), product("..", &json!({}))]).await;
    let codes: Vec<_> = response.errors.iter().map(|error| error.code.as_str()).collect();
    assert_eq!((codes, response.applied.len()), (vec!["bad_record_id"; 2], 0));
    let letters: DeadLettersResponse =
        shop.manager().await.get("/api/sync/dead-letters").await.unwrap().ok().unwrap();
    assert_eq!(letters.dead_letters.len(), 2);
    // Nor does the delete of a record that never existed make one.
    let deletion = with(product(".", &Value::Null), "is_deleted", true);
    assert_eq!(till.push(&[deletion]).await.errors[0].code, "bad_record_id");
}
