//! What is asked of Redis: each command and each round trip is billed, so how many there are is a promise.
//!
//! The functions are called without the edge before them, which asks Redis for itself.

use std::time::Duration;

use auth::limits::SESSIONS_PER_USER_DEFAULT;
use cache::limits::CACHE_FLUSH_READS;
use lambda_http::http::Request;
use lambda_http::{Body, http};
use libtest_mimic::Trial;
use protocol::endpoints::function::Function;
use protocol::limits::READ_RECORDS_MAX;
use protocol::wire::TOKEN_HEADER;
use redis_rest::counts::Counts;
use serde_json::{Value, json};
use tests::fleet;
use tokio::time::{Instant, sleep};

use crate::shop::{PASSWORD, Shop, product};

pub(super) fn trials() -> Vec<Trial> {
    frail_trials![
        a_record_that_is_found_is_one_command,
        forty_records_that_are_found_are_one_command,
        a_settled_conflict_is_written_through_by_four,
        a_commit_is_one_command_however_many_records_it_changes,
        a_cart_is_one_command_to_put_one_to_get_and_one_to_fold,
        a_session_is_begun_and_goes_on_by_one_command,
        a_session_that_is_one_too_many_is_begun_in_one_round_trip,
        the_door_asks_once_a_request_and_not_at_all_for_syncing,
        statistics_are_one_command_for_a_hundred_requests,
    ]
}

const PATIENCE: Duration = Duration::from_secs(20);
const A_WHILE: Duration = Duration::from_millis(200);

fn counts(requests: u64, commands: u64, billed: u64) -> Counts {
    Counts { requests, commands, billed }
}

struct Answer {
    status: u16,
    source: Option<String>,
    body: Value,
}

/// Holds the streams back, and waits until nothing that was under way is counted any more.
pub(super) async fn quiet(shop: &Shop) {
    shop.world.stream.pause();
    let until = Instant::now() + PATIENCE;
    let mut before = shop.world.redis.front().counts();
    loop {
        sleep(A_WHILE).await;
        let now = shop.world.redis.front().counts();
        if now == before {
            return;
        }
        assert!(Instant::now() < until, "Redis is asked all the time");
        before = now;
    }
}

/// Calls a function as a cashier of branch 1; what that asked of Redis.
async fn call(
    shop: &Shop,
    function: Function,
    request: http::request::Builder,
    body: Body,
) -> (Answer, Counts) {
    let now = fleet::now();
    let request = request.header(TOKEN_HEADER, shop.world.token_at(&shop.client, now));
    let before = shop.world.redis.front().counts();
    let answer = shop.world.handlers.call(function, request.body(body).unwrap(), now).await;
    let asked = shop.world.redis.front().counts() - before;
    let source = answer.headers().get("tillsync-cache").map(|value| value.to_str().unwrap().to_owned());
    let body = serde_json::from_slice(answer.body()).unwrap_or_default();
    (Answer { status: answer.status().as_u16(), source, body }, asked)
}

/// Reads `path` until the function has written its statistics, so that they are not due again within the next seconds
/// and counted with something else.
async fn flushed(shop: &Shop, function: Function, path: &str) {
    for _ in 0..CACHE_FLUSH_READS {
        call(shop, function, Request::get(path), Body::Empty).await;
    }
}

/// A record that is not there.
const NO_RECORD: &str = "/getRecord?table=products&record_id=none";

async fn read(shop: &Shop, id: &str) -> (Answer, Counts) {
    let path = format!("/getRecord?table=products&record_id={id}");
    call(shop, Function::Data, Request::get(path), Body::Empty).await
}

async fn push(shop: &Shop, records: usize) {
    let records: Vec<Value> = (0..records).map(|n| product(&format!("p{n}"), &json!({ "n": n }))).collect();
    shop.push_at(&records, fleet::now()).await;
}

async fn a_record_that_is_found_is_one_command(shop: &'static Shop) {
    quiet(shop).await;
    flushed(shop, Function::Data, NO_RECORD).await;
    push(shop, 1).await;
    // Nobody has read it today: its stamp is written, which is the lock as well.
    let (first, asked) = read(shop, "p0").await;
    assert_eq!((first.status, first.source.as_deref(), asked), (200, Some("loaded"), counts(3, 3, 3)));
    for _ in 0..3 {
        let (found, asked) = read(shop, "p0").await;
        // By chance, the rarer the longer the record lives on, it is read anew before its time.
        if found.source.as_deref() == Some("fresh") {
            assert_eq!(asked, counts(1, 1, 1));
        }
    }
    assert_eq!(read(shop, "p0").await.0.source.as_deref(), Some("fresh"));
    shop.world.stream.resume();
}

async fn forty_records_that_are_found_are_one_command(shop: &'static Shop) {
    quiet(shop).await;
    flushed(shop, Function::Data, NO_RECORD).await;
    push(shop, READ_RECORDS_MAX).await;
    let names =
        (0..READ_RECORDS_MAX).map(|n| json!({ "table_name": "products", "record_id": format!("p{n}") }));
    let body = json!({ "records": names.collect::<Vec<_>>() }).to_string();
    let ask = async || {
        call(shop, Function::Data, Request::post("/batchGetRecords"), Body::Text(body.clone())).await
    };
    let (first, asked) = ask().await;
    let many = READ_RECORDS_MAX as u64;
    // One look, a stamp for each, and a copy of each.
    assert_eq!((first.status, asked), (200, counts(3, 1 + 2 * many, 1 + 2 * many)));
    let (again, asked) = ask().await;
    assert_eq!((again.source.as_deref(), asked), (Some("fresh"), counts(1, 1, 1)));
    assert_eq!(again.body["records"].as_array().unwrap().len(), READ_RECORDS_MAX);
    shop.world.stream.resume();
}

async fn a_settled_conflict_is_written_through_by_four(shop: &'static Shop) {
    quiet(shop).await;
    push(shop, 1).await;
    read(shop, "p0").await;
    let body = json!({ "device_id": "till-1", "table_name": "products", "record_id": "p0",
        "resolution": "accept_client", "client_data": { "n": 1 } });
    let request = Request::post("/resolveConflict");
    let (settled, asked) = call(shop, Function::ResolveConflict, request, Body::Text(body.to_string())).await;
    // The stamps before; then a new one, the room's figures forgotten, and the copy.
    assert_eq!((settled.status, asked), (200, counts(3, 4, 4)));
    shop.world.stream.resume();
}

async fn a_commit_is_one_command_however_many_records_it_changes(shop: &'static Shop) {
    quiet(shop).await;
    let before = shop.world.redis.front().counts();
    push(shop, 50).await;
    assert_eq!(shop.world.redis.front().counts() - before, counts(0, 0, 0), "a push asks Redis");
    resumed(shop, 1).await;
}

async fn a_cart_is_one_command_to_put_one_to_get_and_one_to_fold(shop: &'static Shop) {
    quiet(shop).await;
    flushed(shop, Function::Carts, "/getCart?id=none").await;
    let watch = shop.world.dynamo_faults.watch(&format!("CART#{}#1#c1", shop.client));
    for n in 1..4 {
        let body = Body::Text(json!({ "data": { "n": n } }).to_string());
        let (put, asked) = call(shop, Function::Carts, Request::put("/putCart?id=c1"), body).await;
        assert_eq!((put.status, asked), (200, counts(1, 1, 1)));
        // One durable write each, and nothing else.
        assert_eq!((watch.total(), watch.count("PutItem")), (n, n));
    }
    let (got, asked) = call(shop, Function::Carts, Request::get("/getCart?id=c1"), Body::Empty).await;
    assert_eq!((got.body["data"]["n"].as_u64(), asked, watch.total()), (Some(3), counts(1, 1, 1), 3));
    // They are folded together, and the cache is told once more of what came of it.
    resumed(shop, 1).await;
    assert_eq!((watch.count("Query"), watch.count("TransactWriteItems")), (1, 1));
}

/// Lets the streams go on; until their functions have asked Redis as many `commands`, of a round trip each.
async fn resumed(shop: &Shop, commands: u64) {
    let before = shop.world.redis.front().counts();
    shop.world.stream.resume();
    let until = Instant::now() + PATIENCE;
    loop {
        let asked = shop.world.redis.front().counts() - before;
        if asked == counts(commands, commands, commands) {
            return;
        }
        assert!(asked.commands <= commands && asked.billed <= commands, "{asked:?}");
        assert!(Instant::now() < until, "the cache is not told");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn a_session_is_begun_and_goes_on_by_one_command(shop: &'static Shop) {
    quiet(shop).await;
    flushed(shop, Function::Auth, "/getCurrentUser").await;
    shop.user("till-1", protocol::role::Role::Cashier, Some("1")).await;
    let login = json!({ "username": shop.username("till-1"), "password": PASSWORD }).to_string();
    let (first, asked) = call(shop, Function::Auth, Request::post("/logIn"), login.into()).await;
    assert_eq!((first.status, asked), (200, counts(1, 1, 1)));
    let refresh = json!({ "refreshToken": first.body["refreshToken"] }).to_string();
    let (next, asked) = call(shop, Function::Auth, Request::post("/refreshSession"), refresh.into()).await;
    assert_eq!((next.status, asked), (200, counts(1, 1, 1)));
    let logout = json!({ "refreshToken": next.body["refreshToken"] }).to_string();
    let (ended, asked) = call(shop, Function::Auth, Request::post("/logOut"), logout.into()).await;
    assert_eq!((ended.status, asked), (204, counts(1, 1, 1)));
    shop.world.stream.resume();
}

async fn a_session_that_is_one_too_many_is_begun_in_one_round_trip(shop: &'static Shop) {
    quiet(shop).await;
    flushed(shop, Function::Auth, "/getCurrentUser").await;
    shop.user("till-1", protocol::role::Role::Cashier, Some("1")).await;
    let login = json!({ "username": shop.username("till-1"), "password": PASSWORD }).to_string();
    let sign_in = async || {
        let request = Request::post("/logIn");
        let (answer, asked) = call(shop, Function::Auth, request, login.clone().into()).await;
        assert_eq!(answer.status, 200);
        asked
    };
    for _ in 0..SESSIONS_PER_USER_DEFAULT {
        assert_eq!(sign_in().await, counts(1, 1, 1));
    }
    // The oldest leaves with it.
    assert_eq!(sign_in().await, counts(1, 2, 2));
    shop.world.stream.resume();
}

async fn the_door_asks_once_a_request_and_not_at_all_for_syncing(shop: &'static Shop) {
    let (api, _) = shop.session("till-1", "1", None).await;
    quiet(shop).await;
    flushed(shop, Function::Carts, "/getCart?id=none").await;
    // The first request asks for the session as well, and the first that is counted brings the script.
    assert_eq!(api.get("/api/carts/c0").await.unwrap().status, 404);
    assert_eq!(api.get("/api/sync/pull-changes").await.unwrap().status, 200);
    let before = shop.world.redis.front().counts();
    for _ in 0..5 {
        assert_eq!(api.get("/api/sync/pull-changes").await.unwrap().status, 200);
    }
    let asked = shop.world.redis.front().counts() - before;
    // At most once more, where five seconds have gone by.
    assert!(asked.commands <= 1, "{asked:?}");
    let before = shop.world.redis.front().counts();
    assert_eq!(api.get("/api/carts/c1").await.unwrap().status, 404);
    let asked = shop.world.redis.front().counts() - before;
    // The limit's script is billed as three, and the cart is asked for.
    assert!(asked.requests == 2 && (2..=3).contains(&asked.commands), "{asked:?}");
    assert!((4..=5).contains(&asked.billed), "{asked:?}");
    shop.world.stream.resume();
}

async fn statistics_are_one_command_for_a_hundred_requests(shop: &'static Shop) {
    quiet(shop).await;
    push(shop, 1).await;
    flushed(shop, Function::Data, NO_RECORD).await;
    read(shop, "p0").await;
    let (mut commands, mut reads) = (0, 0);
    let until = Instant::now() + PATIENCE;
    // Those that others have read before are written first, two clients for every hundred reads.
    let report = loop {
        for _ in 0..100 {
            let (found, asked) = read(shop, "p0").await;
            if found.source.as_deref() == Some("fresh") {
                commands += asked.commands - 1;
                reads += 1;
            }
        }
        let report = report(shop).await;
        if report["total"]["hits"].as_u64().unwrap() >= 100 {
            break report;
        }
        assert!(Instant::now() < until, "nothing is ever written: {report}");
    };
    // At most 0.02 a request, and one more for the day's first.
    assert!(commands >= 1 && commands * 50 <= reads + 50, "{commands} commands for {reads} reads");
    assert!(report["redis"]["used_memory_bytes"].as_u64().unwrap() > 0, "{report}");
    assert!(report["redis"]["uptime_secs"].as_u64().is_some(), "{report}");
    assert_eq!(report["kinds"][0]["kind"], "product");
    shop.world.stream.resume();
}

/// The cache's report of today, as the shop's admin is told it.
async fn report(shop: &Shop) -> Value {
    let request = Request::get("/getCacheReport").header(TOKEN_HEADER, shop.admin_token());
    let request = request.body(Body::Empty).unwrap();
    let answer = shop.world.handlers.call(Function::CacheAdmin, request, fleet::now()).await;
    serde_json::from_slice(answer.body()).unwrap()
}
