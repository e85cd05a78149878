//! Freshness, staleness, early refresh, damage and encryption.

use super::*;
use crate::kind::EntryKind;
use crate::request::Source;
use redis_client::fake::{Random, Slot, Stored};
use redis_client::transport::Transport;
use std::time::Duration;

fn past_freshness(world: &World, kind: EntryKind) {
    world.service.advance_millis(kind.rules().fresh_millis * 11 / 10 + 1);
}

#[test]
fn a_stale_entry_is_loaded_by_one_reader_and_served_to_the_others() {
    let (one, request) = (World::open(), Request::stats(&keys(), &room()));
    let two = World::beside(&one.service);
    one.read(&request, "old");
    past_freshness(&one, EntryKind::Stats);
    let slow = async || {
        one.service.wait(Duration::from_millis(100)).await;
        returns("new")
    };
    let waits = |millis| {
        let service = one.service.clone();
        async move { service.wait(Duration::from_millis(millis)).await }
    };
    let leader = async { one.cache.read(&request, slow).await };
    let beside = async {
        waits(20).await;
        let same = one.cache.read(&request, never).await;
        let other = two.cache.read(&request, never).await;
        assert_eq!(same.unwrap().source, Source::Stale);
        other
    };
    let found = one
        .service
        .run_all(vec![Box::pin(leader) as std::pin::Pin<Box<dyn Future<Output = _>>>, Box::pin(beside)]);
    let sources: Vec<_> =
        found.iter().map(|found| found.as_ref().map(|found| (found.source, text(found)))).collect();
    assert_eq!(sources, [Ok((Source::Loaded, "new")), Ok((Source::Stale, "old"))]);
    assert_eq!(text(&two.read(&request, "newer")), "new");
}

#[test]
fn if_the_source_fails_a_stale_entry_is_served_and_an_expired_one_is_not() {
    let (world, request) = (World::open(), product("p"));
    world.read(&request, "old");
    past_freshness(&world, EntryKind::Product);
    let fails = async || Err(Failed);
    let found = world.wait(world.cache.read(&request, fails)).unwrap();
    assert_eq!((text(&found), found.source), ("old", Source::Stale));
    let slow_fails = async || {
        world.service.wait(Duration::from_millis(EntryKind::Product.rules().stale_millis)).await;
        Err(Failed)
    };
    assert_eq!(
        world.wait(world.cache.read(&request, slow_fails)),
        Err(Failed),
        "the entry expired during the load"
    );
    assert_eq!(world.wait(world.cache.read(&request, fails)), Err(Failed));
}

#[test]
fn near_its_expiry_a_slow_entry_is_refreshed_by_some_readers_and_served_to_the_others() {
    let (world, request) = (World::open(), product("p"));
    let slow = async || {
        world.service.wait(Duration::from_secs(60)).await;
        returns("v")
    };
    world.wait(world.cache.read(&request, slow)).unwrap();
    // 24 minutes before the earliest expiry, a load of one minute is practically never refreshed early; in
    // the last half minute, more than half of the readers refresh.
    let early = |draws: u64| {
        let state = world.service.state().database.clone();
        let early = (0..draws).filter(|_| {
            world.service.state().database = state.clone();
            world.read(&request, "early").source == Source::Loaded
        });
        let early = early.count();
        world.service.state().database = state;
        early
    };
    assert_eq!(early(200), 0);
    let until: u64 = {
        let state = world.service.state();
        let mut stored = state.database.keys.iter().filter(|(key, _)| key.starts_with("t:1:record:"));
        let Some((_, Slot { value: Stored::Text(entry), .. })) = stored.next() else { panic!("no entry") };
        entry.split(' ').nth(2).unwrap().parse().unwrap()
    };
    let now = world.service.state().now;
    world.service.advance_millis((until - now) / 1000 - 30_000);
    let early = early(200);
    assert!((90..160).contains(&early), "{early} of 200, where 121 are expected");
}

#[test]
fn a_damaged_entry_is_a_counted_miss() {
    let (world, request) = (World::open(), product("p"));
    for damage in ["", "c1 nonsense", "c0 1 2 3 4 5 - t\nx"] {
        world.read(&request, "v");
        let key = world.keys_with("t:1:record:").pop().unwrap();
        let mut state = world.service.state();
        let slot = state.database.keys.get_mut(&key).unwrap();
        slot.value = Stored::Text(damage.into());
        drop(state);
        assert_eq!(text(&world.read(&request, "again")), "again");
        world.wait(world.cache.invalidate(&[request.own_tag().unwrap().clone()])).unwrap();
    }
    assert_eq!(world.cache.stats(&room().client).total.damaged, 3);
}

#[test]
fn personal_data_is_encrypted_for_its_own_key() {
    let world = World::open();
    let user = |id: &str| Request::user(&keys(), &room().client, id);
    world.read(&user("a"), "s3cret");
    world.read(&user("b"), "other");
    assert_eq!(text(&world.wait(world.cache.read(&user("a"), never)).unwrap()), "s3cret");
    let dump = format!("{:?}", world.service.state().database);
    assert!(!dump.contains("s3cret"), "{dump}");
    // Copied together with its tag version, it still does not decrypt under another key.
    {
        let mut state = world.service.state();
        for (from, to) in [("t:1:user:a", "t:1:user:b"), ("t:1:tag:user:a", "t:1:tag:user:b")] {
            let slot = state.database.keys[from].clone();
            state.database.keys.insert(to.into(), slot);
        }
    }
    assert_eq!(text(&world.read(&user("b"), "loaded")), "loaded");
}

#[test]
fn content_that_is_too_large_is_returned_and_not_stored() {
    let (world, request) = (World::open(), product("p"));
    let large = "x".repeat(crate::limits::CACHE_ENTRY_BYTES_MAX + 1);
    assert_eq!(world.read(&request, &large).payload().unwrap().len(), large.len());
    assert_eq!(world.keys_with("t:1:record:"), Vec::<String>::new());
    assert_eq!(world.read(&request, &large[1..]).source, Source::Loaded);
    assert_eq!(world.read(&request, "").source, Source::Fresh, "one byte less is stored");
}

#[test]
fn ttls_are_within_the_kinds_limit_and_spread() {
    let world = World::open();
    Random::seed(3);
    let now = world.service.state().now;
    (0..50).for_each(|n| drop(world.read(&product(&n.to_string()), "v")));
    let state = world.service.state();
    let ttl = |key: &String| (state.database.keys[key].until.unwrap() - now) / 1000;
    let ttls: std::collections::BTreeSet<u64> =
        state.database.keys.keys().filter(|key| key.starts_with("t:1:record:")).map(ttl).collect();
    assert!(ttls.len() > 10, "{ttls:?}");
    assert!(ttls.iter().all(|ttl| (1..=EntryKind::Product.total_millis_max()).contains(ttl)));
}
