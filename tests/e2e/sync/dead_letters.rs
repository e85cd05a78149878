//! `/api/sync/dead-letters`

mod replay;

use functions::sync::keys;
use local::dynamo::faults::{ANY_ACTION, Fault};
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::dead_letters::{DeadLetterEntry, DeadLettersResponse};
use protocol::wire::push::PushResponse;
use serde_json::{Value, json};
use tests::api::{Api, Reply};

use crate::invariants;
use crate::replies::{assert_error, json};
use crate::shop::{Shop, advance, product, with};
use crate::till::Till;

trials! {
    shared:
    a_rejected_record_is_stored_with_its_error_and_payload,
    pages_cover_all_dead_letters_once,
    a_rejected_record_comes_with_the_servers_copy,
    discard_removes_one_dead_letter_of_a_batch,
    concurrent_replays_and_discards_of_one_batch_succeed,
    only_managers_of_the_branch_and_head_office_are_allowed,
    bad_requests_are_refused,
    dead_letters_answer_503_without_dynamodb;
    modules: replay
}

const PATH: &str = "/api/sync/dead-letters";

async fn list(api: &Api, query: &str) -> DeadLettersResponse {
    api.get(&format!("{PATH}?{query}")).await.unwrap().ok().unwrap()
}

pub(super) async fn dead_letters(api: &Api) -> Vec<DeadLetterEntry> {
    list(api, "").await.dead_letters
}

pub(super) async fn post(api: &Api, id: &str, what: &str, body: &str) -> Reply {
    api.post(&format!("{PATH}/{id}/{what}"), body.to_owned()).await.unwrap()
}

/// A write of a product whose time is invalid.
fn undated(id: &str, data: &Value) -> Value {
    with(product(id, data), "local_updated_at", "yesterday")
}

async fn reject(till: &Till, batch: Option<&str>, records: &[Value]) -> PushResponse {
    let response = till.push_batch(&till.batch(batch, records)).await;
    assert!(!response.errors.is_empty());
    response
}

/// A till whose only record was rejected, a manager, and the dead letter.
async fn rejected(shop: &Shop, record: Value) -> (Till, Api, DeadLetterEntry) {
    let till = shop.till("till-1").await;
    reject(&till, None, &[record]).await;
    let api = shop.manager().await;
    let dead_letter = dead_letters(&api).await.remove(0);
    (till, api, dead_letter)
}

async fn a_rejected_record_is_stored_with_its_error_and_payload(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let records = [
        product("good", &json!({})),
        undated("p1", &json!({"price": 1.5})),
        json!({"table_name": "nonsense", "record_id": "x", "data": {}, "local_updated_at": "2025-12-07T10:30:00Z"}),
        json!(5),
    ];
    let pushed = reject(&till, Some("b1"), &records).await;
    assert_eq!((pushed.synced_count, pushed.errors.len()), (1, 3), "the good record is applied");
    let api = shop.manager().await;
    let reply = api.get(PATH).await.unwrap();
    // The letters, and their count, which a list of all corrects.
    assert_eq!((reply.cost().requests, reply.cost().write_tenths), (2, 0));
    let body = json(&reply);
    assert_eq!((&body["has_more"], body["next_cursor"].is_string()), (&json!(false), true));
    let found = dead_letters(&api).await;
    for (dead_letter, error) in found.iter().zip(&pushed.errors) {
        let stored = (dead_letter.index, &dead_letter.code, &dead_letter.message);
        assert_eq!(stored, (error.index, &error.code, &error.message));
        assert_eq!((dead_letter.device_id.as_str(), dead_letter.batch_id.as_deref()), ("till-1", Some("b1")));
        let raw = records[dead_letter.index].to_string();
        assert_eq!(dead_letter.record.as_ref().unwrap().as_str(), raw);
        assert_eq!((dead_letter.bytes, dead_letter.is_cut, dead_letter.sha256.len()), (raw.len(), false, 64));
        assert_eq!(dead_letter.received_at.len(), 27);
    }
    let names: Vec<_> = found.iter().map(|dead_letter| dead_letter.record_id.as_deref()).collect();
    assert_eq!(names, [Some("p1"), Some("x"), None]);
    // A retry of the batch gets the stored response and adds no dead letters.
    reject(&till, Some("b1"), &records).await;
    assert_eq!(dead_letters(&api).await.len(), 3);
}

async fn pages_cover_all_dead_letters_once(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let api = shop.manager().await;
    assert_eq!(list(&api, "").await.dead_letters, []);
    for batch in 0..3 {
        let records: Vec<Value> = (0..5).map(|i| undated(&format!("p{batch}-{i}"), &json!({}))).collect();
        reject(&till, None, &records).await;
    }
    let (mut found, mut cursor, mut sizes) = (Vec::new(), String::new(), Vec::new());
    loop {
        let query = if cursor.is_empty() { "limit=4".to_owned() } else { format!("limit=4&cursor={cursor}") };
        let page = list(&api, &query).await;
        sizes.push(page.dead_letters.len());
        found.extend(page.dead_letters.into_iter().filter_map(|dead_letter| dead_letter.record_id));
        cursor = page.next_cursor;
        if !page.has_more {
            break;
        }
    }
    let expected: Vec<String> =
        (0..3).flat_map(|batch| (0..5).map(move |i| format!("p{batch}-{i}"))).collect();
    assert_eq!((found, sizes.iter().sum::<usize>()), (expected, 15), "oldest first, each once");
    assert!(sizes.iter().all(|size| *size <= 4));
    // A cursor from the last page finds later dead letters.
    reject(&till, None, &[undated("late", &json!({}))]).await;
    let late = list(&api, &format!("cursor={cursor}")).await.dead_letters;
    assert_eq!((late.len(), late[0].record_id.as_deref()), (1, Some("late")));
}

async fn a_rejected_record_comes_with_the_servers_copy(shop: &'static Shop) {
    let (till, office) = (shop.till("till-1").await, shop.manager().await);
    let first = till.push(&[product("p1", &json!({"price": 1})), product("p2", &json!({"price": 2}))]).await;
    let gone = till.push(&[crate::shop::deletion("p2", 1)]).await;
    let advances = json!({ "device_id": "office", "records": [advance("a1")] });
    assert_eq!(office.post("/api/sync/batch-push", advances.to_string()).await.unwrap().status, 200);
    // The cashier may not read advances, and no one has `p3`.
    let rejected =
        [undated("p1", &json!({"price": 9})), undated("p2", &json!({})), undated("p3", &json!({}))];
    let batch = till.batch(Some("b1"), &[&rejected[..], &[advance("a1"), json!("text")]].concat());
    let pushed = till.push_batch(&batch).await;
    let [one, two, three, hidden, text] = <[_; 5]>::try_from(pushed.errors).unwrap();
    let copy = one.server_data.as_ref().map(|data| data.as_str().to_owned());
    assert_eq!((copy.as_deref(), one.server_version), (Some(r#"{"price":1}"#), Some(1)));
    assert_eq!(one.server_updated_at, Some(first.applied[0].server_updated_at.clone()));
    assert_eq!((two.server_is_deleted, two.server_version), (true, Some(2)));
    assert_eq!(two.server_updated_at, Some(gone.stamp.time().to_string()));
    for none in [three, hidden, text] {
        assert_eq!((none.server_data, none.server_version, none.server_updated_at), (None, None, None));
    }
    // A retry shows the copy as it is then.
    till.push(&[with(product("p1", &json!({"price": 3})), "base_version", 1)]).await;
    let again = till.push_batch(&batch).await;
    assert_eq!(again.errors[0].server_data.as_ref().unwrap().as_str(), r#"{"price":3}"#);
}

async fn discard_removes_one_dead_letter_of_a_batch(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    reject(&till, None, &["a", "b", "c"].map(|id| undated(id, &json!({})))).await;
    let api = shop.manager().await;
    for left in [vec!["a", "c"], vec!["a"], vec![]] {
        let found = dead_letters(&api).await;
        let place = if found.len() == 3 { 1 } else { found.len() - 1 };
        let reply = post(&api, &found[place].id, "discard", "").await;
        assert_eq!((reply.status.as_u16(), reply.body.as_str()), (204, ""));
        let names: Vec<_> =
            dead_letters(&api).await.into_iter().filter_map(|dead_letter| dead_letter.record_id).collect();
        assert_eq!(names, left);
        assert_error(&post(&api, &found[place].id, "discard", "").await, 404, "dead_letter_not_found");
        assert_error(&post(&api, &found[place].id, "replay", "").await, 404, "dead_letter_not_found");
    }
    // No item of the batch is left, not even an empty one.
    let pk = keys::room(&shop.room("1"));
    let items = invariants::partition(&shop.world.dynamo, &shop.world.table, pk).await;
    let left: Vec<_> = items.iter().map(|item| item["sk"].as_s().unwrap().as_str()).collect();
    assert_eq!(left, [keys::COUNTS]);
}

async fn concurrent_replays_and_discards_of_one_batch_succeed(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let records: Vec<Value> = (0..8).map(|i| undated(&format!("p{i}"), &json!({}))).collect();
    reject(&till, None, &records).await;
    let api = shop.manager().await;
    let found = dead_letters(&api).await;
    let close = |(i, dead_letter): (usize, DeadLetterEntry)| {
        let api = api.clone();
        async move { post(&api, &dead_letter.id, if i % 2 == 0 { "replay" } else { "discard" }, "").await }
    };
    let replies = futures_util::future::join_all(found.into_iter().enumerate().map(close)).await;
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status.as_u16()).collect();
    assert_eq!(statuses, [200, 204, 200, 204, 200, 204, 200, 204]);
    assert_eq!(dead_letters(&api).await, []);
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await.len(), 4);
}

async fn only_managers_of_the_branch_and_head_office_are_allowed(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let advance = with(advance("secret"), "local_updated_at", "yesterday");
    reject(&till, None, &[undated("p1", &json!({})), advance]).await;
    let id = dead_letters(&shop.manager().await).await.remove(0).id;
    let calls = async |api: &Api, query: &str| {
        [
            api.get(&format!("{PATH}?{query}")).await.unwrap(),
            api.post(&format!("{PATH}/{id}/replay?{query}"), "").await.unwrap(),
            api.post(&format!("{PATH}/{id}/discard?{query}"), "").await.unwrap(),
        ]
    };
    for reply in calls(&till.api, "").await {
        assert_error(&reply, 403, "forbidden_role");
    }
    let head_office = shop.head_office().await;
    for reply in calls(&head_office, "").await {
        assert_error(&reply, 403, "branch_required");
    }
    let elsewhere = shop.signed_in("manager-2", Role::Manager, Some("2")).await;
    let other = shop.other_tenant();
    let (other_admin, other_head_office) = (other.admin().await, other.head_office().await);
    for (api, query) in [
        (&elsewhere, ""),
        (&other_admin, ""),
        (&other_head_office, "branch_id=1"),
        (&head_office, "branch_id=2"),
    ] {
        let [listed, replayed, discarded] = calls(api, query).await;
        assert_eq!(listed.ok::<DeadLettersResponse>().unwrap().dead_letters, []);
        assert_error(&replayed, 404, "dead_letter_not_found");
        assert_error(&discarded, 404, "dead_letter_not_found");
    }
    for reply in calls(&elsewhere, "branch_id=1").await {
        assert_error(&reply, 403, "branch_forbidden");
    }
    assert_eq!(list(&elsewhere, "branch_id=2").await.dead_letters, []);
    assert_eq!(list(&head_office, "branch_id=1").await.dead_letters.len(), 2);
    let [_, replayed, discarded] = calls(&head_office, "branch_id=1").await;
    assert_eq!((replayed.status.as_u16(), discarded.status.as_u16()), (200, 404));
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await.len(), 1);
}

async fn bad_requests_are_refused(shop: &'static Shop) {
    let (_, api, DeadLetterEntry { id, .. }) = rejected(shop, undated("p1", &json!({}))).await;
    for query in ["limit=0", "limit=101", "limit=ten", "limit="] {
        assert_error(&api.get(&format!("{PATH}?{query}")).await.unwrap(), 400, "bad_limit");
    }
    for query in ["cursor=x", "cursor=v1.5", "cursor=d1.x", &format!("cursor=d1.{id}x")] {
        assert_error(&api.get(&format!("{PATH}?{query}")).await.unwrap(), 400, "bad_cursor");
    }
    for (body, code) in [("{", "bad_json"), ("[]", "bad_request"), ("5", "bad_request")] {
        assert_error(&post(&api, &id, "replay", body).await, 400, code);
    }
    let unknown = "1765103400000145.0123456789abcdef.0.0";
    for id in ["x", "..a", unknown, &format!("{id}1")] {
        assert_error(&post(&api, id, "discard", "").await, 404, "dead_letter_not_found");
    }
    for path in [format!("{PATH}/"), format!("{PATH}/{id}"), format!("{PATH}/a%2Fb/discard")] {
        assert_error(&api.post(&path, "").await.unwrap(), 404, "not_found");
    }
    assert_error(&api.post(PATH, "").await.unwrap(), 405, "method_not_allowed");
    assert_error(&api.get(&format!("{PATH}/{id}/replay")).await.unwrap(), 405, "method_not_allowed");
    assert_error(&shop.anonymous().get(PATH).await.unwrap(), 401, "token_missing");
    assert_eq!(dead_letters(&api).await.len(), 1);
}

async fn dead_letters_answer_503_without_dynamodb(shop: &'static Shop) {
    let (_, api, DeadLetterEntry { id, .. }) = rejected(shop, undated("p1", &json!({}))).await;
    let calls = async {
        [
            api.get(PATH).await.unwrap(),
            post(&api, &id, "replay", "").await,
            post(&api, &id, "discard", "").await,
        ]
    };
    let replies = shop.with_dynamo_fault(ANY_ACTION, Fault::Refused, calls).await;
    for reply in replies {
        assert_error(&reply, 503, "unavailable");
    }
    assert_eq!(post(&api, &id, "discard", "").await.status.as_u16(), 204);
}
