//! The number of commands that Redis receives. Each command and each round trip is billed, so it is a
//! promise.
//!
//! Most tests call the functions without the edge, which has commands of its own.

use auth::limits::SESSIONS_PER_USER_DEFAULT;
use cache::limits::CACHE_FLUSH_READS;
use lambda_http::Body;
use lambda_http::http::Request;
use lambda_http::http::request::Builder;
use protocol::endpoints::function::Function;
use protocol::role::Role;
use protocol::wire::TOKEN_HEADER;
use redis_rest::counts::Counts;
use serde_json::{Value, json};
use tests::api::Reply;
use tests::fleet;
use tests::wait::poll;

use super::pause_streams;
use crate::records::names;
use crate::replies::{is_fresh, json as json_body, source};
use crate::shop::{PASSWORD, Shop, product, with};
use crate::sync::resolve::accept_client;
use crate::world::PATIENCE;

trials! {
    exclusive:
    a_cached_record_takes_one_command,
    forty_cached_records_take_one_command,
    writing_a_resolved_conflict_through_takes_four_commands,
    a_commit_takes_one_command_for_any_number_of_records,
    put_get_and_compaction_of_a_cart_take_one_command_each,
    login_refresh_and_logout_take_one_command_each,
    a_login_that_ends_the_oldest_session_takes_one_round_trip,
    the_edge_sends_one_request_per_call_and_none_for_sync,
    statistics_take_one_command_per_hundred_requests,
}

fn counts(requests: u64, commands: u64, billed: u64) -> Counts {
    Counts { requests, commands, billed }
}

/// Calls a function as a cashier of branch 1. Returns what it sent to Redis as well.
async fn call(shop: &Shop, function: Function, request: Builder, body: Body) -> (Reply, Counts) {
    let before = shop.world.redis_counts();
    let reply = shop.call_at(function, request, body, fleet::now()).await;
    let sent = shop.world.redis_counts() - before;
    (reply, sent)
}

/// Reads `path` until the function has written its statistics, so that the test does not count that write as
/// well.
async fn flush_statistics(shop: &Shop, function: Function, path: &str) {
    // The first read loads the entry. The others take one command, and one more with the statistics: after so
    // many reads, or after ten seconds.
    call(shop, function, Request::get(path), Body::Empty).await;
    for _ in 0..=CACHE_FLUSH_READS {
        if call(shop, function, Request::get(path), Body::Empty).await.1.requests > 1 {
            return;
        }
    }
    panic!("{path}: the statistics are not written");
}

/// A record that does not exist.
const NO_RECORD: &str = "/getRecord?table=products&record_id=none";

async fn read(shop: &Shop, id: &str) -> (Reply, Counts) {
    let path = format!("/getRecord?table=products&record_id={id}");
    call(shop, Function::Data, Request::get(path), Body::Empty).await
}

async fn push(shop: &Shop, records: usize) {
    let records: Vec<Value> = (0..records).map(|n| product(&format!("p{n}"), &json!({ "n": n }))).collect();
    shop.push_at(&records, fleet::now()).await;
}

async fn a_cached_record_takes_one_command(shop: &'static Shop) {
    pause_streams(shop).await;
    flush_statistics(shop, Function::Data, NO_RECORD).await;
    push(shop, 1).await;
    // The first read of the day also writes the tag version, which is the lock as well.
    let (first, sent) = read(shop, "p0").await;
    assert_eq!((first.status.as_u16(), source(&first), sent), (200, Some("loaded"), counts(3, 3, 3)));
    for _ in 0..3 {
        let (found, sent) = read(shop, "p0").await;
        // A read may refresh the entry early, at random, and then sends more.
        if is_fresh(&found) {
            assert_eq!(sent, counts(1, 1, 1));
        }
    }
    assert_eq!(source(&read(shop, "p0").await.0), Some("fresh"));
}

/// So few that the reads of two calls do not make the statistics due.
const RECORDS: usize = 40;

async fn forty_cached_records_take_one_command(shop: &'static Shop) {
    pause_streams(shop).await;
    flush_statistics(shop, Function::Data, NO_RECORD).await;
    push(shop, RECORDS).await;
    let names = names((0..RECORDS).map(|n| format!("p{n}")));
    let body = json!({ "records": names }).to_string();
    let batch_get = async || {
        call(shop, Function::Data, Request::post("/batchGetRecords"), Body::Text(body.clone())).await
    };
    let (first, sent) = batch_get().await;
    let many = RECORDS as u64;
    // One lookup, then a tag version and an entry for each record.
    assert_eq!((first.status.as_u16(), sent), (200, counts(3, 1 + 2 * many, 1 + 2 * many)));
    let (again, sent) = batch_get().await;
    assert_eq!((source(&again), sent), (Some("fresh"), counts(1, 1, 1)));
    assert_eq!(json_body(&again)["records"].as_array().unwrap().len(), RECORDS);
}

async fn writing_a_resolved_conflict_through_takes_four_commands(shop: &'static Shop) {
    pause_streams(shop).await;
    push(shop, 1).await;
    read(shop, "p0").await;
    let body = with(accept_client("till-1", &json!({ "n": 1 })), "record_id", "p0").to_string();
    let request = Request::post("/resolveConflict");
    let (resolved, sent) = call(shop, Function::ResolveConflict, request, body.into()).await;
    // Read the tag versions; then write a new one, invalidate the stats and store the entry.
    assert_eq!((resolved.status.as_u16(), sent), (200, counts(3, 4, 4)));
}

async fn a_commit_takes_one_command_for_any_number_of_records(shop: &'static Shop) {
    pause_streams(shop).await;
    let before = shop.world.redis_counts();
    push(shop, 50).await;
    assert_eq!(shop.world.redis_counts() - before, counts(0, 0, 0), "a push sends commands to Redis");
    resume_streams(shop, 1).await;
}

async fn put_get_and_compaction_of_a_cart_take_one_command_each(shop: &'static Shop) {
    pause_streams(shop).await;
    flush_statistics(shop, Function::Carts, "/getCart?id=none").await;
    let watch = shop.world.dynamo_faults.watch(&format!("CART#{}#1#c1", shop.client));
    for n in 1..4 {
        let body = Body::Text(json!({ "data": { "n": n } }).to_string());
        let (put, sent) = call(shop, Function::Carts, Request::put("/putCart?id=c1"), body).await;
        assert_eq!((put.status.as_u16(), sent), (200, counts(1, 1, 1)));
        // Each put is one durable write and nothing else.
        assert_eq!((watch.total(), watch.count("PutItem")), (n, n));
    }
    let (got, sent) = call(shop, Function::Carts, Request::get("/getCart?id=c1"), Body::Empty).await;
    assert_eq!((json_body(&got)["data"]["n"].as_u64(), sent, watch.total()), (Some(3), counts(1, 1, 1), 3));
    // One compaction covers all writes and updates the cache once.
    resume_streams(shop, 1).await;
    assert_eq!((watch.count("Query"), watch.count("TransactWriteItems")), (1, 1));
}

/// Resumes the streams, and waits until their functions have sent this many commands, each in its own round
/// trip.
async fn resume_streams(shop: &Shop, commands: u64) {
    let before = shop.world.redis_counts();
    shop.world.stream.resume();
    let sent = async || {
        let sent = shop.world.redis_counts() - before;
        assert!(sent.commands <= commands && sent.billed <= commands, "{sent:?}");
        sent
    };
    poll(PATIENCE, sent, |sent| *sent == counts(commands, commands, commands)).await.unwrap();
}

async fn login_refresh_and_logout_take_one_command_each(shop: &'static Shop) {
    pause_streams(shop).await;
    flush_statistics(shop, Function::Auth, "/getCurrentUser").await;
    shop.user("till-1", Role::Cashier, Some("1")).await;
    let login = json!({ "username": shop.username("till-1"), "password": PASSWORD }).to_string();
    let (first, sent) = call(shop, Function::Auth, Request::post("/logIn"), login.into()).await;
    assert_eq!((first.status.as_u16(), sent), (200, counts(1, 1, 1)));
    let refresh = json!({ "refreshToken": json_body(&first)["refreshToken"] }).to_string();
    let (next, sent) = call(shop, Function::Auth, Request::post("/refreshSession"), refresh.into()).await;
    assert_eq!((next.status.as_u16(), sent), (200, counts(1, 1, 1)));
    let logout = json!({ "refreshToken": json_body(&next)["refreshToken"] }).to_string();
    let (ended, sent) = call(shop, Function::Auth, Request::post("/logOut"), logout.into()).await;
    assert_eq!((ended.status.as_u16(), sent), (204, counts(1, 1, 1)));
}

async fn a_login_that_ends_the_oldest_session_takes_one_round_trip(shop: &'static Shop) {
    pause_streams(shop).await;
    flush_statistics(shop, Function::Auth, "/getCurrentUser").await;
    shop.user("till-1", Role::Cashier, Some("1")).await;
    let login = json!({ "username": shop.username("till-1"), "password": PASSWORD }).to_string();
    let sign_in = async || {
        let request = Request::post("/logIn");
        let (reply, sent) = call(shop, Function::Auth, request, login.clone().into()).await;
        assert_eq!(reply.status, 200);
        sent
    };
    for _ in 0..SESSIONS_PER_USER_DEFAULT {
        assert_eq!(sign_in().await, counts(1, 1, 1));
    }
    // This one ends the oldest session as well.
    assert_eq!(sign_in().await, counts(1, 2, 2));
}

async fn the_edge_sends_one_request_per_call_and_none_for_sync(shop: &'static Shop) {
    let (api, _) = shop.session("till-1", "1", None).await;
    pause_streams(shop).await;
    flush_statistics(shop, Function::Carts, "/getCart?id=none").await;
    // The first request also looks up the session, and the first one that is limited also loads the script.
    assert_eq!(api.get("/api/carts/c0").await.unwrap().status, 404);
    assert_eq!(api.get("/api/sync/pull-changes").await.unwrap().status, 200);
    let before = shop.world.redis_counts();
    for _ in 0..5 {
        assert_eq!(api.get("/api/sync/pull-changes").await.unwrap().status, 200);
    }
    let sent = shop.world.redis_counts() - before;
    // One lookup of the session is possible, if five seconds have passed.
    assert!(sent.commands <= 1, "{sent:?}");
    let before = shop.world.redis_counts();
    assert_eq!(api.get("/api/carts/c1").await.unwrap().status, 404);
    let sent = shop.world.redis_counts() - before;
    // The rate limit's script is billed as three commands; the function looks up the cart.
    assert!(sent.requests == 2 && (2..=3).contains(&sent.commands), "{sent:?}");
    assert!((4..=5).contains(&sent.billed), "{sent:?}");
}

async fn statistics_take_one_command_per_hundred_requests(shop: &'static Shop) {
    pause_streams(shop).await;
    push(shop, 1).await;
    flush_statistics(shop, Function::Data, NO_RECORD).await;
    read(shop, "p0").await;
    let (mut commands, mut reads) = (0, 0);
    // The function first writes the counts of other tests' tenants: two tenants per hundred reads.
    let read_hundred = async || {
        for _ in 0..100 {
            let (found, sent) = read(shop, "p0").await;
            if is_fresh(&found) {
                commands += sent.commands - 1;
                reads += 1;
            }
        }
        report(shop).await
    };
    let is_written = |report: &Value| report["total"]["hits"].as_u64().unwrap() >= 100;
    let report = poll(PATIENCE, read_hundred, is_written).await.unwrap();
    // At most 0.02 commands per request, and one more for the first of the day.
    assert!(commands >= 1 && commands * 50 <= reads + 50, "{commands} commands for {reads} reads");
    assert!(report["redis"]["used_memory_bytes"].as_u64().unwrap() > 0, "{report}");
    assert!(report["redis"]["uptime_secs"].as_u64().is_some(), "{report}");
    assert_eq!(report["kinds"][0]["kind"], "product");
}

/// Today's cache report, as the tenant's admin gets it.
async fn report(shop: &Shop) -> Value {
    let request = Request::get("/getCacheReport").header(TOKEN_HEADER, shop.admin_token());
    let request = request.body(Body::Empty).unwrap();
    json_body(&shop.world.call(Function::CacheAdmin, request, fleet::now()).await)
}
