//! Redis down, silent, and up again.

use std::pin::Pin;
use std::time::Duration;

use super::*;
use crate::kind::EntryKind;
use crate::limits::{CACHE_MEMORY_MILLIS, CACHE_TOTAL_MILLIS};
use crate::request::Source;
use redis_client::limits::BREAKER_PAUSE_MILLIS;
use redis_client::transport::Transport;

type Reader<'f> = Pin<Box<dyn Future<Output = Result<Found, Failed>> + 'f>>;

/// The milliseconds that `future` takes, and its output.
fn timed<O>(world: &World, future: impl Future<Output = O>) -> (u64, O) {
    let began = world.service.state().now;
    let output = world.wait(future);
    ((world.service.state().now - began) / 1000, output)
}

#[test]
fn a_silent_redis_delays_the_first_readers_by_their_budget_and_the_rest_not_at_all() {
    for mode in [Mode::Silent, Mode::Down] {
        let world = World::open();
        world.service.set_mode(mode);
        let mut waits = Vec::new();
        for n in 0..20 {
            let load = async || {
                world.service.wait(Duration::from_millis(7)).await;
                returns("v")
            };
            let request = product(&n.to_string());
            let (millis, found) = timed(&world, world.cache.read(&request, load));
            assert_eq!(text(&found.unwrap()), "v");
            waits.push(millis);
        }
        assert!(waits.iter().all(|millis| *millis <= CACHE_TOTAL_MILLIS + 7), "{waits:?}");
        // Five failures open the breaker.
        assert!(waits.iter().filter(|millis| **millis > 7).count() <= 5, "{waits:?}");
        assert_eq!(waits[5..].iter().max(), Some(&7));
        assert!(world.cache.stats(&room().client).total.errors >= 15);
    }
}

#[test]
fn while_redis_is_down_memory_answers_for_its_time_and_for_permitted_kinds() {
    let world = World::open();
    world.service.set_mode(Mode::Down);
    let request = product("p");
    world.read(&request, "v");
    let found = world.wait(world.cache.read(&request, never)).unwrap();
    assert_eq!((text(&found), found.source), ("v", Source::Memory));
    assert_eq!(world.read(&request.clone().min(Some(1)), "newer").source, Source::Loaded);
    world.service.advance_millis(CACHE_MEMORY_MILLIS);
    assert_eq!(text(&world.read(&request, "later")), "later");
    let user = Request::user(&keys(), &room().client, "u");
    world.read(&user, "before");
    assert_eq!(text(&world.read(&user, "after")), "after");
    let other = Request::record(&keys(), &"9:2".parse().unwrap(), "products", "p");
    assert_eq!(text(&world.read(&other, "theirs")), "theirs");
}

#[test]
fn memory_is_not_used_while_redis_responds_and_holds_no_invalidated_entry() {
    let world = World::open();
    let request = product("p");
    world.read(&request, "old");
    world.service.set_mode(Mode::Down);
    world.read(&request, "while down");
    let invalidated = world.wait(world.cache.invalidate(&[request.own_tag().unwrap().clone()]));
    assert!(invalidated.is_err(), "the caller must know that the entry may still be valid");
    assert_eq!(text(&world.read(&request, "loaded")), "loaded");
    world.service.set_mode(Mode::Up);
    world.service.advance_millis(BREAKER_PAUSE_MILLIS);
    assert_eq!(text(&world.read(&request, "never")), "old", "the invalidation has not happened yet");
    world.wait(world.cache.invalidate(&[request.own_tag().unwrap().clone()])).unwrap();
    assert_eq!(text(&world.read(&request, "new")), "new");
}

#[test]
fn the_cache_recovers_when_redis_is_back() {
    let world = World::open();
    world.service.set_mode(Mode::Down);
    (0..10).for_each(|n| drop(world.read(&product(&n.to_string()), "v")));
    world.service.set_mode(Mode::Up);
    world.service.advance_millis(BREAKER_PAUSE_MILLIS);
    world.read(&product("p"), "v");
    assert_eq!(world.wait(world.cache.read(&product("p"), never)).unwrap().source, Source::Fresh);
}

#[test]
fn a_failed_write_after_the_load_fails_no_reader() {
    let world = World::open();
    let request = product("p");
    for mode in [Mode::Down, Mode::Silent] {
        let breaks = async || {
            world.service.set_mode(mode);
            returns("v")
        };
        assert_eq!(text(&world.wait(world.cache.read(&request, breaks)).unwrap()), "v");
        world.service.set_mode(Mode::Up);
        world.service.advance_millis(BREAKER_PAUSE_MILLIS);
        world.wait(world.cache.invalidate(&[request.own_tag().unwrap().clone()])).unwrap();
    }
}

#[test]
fn without_redis_many_readers_are_still_one_load() {
    let world = World::open();
    world.service.set_mode(Mode::Silent);
    let (asked, request) = (Cell::new(0), product("p"));
    let load = || async {
        asked.set(asked.get() + 1);
        world.service.wait(Duration::from_millis(20)).await;
        returns("v")
    };
    let all: Vec<Reader<'_>> =
        (0..50).map(|_| Box::pin(world.cache.read(&request, load)) as Reader<'_>).collect();
    assert!(world.service.run_all(all).iter().all(|found| text(found.as_ref().unwrap()) == "v"));
    assert_eq!(asked.get(), 1);
}

#[test]
fn answers_from_memory_are_outdated_by_the_limit_at_most() {
    for seed in 0..30 {
        let world = World::open();
        redis_client::fake::Random::seed(seed);
        let request = product("p");
        // The version is the time of the load.
        let load = async || {
            let now = world.service.state().now;
            world.service.wait(Duration::from_millis(redis_client::fake::Random::below(500))).await;
            Ok::<_, Failed>(some("v", now))
        };
        for _ in 0..30 {
            let mode = if redis_client::fake::Random::below(8) == 0 { Mode::Down } else { Mode::Silent };
            world.service.set_mode(mode);
            let began = world.service.state().now;
            let found = world.wait(world.cache.read(&request, load)).unwrap();
            let late = began.saturating_sub(found.as_of()) / 1000;
            assert!(late <= CACHE_MEMORY_MILLIS, "seed {seed}: {late} ms");
            world.service.advance_millis(redis_client::fake::Random::below(900));
        }
    }
    assert!(CACHE_MEMORY_MILLIS < EntryKind::Stats.total_millis_max());
}
