//! Tickets: a web page opens a WebSocket without its token in the URL.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use auth::limits::ACCESS_TOKEN_SECS;
use futures_util::StreamExt;
use futures_util::future::join_all;
use protocol::ids::SessionId;
use protocol::limits::TICKET_SECS;
use protocol::wire::auth::SessionResponse;
use protocol::wire::sessions::EndSessionsResponse;
use protocol::wire::ticket::SocketTicketResponse;
use redis_rest::faults::Fault;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, ORIGIN};
use serde_json::{Value, json};
use tests::api::{Api, Reply};
use tests::openapi::check::Checker;
use tests::till::socket;
use tests::wait::poll;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use crate::accounts::refresh;
use crate::accounts::sessions::{end, sessions, set_user_attribute};
use crate::changed_edge::{ChangedEdge, with_observed_rooms};
use crate::replies::assert_error;
use crate::shop::{Shop, advance, before_now, product};
use crate::sync::broadcast::Listener;
use crate::world::PATIENCE;

trials! {
    shared:
    a_ticket_opens_one_socket_of_twenty_at_once,
    a_ticket_is_good_for_its_device_and_page_only,
    an_expired_ticket_opens_no_socket,
    a_ticket_ends_with_its_session,
    a_session_that_ends_while_redis_is_asked_opens_no_socket,
    a_socket_may_name_its_branch,
    a_ticket_and_its_socket_end_with_the_token,
    a_ticket_outlives_the_memory_of_its_room,
    malformed_tickets_and_requests_are_refused,
    head_office_opens_its_hub_with_a_ticket,
    a_ticket_keeps_the_role_that_asked_for_it_and_ends_with_it,
}

const TICKET_INVALID: Option<&str> = Some("ticket_invalid");

pub(crate) async fn ask(api: &Api, device: &str, origin: Option<&str>) -> Reply {
    let request = api.request(Method::POST, "/api/sync/ws-ticket").header(CONTENT_TYPE, "application/json");
    let request = request.body(json!({ "device_id": device }).to_string());
    api.send(origin.into_iter().fold(request, |request, origin| request.header(ORIGIN, origin)))
        .await
        .unwrap()
}

async fn ticket_of(api: &Api, device: &str, origin: Option<&str>) -> String {
    let issued: SocketTicketResponse = ask(api, device, origin).await.ok().unwrap();
    assert_eq!(issued.expires_in, TICKET_SECS);
    issued.ticket
}

/// A ticket of a program that is no web page.
pub(crate) async fn ticket(api: &Api, device: &str) -> String {
    ticket_of(api, device, None).await
}

pub(crate) fn ticket_url(api: &Api, ticket: &str, device: &str) -> String {
    let edge = api.edge_url.replacen("http", "ws", 1);
    format!("{edge}/ws?ticket={ticket}&device_id={device}")
}

/// Opens a socket as a page of `origin`. Returns why the server closes it, or nothing if it greets.
pub(crate) async fn enter(url: &str, origin: Option<&str>) -> Option<String> {
    let mut request = url.into_client_request().unwrap();
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", HeaderValue::from_str(origin).unwrap());
    }
    let (mut socket, _) = connect_async(request).await.unwrap();
    let mut next = async || timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
    let frame: Value = serde_json::from_str(next().await.to_text().unwrap()).unwrap();
    if frame["type"] == "connected" {
        return None;
    }
    let Message::Close(Some(close)) = next().await else { panic!("no close frame") };
    let class = u16::from(close.code);
    assert!((4400..4600).contains(&class), "{class} {}", close.reason);
    assert_eq!(frame["code"], *close.reason);
    Some(close.reason.as_str().to_owned())
}

async fn a_ticket_opens_one_socket_of_twenty_at_once(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let ticket = ticket(&two.api, "till-2").await;
    assert!(!ticket.contains(&shop.client), "the ticket shows its room");
    let url = ticket_url(&two.api, &ticket, "till-2");
    let mut refused = join_all((0..20).map(|_| enter(&url, None))).await;
    refused.retain(Option::is_some);
    assert_eq!(refused, vec![TICKET_INVALID.map(str::to_owned); 19]);
    // It is a socket like any other.
    let url = ticket_url(&two.api, &self::ticket(&two.api, "till-2").await, "till-2") + "&frames=batch";
    let (mut listener, _) = Listener::greeted(&url, &two.api).await;
    let pushed = one.push(&[product("p1", &json!({}))]).await;
    assert_eq!(listener.next_batch().await.stamp, pushed.stamp);
}

async fn a_ticket_is_good_for_its_device_and_page_only(shop: &'static Shop) {
    let (api, _) = shop.session("till-1", "1", None).await;
    let (own, allowed) = (api.edge_url.clone(), shop.world.pages.allowed.clone());
    for (device, origin, refused) in [
        ("till-1", Some(own.as_str()), None),
        ("till-2", Some(own.as_str()), TICKET_INVALID),
        ("till-1", Some(allowed.as_str()), TICKET_INVALID),
        ("till-1", None, TICKET_INVALID),
    ] {
        let ticket = ticket_of(&api, "till-1", Some(&own)).await;
        let url = ticket_url(&api, &ticket, device);
        assert_eq!(enter(&url, origin).await.as_deref(), refused, "{device} {origin:?}");
        // Right or wrong, it was used.
        let url = ticket_url(&api, &ticket, "till-1");
        assert_eq!(enter(&url, Some(&own)).await.as_deref(), TICKET_INVALID);
    }
    let url = ticket_url(&api, &ticket_of(&api, "till-1", Some(&own)).await, "till-1");
    assert_eq!(enter(&url, Some("https://evil.example")).await.as_deref(), Some("origin_forbidden"));
    // A malformed request does not use it.
    assert_eq!(enter(&format!("{url}&frames=one"), Some(&own)).await.as_deref(), Some("bad_request"));
    assert_eq!(enter(&url, Some(&own)).await, None);
}

async fn an_expired_ticket_opens_no_socket(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let urls = [(); 2].map(|()| ticket(&till.api, "till-1"));
    let urls = join_all(urls).await.into_iter().map(|ticket| ticket_url(&till.api, &ticket, "till-1"));
    let [early, late] = urls.collect::<Vec<_>>().try_into().unwrap();
    sleep(Duration::from_secs(TICKET_SECS - 5)).await;
    assert_eq!(enter(&early, None).await, None);
    sleep(Duration::from_secs(6)).await;
    assert_eq!(enter(&late, None).await.as_deref(), TICKET_INVALID);
}

async fn a_ticket_ends_with_its_session(shop: &'static Shop) {
    let (till, other) = (shop.till("till-1").await, shop.till("till-2").await);
    let mut listener = Listener::open(&till.api, "till-1").await;
    let url = ticket_url(&till.api, &ticket(&till.api, "till-1").await, "till-1");
    let kept = ticket_url(&other.api, &ticket(&other.api, "till-2").await, "till-2");
    assert_eq!(end(&till.api, "all").await.ok::<EndSessionsResponse>().unwrap().ended, 1);
    // The room deletes the tickets and then closes the sockets.
    assert_eq!(listener.close_frame().await, (4401, "session ended".to_owned()));
    assert_eq!(enter(&url, None).await.as_deref(), TICKET_INVALID);
    assert_eq!(enter(&kept, None).await, None);
    assert_error(&ask(&till.api, "till-1", None).await, 401, "session_revoked");
}

async fn a_session_that_ends_while_redis_is_asked_opens_no_socket(_: &'static Shop) {
    let edge = ChangedEdge::start(with_observed_rooms).await;
    let [one, two] = edge.tills(2).await.try_into().unwrap_or_else(|_| unreachable!());
    let tell_room = async |id: &SessionId| {
        edge.observe::<Value>(&format!("end/{id}"), "1:1").await;
    };
    // Redis has answered that the session goes on, and the answer is on its way when it ends.
    let id = sessions(&one.api).await.sessions[0].id.clone();
    let faults = edge.stack.redis().front().faults();
    faults.begin(Fault::Hold);
    let asked = async || {
        let calls: BTreeMap<String, u64> = edge.observe("calls", "1:1").await;
        calls.contains_key("/connect")
    };
    let end_meanwhile = async {
        poll(PATIENCE, asked, |asked| *asked).await.expect("the room is asked");
        tell_room(&id).await;
    };
    let checked = one.api.held_to(Arc::new(Checker::new().unwrap()));
    let url = socket::url(&one.api, &one.device);
    let open = async {
        let mut listener = Listener::at(&url, &checked).await;
        let first = listener.next().await;
        // On a slow machine it was open when the session ended.
        (first["code"].as_str().map(str::to_owned), listener.close_frame().await.0)
    };
    let ((code, close), ()) = tokio::join!(open, end_meanwhile);
    faults.lift();
    println!("the session ended while the socket was {}", if code.is_some() { "checked" } else { "open" });
    assert!(code.is_none_or(|code| code == "session_revoked"));
    assert_eq!(close, 4401);
    // The end comes to the room before the ticket.
    tell_room(&sessions(&two.api).await.sessions[0].id).await;
    let url = ticket_url(&two.api, &ticket(&two.api, &two.device).await, &two.device);
    assert_eq!(enter(&url, None).await.as_deref(), Some("session_revoked"));
    edge.stop().await;
}

async fn a_socket_may_name_its_branch(shop: &'static Shop) {
    let (one, two) = (shop.till_of("till-1", "1").await, shop.till_of("till-2", "2").await);
    let named = |url: String, branch: &str| format!("{url}&branch_id={branch}");
    let of_till = || socket::url(&one.api, "till-1");
    assert_eq!(enter(&named(of_till(), "1"), None).await, None);
    assert_eq!(enter(&named(of_till(), "2"), None).await.as_deref(), Some("branch_forbidden"));
    assert_eq!(enter(&named(of_till(), "a%3Ab"), None).await.as_deref(), Some("bad_request"));
    for (branch, expected) in [("1", None), ("2", TICKET_INVALID)] {
        let url = ticket_url(&one.api, &ticket(&one.api, "till-1").await, "till-1");
        assert_eq!(enter(&named(url, branch), None).await.as_deref(), expected);
    }
    // Head office hears only the branch that it names.
    let office = shop.head_office().await;
    let (mut listener, _) = Listener::greeted(&named(socket::url(&office, "office"), "2"), &office).await;
    one.push(&[product("p1", &json!({}))]).await;
    let pushed = two.push(&[product("p2", &json!({}))]).await;
    assert_eq!(listener.next_sync().await.stamp, pushed.stamp);
}

async fn a_ticket_and_its_socket_end_with_the_token(shop: &'static Shop) {
    shop.branch("1").await;
    let short = shop.world.token_at(&shop.client, before_now(ACCESS_TOKEN_SECS - 4));
    let api = shop.anonymous().with_token(short);
    let (used, late) = (ticket(&api, "till-1").await, ticket(&api, "till-2").await);
    let (mut listener, _) = Listener::greeted(&ticket_url(&api, &used, "till-1"), &api).await;
    assert_eq!(listener.close_frame().await, (4401, "token expired".to_owned()));
    assert_eq!(enter(&ticket_url(&api, &late, "till-2"), None).await.as_deref(), TICKET_INVALID);
}

async fn a_ticket_outlives_the_memory_of_its_room(_: &'static Shop) {
    let edge = ChangedEdge::start(with_observed_rooms).await;
    let till = edge.tills(1).await.remove(0);
    let forget = async || edge.observe::<Value>("forget", "1:1").await;
    let url = ticket_url(&till.api, &ticket(&till.api, &till.device).await, &till.device);
    forget().await;
    assert_eq!(enter(&url, None).await, None);
    forget().await;
    assert_eq!(enter(&url, None).await.as_deref(), TICKET_INVALID);
    // One that nothing uses is deleted in the end, also after the last socket has left.
    let _ = ticket(&till.api, &till.device).await;
    let stored = async || edge.observe::<u64>("stored", "1:1").await;
    assert_eq!(stored().await, 1);
    let patience = Duration::from_secs(2 * TICKET_SECS);
    poll(patience, stored, |stored| *stored == 0).await.expect("the ticket is deleted");
    edge.stop().await;
}

async fn malformed_tickets_and_requests_are_refused(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let good = ticket(&till.api, "till-1").await;
    let (object, id) = good.split_once('.').unwrap();
    let forged = format!("{object}.{}.{}", id.split_once('.').unwrap().0, "0".repeat(32));
    let elsewhere = format!("{}.{id}", "0".repeat(object.len()));
    for bad in ["a", "a.b.c", ".", &format!("{good}0"), &good.to_uppercase(), &forged, &elsewhere] {
        let url = ticket_url(&till.api, bad, "till-1");
        assert_eq!(enter(&url, None).await.as_deref(), TICKET_INVALID, "{bad}");
    }
    assert_eq!(enter(&ticket_url(&till.api, "", "till-1"), None).await.as_deref(), Some("token_missing"));
    assert_eq!(enter(&ticket_url(&till.api, &good, ""), None).await.as_deref(), Some("bad_request"));
    assert_eq!(enter(&ticket_url(&till.api, &good, "till-1"), None).await, None);
    let post = async |body: &str| till.api.post("/api/sync/ws-ticket", body.to_owned()).await.unwrap();
    assert_error(&post("{").await, 400, "bad_json");
    assert_error(&post("{}").await, 400, "bad_request");
    assert_error(&post(r#"{"device_id":""}"#).await, 400, "bad_request");
    assert_error(&post(r#"{"device_id":"till-2"}"#).await, 403, "device_mismatch");
    assert_error(&ask(&shop.anonymous(), "till-1", None).await, 401, "token_missing");
}

async fn head_office_opens_its_hub_with_a_ticket(shop: &'static Shop) {
    let office = shop.head_office().await;
    let url = ticket_url(&office, &ticket(&office, "office").await, "office");
    assert_eq!(enter(&url, None).await, None);
    assert_eq!(enter(&url, None).await.as_deref(), TICKET_INVALID);
}

async fn a_ticket_keeps_the_role_that_asked_for_it_and_ends_with_it(shop: &'static Shop) {
    let (before, session) = shop.session("till-1", "1", Some("till-1")).await;
    let [used, late] = [ticket(&before, "till-1").await, ticket(&before, "till-1").await]
        .map(|ticket| format!("{}&frames=batch", ticket_url(&before, &ticket, "till-1")));
    set_user_attribute(shop, &session, "role", "manager").await;
    // Until its session ends, the ticket is that of a cashier, who may not read advances.
    let (mut cashier, _) = Listener::greeted(&used, &before).await;
    let office = shop.office().await;
    let pushed = office.push(&[advance("a1")]).await;
    let frame = cashier.next_batch().await;
    assert_eq!((frame.changes.len(), frame.stamp), (0, pushed.stamp));
    // With the new role its user has another session.
    let after: SessionResponse = refresh(&before, &session.refresh_token).await.ok().unwrap();
    assert_eq!(cashier.close_frame().await, (4401, "session ended".to_owned()));
    assert_eq!(enter(&late, None).await.as_deref(), TICKET_INVALID);
    let manager = before.with_token(after.access_token);
    let url = ticket_url(&manager, &ticket(&manager, "till-1").await, "till-1") + "&frames=batch";
    let (mut listener, _) = Listener::greeted(&url, &manager).await;
    let pushed = office.push(&[advance("a2")]).await;
    let frame = listener.next_batch().await;
    assert_eq!((frame.changes.len(), frame.stamp), (1, pushed.stamp));
}
