//! Write-behind: the latest version stays.

use std::pin::Pin;

use super::*;
use crate::write_behind::{Latest, Put};
use redis_client::fake::pause;

fn cart() -> Request {
    Request::cart(&keys(), &room(), "c")
}

fn put(world: &World, version: u64) -> (Put, (u64, u64)) {
    let content = some(&format!("v{version}"), version);
    let (put, cost) = world.counted(world.cache.put_latest(&cart(), &content));
    (put.unwrap(), cost)
}

fn newest(world: &World) -> Option<Found> {
    match world.wait(world.cache.latest(&cart())).unwrap() {
        Latest::Found(found) => Some(found),
        Latest::Older | Latest::Missing => None,
    }
}

#[test]
fn a_write_and_a_read_are_one_command_each() {
    let world = World::open();
    assert_eq!(world.counted(world.cache.latest(&cart())).1, (1, 1));
    for version in 1..5 {
        assert_eq!(put(&world, version), (Put::Latest, (1, 1)));
        let (found, cost) = world.counted(world.cache.latest(&cart()));
        assert!(matches!(found.unwrap(), Latest::Found(found) if found.as_of() == version));
        assert_eq!(cost, (1, 1));
    }
    assert_eq!(put(&world, 4), (Put::Latest, (1, 1)), "the same again");
    assert!(!format!("{:?}", world.service.state().database).contains("v4"), "the cart is not encrypted");
}

#[test]
fn a_late_older_version_does_not_stay() {
    let world = World::open();
    put(&world, 9);
    assert_eq!(put(&world, 8), (Put::Older, (2, 2)));
    let found = newest(&world).unwrap();
    assert_eq!((text(&found), found.as_of()), ("v9", 9));
    // An empty cart is a version too.
    world.wait(world.cache.put_latest(&cart(), &Loaded::none(10))).unwrap();
    assert_eq!(put(&world, 8).0, Put::Older);
    assert_eq!(newest(&world).unwrap().payload(), None);
}

#[test]
fn older_versions_and_damaged_entries_are_not_found() {
    let world = World::open();
    put(&world, 5);
    let at_least = |min: u64| world.wait(world.cache.latest(&cart().min(Some(min)))).unwrap();
    assert!(matches!(at_least(5), Latest::Found(_)));
    assert_eq!(at_least(6), Latest::Older);
    for slot in world.service.state().database.keys.values_mut() {
        slot.value = redis_client::fake::Stored::Text("s1.k1.AAAA".into());
    }
    assert!(newest(&world).is_none());
    assert!(world.keys_with("cart").is_empty(), "the damaged entry would block put_if_missing");
    assert_eq!(put(&world, 3), (Put::Latest, (1, 1)));
    assert_eq!(world.cache.stats(&room().client).total.damaged, 1);
}

#[test]
fn content_that_is_too_large_deletes_the_older_version() {
    let world = World::open();
    put(&world, 5);
    let large = some(&"x".repeat(crate::limits::CACHE_ENTRY_BYTES_MAX + 1), 6);
    assert_eq!(world.wait(world.cache.put_latest(&cart(), &large)).unwrap(), Put::Deleted);
    assert!(newest(&world).is_none());
}

#[test]
fn the_latest_version_of_concurrent_writers_stays_in_every_order() {
    for seed in 0..150 {
        let world = World::open();
        let other = World::beside(&world.service);
        Random::seed(seed);
        // Each of two processes writes four versions.
        let write = |version: u64| {
            let cache = if version.is_multiple_of(2) { &world.cache } else { &other.cache };
            async move {
                for _ in 0..Random::below(5) {
                    pause().await;
                }
                cache.put_latest(&cart(), &some("v", version)).await.unwrap()
            }
        };
        let futures: Vec<Pin<Box<dyn Future<Output = Put> + '_>>> = (1..=8_u64)
            .map(|version| Box::pin(write(version)) as Pin<Box<dyn Future<Output = Put>>>)
            .collect();
        let puts = world.service.run_all(futures);
        assert!(!puts.contains(&Put::Deleted), "seed {seed}: {puts:?}");
        let found = newest(&world);
        assert_eq!(found.map(|found| found.as_of()), Some(8), "seed {seed}: {puts:?}");
    }
}

#[test]
fn a_full_redis_keeps_no_older_version() {
    let world = World::open();
    put(&world, 5);
    world.service.set_mode(Mode::Full);
    assert_eq!(put(&world, 6), (Put::Deleted, (2, 2)));
    assert!(newest(&world).is_none());
    world.wait(world.cache.put_if_missing(&cart(), &some("v6", 6))).unwrap_err();
}

#[test]
fn put_if_missing_replaces_nothing() {
    let world = World::open();
    let fill = |version: u64| {
        let content = some(&format!("v{version}"), version);
        let (filled, cost) = world.counted(world.cache.put_if_missing(&cart(), &content));
        filled.unwrap();
        assert_eq!(cost, (1, 1));
        newest(&world).unwrap().as_of()
    };
    assert_eq!(fill(4), 4);
    put(&world, 5);
    assert_eq!(fill(4), 5);
    assert_eq!(fill(6), 5, "only a writer replaces a version");
}

#[test]
fn without_redis_the_caller_gets_an_error() {
    let world = World::open();
    world.service.set_mode(Mode::Down);
    assert!(world.wait(world.cache.put_latest(&cart(), &some("v", 1))).is_err());
    assert!(world.wait(world.cache.latest(&cart())).is_err());
}
