//! What edge and functions tell of their requests: their lines and counts are those of the client.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use local::telemetry::{Counted, Label};
use protocol::ids::{ClientId, SocketRoom};
use protocol::telemetry::EdgeLine;
use protocol::telemetry::function_line::FunctionLine;
use protocol::telemetry::server_timing;
use protocol::telemetry::trace_context::TraceContext;
use protocol::wire::pull::PullResponse;
use reqwest::Method;
use serde_json::json;
use tests::api::{Api, Reply};
use tests::wait::poll;
use tokio::task::JoinSet;

use crate::replies::source;
use crate::shop::{Shop, product, with};
use crate::sync::broadcast::Listener;
use crate::till::Till;
use crate::world::PATIENCE;

mod statuses;

trials! {
    shared:
    a_scripted_hour_is_counted_as_its_clients_saw_it,
    a_trace_goes_through_edge_and_function,
    a_response_says_where_its_time_went,
    a_preflight_has_a_line,
    a_room_tells_its_sockets_and_the_delay_of_a_commit;
    modules: statuses
}

/// A room trusts its queue 25 seconds after it has started.
const ROOM_STARTS_WITHIN: Duration = Duration::from_secs(60);
/// Tills that work at once, and the rounds of each: with six requests a round, about 600 requests.
const TILLS: usize = 4;
const ROUNDS: usize = 25;

/// What clients saw: route, status, cache and cost by request id.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<BTreeMap<String, Reported>>>);

/// Route, status and cache of a request, and its cost.
type Reported = (Label, Option<String>);

impl Seen {
    fn add(&self, client: &str, route: &str, reply: &Reply) {
        let client: Option<ClientId> = Some(client.parse().unwrap());
        let cache = reply.header("tillsync-cache").unwrap_or("none").to_owned();
        let status = reply.status.as_u16().to_string();
        let label = Label { client, route: route.to_owned(), status, cache };
        let cost = reply.header("tillsync-cost").map(str::to_owned);
        let id = reply.header("x-request-id").unwrap().to_owned();
        assert!(self.0.lock().unwrap().insert(id, (label, cost)).is_none(), "a request id comes twice");
    }

    fn all(&self) -> BTreeMap<String, (Label, Option<String>)> {
        self.0.lock().unwrap().clone()
    }
}

/// The query of the page after `reply`.
fn next(reply: &Reply) -> String {
    format!("cursor={}", reply.ok::<PullResponse>().unwrap().next_cursor)
}

/// Polls at the end of the log until the room answers.
async fn poll_room(till: &Till, tell: impl Fn(&Reply)) -> Reply {
    let mut position = "since=0".to_owned();
    let pull = async || {
        let reply = till.pull_raw(&position).await;
        position = next(&reply);
        tell(&reply);
        reply
    };
    let answered = poll(ROOM_STARTS_WITHIN, pull, |reply| source(reply) == Some("room")).await;
    answered.unwrap_or_else(|last| panic!("the room never answers: {:?}", source(&last)))
}

/// A till that sells, polls and makes mistakes.
async fn work(client: String, till: Till, seen: Seen) {
    let tell = |route: &str, reply: &Reply| seen.add(&client, route, reply);
    let mut position = "since=0".to_owned();
    for round in 0..ROUNDS {
        let id = format!("{}-{round}", till.device);
        let record = match round % 5 {
            4 => with(product(&id, &json!({})), "local_updated_at", "yesterday"),
            _ => product(&id, &json!({ "n": round })),
        };
        tell("pushBatch", &till.push_raw(&till.batch(Some(&id), &[record])).await);
        for _ in 0..2 {
            let reply = till.pull_raw(&position).await;
            position = next(&reply);
            tell("pullChanges", &reply);
        }
        tell("getRecord", &till.api.get(&format!("/api/data/products/{id}")).await.unwrap());
        match round % 3 {
            0 => tell("pullChanges", &till.pull_raw("since=never").await),
            1 => tell("listDeadLetters", &till.api.get("/api/sync/dead-letters").await.unwrap()),
            _ => tell("getSyncStats", &till.api.get("/api/sync/stats").await.unwrap()),
        }
    }
}

/// The counts once the log has all `requests`: its lines come a moment after the responses.
async fn counted(shop: &Shop, requests: usize) -> Counted {
    let client: ClientId = shop.client.parse().unwrap();
    let ours = |counted: &Counted| {
        counted.edge_lines.iter().filter(|line| line.client.as_ref() == Some(&client)).count()
    };
    let read = async || shop.world.telemetry.counted();
    poll(PATIENCE, read, |counted| ours(counted) >= requests).await.expect("every request has a line")
}

fn tally<'a>(labels: impl IntoIterator<Item = &'a Label>) -> BTreeMap<&'a Label, u64> {
    let mut tally = BTreeMap::new();
    labels.into_iter().for_each(|label| *tally.entry(label).or_default() += 1);
    tally
}

async fn a_scripted_hour_is_counted_as_its_clients_saw_it(shop: &'static Shop) {
    let (seen, mut working) = (Seen::default(), JoinSet::new());
    for i in 0..TILLS {
        let till = shop.till(&format!("till-{i}")).await;
        working.spawn(work(shop.client.clone(), till, seen.clone()));
    }
    working.join_all().await;
    let till = shop.till("poller").await;
    for _ in 0..20 {
        poll_room(&till, |reply| seen.add(&shop.client, "pullChanges", reply)).await;
    }
    let (seen, client) = (seen.all(), shop.client.parse::<ClientId>().unwrap());
    let counted = counted(shop, seen.len()).await;
    // Each line of the edge says what its client saw, and there is one.
    let of_client = |line: &&EdgeLine| line.client.as_ref() == Some(&client);
    let lines: Vec<&EdgeLine> = counted.edge_lines.iter().filter(of_client).collect();
    assert_eq!(lines.len(), seen.len());
    for line in &lines {
        let (label, cost) = &seen[&line.request_id];
        let told = (&line.route, line.status.to_string(), line.cache.as_deref().unwrap_or("none"));
        assert_eq!(told, (&label.route, label.status.clone(), label.cache.as_str()), "{line:?}");
        assert_eq!(line.cost, *cost);
    }
    // So are the counts by route, status and cache result.
    let edge = counted.edge.iter().filter(|(label, _)| label.client.as_ref() == Some(&client));
    let edge: BTreeMap<&Label, u64> = edge.map(|(label, count)| (label, *count)).collect();
    assert_eq!(edge, tally(seen.values().map(|(label, _)| label)));
    assert!(edge.keys().any(|label| label.cache == "room"), "the edge has answered some itself: {edge:?}");
    // A function's line has the id of the request that it handled, its status and its route; there is one
    // line for each request that no cache of the edge has answered.
    let of_functions = |line: &&FunctionLine| seen.contains_key(&line.request_id);
    let functions: Vec<&FunctionLine> = counted.function_lines.iter().filter(of_functions).collect();
    for line in &functions {
        let (label, cost) = &seen[&line.request_id];
        assert_eq!((&line.route, &line.status), (&label.route, &label.status), "{line:?}");
        assert_eq!(line.client.as_ref(), Some(&client), "{line:?}");
        let is_counted = cost
            .as_ref()
            .is_none_or(|cost| cost.starts_with(&format!("requests={}; ", line.storage_requests)));
        assert!(is_counted, "{line:?} is told to cost {cost:?}");
    }
    let is_by_function = |label: &Label| !matches!(label.cache.as_str(), "room" | "edge");
    let expected: Vec<&Label> =
        seen.values().map(|(label, _)| label).filter(|label| is_by_function(label)).collect();
    let mut ids: Vec<&str> = functions.iter().map(|line| line.request_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), functions.len()), (expected.len(), expected.len()));
    // No line has a token.
    let finder = shop.world.secrets.finder().unwrap();
    for line in lines {
        let text = protocol::telemetry::LogEvent::Edge(line.clone()).to_json();
        assert!(finder.find(text.as_bytes()).is_none() && !text.contains("yesterday"), "{text}");
    }
    for line in functions {
        let text = line.to_json();
        assert!(finder.find(text.as_bytes()).is_none() && !text.contains("yesterday"), "{text}");
    }
}

async fn a_trace_goes_through_edge_and_function(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let call = async |api: &Api, header: &str| {
        let request = api.request(Method::GET, "/api/sync/stats").header("traceparent", header);
        let reply = api.send(request).await.unwrap();
        let given = TraceContext::parse(reply.header("traceparent").unwrap()).unwrap();
        (given, reply.header("x-request-id").unwrap().to_owned())
    };
    let (given, id) = call(&till.api, &format!("00-{trace}-{span}-01")).await;
    assert_eq!(given.trace_id(), trace);
    assert!(given.header().ends_with("-01") && !given.header().contains(span), "{}", given.header());
    let line = counted(shop, 1).await;
    let function = line.function_lines.iter().find(|line| line.request_id == id).unwrap();
    assert_eq!(function.trace_id.as_deref(), Some(trace));
    let edge = line.edge_lines.iter().find(|line| line.request_id == id).unwrap();
    assert_eq!(edge.trace_id, trace);
    // What is malformed begins a trace, which its function is given as well.
    let mut begun = BTreeSet::from([trace.to_owned()]);
    for bad in [
        String::new(),
        "00-zz".to_owned(),
        format!("00-{trace}-{span}"),
        format!("00-{trace}-{span}-01-more"),
        format!("ff-{trace}-{span}-01"),
        format!("00-{}-{span}-01", trace.to_uppercase()),
        format!("00-{}-{span}-01", "0".repeat(32)),
        format!("00-{trace}-{}-01", "0".repeat(16)),
        format!("00-{trace}-{span}-01, 00-{trace}-{span}-01"),
    ] {
        let (given, id) = call(&till.api, &bad).await;
        assert!(begun.insert(given.trace_id().to_owned()), "{bad} goes on with a trace");
        let lines = async || shop.world.telemetry.counted().function_lines;
        let is_there = |line: &FunctionLine| line.request_id == id;
        let lines = poll(PATIENCE, lines, |lines| lines.iter().any(is_there)).await.unwrap();
        let function = lines.into_iter().find(is_there).unwrap();
        assert_eq!(function.trace_id.as_deref(), Some(given.trace_id()), "{bad}");
    }
}

async fn a_response_says_where_its_time_went(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let delay = Duration::from_millis(50);
    shop.world.dynamo_faults.delay(&shop.dynamo_scope(), delay);
    let reply = till.push_raw(&till.batch(Some("b1"), &[product("p1", &json!({}))])).await;
    shop.world.dynamo_faults.clear(&shop.dynamo_scope());
    let header = reply.header("server-timing").unwrap();
    let part = |name| Duration::from_micros(server_timing::read(header, name).unwrap_or_default());
    // A read and a transaction.
    assert!(part("db") >= 2 * delay, "{header}");
    // The clock of the edge has milliseconds.
    let tick = Duration::from_millis(1);
    assert!(part("fn") + tick >= part("db") && part("edge") + tick >= part("fn"), "{header}");
    // An answer of the room takes no function.
    let page = poll_room(&till, |_| {}).await;
    let header = page.header("server-timing").unwrap_or_default();
    assert_eq!((server_timing::read(header, "fn"), server_timing::read(header, "db")), (None, None));
}

async fn a_preflight_has_a_line(shop: &'static Shop) {
    let api = shop.anonymous().unchecked();
    let preflight =
        api.request(Method::OPTIONS, "/api/sync/stats").header("origin", &shop.world.pages.allowed);
    let preflight = preflight.header("access-control-request-method", "GET");
    let reply = api.send(preflight).await.unwrap();
    let id = reply.header("x-request-id").unwrap();
    let find = async || {
        let counted = shop.world.telemetry.counted();
        counted.edge_lines.into_iter().find(|line| line.request_id == id)
    };
    let line = poll(PATIENCE, find, Option::is_some).await.unwrap().unwrap();
    assert_eq!((line.route.as_str(), line.status), ("preflight", reply.status.as_u16()));
    assert_eq!((line.client, line.times.function_micros), (None, 0));
}

async fn a_room_tells_its_sockets_and_the_delay_of_a_commit(shop: &'static Shop) {
    let room = shop.room("1");
    let open = |room: &SocketRoom| shop.world.telemetry.counted().sockets.get(room).copied();
    let (branch, hub) = (SocketRoom::Branch(room.clone()), SocketRoom::Hub(room.client.clone()));
    let sockets = async || open(&branch);
    let of_hub = async || open(&hub);
    let till = shop.till("till-1").await;
    let other = shop.till("till-2").await;
    let (one, two) = (Listener::open(&till.api, "till-1").await, Listener::open(&other.api, "till-2").await);
    poll(PATIENCE, sockets, |open| *open == Some(2)).await.expect("two sockets are told");
    till.push(&[product("p1", &json!({}))]).await;
    let delay = async || shop.world.telemetry.counted().delays.get(&room).copied();
    let delay = poll(PATIENCE, delay, Option::is_some).await.unwrap().unwrap();
    assert!(delay < 20_000_000, "{delay}");
    let office = Listener::open(&shop.head_office().await, "office").await;
    poll(PATIENCE, of_hub, |open| *open == Some(1)).await.expect("the socket of the hub is told");
    drop((one, two, office));
    poll(PATIENCE, sockets, Option::is_none).await.expect("no socket is told");
    poll(PATIENCE, of_hub, Option::is_none).await.expect("no socket of the hub is told");
}
