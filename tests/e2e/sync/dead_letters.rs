//! `/api/sync/dead-letters`

mod replay;

use libtest_mimic::Trial;
use local::dynamo::faults::Fault;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::dead_letters::{DeadLetterEntry, DeadLettersResponse};
use protocol::wire::push::PushResponse;
use serde_json::{Value, json};
use tests::api::{Api, Reply};

use crate::shop::{Shop, Till, product, with};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = trials![
        what_is_rejected_is_kept_with_reason_device_and_payload,
        pages_follow_one_another_and_end,
        a_discarded_letter_is_gone_and_its_neighbours_are_not,
        two_who_close_letters_of_one_batch_both_succeed,
        managers_and_above_of_the_same_branch_alone,
        bad_requests_are_refused_with_a_sentence,
        without_dynamodb_it_says_when_to_come_back,
    ];
    trials.extend(replay::trials());
    trials
}

const PATH: &str = "/api/sync/dead-letters";

async fn signed_in(shop: &Shop, role: Role, branch: Option<&str>) -> Api {
    let name = format!("{role}-{}", branch.unwrap_or("all"));
    let login = shop.user(&name, role, branch).await;
    shop.stranger().login(&login).await.unwrap().0
}

async fn manager(shop: &Shop) -> Api {
    signed_in(shop, Role::Manager, Some("1")).await
}

async fn list(api: &Api, query: &str) -> DeadLettersResponse {
    api.get(&format!("{PATH}?{query}")).await.unwrap().ok().unwrap()
}

async fn letters(api: &Api) -> Vec<DeadLetterEntry> {
    list(api, "").await.dead_letters
}

async fn post(api: &Api, id: &str, what: &str, body: &str) -> Reply {
    api.post(&format!("{PATH}/{id}/{what}"), body.to_owned()).await.unwrap()
}

fn assert_refused(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status.as_u16(), reply.code().as_deref()), (status, Some(code)), "{}", reply.body);
    let error = serde_json::from_str::<Value>(&reply.body).unwrap()["error"].clone();
    let message = error["message"].as_str().unwrap();
    assert!(message.len() > 20 && message.ends_with('.'), "no sentence: {message}");
    assert_eq!(reply.headers.contains_key("retry-after"), status == 503);
}

/// A record whose time cannot be read.
fn undated(id: &str, data: &Value) -> Value {
    with(product(id, data), "local_updated_at", "yesterday")
}

async fn reject(till: &Till, batch: Option<&str>, records: &[Value]) -> PushResponse {
    let answer: PushResponse = till.push_raw(&till.batch(batch, records)).await.ok().unwrap();
    assert!(!answer.errors.is_empty());
    answer
}

async fn what_is_rejected_is_kept_with_reason_device_and_payload(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let records = [
        product("good", &json!({})),
        undated("p1", &json!({"price": 1.5})),
        json!({"table_name": "nonsense", "record_id": "x", "data": {}, "local_updated_at": "2025-12-07T10:30:00Z"}),
        json!(5),
    ];
    let pushed = reject(&till, Some("b1"), &records).await;
    assert_eq!((pushed.synced_count, pushed.errors.len()), (1, 3), "the queue does not stop");
    let api = manager(shop).await;
    let reply = api.get(PATH).await.unwrap();
    assert_eq!((reply.cost().requests, reply.cost().write_tenths), (1, 0));
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!((&body["has_more"], body["next_cursor"].is_string()), (&json!(false), true));
    let found = letters(&api).await;
    for (letter, error) in found.iter().zip(&pushed.errors) {
        assert_eq!((letter.index, &letter.code, &letter.message), (error.index, &error.code, &error.message));
        assert_eq!((letter.device_id.as_str(), letter.batch_id.as_deref()), ("till-1", Some("b1")));
        let raw = records[letter.index].to_string();
        assert_eq!(letter.record.as_ref().unwrap().as_str(), raw);
        assert_eq!((letter.bytes, letter.is_cut, letter.sha256.len()), (raw.len(), false, 64));
        assert_eq!(letter.received_at.len(), 27);
    }
    let names: Vec<_> = found.iter().map(|letter| letter.record_id.as_deref()).collect();
    assert_eq!(names, [Some("p1"), Some("x"), None]);
    // The same batch again is answered from its marker and leaves no second letter.
    reject(&till, Some("b1"), &records).await;
    assert_eq!(letters(&api).await.len(), 3);
}

async fn pages_follow_one_another_and_end(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let api = manager(shop).await;
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
        found.extend(page.dead_letters.into_iter().filter_map(|letter| letter.record_id));
        cursor = page.next_cursor;
        if !page.has_more {
            break;
        }
    }
    let expected: Vec<String> =
        (0..3).flat_map(|batch| (0..5).map(move |i| format!("p{batch}-{i}"))).collect();
    assert_eq!((found, sizes.iter().sum::<usize>()), (expected, 15), "oldest first, each once");
    assert!(sizes.iter().all(|size| *size <= 4));
    // What comes later is found from where the last page ended.
    reject(&till, None, &[undated("late", &json!({}))]).await;
    let late = list(&api, &format!("cursor={cursor}")).await.dead_letters;
    assert_eq!((late.len(), late[0].record_id.as_deref()), (1, Some("late")));
}

async fn a_discarded_letter_is_gone_and_its_neighbours_are_not(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    reject(&till, None, &["a", "b", "c"].map(|id| undated(id, &json!({})))).await;
    let api = manager(shop).await;
    for left in [vec!["a", "c"], vec!["a"], vec![]] {
        let found = letters(&api).await;
        let place = if found.len() == 3 { 1 } else { found.len() - 1 };
        let reply = post(&api, &found[place].id, "discard", "").await;
        assert_eq!((reply.status.as_u16(), reply.body.as_str()), (204, ""));
        let names: Vec<_> = letters(&api).await.into_iter().filter_map(|letter| letter.record_id).collect();
        assert_eq!(names, left);
        assert_refused(&post(&api, &found[place].id, "discard", "").await, 404, "dead_letter_not_found");
        assert_refused(&post(&api, &found[place].id, "replay", "").await, 404, "dead_letter_not_found");
    }
    // Nothing of the batch is left, not even an empty item.
    let room = format!("{}:1", shop.client).parse().unwrap();
    let query = shop.world.dynamo.query().table_name(&shop.world.table).key_condition_expression("pk = :pk");
    let pk = aws_sdk_dynamodb::types::AttributeValue::S(functions::sync::keys::room(&room));
    assert_eq!(query.expression_attribute_values(":pk", pk).send().await.unwrap().count(), 0);
}

async fn two_who_close_letters_of_one_batch_both_succeed(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let records: Vec<Value> = (0..8).map(|i| undated(&format!("p{i}"), &json!({}))).collect();
    reject(&till, None, &records).await;
    let api = manager(shop).await;
    let found = letters(&api).await;
    let close = |(i, letter): (usize, DeadLetterEntry)| {
        let api = api.clone();
        async move { post(&api, &letter.id, if i % 2 == 0 { "replay" } else { "discard" }, "").await }
    };
    let replies = futures_util::future::join_all(found.into_iter().enumerate().map(close)).await;
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status.as_u16()).collect();
    assert_eq!(statuses, [200, 204, 200, 204, 200, 204, 200, 204]);
    assert_eq!(letters(&api).await, []);
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await.len(), 4);
}

async fn managers_and_above_of_the_same_branch_alone(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let advance = with(undated("secret", &json!({"sum": 5})), "table_name", "employee_advances");
    reject(&till, None, &[undated("p1", &json!({})), advance]).await;
    let id = letters(&manager(shop).await).await.remove(0).id;
    let calls = async |api: &Api, query: &str| {
        [
            api.get(&format!("{PATH}?{query}")).await.unwrap(),
            api.post(&format!("{PATH}/{id}/replay?{query}"), "").await.unwrap(),
            api.post(&format!("{PATH}/{id}/discard?{query}"), "").await.unwrap(),
        ]
    };
    for reply in calls(&till.api, "").await {
        assert_refused(&reply, 403, "forbidden_role");
    }
    let boss = signed_in(shop, Role::SuperAdmin, None).await;
    for reply in calls(&boss, "").await {
        assert_refused(&reply, 403, "branch_required");
    }
    let elsewhere = signed_in(shop, Role::Manager, Some("2")).await;
    let other_shop = Shop::new(shop.world);
    let stranger = signed_in(&other_shop, Role::Admin, Some("1")).await;
    let foreign_boss = signed_in(&other_shop, Role::SuperAdmin, None).await;
    for (api, query) in
        [(&elsewhere, ""), (&stranger, ""), (&foreign_boss, "branch_id=1"), (&boss, "branch_id=2")]
    {
        let [listed, replayed, discarded] = calls(api, query).await;
        assert_eq!(listed.ok::<DeadLettersResponse>().unwrap().dead_letters, []);
        assert_refused(&replayed, 404, "dead_letter_not_found");
        assert_refused(&discarded, 404, "dead_letter_not_found");
    }
    for reply in calls(&elsewhere, "branch_id=1").await {
        assert_refused(&reply, 403, "branch_forbidden");
    }
    assert_eq!(list(&boss, "branch_id=1").await.dead_letters.len(), 2);
    let [_, replayed, discarded] = calls(&boss, "branch_id=1").await;
    assert_eq!((replayed.status.as_u16(), discarded.status.as_u16()), (200, 404));
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await.len(), 1);
}

async fn bad_requests_are_refused_with_a_sentence(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    reject(&till, None, &[undated("p1", &json!({}))]).await;
    let api = manager(shop).await;
    let id = letters(&api).await.remove(0).id;
    for query in ["limit=0", "limit=101", "limit=ten", "limit="] {
        assert_refused(&api.get(&format!("{PATH}?{query}")).await.unwrap(), 400, "bad_limit");
    }
    for query in ["cursor=x", "cursor=v1.5", "cursor=d1.x", &format!("cursor=d1.{id}x")] {
        assert_refused(&api.get(&format!("{PATH}?{query}")).await.unwrap(), 400, "bad_cursor");
    }
    for (body, code) in [("{", "bad_json"), ("[]", "bad_request"), ("5", "bad_request")] {
        assert_refused(&post(&api, &id, "replay", body).await, 400, code);
    }
    let unknown = "1765103400000145.0123456789abcdef.0.0";
    for id in ["x", "..a", unknown, &format!("{id}1")] {
        assert_refused(&post(&api, id, "discard", "").await, 404, "dead_letter_not_found");
    }
    for path in [format!("{PATH}/"), format!("{PATH}/{id}"), format!("{PATH}/a%2Fb/discard")] {
        assert_refused(&api.post(&path, "").await.unwrap(), 404, "not_found");
    }
    assert_refused(&api.post(PATH, "").await.unwrap(), 405, "method_not_allowed");
    assert_refused(&api.get(&format!("{PATH}/{id}/replay")).await.unwrap(), 405, "method_not_allowed");
    assert_refused(&shop.stranger().get(PATH).await.unwrap(), 401, "token_missing");
    assert_eq!(letters(&api).await.len(), 1);
}

async fn without_dynamodb_it_says_when_to_come_back(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    reject(&till, None, &[undated("p1", &json!({}))]).await;
    let api = manager(shop).await;
    let id = letters(&api).await.remove(0).id;
    let scope = format!("ROOM#{}#", shop.client);
    let faults = shop.world.dynamo_faults.clone();
    faults.inject(&scope, "*", Fault::Refused, 1000);
    let replies = [
        api.get(PATH).await.unwrap(),
        post(&api, &id, "replay", "").await,
        post(&api, &id, "discard", "").await,
    ];
    faults.clear(&scope);
    for reply in replies {
        assert_refused(&reply, 503, "unavailable");
    }
    assert_eq!(post(&api, &id, "discard", "").await.status.as_u16(), 204);
}
