//! Pages that the edge answers by itself: what it may, and what it must not.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lambda_http::Body;
use lambda_http::http::Request;
use local::function_host::faults::HostFault;
use protocol::endpoints::function::Function;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::TOKEN_HEADER;
use protocol::wire::pull::PullResponse;
use serde_json::json;
use tests::api::Reply;
use tests::fleet;
use tests::wait::poll;
use tokio::time::sleep;

use crate::changed_edge::{ChangedEdge, built_edge, edge_config, replaced};
use crate::replies::source;
use crate::shop::{Shop, before_now, cursor_of, deletion, product};
use crate::sync::absence::expire_log;
use crate::till::Till;

trials! {
    shared:
    tills_that_poll_wake_no_function,
    a_push_is_in_the_next_pull_of_every_till,
    a_commit_too_large_to_publish_is_in_the_next_pull,
    min_is_never_answered_by_an_older_page,
    a_settled_page_of_the_log_is_shared_by_its_readers,
    tills_that_begin_together_share_the_pages_of_a_snapshot,
    a_commit_that_no_path_published_is_seen_within_the_bound,
    a_pull_beside_a_push_is_never_answered_by_a_page,
    a_pull_after_a_lost_response_has_the_commit,
}

/// Longer than a room needs to trust its queue after it has started.
const DEADLINE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(100);
/// How long DynamoDB takes to answer a push that is in flight.
const IN_FLIGHT: Duration = Duration::from_secs(1);

/// Pulls until `source` answers.
pub(crate) async fn pull_from(till: &Till, query: &str, from: &str) -> Reply {
    let answered =
        poll(DEADLINE, async || till.pull_raw(query).await, |reply| source(reply) == Some(from)).await;
    answered.unwrap_or_else(|last| panic!("{from} never answers {query}: {:?}", source(&last)))
}

fn at(stamp: Stamp) -> String {
    format!("cursor={}", cursor_of(Role::Cashier, stamp))
}

async fn tills_that_poll_wake_no_function(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let last = one.push(&[product("p1", &json!({}))]).await.stamp;
    let asked = one.pull_raw(&at(last)).await;
    let answered = pull_from(&one, &at(last), "room").await;
    assert_eq!((source(&asked), &answered.body), (Some("loaded"), &asked.body));
    assert_eq!(answered.cost().requests, 0);
    pull_from(&two, &at(last), "room").await;
    let watch = shop.world.dynamo_faults.watch(&shop.dynamo_scope());
    let mut by_function = 0;
    for _ in 0..20 {
        for till in [&one, &two] {
            let reply = till.pull_raw(&format!("{}&min={}", at(last), last.0)).await;
            assert_eq!(reply.body, asked.body);
            by_function += u64::from(source(&reply) != Some("room"));
        }
    }
    // Every 15 seconds one function confirms the head.
    assert!(by_function <= 1, "functions answered {by_function} of 40 polls");
    assert_eq!(watch.total(), by_function);
    // Another role has pages of its own.
    let manager = shop.manager().await;
    let reply = manager.get(&format!("/api/sync/pull-changes?since={}", last.0)).await.unwrap();
    assert_eq!(source(&reply), Some("loaded"));
}

async fn a_push_is_in_the_next_pull_of_every_till(shop: &'static Shop) {
    const ROUNDS: usize = 30;
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let mut last = one.push(&[product("p", &json!({}))]).await.stamp;
    pull_from(&two, &at(last), "room").await;
    let mut answered_by_room = 0;
    for round in 0..ROUNDS {
        // Meanwhile others poll, so that pages of the old head are kept at every moment.
        let polls = async {
            for _ in 0..3 {
                two.pull_raw(&at(last)).await;
            }
        };
        let records = [product(&format!("p{round}"), &json!({}))];
        let (pushed, ()) = tokio::join!(one.push(&records), polls);
        let reply = two.pull_raw(&at(last)).await;
        let page: PullResponse = reply.ok().unwrap();
        assert_eq!(
            (page.changes.len(), page.stamp),
            (1, pushed.stamp),
            "round {round}: {:?}",
            source(&reply)
        );
        answered_by_room += usize::from(source(&two.pull_raw(&at(last)).await) == Some("room"));
        last = pushed.stamp;
    }
    assert!(answered_by_room > ROUNDS / 2, "the room answered {answered_by_room} of {ROUNDS} pulls");
}

async fn a_commit_too_large_to_publish_is_in_the_next_pull(shop: &'static Shop) {
    const HALF: usize = 10;
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let ids: Vec<String> = (0..2 * HALF).map(|i| format!("p{i}")).collect();
    let note = json!({ "note": "x".repeat(60_000) });
    for half in ids.chunks(HALF) {
        one.push(&half.iter().map(|id| product(id, &note)).collect::<Vec<_>>()).await;
    }
    let last = two.pull_all(Stamp::ZERO, 100).await.last().unwrap().stamp;
    pull_from(&two, &at(last), "room").await;
    // A deletion publishes the last data of each record.
    let deletions: Vec<_> = ids.iter().map(|id| deletion(id, 1)).collect();
    let deleted = one.push(&deletions).await;
    assert_eq!(deleted.synced_count, ids.len());
    let page: PullResponse = two.pull_raw(&at(last)).await.ok().unwrap();
    assert!(page.stamp > last, "the deletions are not seen");
}

async fn min_is_never_answered_by_an_older_page(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let mut last = till.push(&[product("p", &json!({}))]).await.stamp;
    pull_from(&till, &at(last), "room").await;
    for round in 0..10 {
        // Past the edge.
        let pushed = shop.push_at(&[product(&format!("p{round}"), &json!({}))], fleet::now()).await.stamp;
        let page: PullResponse = till.pull_raw(&format!("{}&min={}", at(last), pushed.0)).await.ok().unwrap();
        assert_eq!((page.changes.len(), page.stamp), (1, pushed), "round {round}");
        last = pushed;
        pull_from(&till, &at(last), "room").await;
    }
}

async fn a_settled_page_of_the_log_is_shared_by_its_readers(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    for i in 0..3 {
        shop.push_at(&[product(&format!("p{i}"), &json!({}))], before_now(120 - i)).await;
    }
    let fresh = one.push(&[product("new", &json!({}))]).await.stamp;
    let query = format!("{}&limit=2", at(Stamp::ZERO));
    // The first answer tells the room what the reader may read, the second is cached.
    let page = one.pull_raw(&query).await;
    pull_from(&one, &query, "edge").await;
    let watch = shop.world.dynamo_faults.watch(&shop.dynamo_scope());
    let shared = two.pull_raw(&query).await;
    assert_eq!((source(&shared), &shared.body, watch.total()), (Some("edge"), &page.body, 0));
    assert!(shared.ok::<PullResponse>().unwrap().has_more);
    // The end of the log is not shared by the cache, and what another role reads is its own.
    let rest = two.pull_all(shared.ok::<PullResponse>().unwrap().stamp, 10).await;
    assert_eq!((rest.len(), rest.last().unwrap().stamp), (2, fresh));
    let manager = Till { api: shop.manager().await, device: "office".into() };
    for _ in 0..3 {
        let reply = manager.pull_raw("since=0&limit=2").await;
        assert!(matches!(source(&reply), Some("loaded" | "edge")));
        let reply = manager.pull_raw(&query).await;
        // A cursor of other tables leads to a snapshot.
        assert_eq!(
            (source(&reply), reply.ok::<PullResponse>().unwrap().mode.as_str()),
            (Some("loaded"), "snapshot")
        );
    }
}

async fn tills_that_begin_together_share_the_pages_of_a_snapshot(shop: &'static Shop) {
    const PRODUCTS: usize = 10;
    let one = shop.till("till-1").await;
    let records: Vec<_> = (0..PRODUCTS).map(|i| product(&format!("p{i}"), &json!({}))).collect();
    shop.push_at(&records, before_now(120)).await;
    expire_log(shop, &shop.room("1"), |_| true).await;
    let (first, _) = bootstrap(&one).await;
    let (second, sources) = bootstrap(&shop.till("till-2").await).await;
    let third = one.push(&[product("new", &json!({}))]).await;
    let (fourth, _) = bootstrap(&shop.till("till-3").await).await;
    assert_eq!((first.len(), &second), (PRODUCTS, &first));
    assert_eq!(fourth.len(), PRODUCTS + 1, "the tail brings {third:?}");
    let shared = sources.iter().filter(|source| *source == "edge").count();
    assert!(shared >= PRODUCTS / 2 - 1, "{sources:?}");
}

/// Pulls all pages of a new till. Returns the ids of its records, and the sources of the pages.
async fn bootstrap(till: &Till) -> (Vec<String>, Vec<String>) {
    let (mut ids, mut sources, mut query) = (Vec::new(), Vec::new(), String::new());
    loop {
        let reply = till.pull_raw(&format!("{query}limit=2")).await;
        let page: PullResponse = reply.ok().unwrap();
        sources.push(source(&reply).unwrap().to_owned());
        ids.extend(page.changes.into_iter().map(|change| change.record_id));
        query = format!("cursor={}&", page.next_cursor);
        if !page.has_more {
            ids.sort();
            return (ids, sources);
        }
    }
}

/// The edge's configuration with a short bound.
fn with_short_bound(folder: &Path) -> Vec<PathBuf> {
    let config = replaced(
        &edge_config(&built_edge()),
        "[observability]",
        "[vars]\nHEAD_BOUND_MILLIS = \"2000\"\n\n[observability]",
    );
    std::fs::write(folder.join("edge.toml"), config).unwrap();
    vec![folder.join("edge.toml")]
}

async fn a_commit_that_no_path_published_is_seen_within_the_bound(_: &'static Shop) {
    let edge = ChangedEdge::start(with_short_bound).await;
    edge.stack.stream().pause();
    let till = edge.tills(1).await.remove(0);
    let last = till.push(&[product("p", &json!({}))]).await.stamp;
    pull_from(&till, &at(last), "room").await;
    // The stream stands still, and the function is called past the edge.
    let batch = till.batch(None, &[product("hidden", &json!({}))]);
    let request = Request::post("/pushBatch").header(TOKEN_HEADER, till.api.token());
    let request = request.body(Body::Text(batch.to_string())).unwrap();
    let response = edge.stack.handlers().call(Function::BatchPush, request, fleet::now()).await;
    assert_eq!(response.status().as_u16(), 200);
    let started = Instant::now();
    while till.pull_raw(&at(last)).await.ok::<PullResponse>().unwrap().changes.is_empty() {
        assert!(started.elapsed() < Duration::from_secs(5), "the commit stays unseen");
        sleep(PAUSE).await;
    }
    edge.stop().await;
}

async fn a_pull_beside_a_push_is_never_answered_by_a_page(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let last = one.push(&[product("p1", &json!({}))]).await.stamp;
    pull_from(&two, &at(last), "room").await;
    let faults = &shop.world.dynamo_faults;
    let watch = faults.watch(&shop.dynamo_scope());
    faults.delay(&shop.dynamo_scope(), IN_FLIGHT);
    let records = [product("p2", &json!({}))];
    let polls = async {
        // Then the function is reading, and the push has its turn.
        poll(DEADLINE, async || watch.total(), |sent| *sent > 0).await.unwrap();
        two.pull_raw(&at(last)).await
    };
    let (pushed, beside) = tokio::join!(one.push(&records), polls);
    faults.clear(&shop.dynamo_scope());
    assert_eq!(source(&beside), Some("loaded"), "a page answered beside a push");
    let page: PullResponse = two.pull_raw(&at(last)).await.ok().unwrap();
    assert_eq!((page.changes.len(), page.stamp), (1, pushed.stamp));
    pull_from(&two, &at(pushed.stamp), "room").await;
}

async fn a_pull_after_a_lost_response_has_the_commit(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let last = one.push(&[product("p1", &json!({}))]).await.stamp;
    pull_from(&two, &at(last), "room").await;
    shop.world.host_faults.inject(&shop.client, HostFault::LostResponse, 1);
    let batch = one.batch(Some("b1"), &[product("p2", &json!({}))]);
    assert_eq!(one.push_raw(&batch).await.status, 503);
    let page: PullResponse = two.pull_raw(&at(last)).await.ok().unwrap();
    assert_eq!(page.changes.len(), 1);
}
