//! `POST /api/data/batch-get`

use protocol::limits::{READ_RECORDS_FIT, READ_RECORDS_MAX, RECORD_BYTES_MAX};
use protocol::record::RecordKey;
use protocol::stamp::Stamp;
use protocol::wire::record::{BatchGetResponse, MissingRecord};
use serde_json::{Value, json};
use tests::api::{Api, Reply};
use tests::wait::poll;

use super::names;
use crate::replies::{is_fresh, source};
use crate::shop::{Shop, deletion, hall, product};
use crate::till::Till;
use crate::world::PATIENCE;

trials! {
    shared:
    records_are_loaded_together_and_then_cached,
    changed_records_are_current_and_deleted_ones_missing,
    the_most_and_largest_records_fit,
    a_branch_and_a_role_read_only_their_records,
    bad_requests_are_refused,
}

fn name(table: &str, id: &str) -> Value {
    json!({ "table_name": table, "record_id": id })
}

async fn ask(api: &Api, names: &[Value], min: Stamp) -> Reply {
    let path = format!("/api/data/batch-get?min={}", min.0);
    api.post(&path, json!({ "records": names }).to_string()).await.unwrap()
}

/// Ids and data of the records that exist, and the ids of the others.
fn parts(reply: &Reply) -> (Vec<(String, Value)>, Vec<String>) {
    let BatchGetResponse { records, missing, left_out } = reply.ok().unwrap();
    assert_eq!(left_out, []);
    let data = |text: &str| serde_json::from_str(text).unwrap();
    let there = records.into_iter().map(|record| (record.record_id, data(record.data.as_str())));
    (there.collect(), missing.into_iter().map(|name| name.record_id).collect())
}

fn pair(id: &str, data: Value) -> (String, Value) {
    (id.to_owned(), data)
}

async fn push_three(till: &Till) -> Stamp {
    let records = [
        product("p1", &json!({ "n": 1 })),
        product("Käse/2", &json!({ "n": 2 })),
        hall("h1", &json!({ "seats": 40 })),
    ];
    till.push(&records).await.stamp
}

async fn records_are_loaded_together_and_then_cached(shop: &'static Shop) {
    let (a, b) = (shop.till("till-1").await, shop.till("till-2").await);
    let stamp = push_three(&a).await;
    let names =
        [name("halls", "h1"), name("products", "none"), name("products", "Käse/2"), name("halls", "h1")];
    let first = ask(&a.api, &names, stamp).await;
    assert_eq!(source(&first), Some("loaded"));
    // One request for HEAD and one for all records.
    assert_eq!(first.cost().requests, 2);
    let hall = pair("h1", json!({ "seats": 40 }));
    let there = vec![hall.clone(), pair("Käse/2", json!({ "n": 2 })), hall];
    assert_eq!(parts(&first), (there.clone(), vec!["none".to_owned()]));
    // The stream invalidates the records once, because of the commit. After that all are cached, and so is
    // the absence of the missing one.
    let cached = async || {
        let again = ask(&b.api, &names, stamp).await;
        assert_eq!(parts(&again), (there.clone(), vec!["none".to_owned()]));
        again
    };
    assert_eq!(poll(PATIENCE, cached, is_fresh).await.unwrap().cost().requests, 0);
}

async fn changed_records_are_current_and_deleted_ones_missing(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let stamp = push_three(&till).await;
    let names = names(["p1", "Käse/2"]);
    ask(&till.api, &names, stamp).await;
    let stamp = till.push(&[product("p1", &json!({ "n": 10 })), deletion("Käse/2", 1)]).await.stamp;
    let reply = ask(&till.api, &names, stamp).await;
    assert_eq!(parts(&reply), (vec![pair("p1", json!({ "n": 10 }))], vec!["Käse/2".to_owned()]));
    // A deleted record is told from one that never was, from the store and from the cache.
    let names = [name("products", "Käse/2"), name("products", "never")];
    let told = async || {
        let reply = ask(&till.api, &names, stamp).await;
        let BatchGetResponse { missing, .. } = reply.ok().unwrap();
        let [deleted, never]: [MissingRecord; 2] = missing.try_into().unwrap();
        assert_eq!((deleted.is_deleted, deleted.version, deleted.stamp), (true, Some(2), Some(stamp)));
        assert_eq!(deleted.server_updated_at, Some(stamp.time().to_string()));
        assert_eq!(never, RecordKey { table: "products".into(), id: "never".into() }.into());
        reply
    };
    told().await;
    poll(PATIENCE, told, is_fresh).await.unwrap();
    let reply = till.api.get("/api/data/products/K%C3%A4se%2F2").await.unwrap();
    assert_eq!(reply.code().as_deref(), Some("record_not_found"));
}

async fn the_most_and_largest_records_fit(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    // Quotes grow most when Lambda wraps the response in JSON.
    let rest = RECORD_BYTES_MAX - r#"{"q":""}"#.len();
    let data = json!({ "q": "\"".repeat(rest / 2) });
    assert_eq!(data.to_string().len(), RECORD_BYTES_MAX);
    let ids: Vec<String> = (0..READ_RECORDS_MAX).map(|n| format!("p{n}")).collect();
    let mut stamp = Stamp::ZERO;
    for ids in ids.chunks(10) {
        let records: Vec<Value> = ids.iter().map(|id| product(id, &data)).collect();
        stamp = till.push(&records).await.stamp;
    }
    let names = names(&ids);
    let read = async |names: &[Value]| {
        let reply = ask(&till.api, names, stamp).await;
        let (there, missing) = parts(&reply);
        assert_eq!((there.len(), missing.len()), (names.len(), 0));
        assert!(there.iter().all(|(_, found)| *found == data));
        reply
    };
    read(&names[..READ_RECORDS_FIT]).await;
    // Of more, some are left out, and come when they are asked for again.
    let BatchGetResponse { records, missing, left_out } = ask(&till.api, &names, stamp).await.ok().unwrap();
    assert!(records.len() >= READ_RECORDS_FIT && missing.is_empty() && !left_out.is_empty());
    let rest: Vec<Value> = left_out.iter().map(|left| name(&left.table_name, &left.record_id)).collect();
    assert_eq!(rest, names[records.len()..]);
    read(&rest).await;
    // In parts, since two megabytes may take longer than a reader waits for Redis.
    for part in names.chunks(5) {
        poll(PATIENCE, async || read(part).await, is_fresh).await.unwrap();
    }
}

async fn a_branch_and_a_role_read_only_their_records(shop: &'static Shop) {
    let (mine, other) = (shop.till("till-1").await, shop.till_of("till-2", "2").await);
    let stamp = push_three(&mine).await;
    let records = names(["p1"]);
    assert_eq!(parts(&ask(&mine.api, &records, stamp).await).0.len(), 1);
    assert_eq!(parts(&ask(&other.api, &records, Stamp::ZERO).await), (Vec::new(), vec!["p1".to_owned()]));
    let there = "/api/data/batch-get?branch_id=1";
    let body = json!({ "records": records }).to_string();
    let head_office = shop.head_office().await;
    assert_eq!(parts(&head_office.post(there, body.clone()).await.unwrap()).0.len(), 1);
    assert_eq!(parts(&mine.api.post(there, body.clone()).await.unwrap()).0.len(), 1);
    assert_eq!(other.api.post(there, body).await.unwrap().code().as_deref(), Some("branch_forbidden"));
    // One table that the role may not read fails the whole request.
    let names = [name("products", "p1"), name("employee_advances", "a1")];
    assert_eq!(ask(&mine.api, &names, stamp).await.code().as_deref(), Some("table_forbidden"));
    assert_eq!(parts(&ask(&shop.manager().await, &names, stamp).await).1, ["a1"]);
}

async fn bad_requests_are_refused(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let code = async |names: &[Value]| ask(&till.api, names, Stamp::ZERO).await.code().unwrap_or_default();
    assert_eq!(parts(&ask(&till.api, &[], Stamp::ZERO).await), (Vec::new(), Vec::new()));
    assert_eq!(code(&vec![name("products", "p"); READ_RECORDS_MAX + 1]).await, "batch_too_large");
    assert_eq!(code(&[name("parrots", "p")]).await, "unknown_table");
    assert_eq!(code(&[name("products", "")]).await, "bad_request");
    assert_eq!(code(&[json!({ "table_name": "products" })]).await, "bad_request");
    let ahead = ask(&till.api, &[name("products", "p")], Stamp(9_007_199_254_740_990)).await;
    assert_eq!(ahead.code().as_deref(), Some("reset_required"));
    let post = async |body: &str| till.api.post("/api/data/batch-get", body.to_owned()).await.unwrap();
    assert_eq!(post("{").await.code().as_deref(), Some("bad_json"));
    assert_eq!(post("{}").await.code().as_deref(), Some("bad_request"));
    let get = till.api.unchecked().get("/api/data/batch-get").await.unwrap();
    assert_eq!((get.status.as_u16(), get.header("allow")), (405, Some("POST")));
}
