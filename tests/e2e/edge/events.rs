//! `GET /api/sync/events`: a branch's changes as Server-Sent Events.

use std::collections::BTreeMap;
use std::time::Duration;

use auth::limits::ACCESS_TOKEN_SECS;
use futures_util::future::join_all;
use lambda_http::Body;
use lambda_http::http::Request;
use local::stack::Options;
use protocol::endpoints::function::Function;
use protocol::limits::EVENTS_COMMENT_SECS;
use protocol::stamp::Stamp;
use protocol::wire::TOKEN_HEADER;
use protocol::wire::pull::PullResponse;
use protocol::wire::push::{PushResponse, WriteResult};
use serde_json::{Value, json};
use tests::fleet;

use crate::accounts::sessions::end;
use crate::changed_edge::{ChangedEdge, with_observed_rooms};
use crate::shop::{Shop, advance, before_now, hall, product};
use crate::till::Till;

pub(crate) mod stream;
mod unread;
mod vanished;

use stream::{EventStream, request};

trials! {
    shared:
    a_stream_brings_the_past_and_then_each_commit,
    a_killed_stream_continues_without_loss_or_doubles,
    a_commit_that_no_socket_got_is_pulled,
    a_stream_may_be_of_some_tables,
    a_stream_hides_what_its_role_may_not_read,
    a_stream_ends_with_its_token_and_its_session,
    a_room_hibernates_under_its_streams,
    bad_requests_have_the_status_of_a_pull,
    a_request_that_cannot_be_served_opens_no_socket,
    head_office_streams_a_branch_that_it_names;
    modules: unread, vanished
}

/// Commits while a stream is killed again and again.
const COMMITS: usize = 40;
/// An object without an event for 10 seconds hibernates.
const HIBERNATED: Duration = Duration::from_secs(13);
/// Streams of one room.
const STREAMS: usize = 10;

fn stamps(page: &PullResponse) -> Vec<Stamp> {
    page.changes.iter().map(|change| change.stamp).collect()
}

async fn a_stream_brings_the_past_and_then_each_commit(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let past = one.push(&[product("p1", &json!({ "price": 1.1 }))]).await;
    let mut stream = EventStream::open(&two.api, "till-2", "", None).await;
    let page = stream.next().await;
    assert_eq!((stamps(&page), page.stamp), (vec![past.stamp], past.stamp));
    // The device's own commit too, by the stream of the tables as well.
    let own = two.push(&[product("p2", &json!({})), product("p3", &json!({}))]).await;
    shop.world.host_faults.cut_fast_path(&shop.client);
    let other = one.push(&[product("p4", &json!({}))]).await;
    for pushed in [own, other] {
        let page = stream.next().await;
        let expected: Vec<Stamp> = pushed.applied.iter().map(|applied| applied.stamp).collect();
        assert_eq!((stamps(&page), page.stamp, page.has_more), (expected, pushed.stamp, false));
    }
    // The events were pages of a pull, and their ids its cursors.
    let cursor = stream.last_id.clone().unwrap();
    let (rest, _) = two.api.pull_query(&format!("cursor={cursor}"), 10).await.unwrap();
    assert_eq!((rest.changes.len(), rest.mode.as_str(), rest.next_cursor), (0, "changes", cursor));
}

/// Pushes commits, each as soon as the one before was answered.
async fn push_all(till: &Till) {
    for i in 0..COMMITS {
        till.push(&[product(&format!("p{i}"), &json!({ "n": i }))]).await;
    }
}

async fn a_killed_stream_continues_without_loss_or_doubles(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let read = async {
        let (mut seen, mut last_id, mut kills) = (Vec::new(), None, 0);
        while seen.len() < COMMITS {
            let mut stream = EventStream::open(&two.api, "till-2", "", last_id.take()).await;
            // At another place each time.
            for _ in 0..=kills % 4 {
                if seen.len() < COMMITS {
                    seen.extend(stamps(&stream.next().await));
                }
            }
            last_id = stream.last_id.clone();
            kills += 1;
        }
        (seen, kills)
    };
    let (_, (seen, kills)) = futures_util::join!(push_all(&one), read);
    let pulled = one.pull_all(Stamp::ZERO, 100).await;
    assert_eq!(seen, pulled.iter().map(|change| change.stamp).collect::<Vec<_>>());
    assert!(kills > 3, "{kills}");
}

async fn a_commit_that_no_socket_got_is_pulled(_: &'static Shop) {
    let edge = ChangedEdge::with(Options::default()).await;
    let tills = edge.tills(2).await;
    let (one, two) = (&tills[0], &tills[1]);
    let mut stream = EventStream::open(&two.api, &two.device, "&since=0", None).await;
    let first = one.push(&[product("p1", &json!({}))]).await;
    while stream.next().await.stamp != first.stamp {}
    edge.stack.stream().pause();
    let lost = push_past_the_edge(&edge, one, &product("p2", &json!({}))).await;
    let next = one.push(&[product("p3", &json!({}))]).await;
    assert_eq!(stamps(&stream.next().await), [lost.stamp, next.stamp]);
    edge.stack.stream().resume();
    edge.stop().await;
}

/// Pushes `record` by the function alone, so that only the stream of the tables tells the room.
async fn push_past_the_edge(edge: &ChangedEdge, till: &Till, record: &Value) -> PushResponse {
    let request = Request::post("/pushBatch").header(TOKEN_HEADER, till.api.token());
    let body = Body::Text(till.batch(None, std::slice::from_ref(record)).to_string());
    let request = request.body(body).unwrap();
    let response = edge.stack.handlers().call(Function::BatchPush, request, fleet::now()).await;
    let written: WriteResult = serde_json::from_slice(response.body()).unwrap();
    serde_json::from_str(written.answer.as_str()).unwrap()
}

async fn a_stream_may_be_of_some_tables(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    one.push(&[product("p1", &json!({})), hall("h1", &json!({}))]).await;
    let mut stream = EventStream::open(&two.api, "till-2", "&tables=products", None).await;
    let names = |page: PullResponse| -> Vec<String> {
        page.changes.into_iter().map(|change| change.record_id).collect()
    };
    assert_eq!(names(stream.next().await), ["p1"]);
    one.push(&[hall("h2", &json!({}))]).await;
    one.push(&[hall("h3", &json!({})), product("p2", &json!({}))]).await;
    assert_eq!(names(stream.next().await), ["p2"]);
    // A notice from now on.
    let mut notices =
        EventStream::open(&two.api, "till-2", "&tables=products&since=2100-01-01T00:00:00Z", None).await;
    let _ = notices.next().await;
    one.push(&[product("p3", &json!({}))]).await;
    assert_eq!(names(notices.next().await), ["p3"]);
    assert_eq!(names(stream.next().await), ["p3"]);
}

async fn a_stream_hides_what_its_role_may_not_read(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let office = shop.office().await;
    let mut stream = EventStream::open(&till.api, "till-1", "&since=0", None).await;
    office.push(&[advance("a1")]).await;
    let mixed = office.push(&[advance("a2"), product("p1", &json!({}))]).await;
    let mut seen = Vec::new();
    while seen.is_empty() {
        seen = stream.next().await.changes;
    }
    assert_eq!(seen.iter().map(|change| change.stamp).collect::<Vec<_>>(), [mixed.stamp]);
}

async fn a_stream_ends_with_its_token_and_its_session(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let short = shop.world.token_at(&shop.client, before_now(ACCESS_TOKEN_SECS - 4));
    let api = shop.anonymous().with_token(short);
    let mut of_token = EventStream::open(&api, "till-2", "", None).await;
    assert_eq!(of_token.close().await, json!({ "code": 4401, "reason": "token expired" }));
    assert_eq!(request(&api, "till-2", "", None).await.status(), 401);
    let mut of_session = EventStream::open(&till.api, "till-1", "", None).await;
    end(&till.api, "all").await;
    assert_eq!(of_session.close().await, json!({ "code": 4401, "reason": "session ended" }));
    assert_eq!(request(&till.api, "till-1", "", None).await.status(), 401);
}

async fn a_room_hibernates_under_its_streams(_: &'static Shop) {
    let edge = ChangedEdge::start(with_observed_rooms).await;
    let tills = edge.tills(STREAMS + 1).await;
    let (pusher, readers) = tills.split_last().unwrap();
    let begun = async || edge.observe::<u64>("begun", "1:1").await;
    let streams = readers.iter().map(|till| EventStream::open(&till.api, &till.device, "&since=0", None));
    let mut streams = join_all(streams).await;
    let first = pusher.push(&[product("p1", &json!({}))]).await;
    for stream in &mut streams {
        while stream.next().await.stamp != first.stamp {}
    }
    // Longer than a comment is due; the runtime answers the pings of the worker.
    tokio::time::sleep(HIBERNATED.max(Duration::from_secs(EVENTS_COMMENT_SECS + 1))).await;
    let begun_before = begun().await;
    let second = pusher.push(&[product("p2", &json!({}))]).await;
    for stream in &mut streams {
        assert_eq!(stamps(&stream.next().await), [second.stamp]);
        assert!(stream.comments > 0, "no comment came");
    }
    assert_eq!(begun().await, begun_before + 1, "the room had hibernated");
    edge.stop().await;
}

async fn a_request_that_cannot_be_served_opens_no_socket(_: &'static Shop) {
    let edge = ChangedEdge::start(with_observed_rooms).await;
    let till = edge.tills(1).await.remove(0);
    for query in ["&cursor=x", "&since=yesterday", "&tables=nonsense", "&branch_id=2", "&branch_id=a%3Ab"] {
        let status = request(&till.api, &till.device, query, None).await.status().as_u16();
        assert_eq!(status, if query == "&branch_id=2" { 403 } else { 400 }, "{query}");
    }
    let connects = async || {
        let calls: BTreeMap<String, u64> = edge.observe("calls", "1:1").await;
        calls.get("/connect").copied().unwrap_or_default()
    };
    assert_eq!(connects().await, 0);
    EventStream::open(&till.api, &till.device, "&branch_id=1&since=0", None).await;
    assert_eq!(connects().await, 1);
    edge.stop().await;
}

async fn head_office_streams_a_branch_that_it_names(shop: &'static Shop) {
    let (one, two) = (shop.till_of("till-1", "1").await, shop.till_of("till-2", "2").await);
    let past = two.push(&[product("p1", &json!({}))]).await;
    let office = shop.head_office().await;
    let mut stream = EventStream::open(&office, "office", "&branch_id=2", None).await;
    assert_eq!(stamps(&stream.next().await), [past.stamp]);
    one.push(&[product("p2", &json!({}))]).await;
    let pushed = two.push(&[product("p3", &json!({}))]).await;
    let page = stream.next().await;
    assert_eq!((stamps(&page), page.stamp), (vec![pushed.stamp], pushed.stamp));
    end(&office, "all").await;
    assert_eq!(stream.close().await, json!({ "code": 4401, "reason": "session ended" }));
}

async fn bad_requests_have_the_status_of_a_pull(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let status = async |api: &tests::api::Api, device: &str, query: &str| {
        let response = request(api, device, query, None).await;
        let status = response.status().as_u16();
        let body: serde_json::Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        (status, body["error"]["code"].as_str().unwrap().to_owned())
    };
    for (query, expected) in [
        ("&cursor=x", (400, "bad_cursor")),
        ("&since=yesterday", (400, "bad_since")),
        ("&tables=nonsense", (400, "unknown_table")),
        ("&tables=employee_advances", (403, "table_forbidden")),
    ] {
        assert_eq!(status(&till.api, "till-1", query).await, (expected.0, expected.1.to_owned()));
    }
    assert_eq!(request(&till.api, "till-1", "", Some("x")).await.status(), 400);
    assert_eq!(status(&till.api, "till-2", "").await, (403, "device_mismatch".into()));
    assert_eq!(status(&till.api, "", "").await, (400, "bad_request".into()));
    assert_eq!(status(&shop.anonymous(), "till-1", "").await, (401, "token_missing".into()));
    let head_office = shop.head_office().await;
    assert_eq!(status(&head_office, "till-1", "").await, (403, "branch_required".into()));
    let request = till.api.request(reqwest::Method::GET, "/api/sync/events?device_id=till-1");
    let foreign = request.header("origin", &shop.world.pages.foreign).send().await.unwrap();
    assert_eq!(
        (foreign.status(), foreign.headers().get("access-control-allow-origin")),
        (reqwest::StatusCode::FORBIDDEN, None)
    );
}
