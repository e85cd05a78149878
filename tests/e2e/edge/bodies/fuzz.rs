//! Random heads and bodies, in random pieces. `FUZZ_SEED` replays a run.

use std::time::Duration;

use fastrand::Rng;
use futures_util::{StreamExt, stream};
use tokio::time::{sleep, timeout};

use super::{Connection, Witness, outcome};
use crate::shop::Shop;

trials! {
    exclusive:
    random_heads_and_bodies_break_nothing,
}

const REQUESTS: u64 = 600;
const AT_ONCE: usize = 60;
/// Longest time for one request; the edge may wait for a body that never comes.
const PATIENCE: Duration = Duration::from_secs(1);

const METHODS: [&str; 6] = ["GET", "POST", "DELETE", "PUT", "HEAD", "BREW"];
const PATHS: [&str; 12] = [
    "/api/sync/batch-push",
    "/api/sync/batch-push",
    "/api/sync/resolve-conflict",
    "/api/sync/pull-changes?limit=1",
    "/api/data/batch-get",
    "/api/auth/login",
    "/api/auth/refresh",
    "/internal/publish",
    "/ws?token=a.b.c&device_id=d",
    "/api/openapi.json",
    "/%00%ff/..//api?%",
    "/healthz",
];

async fn random_heads_and_bodies_break_nothing(shop: &'static Shop) {
    let seed =
        std::env::var("FUZZ_SEED").ok().map_or_else(|| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("FUZZ_SEED={seed}");
    let mut witness = Witness::new(shop).await;
    let token = shop.till("till-1").await.api.token().to_owned();
    let request = async |i: u64| {
        let mut rng = Rng::with_seed(seed ^ i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let head = head(&mut rng, &token);
        let response = timeout(2 * PATIENCE, send(shop, &mut rng, &head)).await.unwrap_or_default();
        let (status, _) = outcome(&response);
        // A response without a request id is one of the proxy or the runtime in front of the worker.
        let is_ours = response.to_lowercase().contains("x-request-id");
        let is_fine = !is_ours || status == "503" || !status.starts_with('5');
        assert!(is_fine, "FUZZ_SEED={seed}, request {i}: {head:?} got {response:?}");
        assert!(!response.contains("panicked"), "FUZZ_SEED={seed}, request {i}: {response:?}");
        status.to_owned()
    };
    let statuses: Vec<String> =
        stream::iter(0..REQUESTS).map(request).buffer_unordered(AT_ONCE).collect().await;
    let count = |status: &str| statuses.iter().filter(|known| *known == status).count();
    println!("{REQUESTS} requests: {} got 200, {} got 401, {} none", count("200"), count("401"), count(""));
    // Requests that make sense are among them.
    assert!(count("200") > 0 && count("401") > 0, "FUZZ_SEED={seed}");
    witness.assert_served().await;
}

/// Sends a head and a body in pieces, and reads the response, or leaves before it.
async fn send(shop: &Shop, rng: &mut Rng, head: &str) -> String {
    let mut connection = Connection::open(shop).await;
    connection.write(head.as_bytes()).await;
    for _ in 0..rng.usize(0..8) {
        let bytes = match rng.u8(0..4) {
            0 => b"{\"records\":[".to_vec(),
            1 => format!("{:x}\r\n", rng.u32(..)).into_bytes(),
            _ => (0..rng.usize(0..20_000)).map(|_| rng.u8(..)).collect(),
        };
        connection.write(&bytes).await;
        sleep(Duration::from_millis(rng.u64(0..30))).await;
    }
    if rng.u8(0..4) == 0 { String::new() } else { connection.response(PATIENCE).await }
}

fn head(rng: &mut Rng, token: &str) -> String {
    let (method, path) = (pick(rng, &METHODS), pick(rng, &PATHS));
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: edge\r\n");
    for _ in 0..rng.usize(0..6) {
        head.push_str(&header(rng, token));
        head.push_str("\r\n");
    }
    head + "\r\n"
}

fn header(rng: &mut Rng, token: &str) -> String {
    let lengths = ["0", "1", "12", "4194304", "4194305", "-1", "many", "99999999999999999999", "1, 2", ""];
    let length = pick(rng, &lengths);
    let random: String = (0..rng.usize(0..300)).map(|_| rng.alphanumeric()).collect();
    match rng.u8(0..12) {
        0..3 => format!("content-length: {length}"),
        3..6 => format!("authorization: Bearer {token}"),
        6 => format!("authorization: {random}"),
        7 => "transfer-encoding: chunked".into(),
        8 => format!("x-tillsync-seal: t={},v1={random}", tests::fleet::now().as_secs()),
        9 => "upgrade: websocket\r\nconnection: upgrade".into(),
        10 => format!("{random}: {random}"),
        _ => format!("cookie: {}", random.repeat(30)),
    }
}

fn pick<'a>(rng: &mut Rng, choices: &[&'a str]) -> &'a str {
    choices[rng.usize(..choices.len())]
}
