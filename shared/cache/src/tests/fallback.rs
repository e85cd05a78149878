//! Redis down, silent, and back.

use std::pin::Pin;
use std::time::Duration;

use super::*;
use crate::kind::Kind;
use crate::limits::{CACHE_MEMORY_MILLIS, CACHE_TOTAL_MILLIS};
use crate::request::Source;
use redis_client::limits::BREAKER_PAUSE_MILLIS;
use redis_client::transport::Transport;

type Reader<'f> = Pin<Box<dyn Future<Output = Result<Found, Failed>> + 'f>>;

/// Milliseconds that `future` takes, and what it answers.
fn timed<O>(shop: &Shop, future: impl Future<Output = O>) -> (u64, O) {
    let began = shop.service.state().now;
    let output = shop.wait(future);
    ((shop.service.state().now - began) / 1000, output)
}

#[test]
fn a_silent_redis_costs_each_of_the_first_readers_its_budget_and_the_rest_nothing() {
    for weather in [Weather::Silent, Weather::Down] {
        let shop = Shop::open();
        shop.service.weather(weather);
        let mut waits = Vec::new();
        for n in 0..20 {
            let load = async || {
                shop.service.wait(Duration::from_millis(7)).await;
                says("v")
            };
            let request = product(&n.to_string());
            let (millis, found) = timed(&shop, shop.cache.read(&request, load));
            assert_eq!(text(&found.unwrap()), "v");
            waits.push(millis);
        }
        assert!(waits.iter().all(|millis| *millis <= CACHE_TOTAL_MILLIS + 7), "{waits:?}");
        // Five failures open the breaker.
        assert!(waits.iter().filter(|millis| **millis > 7).count() <= 5, "{waits:?}");
        assert_eq!(waits[5..].iter().max(), Some(&7));
        assert!(shop.cache.stats(&room().client).total.errors >= 15);
    }
}

#[test]
fn while_redis_is_away_memory_answers_for_its_time_and_not_for_everything() {
    let shop = Shop::open();
    shop.service.weather(Weather::Down);
    let request = product("p");
    shop.read(&request, "v");
    let found = shop.wait(shop.cache.read(&request, never)).unwrap();
    assert_eq!((text(&found), found.source), ("v", Source::Memory));
    assert_eq!(shop.read(&request.clone().min(Some(1)), "newer").source, Source::Loaded);
    shop.service.pass(CACHE_MEMORY_MILLIS);
    assert_eq!(text(&shop.read(&request, "later")), "later");
    let user = Request::user(&keys(), &room().client, "u");
    shop.read(&user, "before");
    assert_eq!(text(&shop.read(&user, "after")), "after");
    let other = Request::record(&keys(), &"9:2".parse().unwrap(), "products", "p");
    assert_eq!(text(&shop.read(&other, "theirs")), "theirs");
}

#[test]
fn memory_is_not_asked_while_redis_answers_and_what_was_invalidated_is_not_in_it() {
    let shop = Shop::open();
    let request = product("p");
    shop.read(&request, "old");
    shop.service.weather(Weather::Down);
    shop.read(&request, "while down");
    let invalidated = shop.wait(shop.cache.invalidate(&[request.own_tag().unwrap().clone()]));
    assert!(invalidated.is_err(), "nobody may believe that it was");
    assert_eq!(text(&shop.read(&request, "loaded")), "loaded");
    shop.service.weather(Weather::Fair);
    shop.service.pass(BREAKER_PAUSE_MILLIS);
    assert_eq!(text(&shop.read(&request, "never")), "old", "the invalidation is still owed");
    shop.wait(shop.cache.invalidate(&[request.own_tag().unwrap().clone()])).unwrap();
    assert_eq!(text(&shop.read(&request, "new")), "new");
}

#[test]
fn it_recovers_by_itself() {
    let shop = Shop::open();
    shop.service.weather(Weather::Down);
    (0..10).for_each(|n| drop(shop.read(&product(&n.to_string()), "v")));
    shop.service.weather(Weather::Fair);
    shop.service.pass(BREAKER_PAUSE_MILLIS);
    shop.read(&product("p"), "v");
    assert_eq!(shop.wait(shop.cache.read(&product("p"), never)).unwrap().source, Source::Fresh);
}

#[test]
fn a_write_that_fails_after_the_load_fails_no_reader() {
    let shop = Shop::open();
    let request = product("p");
    for weather in [Weather::Down, Weather::Silent] {
        let breaks = async || {
            shop.service.weather(weather);
            says("v")
        };
        assert_eq!(text(&shop.wait(shop.cache.read(&request, breaks)).unwrap()), "v");
        shop.service.weather(Weather::Fair);
        shop.service.pass(BREAKER_PAUSE_MILLIS);
        shop.wait(shop.cache.invalidate(&[request.own_tag().unwrap().clone()])).unwrap();
    }
}

#[test]
fn without_redis_a_source_is_still_asked_once_for_many_readers() {
    let shop = Shop::open();
    shop.service.weather(Weather::Silent);
    let (asked, request) = (Cell::new(0), product("p"));
    let load = || async {
        asked.set(asked.get() + 1);
        shop.service.wait(Duration::from_millis(20)).await;
        says("v")
    };
    let all: Vec<Reader<'_>> =
        (0..50).map(|_| Box::pin(shop.cache.read(&request, load)) as Reader<'_>).collect();
    assert!(run(&shop.service, all).iter().all(|found| text(found.as_ref().unwrap()) == "v"));
    assert_eq!(asked.get(), 1);
}

#[test]
fn what_memory_answers_is_late_by_its_time_at_most() {
    for seed in 0..30 {
        let shop = Shop::open();
        crate::fake_redis::Random::seed(seed);
        let request = product("p");
        // The source says what time it is.
        let load = async || {
            let now = shop.service.state().now;
            shop.service.wait(Duration::from_millis(crate::fake_redis::Random::below(500))).await;
            Ok::<_, Failed>(some("v", now))
        };
        for _ in 0..30 {
            let weather =
                if crate::fake_redis::Random::below(8) == 0 { Weather::Down } else { Weather::Silent };
            shop.service.weather(weather);
            let began = shop.service.state().now;
            let found = shop.wait(shop.cache.read(&request, load)).unwrap();
            let late = began.saturating_sub(found.as_of()) / 1000;
            assert!(late <= CACHE_MEMORY_MILLIS, "seed {seed}: {late} ms");
            shop.service.pass(crate::fake_redis::Random::below(900));
        }
    }
    assert!(CACHE_MEMORY_MILLIS < Kind::Stats.gone_millis_max());
}
