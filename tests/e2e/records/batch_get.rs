//! `POST /api/data/batch-get`

use libtest_mimic::Trial;
use protocol::limits::{READ_RECORDS_MAX, RECORD_BYTES_MAX};
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::record::BatchGetResponse;
use serde_json::{Value, json};
use tests::api::{Api, Reply};
use tokio::time::{Instant, sleep};

use super::{PATIENCE, PAUSE};
use crate::shop::{Shop, Till, hall, product, with};

pub(super) fn trials() -> Vec<Trial> {
    trials![
        several_are_read_at_once_and_then_found,
        those_that_changed_are_new_and_those_that_went_are_missing,
        the_most_and_largest_pass,
        a_branch_and_a_role_read_what_they_may,
        what_cannot_be_read_is_refused,
    ]
}

fn name(table: &str, id: &str) -> Value {
    json!({ "table_name": table, "record_id": id })
}

async fn ask(api: &Api, names: &[Value], min: Stamp) -> Reply {
    let path = format!("/api/data/batch-get?min={}", min.0);
    api.post(&path, json!({ "records": names }).to_string()).await.unwrap()
}

/// Ids and data of those that are there, and the ids of the others.
fn parts(reply: &Reply) -> (Vec<(String, Value)>, Vec<String>) {
    let BatchGetResponse { records, missing } = reply.ok().unwrap();
    let data = |text: &str| serde_json::from_str(text).unwrap();
    let there = records.into_iter().map(|record| (record.record_id, data(record.data.as_str())));
    (there.collect(), missing.into_iter().map(|name| name.record_id).collect())
}

fn pair(id: &str, data: Value) -> (String, Value) {
    (id.to_owned(), data)
}

async fn three(till: &Till) -> Stamp {
    let records = [
        product("p1", &json!({ "n": 1 })),
        product("Käse/2", &json!({ "n": 2 })),
        hall("h1", &json!({ "seats": 40 })),
    ];
    till.push(&records).await.stamp
}

async fn several_are_read_at_once_and_then_found(shop: &'static Shop) {
    let (a, b) = (shop.till("till-1").await, shop.till("till-2").await);
    let stamp = three(&a).await;
    let names =
        [name("halls", "h1"), name("products", "nobody"), name("products", "Käse/2"), name("halls", "h1")];
    let first = ask(&a.api, &names, stamp).await;
    assert_eq!(first.header("tillsync-cache"), Some("loaded"));
    // HEAD, and all records at once.
    assert_eq!(first.cost().requests, 2);
    let hall = pair("h1", json!({ "seats": 40 }));
    let there = vec![hall.clone(), pair("Käse/2", json!({ "n": 2 })), hall];
    assert_eq!(parts(&first), (there.clone(), vec!["nobody".to_owned()]));
    // The commit makes the cache forget once more; after that all are found, and what there is none of, too.
    let until = Instant::now() + PATIENCE;
    loop {
        let again = ask(&b.api, &names, stamp).await;
        assert_eq!(parts(&again), (there.clone(), vec!["nobody".to_owned()]));
        if again.header("tillsync-cache") == Some("fresh") {
            assert_eq!(again.cost().requests, 0);
            return;
        }
        assert!(Instant::now() < until, "they are never found");
        sleep(PAUSE).await;
    }
}

async fn those_that_changed_are_new_and_those_that_went_are_missing(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let stamp = three(&till).await;
    let names = [name("products", "p1"), name("products", "Käse/2")];
    ask(&till.api, &names, stamp).await;
    let changes =
        [product("p1", &json!({ "n": 10 })), with(product("Käse/2", &json!({ "n": 2 })), "is_deleted", true)];
    let stamp = till.push(&changes).await.stamp;
    let reply = ask(&till.api, &names, stamp).await;
    assert_eq!(parts(&reply), (vec![pair("p1", json!({ "n": 10 }))], vec!["Käse/2".to_owned()]));
}

async fn the_most_and_largest_pass(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    // All quotes: that is what grows most on the way through Lambda.
    let rest = RECORD_BYTES_MAX - r#"{"q":""}"#.len();
    let data = json!({ "q": "\"".repeat(rest / 2) });
    assert_eq!(data.to_string().len(), RECORD_BYTES_MAX);
    let ids: Vec<String> = (0..READ_RECORDS_MAX).map(|n| format!("p{n}")).collect();
    let mut stamp = Stamp::ZERO;
    for ids in ids.chunks(10) {
        let records: Vec<Value> = ids.iter().map(|id| product(id, &data)).collect();
        stamp = till.push(&records).await.stamp;
    }
    let names: Vec<Value> = ids.iter().map(|id| name("products", id)).collect();
    let all = async |names: &[Value]| {
        let reply = ask(&till.api, names, stamp).await;
        let (there, missing) = parts(&reply);
        assert_eq!((there.len(), missing.len()), (names.len(), 0));
        assert!(there.iter().all(|(_, found)| *found == data));
        reply.header("tillsync-cache").map(str::to_owned)
    };
    all(&names).await;
    let until = Instant::now() + PATIENCE;
    // Fewer at once: two megabytes may take longer than a reader waits for Redis.
    for names in names.chunks(5) {
        while all(names).await.as_deref() != Some("fresh") {
            assert!(Instant::now() < until, "they are never found");
            sleep(PAUSE).await;
        }
    }
}

async fn a_branch_and_a_role_read_what_they_may(shop: &'static Shop) {
    let (mine, other) = (shop.till("till-1").await, shop.till_of("till-2", "2").await);
    let stamp = three(&mine).await;
    let names = [name("products", "p1")];
    assert_eq!(parts(&ask(&mine.api, &names, stamp).await).0.len(), 1);
    assert_eq!(parts(&ask(&other.api, &names, Stamp::ZERO).await), (Vec::new(), vec!["p1".to_owned()]));
    let there = "/api/data/batch-get?branch_id=1";
    let body = json!({ "records": names }).to_string();
    let boss = shop.head_office().await;
    assert_eq!(parts(&boss.post(there, body.clone()).await.unwrap()).0.len(), 1);
    assert_eq!(other.api.post(there, body).await.unwrap().code().as_deref(), Some("branch_forbidden"));
    // One that the role may not read is no reason to answer the rest.
    let names = [name("products", "p1"), name("employee_advances", "a1")];
    assert_eq!(ask(&mine.api, &names, stamp).await.code().as_deref(), Some("table_forbidden"));
    let login = shop.user("manager", Role::Manager, Some("1")).await;
    let (manager, _) = shop.stranger().login(&login).await.unwrap();
    assert_eq!(parts(&ask(&manager, &names, stamp).await).1, ["a1"]);
}

async fn what_cannot_be_read_is_refused(shop: &'static Shop) {
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
