//! Clearing and maintenance.

use super::*;
use crate::clear::{ClearError, Scope};
use crate::kind::EntryKind;
use crate::limits::{CACHE_LARGEST_KEYS, CACHE_SCAN_KEYS, CACHE_SCAN_STEPS_MAX};
use crate::maintenance::{Advice, Maintained};
use protocol::ids::ClientId;

fn client() -> ClientId {
    room().client
}

/// Clears to the end; returns the number of calls.
fn clear(world: &World, which: Scope<'_>) -> usize {
    let mut next = None;
    for calls in 1.. {
        let cleared = world.counted(world.cache.clear(&client(), which, next.as_deref()));
        assert!(cleared.1.0 <= u64::from(2 * CACHE_SCAN_STEPS_MAX), "{:?}", cleared.1);
        next = cleared.0.unwrap().next;
        if next.is_none() {
            return calls;
        }
    }
    unreachable!("calls have no end")
}

fn raw(world: &World, command: &[&str]) {
    let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
    world.service.state().database.run(&command, 0).unwrap();
}

#[test]
fn a_pattern_clears_only_matching_entries() {
    let world = World::open();
    let other = Request::record(&keys(), &"9:2".parse().unwrap(), "products", "a1");
    for request in
        [product("a1"), product("a2"), product("b1"), other.clone(), Request::user(&keys(), &client(), "a1")]
    {
        world.read(&request, "old");
    }
    clear(&world, Scope::Matching(EntryKind::Product, "2:products:a*"));
    for (request, expected) in
        [(product("a1"), "new"), (product("a2"), "new"), (product("b1"), "old"), (other, "old")]
    {
        assert_eq!(text(&world.read(&request, "new")), expected, "{request:?}");
    }
    assert_eq!(text(&world.read(&Request::user(&keys(), &client(), "a1"), "new")), "old");
    clear(&world, Scope::Matching(EntryKind::User, "*"));
    assert_eq!(text(&world.read(&Request::user(&keys(), &client(), "a1"), "new")), "new");
}

#[test]
fn clearing_a_client_keeps_sessions_rate_limits_and_other_clients() {
    let world = World::open();
    for key in ["t:1:session:s", "t:1:rate:api:u", "t:9:record:2:products:p"] {
        raw(&world, &["SET", key, "x", "PX", "900000"]);
    }
    let cart = Request::cart(&keys(), &room(), "c");
    world.wait(world.cache.put_latest(&cart, &some("cart", 1))).unwrap();
    for n in 0..3000 {
        raw(&world, &["SET", &format!("t:1:record:2:products:{n}"), "x", "PX", "900000"]);
    }
    world.read(&Request::stats(&keys(), &room()), "old");
    assert!(clear(&world, Scope::All) > 1, "it takes more than one call");
    let left = world.keys_with("");
    let kept = ["t:1:rate:api:u", "t:1:session:s", "t:9:record:2:products:p"];
    assert_eq!(
        left.iter().filter(|key| !key.contains(":lock:")).collect::<Vec<_>>(),
        kept.iter().collect::<Vec<_>>()
    );
    assert_eq!(text(&world.read(&Request::stats(&keys(), &room()), "new")), "new");
}

#[test]
fn a_load_that_began_before_a_clear_is_invalid_after_it() {
    let world = World::open();
    let request = product("p");
    let load = async || {
        world.cache.clear(&client(), Scope::All, None).await.unwrap();
        returns("old")
    };
    world.wait(world.cache.read(&request, load)).unwrap();
    assert_eq!(text(&world.read(&request, "new")), "new");
}

#[test]
fn invalid_cursors_and_globs_are_rejected() {
    let world = World::open();
    for bad in ["", "x", "1", "1.x", "-1.0", "0.99999999999999999999"] {
        let cleared = world.wait(world.cache.clear(&client(), Scope::All, Some(bad)));
        assert!(matches!(cleared, Err(ClearError::Cursor)), "{bad}");
    }
    for kind in EntryKind::ALL {
        let cleared = world.wait(world.cache.clear(&client(), Scope::Matching(kind, ""), None));
        assert!(matches!(cleared, Err(ClearError::Glob(_))), "{kind:?}");
    }
}

fn maintain(world: &World) -> Maintained {
    world.wait(world.cache.maintain(u32::MAX)).unwrap()
}

#[test]
fn maintenance_continues_where_it_stopped_and_restarts_after_the_end() {
    let world = World::open();
    let keys = 2 * u64::from(CACHE_SCAN_KEYS) + 1;
    for n in 0..keys {
        raw(&world, &["SET", &format!("t:1:record:2:products:{n}"), "x", "PX", "900000"]);
    }
    for _ in 0..2 {
        let nights: Vec<_> = (0..3).map(|_| world.wait(world.cache.maintain(1)).unwrap()).collect();
        assert_eq!(nights.iter().map(|night| night.complete).collect::<Vec<_>>(), [false, false, true]);
        // The stored position may be checked too.
        let looked: u64 = nights.iter().map(|night| night.checked).sum();
        assert!((keys..=keys + 2).contains(&looked), "{looked}");
        assert!(world.keys_with("maintenance").is_empty());
    }
}

#[test]
fn a_full_redis_is_maintained_as_far_as_possible() {
    let world = World::open();
    let keys = 2 * u64::from(CACHE_SCAN_KEYS);
    for n in 0..keys {
        raw(&world, &["SET", &format!("t:1:record:2:products:{n}"), "x", "PX", "999999999999"]);
    }
    for key in ["t:1:record:2:products:o", "t:9:record:2:products:o"] {
        raw(&world, &["SET", key, "orphan"]);
    }
    // Statistics of two processes, and an invalid key.
    for process in ["p", "q"] {
        raw(&world, &["HSET", "t:1:cache-statistics:1970-01-01", process, "{}"]);
    }
    raw(&world, &["SET", "t:9:cache-statistics:1970-01-01", "by hand"]);
    world.service.advance_millis(3 * 24 * 3600 * 1000);
    world.service.set_mode(Mode::Full);
    let done = maintain(&world);
    assert_eq!((done.removed, done.given_ttl, done.compacted, done.complete), (2, 2, 0, true));
    assert_eq!(done.advice, [Advice::NearlyFull, Advice::RefusesWhenFull]);
    world.service.set_mode(Mode::Up);
    assert_eq!(maintain(&world).compacted, 1);
}

#[test]
fn an_invalid_position_is_ignored() {
    let world = World::open();
    world.read(&product("p"), "v");
    for place in ["nonsense", "99999999999999999999"] {
        raw(&world, &["SET", "t:@house:maintenance:next", place, "PX", "900000"]);
        let done = maintain(&world);
        assert!(done.complete && done.checked == 2, "{place}: {done:?}");
    }
    raw(&world, &["SET", "t:@house:maintenance:next", "1", "PX", "900000"]);
    world.service.set_mode(Mode::Silent);
    world.wait(world.cache.maintain(1)).unwrap_err();
    world.service.set_mode(Mode::Up);
    assert!(maintain(&world).complete);
}

#[test]
fn keys_without_a_ttl_are_given_one_or_removed() {
    let world = World::open();
    world.read(&product("p"), "v");
    for key in ["t:1:record:2:products:o", "t:1:tag:room:2", "t:1:lock:stats:2", "t:9:record:2:products:o"] {
        raw(&world, &["SET", key, "x"]);
    }
    for key in ["t:1:session:s", "t:1:cart:2:c", "t:1:rate:api:u"] {
        raw(&world, &["SET", key, "x"]);
    }
    raw(&world, &["HSET", "t:1:cache-statistics:2025-12-07", "p", "{}"]);
    let foreign = ["u:1:record:2:products:o", "t:1:parrot:o", "t"];
    for key in foreign {
        raw(&world, &["SET", key, "not ours"]);
    }
    let done = maintain(&world);
    assert_eq!((done.checked, done.removed, done.given_ttl), (10, 4, 4));
    assert_eq!(world.keys_with("t:1:session:s").len(), 1);
    assert_eq!(world.keys_with("u:1:").len(), 1, "another deployment's");
    assert_eq!(world.keys_with("parrot").len(), 1, "of a kind that we do not know");
    let again = maintain(&world);
    assert_eq!((again.checked, again.removed, again.given_ttl), (6, 0, 0));
    for key in foreign {
        raw(&world, &["DEL", key]);
    }
}

#[test]
fn the_largest_keys_and_redis_figures_are_reported() {
    let world = World::open();
    for n in 1..=15 {
        raw(&world, &["SET", &format!("t:1:record:2:products:{n}"), &"x".repeat(n), "PX", "900000"]);
    }
    let done = maintain(&world);
    assert_eq!(done.largest.len(), CACHE_LARGEST_KEYS);
    assert_eq!(done.largest[0], ("t:1:record:2:products:15".to_owned(), 15));
    assert_eq!(done.redis.unwrap().uptime_secs, Some(77));
    assert_eq!(done.advice, [Advice::NearlyFull, Advice::RefusesWhenFull]);
}
