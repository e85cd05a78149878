//! Freshness, staleness, early refresh, damage and sealing.

use super::*;
use crate::fake_redis::{Random, Slot, Stored};
use crate::kind::Kind;
use crate::request::Source;
use redis_client::transport::Transport;
use std::time::Duration;

fn past_freshness(shop: &Shop, kind: Kind) {
    shop.service.pass(kind.rules().fresh_millis * 11 / 10 + 1);
}

#[test]
fn past_its_time_the_one_with_the_lock_loads_and_the_others_are_answered() {
    let (one, request) = (Shop::open(), Request::stats(&keys(), &room()));
    let two = Shop::beside(&one.service);
    one.read(&request, "old");
    past_freshness(&one, Kind::Stats);
    let slow = async || {
        one.service.wait(Duration::from_millis(100)).await;
        says("new")
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
    let found = run(
        &one.service,
        vec![Box::pin(leader) as std::pin::Pin<Box<dyn Future<Output = _>>>, Box::pin(beside)],
    );
    let sources: Vec<_> =
        found.iter().map(|found| found.as_ref().map(|found| (found.source, text(found)))).collect();
    assert_eq!(sources, [Ok((Source::Loaded, "new")), Ok((Source::Stale, "old"))]);
    assert_eq!(text(&two.read(&request, "newer")), "new");
}

#[test]
fn if_the_source_fails_what_is_past_its_time_is_served_and_what_is_gone_is_not() {
    let (shop, request) = (Shop::open(), product("p"));
    shop.read(&request, "old");
    past_freshness(&shop, Kind::Product);
    let fails = async || Err(Failed);
    let found = shop.wait(shop.cache.read(&request, fails)).unwrap();
    assert_eq!((text(&found), found.source), ("old", Source::Stale));
    let slow_fails = async || {
        shop.service.wait(Duration::from_millis(Kind::Product.rules().stale_millis)).await;
        Err(Failed)
    };
    assert_eq!(shop.wait(shop.cache.read(&request, slow_fails)), Err(Failed), "it went while it was loaded");
    assert_eq!(shop.wait(shop.cache.read(&request, fails)), Err(Failed));
}

#[test]
fn near_its_end_a_slow_entry_is_loaded_early_by_some_and_still_answers_the_others() {
    let (shop, request) = (Shop::open(), product("p"));
    let slow = async || {
        shop.service.wait(Duration::from_secs(60)).await;
        says("v")
    };
    shop.wait(shop.cache.read(&request, slow)).unwrap();
    // Of 24 minutes before the earliest end, a load of one minute is brought forward about never; in the last
    // half minute by more than half of the readers.
    let early = |draws: u64| {
        let state = shop.service.state().database.clone();
        let early = (0..draws).filter(|_| {
            shop.service.state().database = state.clone();
            shop.read(&request, "early").source == Source::Loaded
        });
        let early = early.count();
        shop.service.state().database = state;
        early
    };
    assert_eq!(early(200), 0);
    let until: u64 = {
        let state = shop.service.state();
        let mut stored = state.database.keys.iter().filter(|(key, _)| key.starts_with("t:1:record:"));
        let Some((_, Slot { value: Stored::Text(entry), .. })) = stored.next() else { panic!("no entry") };
        entry.split(' ').nth(2).unwrap().parse().unwrap()
    };
    let now = shop.service.state().now;
    shop.service.pass((until - now) / 1000 - 30_000);
    let early = early(200);
    assert!((90..160).contains(&early), "{early} of 200, where 121 are expected");
}

#[test]
fn an_entry_that_is_damaged_is_a_miss_that_is_counted() {
    let (shop, request) = (Shop::open(), product("p"));
    for damage in ["", "c1 nonsense", "c0 1 2 3 4 5 - t\nx"] {
        shop.read(&request, "v");
        let key = shop.keys_with("t:1:record:").pop().unwrap();
        let mut state = shop.service.state();
        let slot = state.database.keys.get_mut(&key).unwrap();
        slot.value = Stored::Text(damage.into());
        drop(state);
        assert_eq!(text(&shop.read(&request, "again")), "again");
        shop.wait(shop.cache.invalidate(&[request.own_tag().unwrap().clone()])).unwrap();
    }
    assert_eq!(shop.cache.stats(&room().client).total.damaged, 3);
}

#[test]
fn what_is_about_people_is_not_readable_in_redis_and_not_under_another_key() {
    let shop = Shop::open();
    let user = |id: &str| Request::user(&keys(), &room().client, id);
    shop.read(&user("a"), "s3cret");
    shop.read(&user("b"), "other");
    assert_eq!(text(&shop.wait(shop.cache.read(&user("a"), never)).unwrap()), "s3cret");
    let dump = format!("{:?}", shop.service.state().database);
    assert!(!dump.contains("s3cret"), "{dump}");
    // Copied together with its stamp, it still does not open under another name.
    {
        let mut state = shop.service.state();
        for (from, to) in [("t:1:user:a", "t:1:user:b"), ("t:1:tag:user:a", "t:1:tag:user:b")] {
            let slot = state.database.keys[from].clone();
            state.database.keys.insert(to.into(), slot);
        }
    }
    assert_eq!(text(&shop.read(&user("b"), "loaded")), "loaded");
}

#[test]
fn what_is_too_large_is_answered_and_not_stored() {
    let (shop, request) = (Shop::open(), product("p"));
    let large = "x".repeat(crate::limits::CACHE_ENTRY_BYTES_MAX + 1);
    assert_eq!(shop.read(&request, &large).payload().unwrap().len(), large.len());
    assert_eq!(shop.keys_with("t:1:record:"), Vec::<String>::new());
    assert_eq!(shop.read(&request, &large[1..]).source, Source::Loaded);
    assert_eq!(shop.read(&request, "").source, Source::Fresh, "one byte less is stored");
}

#[test]
fn ttls_are_the_kinds_and_spread() {
    let shop = Shop::open();
    Random::seed(3);
    let now = shop.service.state().now;
    (0..50).for_each(|n| drop(shop.read(&product(&n.to_string()), "v")));
    let state = shop.service.state();
    let ttl = |key: &String| (state.database.keys[key].until.unwrap() - now) / 1000;
    let ttls: std::collections::BTreeSet<u64> =
        state.database.keys.keys().filter(|key| key.starts_with("t:1:record:")).map(ttl).collect();
    assert!(ttls.len() > 10, "{ttls:?}");
    assert!(ttls.iter().all(|ttl| (1..=Kind::Product.gone_millis_max()).contains(ttl)));
}
