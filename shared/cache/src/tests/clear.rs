//! Clearing, and maintenance: both bounded, both within one tenant.

use super::*;
use crate::clear::{ClearError, Which};
use crate::fake_redis::{Database, Stored};
use crate::kind::Kind;
use crate::limits::{CACHE_LARGEST_KEYS, CACHE_SCAN_KEYS, CACHE_SCAN_STEPS_MAX};
use crate::maintenance::{Advice, Maintained};
use protocol::ids::ClientId;

fn client() -> ClientId {
    room().client
}

/// Clears to the end; answers how many calls it took.
fn clear(shop: &Shop, which: Which<'_>) -> usize {
    let mut next = None;
    for calls in 1.. {
        let cleared = shop.counted(shop.cache.clear(&client(), which, next.as_deref()));
        assert!(cleared.1.0 <= u64::from(2 * CACHE_SCAN_STEPS_MAX), "{:?}", cleared.1);
        next = cleared.0.unwrap().next;
        if next.is_none() {
            return calls;
        }
    }
    unreachable!("calls have no end")
}

fn raw(shop: &Shop, command: &[&str]) {
    let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
    shop.service.state().database.run(&command, 0).unwrap();
}

#[test]
fn a_pattern_clears_what_it_names_and_nothing_else() {
    let shop = Shop::open();
    let other = Request::record(&keys(), &"9:2".parse().unwrap(), "products", "a1");
    for request in
        [product("a1"), product("a2"), product("b1"), other.clone(), Request::user(&keys(), &client(), "a1")]
    {
        shop.read(&request, "old");
    }
    clear(&shop, Which::Matching(Kind::Product, "2:products:a*"));
    for (request, expected) in
        [(product("a1"), "new"), (product("a2"), "new"), (product("b1"), "old"), (other, "old")]
    {
        assert_eq!(text(&shop.read(&request, "new")), expected, "{request:?}");
    }
    assert_eq!(text(&shop.read(&Request::user(&keys(), &client(), "a1"), "new")), "old");
    clear(&shop, Which::Matching(Kind::User, "*"));
    assert_eq!(text(&shop.read(&Request::user(&keys(), &client(), "a1"), "new")), "new");
}

#[test]
fn everything_of_a_client_is_cleared_but_sessions_and_limits_and_others() {
    let shop = Shop::open();
    for key in ["t:1:session:s", "t:1:rate:api:u", "t:9:record:2:products:p"] {
        raw(&shop, &["SET", key, "x", "PX", "900000"]);
    }
    let cart = Request::cart(&keys(), &room(), "c");
    shop.wait(shop.cache.put_newest(&cart, &some("cart", 1))).unwrap();
    for n in 0..3000 {
        raw(&shop, &["SET", &format!("t:1:record:2:products:{n}"), "x", "PX", "900000"]);
    }
    shop.read(&Request::stats(&keys(), &room()), "old");
    assert!(clear(&shop, Which::All) > 1, "it takes more than one call");
    let left = shop.keys_with("");
    let kept = ["t:1:rate:api:u", "t:1:session:s", "t:9:record:2:products:p"];
    assert_eq!(
        left.iter().filter(|key| !key.contains(":lock:")).collect::<Vec<_>>(),
        kept.iter().collect::<Vec<_>>()
    );
    assert_eq!(text(&shop.read(&Request::stats(&keys(), &room()), "new")), "new");
}

#[test]
fn a_load_that_began_before_a_clear_does_not_survive_it() {
    let shop = Shop::open();
    let request = product("p");
    let load = async || {
        shop.cache.clear(&client(), Which::All, None).await.unwrap();
        says("old")
    };
    shop.wait(shop.cache.read(&request, load)).unwrap();
    assert_eq!(text(&shop.read(&request, "new")), "new");
}

#[test]
fn what_is_no_cursor_or_glob_of_ours_is_refused() {
    let shop = Shop::open();
    for bad in ["", "x", "1", "1.x", "-1.0", "0.99999999999999999999"] {
        let cleared = shop.wait(shop.cache.clear(&client(), Which::All, Some(bad)));
        assert!(matches!(cleared, Err(ClearError::Cursor)), "{bad}");
    }
    for kind in Kind::ALL {
        let cleared = shop.wait(shop.cache.clear(&client(), Which::Matching(kind, ""), None));
        assert!(matches!(cleared, Err(ClearError::Glob(_))), "{kind:?}");
    }
}

fn maintain(shop: &Shop) -> Maintained {
    shop.wait(shop.cache.maintain(u32::MAX)).unwrap()
}

#[test]
fn maintenance_goes_on_where_it_stopped_and_begins_anew_behind_the_end() {
    let shop = Shop::open();
    let keys = 2 * u64::from(CACHE_SCAN_KEYS) + 1;
    for n in 0..keys {
        raw(&shop, &["SET", &format!("t:1:record:2:products:{n}"), "x", "PX", "900000"]);
    }
    for _ in 0..2 {
        let nights: Vec<_> = (0..3).map(|_| shop.wait(shop.cache.maintain(1)).unwrap()).collect();
        assert_eq!(nights.iter().map(|night| night.complete).collect::<Vec<_>>(), [false, false, true]);
        // The place that is kept may be looked at too.
        let looked: u64 = nights.iter().map(|night| night.looked).sum();
        assert!((keys..=keys + 2).contains(&looked), "{looked}");
        assert!(shop.keys_with("maintenance").is_empty());
    }
}

#[test]
fn a_full_redis_is_maintained_as_far_as_that_goes() {
    let shop = Shop::open();
    let keys = 2 * u64::from(CACHE_SCAN_KEYS);
    for n in 0..keys {
        raw(&shop, &["SET", &format!("t:1:record:2:products:{n}"), "x", "PX", "999999999999"]);
    }
    for key in ["t:1:record:2:products:o", "t:9:record:2:products:o"] {
        raw(&shop, &["SET", key, "orphan"]);
    }
    // Counts of two processes, and what is none.
    for process in ["p", "q"] {
        raw(&shop, &["HSET", "t:1:cache-statistics:1970-01-01", process, "{}"]);
    }
    raw(&shop, &["SET", "t:9:cache-statistics:1970-01-01", "by hand"]);
    shop.service.pass(3 * 24 * 3600 * 1000);
    shop.service.weather(Weather::Full);
    let done = maintain(&shop);
    assert_eq!((done.removed, done.given_life, done.folded, done.complete), (2, 2, 0, true));
    assert_eq!(done.advice, [Advice::NearlyFull, Advice::RefusesWhenFull]);
    shop.service.weather(Weather::Fair);
    assert_eq!(maintain(&shop).folded, 1);
}

#[test]
fn a_place_that_redis_refuses_is_forgotten() {
    let shop = Shop::open();
    shop.read(&product("p"), "v");
    for place in ["nonsense", "99999999999999999999"] {
        raw(&shop, &["SET", "t:@house:maintenance:next", place, "PX", "900000"]);
        let done = maintain(&shop);
        assert!(done.complete && done.looked == 2, "{place}: {done:?}");
    }
    raw(&shop, &["SET", "t:@house:maintenance:next", "1", "PX", "900000"]);
    shop.service.weather(Weather::Silent);
    shop.wait(shop.cache.maintain(1)).unwrap_err();
    shop.service.weather(Weather::Fair);
    assert!(maintain(&shop).complete);
}

#[test]
fn keys_without_a_ttl_get_one_or_go() {
    let shop = Shop::open();
    shop.read(&product("p"), "v");
    for key in ["t:1:record:2:products:o", "t:1:tag:room:2", "t:1:lock:stats:2", "t:9:record:2:products:o"] {
        raw(&shop, &["SET", key, "x"]);
    }
    for key in ["t:1:session:s", "t:1:cart:2:c", "t:1:rate:api:u"] {
        raw(&shop, &["SET", key, "x"]);
    }
    raw(&shop, &["HSET", "t:1:cache-statistics:2025-12-07", "p", "{}"]);
    let foreign = ["u:1:record:2:products:o", "t:1:parrot:o", "t"];
    for key in foreign {
        raw(&shop, &["SET", key, "not ours"]);
    }
    let done = maintain(&shop);
    assert_eq!((done.looked, done.removed, done.given_life), (10, 4, 4));
    assert_eq!(shop.keys_with("t:1:session:s").len(), 1);
    assert_eq!(shop.keys_with("u:1:").len(), 1, "another deployment's");
    assert_eq!(shop.keys_with("parrot").len(), 1, "of a kind that we do not know");
    let again = maintain(&shop);
    assert_eq!((again.looked, again.removed, again.given_life), (6, 0, 0));
    for key in foreign {
        raw(&shop, &["DEL", key]);
    }
}

#[test]
fn the_largest_keys_and_what_redis_says_are_reported() {
    let shop = Shop::open();
    for n in 1..=15 {
        raw(&shop, &["SET", &format!("t:1:record:2:products:{n}"), &"x".repeat(n), "PX", "900000"]);
    }
    let done = maintain(&shop);
    assert_eq!(done.largest.len(), CACHE_LARGEST_KEYS);
    assert_eq!(done.largest[0], ("t:1:record:2:products:15".to_owned(), 15));
    assert_eq!(done.redis.unwrap().uptime_secs, Some(77));
    assert_eq!(done.advice, [Advice::NearlyFull, Advice::RefusesWhenFull]);
}

#[test]
fn the_double_scans_keys_that_stay_whatever_comes_and_goes() {
    let mut database = Database::default();
    let set =
        |database: &mut Database, key: String| database.run(&["SET".into(), key, "x".into()], 0).unwrap();
    (0..100).for_each(|n| drop(set(&mut database, format!("stays:{n}"))));
    let (mut cursor, mut found) = ("0".to_owned(), std::collections::BTreeSet::new());
    for round in 0.. {
        let words = ["SCAN", &cursor, "MATCH", "stays:*", "COUNT", "7"].map(str::to_owned);
        let page = database.run(&words, 0).unwrap();
        found.extend(page[1].as_array().unwrap().iter().map(|key| key.as_str().unwrap().to_owned()));
        cursor = page[0].as_str().unwrap().to_owned();
        set(&mut database, format!("comes:{round}"));
        database.keys.retain(|key, slot| key.starts_with("stays") && matches!(slot.value, Stored::Text(_)));
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(found.len(), 100);
}
