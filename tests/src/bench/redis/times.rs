//! What our client and cache add to a round trip: each beside the bare one, in turns.

mod bare;

use std::convert::Infallible;
use std::error::Error;
use std::time::{Duration, Instant};

use functions::cache;
use functions::redis::Redis;
use local::stack::Stack;
use shared::cache::request::{Loaded, Request, Source};
use shared::redis::command::Get;
use shared::tenant::Room;

use crate::bench::{WARM_UP, product, warm};
use crate::report::{fine_line, percentiles, ratio};
use bare::Bare;

/// How many turns make one round: a turn takes a millisecond.
const TURNS: usize = 20;

pub(super) async fn measure(stack: &Stack, redis: &Redis, rounds: usize) -> Result<(), Box<dyn Error>> {
    let room: Room = "bench:times".parse()?;
    let request = Request::record(&redis.keys, &room, "products", "p1");
    let key = redis.keys.record(&room, "products", "p1");
    let cache = cache::of(redis.clone());
    let loaded = Loaded::some(product("p1", 1).to_string().into_bytes(), 1);
    let load = async || Ok::<_, Infallible>(loaded.clone());
    cache.read(&request, load).await?;

    let ping = Bare::new(stack, &["PING"])?;
    // The very entry, so that all move the same bytes.
    let get = Bare::new(stack, &["GET", key.as_str()])?;
    let command = Get::new(&key);
    let (mut pings, mut gets, mut client, mut hits) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds * TURNS + WARM_UP {
        pings.push(timed(ping.exchange()).await?.1);
        gets.push(timed(get.exchange()).await?.1);
        client.push(timed(redis.client.run(&command)).await?.1);
        let (found, took) = timed(cache.read(&request, load)).await?;
        if found.source == Source::Fresh {
            hits.push(took);
        }
    }
    let [pings, gets, client, hits] = [pings, gets, client, hits].map(warm);
    println!("bare PING                      {}", fine_line(&pings));
    println!("bare GET of an entry           {}", fine_line(&gets));
    println!("the client's GET of it         {}", fine_line(&client));
    println!("the cache's hit                {}", fine_line(&hits));
    let [pings, gets, client, hits] = [pings, gets, client, hits].map(|all| percentiles(&all));
    let beside = |[mine, ..]: [Duration; 3]| {
        let [[ping, ..], [get, ..]] = [pings, gets];
        format!("{}, {} (target: at most 1.10)", ratio(mine, ping), ratio(mine, get))
    };
    println!("client against PING, GET (p50) {}", beside(client));
    println!("hit against PING, GET (p50)    {}\n", beside(hits));
    Ok(())
}

/// What comes of `work`, and how long it takes.
async fn timed<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<(T, Duration), E> {
    let started = Instant::now();
    let done = work.await?;
    Ok((done, started.elapsed()))
}
