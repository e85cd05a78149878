//! The overhead of our client and cache over a bare round trip, measured in turns.
//!
//! Client and cache are measured in separate loops: the timers of their deadlines wake the runtime later,
//! which would slow down the next measurement.

use std::convert::Infallible;
use std::error::Error;
use std::time::{Duration, Instant};

use cache::request::{Loaded, Request, Source};
use config::Secret;
use functions::redis::Redis;
use local::keys::Keys;
use local::stack::Stack;
use protocol::ids::Room;
use redis_client::command;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};

use crate::bench::{WARM_UP, product, without_warm_up};
use crate::report::{micros_line, percentiles, ratio};

/// Turns in a round. A turn takes half a millisecond.
const TURNS: usize = 20;

pub(super) async fn measure(stack: &Stack, redis: &Redis, rounds: usize) -> Result<(), Box<dyn Error>> {
    let (room, turns) = ("bench:times".parse()?, rounds * TURNS + WARM_UP);
    // The cache comes first, because it leaves the entry that the client reads.
    measure_cache(stack, redis, &room, turns).await?;
    measure_client(stack, redis, &room, turns).await?;
    println!();
    Ok(())
}

/// A cache hit beside the command that it sends.
async fn measure_cache(
    stack: &Stack,
    redis: &Redis,
    room: &Room,
    turns: usize,
) -> Result<(), Box<dyn Error>> {
    let keys = &redis.keys;
    let request = Request::record(keys, room, "products", "p1");
    let (entry, tag) = (keys.record(room, "products", "p1"), keys.record_tag(room, "products", "p1"));
    let cache = redis.cache();
    let loaded = Loaded::some(product("p1", 1).to_string().into_bytes(), 1);
    let load = async || Ok::<_, Infallible>(loaded.clone());
    cache.read(&request, load).await?;
    let ping = BareCommand::new(stack, &["PING"])?;
    let mget = BareCommand::new(stack, &["MGET", entry.as_str(), tag.as_str()])?;
    let hit = async || Ok(cache.read(&request, load).await?.source == Source::Fresh);
    in_turns(["bare PING", "bare MGET of entry and tag", "cache hit"], [ping, mget], hit, turns).await
}

/// The client's GET beside a bare one of the same key.
async fn measure_client(
    stack: &Stack,
    redis: &Redis,
    room: &Room,
    turns: usize,
) -> Result<(), Box<dyn Error>> {
    let key = redis.keys.record(room, "products", "p1");
    let (ping, get) = (BareCommand::new(stack, &["PING"])?, BareCommand::new(stack, &["GET", key.as_str()])?);
    let command = command::get(&key);
    let ours = async || redis.client.run(&command).await.map(|_| true).map_err(Into::into);
    in_turns(["bare PING", "bare GET of the entry", "client's GET of the entry"], [ping, get], ours, turns)
        .await
}

/// Measures two bare commands and `ours` in turns. Prints the three, and the ratio of the last to each of the
/// others. A turn of `ours` counts if it returns true.
async fn in_turns(
    names: [&str; 3],
    [one, other]: [BareCommand; 2],
    ours: impl AsyncFn() -> Result<bool, Box<dyn Error>>,
    turns: usize,
) -> Result<(), Box<dyn Error>> {
    let mut all = [const { Vec::new() }; 3];
    for _ in 0..turns {
        all[0].push(timed(one.send()).await?.1);
        all[1].push(timed(other.send()).await?.1);
        let (counts, took) = timed(ours()).await?;
        all[2].extend(counts.then_some(took));
    }
    let all = all.map(without_warm_up);
    for (name, times) in names.iter().zip(&all) {
        println!("{name:<30} {}", micros_line(times));
    }
    let [ping, same, ours] = all.map(|times| percentiles(&times)).map(|[median, ..]| median);
    let (to_ping, to_same) = (ratio(ours, ping), ratio(ours, same));
    println!("{:<30} {to_ping}, {to_same} (p50; target: at most 1.10)", "  ratio to these two");
    Ok(())
}

async fn timed<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<(T, Duration), E> {
    let started = Instant::now();
    let done = work.await?;
    Ok((done, started.elapsed()))
}

/// One command over plain HTTP, with the HTTP client that the functions use and on a connection of its own.
struct BareCommand {
    client: Client,
    url: String,
    token: Secret,
    body: Vec<u8>,
}

impl BareCommand {
    fn new(stack: &Stack, command: &[&str]) -> Result<BareCommand, Box<dyn Error>> {
        let client = Client::builder().no_proxy().redirect(Policy::none()).build()?;
        let token = Keys::load_or_make(stack.data())?.redis_token;
        let body = serde_json::to_vec(command)?;
        Ok(BareCommand { client, url: stack.redis().url().to_owned(), token, body })
    }

    async fn send(&self) -> Result<(), Box<dyn Error>> {
        let post = self.client.post(&self.url).bearer_auth(self.token.expose());
        let post = post.header(CONTENT_TYPE, "application/json").header("upstash-encoding", "base64");
        let response = post.body(self.body.clone()).send().await?;
        let status = response.status();
        let body = response.bytes().await?;
        if status == StatusCode::OK { Ok(()) } else { Err(format!("{status}: {}", body.len()).into()) }
    }
}
