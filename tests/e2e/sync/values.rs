//! What counts as the same value: JSON in other spellings, integers in other notations, unknown versions.

use protocol::stamp::Stamp;
use protocol::wire::dead_letters::DeadLettersResponse;
use protocol::wire::push::PushResponse;
use protocol::wire::resolve::ResolveResponse;
use serde_json::{Value, json};
use tests::fleet;

use crate::records::read;
use crate::shop::{Shop, hall, product, record, with};
use crate::till::Till;

trials! {
    shared:
    a_row_in_another_spelling_is_a_replay_from_any_till,
    members_spelled_differently_on_both_sides_do_not_conflict,
    names_states_and_deltas_may_be_escaped,
    an_integer_may_have_any_notation,
    a_version_that_the_server_never_had_is_a_conflict,
}

/// Pushes one record of `table` with this text as its data and these other members.
async fn push_text(till: &Till, table: &str, data: &str, members: &str) -> PushResponse {
    let body = format!(
        r#"{{"device_id":"{}","batch_id":"{}","records":[{{"table_name":"{table}","record_id":"r1",
            "local_updated_at":"{}","data":{data}{members}}}]}}"#,
        till.device,
        fleet::batch_id(),
        fleet::now()
    );
    till.api.post("/api/sync/batch-push", body).await.unwrap().ok().unwrap()
}

/// The version of the only record, which was applied; nothing was rejected or in conflict.
fn version(response: &PushResponse) -> u64 {
    let lost = (response.conflicts.len(), response.errors.len());
    assert_eq!((response.applied.len(), lost), (1, (0, 0)), "{response:?}");
    response.applied[0].version
}

const PLAIN: &str = r#"{"name":"Café a/b","lines":[{"size":1.10,"tax":{"rate":"7"}}]}"#;
const OTHER: &str =
    r#"{ "lines" : [ { "tax": { "r\u0061te" : "\u0037" }, "size": 1.10 } ],"name":"Caf\u00e9 a\/b" }"#;

async fn a_row_in_another_spelling_is_a_replay_from_any_till(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    assert_eq!(version(&push_text(&one, "cash_movements", PLAIN, "").await), 1);
    for till in [&one, &two] {
        let again = push_text(till, "cash_movements", OTHER, "").await;
        assert_eq!((version(&again), again.applied[0].data.is_none()), (1, true));
        assert_eq!(again.prev, again.stamp, "nothing was written");
    }
    let office = shop.office().await;
    for table in ["payment_methods", "promotions", "halls"] {
        assert_eq!(version(&push_text(&office, table, PLAIN, r#","base_version":0"#).await), 1);
        let again = push_text(&office, table, OTHER, r#","base_version":0"#).await;
        assert_eq!((version(&again), again.prev), (1, again.stamp), "{table}");
    }
    let other = push_text(&one, "cash_movements", &PLAIN.replace("1.10", "1.1"), "").await;
    assert_eq!(other.errors[0].code, "append_only", "a number in another notation is another value");
    let changes = one.pull_all(Stamp::ZERO, 100).await;
    assert!(changes.iter().all(|change| change.data.as_str() == PLAIN), "stored and logged as received");
    let letters: DeadLettersResponse = office.api.get("/api/sync/dead-letters").await.unwrap().ok().unwrap();
    assert_eq!(letters.dead_letters.len(), 1, "only the one that differs");
}

async fn members_spelled_differently_on_both_sides_do_not_conflict(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    push_text(&one, "products", r#"{"size":{"x":1,"y":2},"name":"A"}"#, "").await;
    push_text(&one, "products", r#"{"size":{"x":3,"y":4},"name":"A"}"#, r#","base_version":1"#).await;
    let same = r#"{"size":{ "\u0079":4, "x":3 },"name":"B"}"#;
    let merged = push_text(&two, "products", same, r#","base_version":1"#).await;
    assert_eq!((version(&merged), merged.applied[0].data.is_none()), (3, true));
    let stored = read(&one.api, "r1", Some(merged.stamp)).await;
    assert!(stored.body.contains(same), "stored as received: {}", stored.body);
    // A resolution that spells the record in another way changes nothing that a person could see.
    let body = json!({ "device_id": "till-1", "table_name": "products", "record_id": "r1",
        "resolution": "accept_client", "client_data": { "name": "B", "size": { "y": 4, "x": 3 } } });
    let reply = one.api.post("/api/sync/resolve-conflict", body.to_string()).await.unwrap();
    assert_eq!(reply.ok::<ResolveResponse>().unwrap().data.as_str(), same);
}

async fn names_states_and_deltas_may_be_escaped(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    push_text(&one, "shifts", r#"{"status":"open"}"#, "").await;
    let closed = r#"{"\u0073tatus":"clos\u0065d"}"#;
    assert_eq!(version(&push_text(&two, "shifts", closed, r#","fields":["\u0073tatus"]"#).await), 2);
    let back = push_text(&one, "shifts", r#"{"statu\u0073":"open"}"#, r#","fields":["status"]"#).await;
    assert_eq!(back.errors[0].code, "bad_transition");
    push_text(&one, "product_stock", r#"{"quantity":5,"shelf":"A"}"#, "").await;
    let delta = r#"{"quantit\u0079":{"\u0024delta":"-\u0032"}}"#;
    let taken = push_text(&two, "product_stock", delta, "").await;
    assert_eq!(taken.applied[0].data.as_ref().unwrap().as_str(), r#"{"quantity":3,"shelf":"A"}"#);
    // Of two members with one name the last one counts.
    let twice = r#"{"quantity":{"$delta":"100"},"quantity":{"$delta":"-1"}}"#;
    let taken = push_text(&two, "product_stock", twice, "").await;
    assert_eq!(taken.applied[0].data.as_ref().unwrap().as_str(), r#"{"quantity":2,"shelf":"A"}"#);
}

async fn an_integer_may_have_any_notation(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    assert_eq!(version(&push_text(&till, "products", r#"{"n":1}"#, r#","base_version":-0"#).await), 1);
    assert_eq!(version(&push_text(&till, "products", r#"{"n":2}"#, r#","base_version":1.0"#).await), 2);
    assert_eq!(version(&push_text(&till, "products", r#"{"n":3}"#, r#","base_version":2e0"#).await), 3);
    for bad in ["1.5", "-1", "\"3\"", "1e30"] {
        let members = format!(r#","base_version":{bad}"#);
        let response = push_text(&till, "products", r#"{"n":4}"#, &members).await;
        assert_eq!(response.errors[0].code, "malformed", "{bad}");
    }
    let resolve = async |version: &str| {
        let body = format!(
            r#"{{"device_id":"till-1","table_name":"products","record_id":"r1","resolution":"accept_server",
                "expected_version":{version}}}"#
        );
        till.api.post("/api/sync/resolve-conflict", body).await.unwrap()
    };
    assert_eq!(resolve("3.0").await.status, 200);
    assert_eq!(resolve("2.0").await.code().as_deref(), Some("version_changed"));
    assert_eq!(resolve("2.5").await.code().as_deref(), Some("bad_request"));
    let cart = async |stamp: &str| {
        let body = format!(r#"{{"data":{{}},"after_stamp":{stamp}}}"#);
        till.api.send(till.api.request(reqwest::Method::PUT, "/api/carts/c1").body(body)).await.unwrap()
    };
    assert_eq!(cart("7.0").await.status, 200);
    assert_eq!(cart("7.5").await.code().as_deref(), Some("bad_request"));
}

async fn a_version_that_the_server_never_had_is_a_conflict(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    for (table, write) in [("products", product as fn(&str, &Value) -> Value), ("halls", hall)] {
        one.push(&[write("r1", &json!({ "name": "A" }))]).await;
        one.push(&[with(write("r1", &json!({ "name": "B" })), "base_version", 1)]).await;
        let beyond = with(write("r1", &json!({ "name": "C" })), "base_version", 99);
        let deletion = with(beyond.clone(), "is_deleted", true);
        for unknown in [beyond, deletion] {
            let response = two.push(&[unknown]).await;
            let conflict = &response.conflicts[0];
            assert_eq!(
                (conflict.reason.as_str(), conflict.server_version),
                ("unknown_version", 2),
                "{table}"
            );
            assert_eq!(conflict.server_data.as_ref().unwrap().as_str(), r#"{"name":"B"}"#);
            assert_eq!(response.prev, response.stamp, "nothing was written");
        }
    }
    // What does not depend on the version is applied nevertheless.
    one.push(&[record("product_stock", "r1", &json!({ "quantity": 5, "shelf": "A" }))]).await;
    let both = record("product_stock", "r1", &json!({ "quantity": { "$delta": "-2" }, "shelf": "B" }));
    let batch = two.batch(Some("b1"), &[with(both, "base_version", 99)]);
    let (first, again) = (two.push_batch(&batch).await, two.push_batch(&batch).await);
    for response in [first, again] {
        assert_eq!(
            (&*response.conflicts[0].reason, response.conflicts[0].server_version),
            ("unknown_version", 2)
        );
        let stored = response.conflicts[0].server_data.as_ref().unwrap();
        assert_eq!(stored.as_str(), r#"{"quantity":3,"shelf":"A"}"#);
    }
}
