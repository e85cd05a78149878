//! Slow, huge and lying request bodies, sent over plain TCP: they neither fill the memory of the edge nor
//! keep other callers waiting.

use std::time::{Duration, Instant};

use auth::address::network;
use futures_util::future::join_all;
use protocol::limits::{BODY_BYTES_MAX, BODY_WINDOW_SECS, SIGN_IN_BODY_BYTES_MAX};
use reqwest::Method;
use serde_json::json;
use sha2::{Digest, Sha256};
use tests::api::Api;
use tests::fleet;
use tests::wait::poll;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::accounts::sessions::sessions;
use crate::replies::assert_error;
use crate::shop::{Shop, product};
use crate::sync::broadcast::Listener;
use crate::till::Till;

mod fuzz;

trials! {
    exclusive:
    declared_lengths_take_no_memory,
    bodies_of_one_client_leave_room_for_others,
    a_stalled_body_is_refused_and_a_slow_one_is_not,
    an_unsigned_publication_is_refused_before_its_body,
    a_sign_in_has_a_small_body,
    an_exhausted_address_is_refused_before_the_body;
    modules: fuzz
}

/// Requests that declare the largest body and send one byte of it.
const LYING_REQUESTS: usize = 1150;
/// Longest wait for a response that needs no body.
const PROMPT: Duration = Duration::from_secs(5);
/// Longest wait until the edge has forgotten the body of a client that has gone.
const FORGOTTEN: Duration = Duration::from_secs(45);
/// More bodies of the largest size than one client may have at once.
const BODIES_MAX: usize = 12;

/// The start of a body that does not go on.
const FIRST_BYTE: &[u8] = b"{";

const PUSH: &str = "/api/sync/batch-push";

/// A connection to the edge without an HTTP client.
pub(super) struct Connection(TcpStream);

impl Connection {
    pub(super) async fn open(shop: &Shop) -> Connection {
        let address = shop.world.edge_url.strip_prefix("http://").unwrap();
        Connection(TcpStream::connect(address).await.unwrap())
    }

    /// Sends the head of a POST that declares a body of `length` bytes.
    async fn post(shop: &Shop, path: &str, headers: &str, length: usize) -> Connection {
        let mut connection = Connection::open(shop).await;
        let head = format!("POST {path} HTTP/1.1\r\nhost: edge\r\ncontent-length: {length}\r\n{headers}\r\n");
        connection.write(head.as_bytes()).await;
        connection
    }

    /// Sends bytes. The edge may have closed the connection, which the next read shows.
    pub(super) async fn write(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes).await;
    }

    /// The response so far: until the end of its body, of the connection, or of `patience`.
    pub(super) async fn response(&mut self, patience: Duration) -> String {
        let mut bytes = Vec::new();
        let read = async {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = self.0.read(&mut buffer).await {
                bytes.extend_from_slice(&buffer[..read]);
                if bytes.ends_with(b"}") {
                    break;
                }
            }
        };
        let _ = timeout(patience, read).await;
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn bearer(api: &Api) -> String {
    format!("authorization: Bearer {}\r\n", api.token())
}

/// The status and the error code of a response.
fn outcome(response: &str) -> (&str, &str) {
    let status = response.split(' ').nth(1).unwrap_or_default();
    (status, response.split(r#""code":""#).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default())
}

/// A till with a socket: both notice when the isolate is reset.
pub(super) struct Witness {
    till: Till,
    listener: Listener,
    pusher: Till,
}

impl Witness {
    pub(super) async fn new(shop: &Shop) -> Witness {
        let (till, pusher) = (shop.till("witness").await, shop.till("pusher").await);
        let listener = Listener::open(&till.api, "witness").await;
        Witness { till, listener, pusher }
    }

    /// Checks that the edge serves requests, and that the socket is the same as before.
    pub(super) async fn assert_served(&mut self) {
        let id = fleet::batch_id();
        self.pusher.push(&[product(&id, &json!({}))]).await;
        assert_eq!(self.listener.next_sync().await.record_id, id);
        assert_eq!(self.till.api.get("/healthz").await.unwrap().status, 200);
    }
}

async fn declared_lengths_take_no_memory(shop: &'static Shop) {
    let mut witness = Witness::new(shop).await;
    let hostile = shop.other_tenant();
    let till = hostile.till("till-1").await;
    let head = bearer(&till.api);
    let mut connections = Vec::new();
    for _ in 0..LYING_REQUESTS {
        let mut connection = Connection::post(shop, PUSH, &head, BODY_BYTES_MAX).await;
        connection.write(FIRST_BYTE).await;
        connections.push(connection);
    }
    witness.assert_served().await;
    // The client of the flood is served as well.
    till.push(&[product("p1", &json!({}))]).await;
    drop(connections);
    witness.assert_served().await;
    hostile.close().await;
}

async fn bodies_of_one_client_leave_room_for_others(shop: &'static Shop) {
    let mut witness = Witness::new(shop).await;
    let hostile = shop.other_tenant();
    let till = hostile.till("till-1").await;
    let body = vec![b' '; BODY_BYTES_MAX - 1];
    // At once, so that each body grows while the others do.
    let send = async |_| {
        let mut connection = Connection::post(shop, PUSH, &bearer(&till.api), BODY_BYTES_MAX).await;
        connection.write(&body).await;
        connection.response(2 * Duration::from_secs(BODY_WINDOW_SECS)).await
    };
    let responses = join_all((0..BODIES_MAX).map(send));
    let (responses, ()) = tokio::join!(responses, witness.assert_served());
    let busy: Vec<_> = responses.iter().filter(|response| outcome(response) == ("503", "busy")).collect();
    assert!(!busy.is_empty(), "{responses:?}");
    assert!(busy.iter().all(|response| response.to_lowercase().contains("retry-after: 1")));
    // The bodies of clients that have gone make room.
    let batch = till.batch(None, &[product("p1", &json!({}))]);
    let push = async || till.push_raw(&batch).await;
    poll(FORGOTTEN, push, |reply| reply.status == 200).await.unwrap();
    witness.assert_served().await;
    hostile.close().await;
}

async fn a_stalled_body_is_refused_and_a_slow_one_is_not(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let stalled = async {
        let started = Instant::now();
        let mut connection = Connection::post(shop, PUSH, &bearer(&till.api), 1000).await;
        connection.write(FIRST_BYTE).await;
        let response = connection.response(2 * Duration::from_secs(BODY_WINDOW_SECS)).await;
        assert_eq!(outcome(&response), ("503", "body_incomplete"), "{response}");
        assert!(response.to_lowercase().contains("retry-after: 1"), "{response}");
        assert!(started.elapsed() >= Duration::from_secs(BODY_WINDOW_SECS), "{:?}", started.elapsed());
    };
    let slow = async {
        // Twice the window, at more than its pace.
        let pieces = usize::try_from(2 * BODY_WINDOW_SECS).unwrap();
        let data = json!({ "note": "x".repeat(60_000) });
        let body = till.batch(None, &[product("slow", &data), product("slow-2", &data)]).to_string();
        let mut connection = Connection::post(shop, PUSH, &bearer(&till.api), body.len()).await;
        for piece in body.as_bytes().chunks(body.len() / pieces) {
            connection.write(piece).await;
            sleep(Duration::from_secs(1)).await;
        }
        let response = connection.response(PROMPT).await;
        assert_eq!(outcome(&response), ("200", ""), "{response}");
    };
    tokio::join!(stalled, slow);
}

async fn an_unsigned_publication_is_refused_before_its_body(shop: &'static Shop) {
    let now = fleet::now().as_secs();
    let tag = "0".repeat(64);
    let publish = async |seal: &str, body: String| {
        let request = shop.anonymous().request(Method::POST, "/internal/publish");
        shop.anonymous().send(request.header("x-tillsync-seal", seal).body(body)).await.unwrap()
    };
    // Reading a body that is too large would be 413.
    let too_large = || "x".repeat(BODY_BYTES_MAX + 1);
    for seal in ["", "t=1", &format!("t=1,v1={tag}"), &format!("t={now},v1=00"), &format!("t={now},v2={tag}")]
    {
        assert_error(&publish(seal, too_large()).await, 401, "bad_signature");
    }
    let forged = format!("t={now},v1={tag}");
    assert_error(&publish(&forged, "{}".into()).await, 401, "bad_signature");
    assert_error(&publish(&forged, too_large()).await, 413, "body_too_large");
}

async fn a_sign_in_has_a_small_body(shop: &'static Shop) {
    for path in ["/api/auth/login", "/api/auth/refresh", "/api/auth/logout"] {
        // Its rate limit headers depend on how far the request came.
        let api = shop.anonymous().unchecked();
        let reply = api.post(path, "x".repeat(SIGN_IN_BODY_BYTES_MAX + 1)).await.unwrap();
        assert_error(&reply, 413, "body_too_large");
    }
}

/// Where Redis counts the requests of an address under the limit `name`.
fn address_counter(name: &str, address: &str) -> String {
    let hash = hex::encode(Sha256::digest(format!("{name}\n{}", network(address))));
    format!("tillsync:@door:rate:address:{}", &hash[..32])
}

async fn an_exhausted_address_is_refused_before_the_body(shop: &'static Shop) {
    let (api, _) = shop.session("till-1", "1", None).await;
    let mine = sessions(&api).await.sessions.into_iter().find_map(|session| session.address);
    let mine = mine.unwrap_or_else(|| "unknown".to_owned());
    let far = (fleet::now().0 + 3_600_000_000).to_string();
    for (path, limit) in [("/api/auth/login", "login-address"), ("/api/auth/refresh", "address")] {
        // Its rate limit headers depend on how far the request came.
        let api = shop.anonymous().unchecked();
        let post = async || api.post(path, "x".repeat(SIGN_IN_BODY_BYTES_MAX + 1)).await.unwrap();
        let counter = address_counter(limit, &mine);
        shop.world.redis_command(&["SET", &counter, &far, "EX", "60"]).await;
        assert_error(&post().await, 429, "rate_limited");
        shop.world.redis_command(&["DEL", &counter]).await;
        let read = poll(PROMPT, post, |reply| reply.status != 429).await.unwrap();
        assert_error(&read, 413, "body_too_large");
    }
}
