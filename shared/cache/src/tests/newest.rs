//! Write-behind: the newest version stays.

use std::pin::Pin;

use super::*;
use crate::fake_redis::pause;
use crate::newest::{Newest, Put};

fn cart() -> Request {
    Request::cart(&keys(), &room(), "c")
}

fn put(shop: &Shop, version: u64) -> (Put, (u64, u64)) {
    let content = some(&format!("v{version}"), version);
    let (put, cost) = shop.counted(shop.cache.put_newest(&cart(), &content));
    (put.unwrap(), cost)
}

fn newest(shop: &Shop) -> Option<Found> {
    match shop.wait(shop.cache.newest(&cart())).unwrap() {
        Newest::Found(found) => Some(found),
        Newest::Older | Newest::Nothing => None,
    }
}

#[test]
fn a_write_is_one_command_and_so_is_a_read() {
    let shop = Shop::open();
    assert_eq!(shop.counted(shop.cache.newest(&cart())).1, (1, 1));
    for version in 1..5 {
        assert_eq!(put(&shop, version), (Put::Newest, (1, 1)));
        let (found, cost) = shop.counted(shop.cache.newest(&cart()));
        assert!(matches!(found.unwrap(), Newest::Found(found) if found.as_of() == version));
        assert_eq!(cost, (1, 1));
    }
    assert_eq!(put(&shop, 4), (Put::Newest, (1, 1)), "the same again");
    assert!(!format!("{:?}", shop.service.state().database).contains("v4"), "it is sealed");
}

#[test]
fn what_comes_late_does_not_stay() {
    let shop = Shop::open();
    put(&shop, 9);
    assert_eq!(put(&shop, 8), (Put::Older, (2, 2)));
    let found = newest(&shop).unwrap();
    assert_eq!((text(&found), found.as_of()), ("v9", 9));
    // That it was emptied is a version as well.
    shop.wait(shop.cache.put_newest(&cart(), &Loaded::none(10))).unwrap();
    assert_eq!(put(&shop, 8).0, Put::Older);
    assert_eq!(newest(&shop).unwrap().payload(), None);
}

#[test]
fn nothing_older_than_the_minimum_and_nothing_damaged_is_found() {
    let shop = Shop::open();
    put(&shop, 5);
    let at_least = |min: u64| shop.wait(shop.cache.newest(&cart().min(Some(min)))).unwrap();
    assert!(matches!(at_least(5), Newest::Found(_)));
    assert_eq!(at_least(6), Newest::Older);
    for slot in shop.service.state().database.keys.values_mut() {
        slot.value = crate::fake_redis::Stored::Text("s1.k1.AAAA".into());
    }
    assert!(newest(&shop).is_none());
    assert!(shop.keys_with("cart").is_empty(), "it would be in the way of whoever fills in");
    assert_eq!(put(&shop, 3), (Put::Newest, (1, 1)));
    assert_eq!(shop.cache.stats(&room().client).total.damaged, 1);
}

#[test]
fn what_is_too_large_leaves_nothing_rather_than_an_older_version() {
    let shop = Shop::open();
    put(&shop, 5);
    let large = some(&"x".repeat(crate::limits::CACHE_ENTRY_BYTES_MAX + 1), 6);
    assert_eq!(shop.wait(shop.cache.put_newest(&cart(), &large)).unwrap(), Put::Nothing);
    assert!(newest(&shop).is_none());
}

#[test]
fn of_concurrent_writers_the_newest_version_stays_in_every_order() {
    for seed in 0..150 {
        let shop = Shop::open();
        let other = Shop::beside(&shop.service);
        Random::seed(seed);
        // Each of two processes writes four versions.
        let write = |version: u64| {
            let cache = if version.is_multiple_of(2) { &shop.cache } else { &other.cache };
            async move {
                for _ in 0..Random::below(5) {
                    pause().await;
                }
                cache.put_newest(&cart(), &some("v", version)).await.unwrap()
            }
        };
        let futures: Vec<Pin<Box<dyn Future<Output = Put> + '_>>> = (1..=8_u64)
            .map(|version| Box::pin(write(version)) as Pin<Box<dyn Future<Output = Put>>>)
            .collect();
        let puts = run(&shop.service, futures);
        assert!(!puts.contains(&Put::Nothing), "seed {seed}: {puts:?}");
        let found = newest(&shop);
        assert_eq!(found.map(|found| found.as_of()), Some(8), "seed {seed}: {puts:?}");
    }
}

#[test]
fn a_redis_that_is_full_is_left_without_an_older_version() {
    let shop = Shop::open();
    put(&shop, 5);
    shop.service.weather(Weather::Full);
    assert_eq!(put(&shop, 6), (Put::Nothing, (2, 2)));
    assert!(newest(&shop).is_none());
    shop.wait(shop.cache.fill_newest(&cart(), &some("v6", 6))).unwrap_err();
}

#[test]
fn what_a_reader_fills_in_replaces_nothing() {
    let shop = Shop::open();
    let fill = |version: u64| {
        let content = some(&format!("v{version}"), version);
        let (filled, cost) = shop.counted(shop.cache.fill_newest(&cart(), &content));
        filled.unwrap();
        assert_eq!(cost, (1, 1));
        newest(&shop).unwrap().as_of()
    };
    assert_eq!(fill(4), 4);
    put(&shop, 5);
    assert_eq!(fill(4), 5);
    assert_eq!(fill(6), 5, "whoever wrote that will tell");
}

#[test]
fn without_redis_the_caller_is_told() {
    let shop = Shop::open();
    shop.service.weather(Weather::Down);
    assert!(shop.wait(shop.cache.put_newest(&cart(), &some("v", 1))).is_err());
    assert!(shop.wait(shop.cache.newest(&cart())).is_err());
}
