//! Floods from one address and of one client: what they cost, and who is refused.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::ready;
use futures_util::{StreamExt, stream};
use local::stack::Options;
use protocol::wire::auth::User;
use tests::api::{Api, Reply};
use tests::fleet;
use tests::openapi::check::Checker;
use tests::till::socket;
use tokio::time::sleep;

use crate::changed_edge::ChangedEdge;
use crate::shop::Shop;
use crate::sync::broadcast::Listener;
use crate::world::cashier;

trials! {
    exclusive:
    two_thousand_requests_from_one_address_cost_few_commands,
    a_client_beyond_its_ceiling_is_refused_and_no_other,
}

/// Requests of the flood, each of another user, so that no limit of a user stops it.
const FLOOD: usize = 2000;
/// Connections of the flood.
const CONNECTIONS: usize = 20;
/// Each flood comes from another address.
const ADDRESSES: [&str; 4] = ["203.0.113.77", "203.0.113.78", "203.0.113.79", "203.0.113.80"];
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

async fn two_thousand_requests_from_one_address_cost_few_commands(shop: &'static Shop) {
    let token = |n: usize| {
        let user = User { id: format!("flood-{n}"), ..cashier(&shop.client) };
        shop.world.token_of(&user, fleet::now())
    };
    let apis: Vec<Api> = (0..FLOOD).map(|n| shop.anonymous().unchecked().with_token(token(n))).collect();
    // The function refuses the table without asking Redis, so each request costs the command of its limit.
    let path = "/api/data/no_table/r1";
    let mut floods = Vec::new();
    // In one window, from its beginning. A machine that is busy may need another one.
    for address in ADDRESSES {
        sleep(until_next_window()).await;
        let (before, begun) = (shop.world.redis_counts(), window());
        let in_time = stream::iter(&apis).take_while(|_| ready(window() == begun));
        let replies = in_time.map(|api| from_address(api, path, address)).buffer_unordered(CONNECTIONS);
        let replies: Vec<Reply> = replies.collect().await;
        floods.push((address, replies, (shop.world.redis_counts() - before).commands));
        if floods.last().is_some_and(|(_, replies, _)| replies.len() as u64 > COMMANDS_MAX) {
            break;
        }
    }
    let (address, replies, commands) = floods.pop().unwrap();
    let (refused, served): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 429);
    println!("{} of {} refused, {commands} commands", refused.len(), replies.len());
    assert!(replies.len() as u64 > COMMANDS_MAX, "{} requests in a window are no flood", replies.len());
    assert!(commands <= COMMANDS_MAX, "{commands} commands");
    assert!(served.len() as u64 <= COMMANDS_MAX, "{} served", served.len());
    let refusal = refused[0];
    assert_eq!(
        (refusal.code().as_deref(), refusal.header("retry-after")),
        (Some("rate_limited"), Some("10"))
    );
    // Another address, and a caller that sends no command, are not affected.
    assert_eq!(from_address(&apis[0], path, "203.0.113.7").await.status, 400);
    assert_eq!(from_address(&shop.anonymous(), "/api/openapi.json", address).await.status, 200);
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
