//! The client and the cache by themselves, as every function uses them.

use std::convert::Infallible;
use std::error::Error;

use cache::request::{Loaded, Request};
use functions::redis::Redis;
use protocol::ids::Room;
use redis_client::command;
use redis_client::keys::Key;

use super::{Table, counts};

/// Tags of an entry beside its own.
const TAGS: usize = 8;
/// Tags that a full push invalidates at once.
const INVALIDATED: usize = 50;

pub(super) async fn measure(table: &mut Table<'_>, redis: &Redis) -> Result<(), Box<dyn Error>> {
    let cache = redis.cache();
    let room: Room = "bench:entries".parse()?;
    let (plain, key) =
        (Request::record(&redis.keys, &room, "products", "p1"), redis.keys.record(&room, "products", "p1"));
    let tag = |n: usize| redis.keys.record_tag(&room, "suppliers", &format!("s{n}"));
    let other = Request::record(&redis.keys, &room, "products", "p2");
    let tagged = (0..TAGS).fold(other, |request, n| request.tagged(tag(n)));
    let load = async || Ok::<_, Infallible>(Loaded::some(*b"{}", 1));
    for request in [&plain, &tagged] {
        cache.read(request, load).await?;
    }

    let get = command::get(&key);
    table.line("get", counts(1, 1, 1), async |_| Ok(redis.client.run(&get).await?)).await?;
    let hit = async |_| Ok(cache.read(&plain, load).await?);
    table.line("get or set, hit", counts(1, 1, 1), hit).await?;
    let read = async |_| Ok(cache.read(&tagged, load).await?);
    table.line(&format!("read with {} tags", TAGS + 1), counts(1, 1, 1), read).await?;
    let tags: Vec<Key> = (0..INVALIDATED).map(tag).collect();
    let invalidate = async |_| Ok(cache.invalidate(&tags).await?);
    table.line(&format!("invalidate {INVALIDATED} tags"), counts(1, 1, 1), invalidate).await
}
