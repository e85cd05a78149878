//! Floods from one address and of one client: what they cost, and who is refused.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::{join_all, ready};
use futures_util::{StreamExt, stream};
use local::function_host::faults::HostFault;
use local::stack::Options;
use protocol::role::Role;
use protocol::wire::auth::User;
use serde_json::json;
use tests::api::{Api, Reply};
use tests::fleet;
use tests::openapi::check::Checker;
use tests::till::socket;
use tests::wait::poll;
use tokio::time::sleep;

use crate::changed_edge::ChangedEdge;
use crate::edge::events::stream::EventStream;
use crate::replies::assert_error;
use crate::shop::{Shop, product};
use crate::sync::broadcast::Listener;
use crate::world::{PATIENCE, cashier};

trials! {
    exclusive:
    two_thousand_requests_from_one_address_cost_few_commands,
    a_client_beyond_its_ceiling_is_refused_and_no_other,
    the_pulls_of_a_stream_count_against_the_ceiling,
    a_client_with_too_many_calls_under_way_is_refused_and_no_other,
    a_hundred_tills_that_pull_at_once_meet_no_limit,
}

/// Requests of the flood, each of another user, so that no limit of a user stops it.
const FLOOD: usize = 2000;
/// Connections of the flood.
const CONNECTIONS: usize = 20;
/// Each flood comes from another address.
const ADDRESSES: [[&str; 3]; 4] = [
    ["203.0.113.77", "203.0.113.78", "203.0.113.79"],
    ["203.0.113.80", "203.0.113.81", "203.0.113.82"],
    ["203.0.113.83", "203.0.113.84", "203.0.113.85"],
    ["203.0.113.86", "203.0.113.87", "203.0.113.88"],
];
/// Commands of one address that reach Redis in a window, and a few of requests at the edge of a window.
const COMMANDS_MAX: u64 = 1100;
/// The window in which the platform counts.
const WINDOW: Duration = Duration::from_secs(10);

/// The time since the epoch.
fn clock() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// The number of the window that now is in.
fn window() -> u64 {
    clock().as_secs() / WINDOW.as_secs()
}

fn until_next_window() -> Duration {
    let now = clock();
    Duration::from_secs((now.as_secs() / WINDOW.as_secs() + 1) * WINDOW.as_secs()) - now
}

async fn from_address(api: &Api, path: &str, address: &str) -> Reply {
    let request = api.request(reqwest::Method::GET, path).header("cf-connecting-ip", address);
    api.send(request).await.unwrap()
}

/// Sends the same request by many users from one address. Returns the address, the replies and the commands
/// that Redis has received meanwhile.
async fn flood(shop: &Shop, apis: &[Api], path: &str, addresses: &[&'static str]) -> Flood {
    let mut floods = Vec::new();
    // In one window, from its beginning. A machine that is busy may need another one.
    for &address in addresses {
        sleep(until_next_window()).await;
        let (before, begun) = (shop.world.redis_counts(), window());
        let in_time = stream::iter(apis).take_while(|_| ready(window() == begun));
        let replies = in_time.map(|api| from_address(api, path, address)).buffer_unordered(CONNECTIONS);
        let replies: Vec<Reply> = replies.collect().await;
        let commands = (shop.world.redis_counts() - before).commands;
        floods.push(Flood { address, replies, commands });
        if floods.last().is_some_and(|flood| flood.replies.len() as u64 > COMMANDS_MAX) {
            break;
        }
    }
    floods.pop().unwrap()
}

struct Flood {
    address: &'static str,
    replies: Vec<Reply>,
    commands: u64,
}

impl Flood {
    /// Checks that it cost few commands, of which each request sends `each`. Returns a refusal.
    fn assert_stopped(&self, path: &str, each: u64) -> &Reply {
        let (refused, served): (Vec<_>, Vec<_>) = self.replies.iter().partition(|reply| reply.status == 429);
        let (sent, commands) = (self.replies.len(), self.commands);
        println!("{path}: {} of {sent} refused, {commands} commands", refused.len());
        assert!(sent as u64 > COMMANDS_MAX, "{sent} requests in a window are no flood");
        assert!(commands <= COMMANDS_MAX, "{path}: {commands} commands");
        // Also where Redis was too slow on a busy machine to receive them all.
        assert!(served.len() as u64 * each <= COMMANDS_MAX, "{path}: {} served", served.len());
        refused[0]
    }
}

async fn two_thousand_requests_from_one_address_cost_few_commands(shop: &'static Shop) {
    let apis = |role: Role| -> Vec<Api> {
        let user = |n| User { id: format!("flood-{n}"), role, ..cashier(&shop.client) };
        let token = |n| shop.world.token_of(&user(n), fleet::now());
        (0..FLOOD).map(|n| shop.anonymous().unchecked().with_token(token(n))).collect()
    };
    shop.push_at(&[product("p1", &json!({}))], fleet::now()).await;
    let (cashiers, managers) = (apis(Role::Cashier), apis(Role::Manager));
    let paths = [
        // A function refuses the first without Redis, and finds the next one there.
        ("/api/data/no_table/r1", &cashiers, 2),
        ("/api/data/products/p1", &cashiers, 2),
        ("/api/presence", &managers, 2),
        ("/api/sync/stats", &cashiers, 1),
    ];
    for ((path, apis, each), addresses) in paths.into_iter().zip(&ADDRESSES) {
        let flood = flood(shop, apis, path, addresses).await;
        let refusal = flood.assert_stopped(path, each);
        assert_eq!(
            (refusal.code().as_deref(), refusal.header("retry-after")),
            (Some("rate_limited"), Some("10"))
        );
        // Another address, and a caller that sends no command, are not affected.
        let expected = if path.contains("no_table") { 400 } else { 200 };
        assert_eq!(from_address(&apis[0], path, "203.0.113.7").await.status, expected);
        assert_eq!(from_address(&shop.anonymous(), "/api/openapi.json", flood.address).await.status, 200);
    }
}

async fn a_client_beyond_its_ceiling_is_refused_and_no_other(_: &'static Shop) {
    let edge_variables = [("RATE_CLIENT_SYNC_PER_MINUTE", "20".to_owned())].into();
    let edge = ChangedEdge::with(Options { edge_variables, ..Options::default() }).await;
    let checker = Arc::new(Checker::new().unwrap());
    let signed_in =
        async |room: &str, device: &str| edge.till(room, device).await.api.held_to(checker.clone());
    let (one, other) = (signed_in("1:1", "till-1").await, signed_in("2:1", "till-2").await);
    let pull = async |api: &Api| api.get("/api/sync/pull-changes?limit=1").await.unwrap();
    let mut refused = None;
    // Another request is allowed every 3 seconds, so this loop ends.
    for asked in 0..200 {
        let reply = pull(&one).await;
        if reply.status == 429 {
            assert!(asked >= 20, "refused after {asked}");
            refused = Some(reply);
            break;
        }
        assert_eq!((reply.status.as_u16(), reply.header("ratelimit")), (200, None));
    }
    let refused = refused.expect("a client has a ceiling");
    assert_eq!(refused.code().as_deref(), Some("rate_limited"));
    assert!(refused.body.contains(r#""policy":"client-sync","limit":20"#), "{}", refused.body);
    assert!(refused.header("retry-after").is_some() && refused.header("ratelimit").is_some());
    // Its sockets are refused too, what is no sync is not, and neither is another client.
    let refusal = Listener::at(&socket::url(&one, "till-1"), &one).await.refusal().await;
    assert_eq!(refusal, (4429, "rate_limited".to_owned()));
    assert_eq!(one.get("/api/auth/me").await.unwrap().status, 200);
    assert_eq!(pull(&other).await.status, 200);
    edge.stop().await;
}

async fn the_pulls_of_a_stream_count_against_the_ceiling(_: &'static Shop) {
    let edge_variables = [("RATE_CLIENT_SYNC_PER_MINUTE", "2".to_owned())].into();
    let edge = ChangedEdge::with(Options { edge_variables, ..Options::default() }).await;
    let till = edge.tills(1).await.remove(0);
    let faults = edge.stack.host_faults();
    let before = faults.calls("1");
    // Its first page comes with the request, the second one when its socket is open.
    let _stream = EventStream::open(&till.api, &till.device, "", None).await;
    let pulls = async || faults.calls("1") - before;
    poll(PATIENCE, pulls, |pulls| *pulls == 2).await.expect("the stream pulls again");
    let refused = till.api.get("/api/sync/pull-changes?limit=1").await.unwrap();
    assert_eq!((refused.status.as_u16(), refused.code().as_deref()), (429, Some("rate_limited")));
    edge.stop().await;
}

async fn a_client_with_too_many_calls_under_way_is_refused_and_no_other(_: &'static Shop) {
    const CALLS_MAX: u64 = 2;
    let edge_variables = [("CLIENT_CALLS_MAX", CALLS_MAX.to_string())].into();
    let edge = ChangedEdge::with(Options { edge_variables, ..Options::default() }).await;
    let (one, other) = (edge.till("1:1", "till-1").await, edge.till("2:1", "till-2").await);
    let faults = edge.stack.host_faults();
    let before = faults.calls("1");
    faults.inject("1", HostFault::Hang, 2);
    let hanging = [one.pull_raw("limit=1"), one.pull_raw("limit=2")];
    let refuse = async {
        let calls = async || faults.calls("1") - before;
        poll(PATIENCE, calls, |calls| *calls == CALLS_MAX).await.expect("two calls are under way");
        let batch = one.batch(Some("b1"), &[product("p1", &json!({}))]);
        for reply in [one.pull_raw("limit=3").await, one.push_raw(&batch).await] {
            assert_error(&reply, 503, "busy");
            assert_eq!(reply.header("retry-after"), Some("1"));
        }
        assert_eq!(other.pull_raw("limit=3").await.status, 200);
        assert_eq!(faults.calls("1"), before + CALLS_MAX, "what was refused was not called");
    };
    let (ended, ()) = tokio::join!(join_all(hanging), refuse);
    assert!(ended.iter().all(|reply| reply.status == 503));
    assert_eq!(one.pull_raw("limit=3").await.status, 200);
    edge.stop().await;
}

async fn a_hundred_tills_that_pull_at_once_meet_no_limit(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    // Each asks for a page of its own, so that a function answers.
    let queries: Vec<String> = (1..=100).map(|limit| format!("limit={limit}")).collect();
    let replies = join_all(queries.iter().map(|query| till.pull_raw(query))).await;
    assert!(
        replies.iter().all(|reply| reply.status == 200),
        "{:?}",
        replies.iter().find(|it| it.status != 200)
    );
}
