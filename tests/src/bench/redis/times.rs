//! What our client and cache add to a round trip: each beside the bare one, in turns.
//!
//! Client and cache in a loop each: they have deadlines of their own, and a timer that ends before all that are set wakes
//! the runtime up to be told, which the one that comes after the other would pay for.

mod bare;

use std::convert::Infallible;
use std::error::Error;
use std::time::{Duration, Instant};

use cache::request::{Loaded, Request, Source};
use functions::redis::Redis;
use local::stack::Stack;
use protocol::ids::Room;
use redis_client::command;

use crate::bench::{WARM_UP, product, warm};
use crate::report::{fine_line, percentiles, ratio};
use bare::Bare;

/// How many turns make one round: a turn takes half a millisecond.
const TURNS: usize = 20;

/// What is measured on both sides.
struct Street<'a> {
    stack: &'a Stack,
    redis: &'a Redis,
    room: Room,
    turns: usize,
}

pub(super) async fn measure(stack: &Stack, redis: &Redis, rounds: usize) -> Result<(), Box<dyn Error>> {
    let street = Street { stack, redis, room: "bench:times".parse()?, turns: rounds * TURNS + WARM_UP };
    // First, since it leaves the entry that the client reads.
    street.cache().await?;
    street.client().await?;
    println!();
    Ok(())
}

impl Street<'_> {
    /// A hit of the cache beside the very command that it sends, bare.
    async fn cache(&self) -> Result<(), Box<dyn Error>> {
        let (room, keys) = (&self.room, &self.redis.keys);
        let request = Request::record(keys, room, "products", "p1");
        let (entry, tag) = (keys.record(room, "products", "p1"), keys.record_tag(room, "products", "p1"));
        let cache = self.redis.cache();
        let loaded = Loaded::some(product("p1", 1).to_string().into_bytes(), 1);
        let load = async || Ok::<_, Infallible>(loaded.clone());
        cache.read(&request, load).await?;
        let ping = Bare::new(self.stack, &["PING"])?;
        let mget = Bare::new(self.stack, &["MGET", entry.as_str(), tag.as_str()])?;
        let [mut pings, mut mgets, mut hits] = [const { Vec::new() }; 3];
        for _ in 0..self.turns {
            pings.push(timed(ping.exchange()).await?.1);
            mgets.push(timed(mget.exchange()).await?.1);
            let (found, took) = timed(cache.read(&request, load)).await?;
            if found.source == Source::Fresh {
                hits.push(took);
            }
        }
        told([("bare PING", pings), ("bare MGET of entry and stamp", mgets), ("the cache's hit", hits)]);
        Ok(())
    }

    /// The client's GET beside a bare one of the same key.
    async fn client(&self) -> Result<(), Box<dyn Error>> {
        let key = self.redis.keys.record(&self.room, "products", "p1");
        let (ping, get) = (Bare::new(self.stack, &["PING"])?, Bare::new(self.stack, &["GET", key.as_str()])?);
        let command = command::get(&key);
        let [mut pings, mut gets, mut client] = [const { Vec::new() }; 3];
        for _ in 0..self.turns {
            pings.push(timed(ping.exchange()).await?.1);
            gets.push(timed(get.exchange()).await?.1);
            client.push(timed(self.redis.client.run(&command)).await?.1);
        }
        told([("bare PING", pings), ("bare GET of the entry", gets), ("the client's GET of it", client)]);
        Ok(())
    }
}

/// Says how long the last of the three took, and how long beside the two before it.
fn told(all: [(&str, Vec<Duration>); 3]) {
    let all = all.map(|(name, times)| (name, warm(times)));
    for (name, times) in &all {
        println!("{name:<30} {}", fine_line(times));
    }
    let [ping, same, ours] = all.map(|(_, times)| percentiles(&times)).map(|[middle, ..]| middle);
    let (of_ping, of_same) = (ratio(ours, ping), ratio(ours, same));
    println!("{:<30} {of_ping}, {of_same} (p50; target: at most 1.10)", "  against these two");
}

/// What comes of `work`, and how long it takes.
async fn timed<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<(T, Duration), E> {
    let started = Instant::now();
    let done = work.await?;
    Ok((done, started.elapsed()))
}
