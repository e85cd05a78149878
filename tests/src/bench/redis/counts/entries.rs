//! The client and the cache by themselves, as every function uses them.

use std::convert::Infallible;
use std::error::Error;

use cache::request::{Loaded, Request};
use functions::redis::Redis;
use protocol::ids::Room;
use redis_client::command;
use redis_client::keys::Key;

use super::table::{Table, counts};

/// Tags of an entry beside its own.
const TAGS: usize = 8;
/// Tags that are void at once: those of a full push.
const VOID: usize = 50;

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

    let get = async |table: &Table<'_>, _| {
        let (_, asked) = table.asked(async { Ok(redis.client.run(&command::get(&key)).await?) }).await?;
        Ok(asked)
    };
    table.line("get", counts(1, 1, 1), get).await?;
    let hit = async |table: &Table<'_>, _| {
        let (_, asked) = table.asked(async { Ok(cache.read(&plain, load).await?) }).await?;
        Ok(asked)
    };
    table.line("get or set, hit", counts(1, 1, 1), hit).await?;
    let read = async |table: &Table<'_>, _| {
        let (_, asked) = table.asked(async { Ok(cache.read(&tagged, load).await?) }).await?;
        Ok(asked)
    };
    table.line(&format!("read with {} tags", TAGS + 1), counts(1, 1, 1), read).await?;
    let void: Vec<Key> = (0..VOID).map(tag).collect();
    let invalidate = async |table: &Table<'_>, _| {
        let ((), asked) = table.asked(async { Ok(cache.invalidate(&void).await?) }).await?;
        Ok(asked)
    };
    table.line(&format!("invalidate {VOID} tags"), counts(1, 1, 1), invalidate).await
}
