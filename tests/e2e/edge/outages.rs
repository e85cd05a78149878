//! Rooms, caches and functions that are slow, fail or answer nonsense: the answer is late or 503, and never
//! wrong.

use std::fmt::Debug;
use std::time::Duration;

use lambda_http::Body;
use lambda_http::http::Request;
use local::function_host::faults::HostFault;
use protocol::endpoints::function::Function;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::TOKEN_HEADER;
use protocol::wire::auth::User;
use protocol::wire::pull::PullResponse;
use serde_json::{Value, json};
use tests::api::Reply;
use tests::till::socket;
use tokio::time::timeout;

use super::events::stream::request;
use super::pages::pull_from;
use super::tickets;
use crate::changed_edge::{ChangedEdge, with_observed_rooms};
use crate::replies::{assert_error, source};
use crate::shop::{Shop, before_now, product};
use crate::till::Till;
use crate::world::cashier;

trials! {
    shared:
    a_room_that_throws_or_hangs_makes_pulls_late_and_the_rest_503,
    a_page_from_a_bad_cache_is_never_served,
    a_function_that_answers_nonsense_is_503,
    a_function_that_hangs_is_503,
}

/// A hanging room or cache holds a call for a minute.
const IN_TIME: Duration = Duration::from_secs(25);

async fn in_time<T: Debug>(what: &str, work: impl Future<Output = T>) -> T {
    timeout(IN_TIME, work).await.unwrap_or_else(|_| panic!("{what} waits for ever"))
}

fn assert_unavailable(reply: &Reply) {
    assert_error(reply, 503, "unavailable");
    assert_eq!(reply.header("retry-after"), Some("1"));
}

async fn a_room_that_throws_or_hangs_makes_pulls_late_and_the_rest_503(_: &'static Shop) {
    let edge = ChangedEdge::start(with_observed_rooms).await;
    let till = edge.tills(1).await.remove(0);
    let manager = edge.caller(&User { id: "boss".into(), role: Role::Manager, ..cashier("1") });
    let mut last = till.push(&[product("p1", &json!({}))]).await;
    for fault in ["throw", "hang"] {
        edge.observe::<Value>(&format!("fail/{fault}"), "1:1").await;
        let query = format!("since={}", last.prev.0);
        let page: PullResponse = in_time("a pull", till.pull_raw(&query)).await.ok().unwrap();
        assert_eq!((page.changes.len(), page.stamp), (1, last.stamp), "{fault}");
        let before = last.stamp;
        last = in_time("a push", till.push(&[product(fault, &json!({}))])).await;
        assert_eq!(last.prev, before, "{fault}");
        let path = format!("/api/data/products/{fault}?min={}", last.stamp.0);
        let record = in_time("a record", till.api.get(&path)).await.unwrap();
        assert_eq!(record.status, 200, "{fault}");

        assert_unavailable(&in_time("a ticket", tickets::ask(&till.api, &till.device, None)).await);
        assert_unavailable(&in_time("presence", manager.get("/api/presence")).await.unwrap());
        let stream = in_time("a stream", request(&till.api, &till.device, "", None)).await;
        let retry_after = stream.headers().get("retry-after").and_then(|value| value.to_str().ok());
        assert_eq!((stream.status().as_u16(), retry_after), (503, Some("1")), "{fault}");
        let url = socket::url(&till.api, &till.device);
        let refusal = in_time("a socket", tickets::enter(&url, None)).await;
        assert_eq!(refusal.as_deref(), Some("unavailable"), "{fault}");
    }
    edge.observe::<Value>("fail/none", "1:1").await;
    assert_eq!(tickets::enter(&socket::url(&till.api, &till.device), None).await, None);
    edge.stop().await;
}

/// Pushes records past the edge that are two minutes old, so that pages of them never change.
async fn push_settled(edge: &ChangedEdge, till: &Till) {
    for i in 0..3 {
        let batch = till.batch(None, &[product(&format!("p{i}"), &json!({}))]);
        let request = Request::post("/pushBatch").header(TOKEN_HEADER, till.api.token());
        let request = request.body(Body::Text(batch.to_string())).unwrap();
        let pushed = edge.stack.handlers().call(Function::BatchPush, request, before_now(120 - i)).await;
        assert_eq!(pushed.status().as_u16(), 200);
    }
}

async fn a_page_from_a_bad_cache_is_never_served(_: &'static Shop) {
    let edge = ChangedEdge::start(with_observed_rooms).await;
    let tills = [edge.till("1:1", "till-1").await, edge.till("2:1", "till-2").await];
    let mut pages = Vec::new();
    for till in &tills {
        push_settled(&edge, till).await;
        let page = till.pull_raw("since=0&limit=2").await;
        assert_eq!(pull_from(till, "since=0&limit=2", "edge").await.body, page.body);
        pages.push(page.body);
    }
    assert_ne!(pages[0], pages[1], "the stamps of two tenants differ");
    for fault in ["garbage", "foreign", "throw", "hang"] {
        edge.observe::<Value>(&format!("cache/{fault}"), "1:1").await;
        for (till, page) in tills.iter().zip(&pages) {
            let reply = in_time("a pull", till.pull_raw("since=0&limit=2")).await;
            assert_eq!((source(&reply), &reply.body), (Some("loaded"), page), "{fault}");
        }
    }
    edge.stop().await;
}

/// What the fault of a function meets: a pull that no room knows yet, a push and a record.
async fn all(till: &Till, batch: &Value, limit: usize) -> [Reply; 3] {
    let pull = till.pull_raw(&format!("since=0&limit={limit}")).await;
    [pull, till.push_raw(batch).await, till.api.get("/api/data/products/p1").await.unwrap()]
}

async fn a_function_that_answers_nonsense_is_503(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    till.push(&[product("p1", &json!({}))]).await;
    let faults = [
        HostFault::Answer("text/html", "<html>Welcome</html>"),
        HostFault::Answer("application/json", "<html>Welcome</html>"),
        HostFault::Answer("text/plain", "{}"),
        HostFault::Answer("application/json", ""),
        HostFault::Half,
    ];
    for (limit, fault) in (1..).zip(faults) {
        let id = format!("b{limit}");
        let batch = till.batch(Some(&id), &[product(&id, &json!({}))]);
        shop.world.host_faults.inject(&shop.client, fault, 3);
        for reply in all(&till, &batch, limit).await {
            assert_unavailable(&reply);
        }
        for reply in all(&till, &batch, limit).await {
            assert_eq!(reply.status, 200, "{fault:?}: {}", reply.body);
        }
    }
}

async fn a_function_that_hangs_is_503(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    till.push(&[product("p1", &json!({}))]).await;
    let batch = till.batch(Some("b1"), &[product("p2", &json!({}))]);
    shop.world.host_faults.inject(&shop.client, HostFault::Hang, 3);
    let path = "/api/data/products/p1";
    let (pull, push, record) = tokio::join!(
        in_time("a pull", till.pull_raw("since=0&limit=1")),
        in_time("a push", till.push_raw(&batch)),
        in_time("a record", till.api.get(path)),
    );
    for reply in [&pull, &push, &record.unwrap()] {
        assert_unavailable(reply);
    }
    assert_eq!(till.push_raw(&batch).await.status, 200);
    assert_eq!(till.pull_all(Stamp::ZERO, 10).await.len(), 2);
}
