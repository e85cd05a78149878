//! Requests that carry secrets, and fail in ways that are logged, leave none of them in a log or a store.

use local::dynamo::faults::Fault;
use local::function_host::faults::HostFault;
use protocol::wire::auth::SessionResponse;
use redis_rest::faults::Fault as RedisFault;
use reqwest::Method;
use serde_json::json;
use tests::till::socket;
use tokio_tungstenite::connect_async;

use crate::accounts::{logout, refresh};
use crate::edge::tickets::{enter, ticket, ticket_url};
use crate::shop::{PASSWORD, Shop, product};
use crate::sync::broadcast::Listener;

trials! {
    exclusive:
    no_log_or_store_holds_a_secret,
}

async fn no_log_or_store_holds_a_secret(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let (api, session) = shop.session("till-2", "1", None).await;
    let mut listener = Listener::open(&api, "till-2").await;
    till.push(&[product("p1", &json!({ "n": 1 }))]).await;
    listener.next_sync().await;
    assert_eq!(api.get("/api/auth/me").await.unwrap().status, 200);

    // The function fails, so the edge logs a fault; Redis fails, so both log one.
    shop.world.host_faults.inject(&shop.client, HostFault::Status(500), 1);
    assert_eq!(till.pull_raw("limit=1").await.status, 503);
    shop.world.begin_redis_fault(RedisFault::Status(500));
    let path = socket::url(&api, "till-2");
    let path = path.split_once("/ws").unwrap().1;
    assert_eq!(api.get(&format!("/ws{path}")).await.unwrap().status, 426);
    assert!(connect_async(socket::url(&api, "till-2")).await.is_ok());
    let ticket = ticket(&api, "till-2").await;
    for (device, reason) in [("till-1", Some("ticket_invalid")), ("till-2", Some("ticket_invalid"))] {
        assert_eq!(enter(&ticket_url(&api, &ticket, device), None).await.as_deref(), reason);
    }
    let next: SessionResponse = refresh(&api, &session.refresh_token).await.ok().unwrap();
    shop.world.redis_faults().lift();

    // DynamoDB fails while a refresh and a sign-in are under way.
    let family = next.refresh_token.split('.').nth(1).unwrap();
    shop.world.dynamo_faults.inject(family, "UpdateItem", Fault::Refused, 1);
    let _ = refresh(&api, &next.refresh_token).await;
    shop.world.dynamo_faults.clear(family);
    let wrong = json!({ "username": shop.username("till-1"), "password": format!("{PASSWORD} wrong") });
    assert_eq!(api.post("/api/auth/login", wrong.to_string()).await.unwrap().status, 401);
    let malformed = format!("{{\"username\": 5, \"password\": \"{PASSWORD}\"}}");
    assert_eq!(api.post("/api/auth/login", malformed).await.unwrap().status, 400);

    // Calls that are refused with their credentials.
    let publish = till.api.request(Method::POST, "/internal/publish");
    let reply = till.api.send(publish.header("x-tillsync-seal", "t=1,v1=00").body(PASSWORD)).await.unwrap();
    assert_eq!(reply.status, 401);
    assert_eq!(logout(&api, &next.refresh_token).await.status, 204);
    shop.world.assert_no_leaks().await;
}
