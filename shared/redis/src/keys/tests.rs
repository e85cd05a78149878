//! The exact text of every key.

use std::collections::HashMap;

use super::*;
use crate::limits::REDIS_GLOB_BYTES_MAX;
use proptest::prelude::*;

fn keys() -> Keys {
    Keys::new("tillsync").unwrap()
}

fn room() -> Room {
    "acme:berlin-1".parse().unwrap()
}

fn client() -> ClientId {
    room().client
}

/// Functions that build keys, not counting locks.
const BUILDERS: usize = 14;

/// A key from every builder, and the lock of each.
fn all(keys: &Keys, room: &Room, a: &str, b: &str) -> Vec<Key> {
    let client = &room.client;
    let mut all = vec![
        keys.record(room, a, b),
        keys.user(client, a),
        keys.stats(room),
        keys.cart(room, a),
        keys.session(client, a),
        keys.last_seen(room),
        keys.record_tag(room, a, b),
        keys.room_tag(room),
        keys.table_tag(room, a),
        keys.user_tag(client, a),
        keys.rate(client, a, b),
        keys.rate_address(a),
        keys.cache_statistics(client, Timestamp(1_765_103_400_000_000)),
        keys.maintenance(),
    ];
    assert_eq!(all.len(), BUILDERS);
    let locks: Vec<_> = all.iter().map(|key| keys.lock(key, "s:1")).collect();
    all.extend(locks);
    all
}

#[test]
fn every_key_is_exactly_this() {
    let expected = [
        "tillsync:acme:record:berlin-1:orders:o%3A1",
        "tillsync:acme:user:orders",
        "tillsync:acme:stats:berlin-1",
        "tillsync:acme:cart:berlin-1:orders",
        "tillsync:acme:session:orders",
        "tillsync:acme:last-seen:berlin-1",
        "tillsync:acme:tag:record:berlin-1:orders:o%3A1",
        "tillsync:acme:tag:room:berlin-1",
        "tillsync:acme:tag:table:berlin-1:orders",
        "tillsync:acme:tag:user:orders",
        "tillsync:acme:rate:o%3A1:orders",
        "tillsync:@door:rate:address:orders",
        "tillsync:acme:cache-statistics:2025-12-07",
        "tillsync:@house:maintenance:next",
    ];
    let keys: Vec<_> =
        all(&keys(), &room(), "orders", "o:1").iter().map(|key| key.as_str().to_owned()).collect();
    assert_eq!(keys[..expected.len()], expected);
    let locks = expected.map(|key| {
        let (head, rest) = key.split_at(key.match_indices(':').nth(1).unwrap().0 + 1);
        format!("{head}lock:{rest}:s%3A1")
    });
    assert_eq!(keys[expected.len()..], locks);
    assert_eq!(keys[expected.len()], "tillsync:acme:lock:record:berlin-1:orders:o%3A1:s%3A1");
}

#[test]
fn special_characters_in_names_are_escaped() {
    let key = keys().cart(&room(), "a:b*c?[d]^\\ é%é-_.");
    assert_eq!(key.as_str(), "tillsync:acme:cart:berlin-1:a%3Ab%2Ac%3F%5Bd%5D%5E%5C%20%C3%A9%25%C3%A9-_.");
    assert_eq!(keys().user(&client(), "").as_str(), "tillsync:acme:user:");
}

#[test]
fn a_prefix_is_short_and_has_no_separator() {
    for bad in ["", "a:b", "A", "ä", "a_b", "a*", &"x".repeat(REDIS_PREFIX_BYTES_MAX + 1)] {
        assert_eq!(Keys::new(bad), Err(BadPrefix), "{bad}");
    }
    assert!(Keys::new(&"x".repeat(REDIS_PREFIX_BYTES_MAX)).is_ok());
    for reserved in ["@door", "@house"] {
        assert!(reserved.parse::<ClientId>().is_err());
    }
}

#[test]
fn a_pattern_stays_with_its_tenant_and_kind() {
    let pattern = |glob: &str| keys().pattern(&client(), KeyKind::Record, glob);
    assert_eq!(pattern("berlin-1:*").unwrap().as_str(), "tillsync:acme:record:berlin-1:*");
    assert_eq!(pattern(&Pattern::exactly("a*b")).unwrap().as_str(), "tillsync:acme:record:a%2Ab");
    assert_eq!(pattern(""), Err(BadGlob));
    assert_eq!(pattern(&"*".repeat(REDIS_GLOB_BYTES_MAX + 1)), Err(BadGlob));
}

#[test]
fn only_the_tenants_own_keys_are_parsed() {
    let key = keys().cart(&room(), "c:1");
    assert_eq!(keys().parse(&client(), key.as_str().as_bytes()), Some(key));
    for foreign in
        ["tillsync:acme2:cart:1", "tillsync:acme", "other:acme:cart:1", "tillsync:@door:rate:address:x"]
    {
        assert_eq!(keys().parse(&client(), foreign.as_bytes()), None, "{foreign}");
    }
    assert_eq!(keys().parse(&client(), b"tillsync:acme:\xff"), None);
}

#[test]
fn kinds_have_different_segments() {
    let segments: std::collections::BTreeSet<_> = KeyKind::ALL.iter().map(|kind| kind.segment()).collect();
    assert_eq!(segments.len(), KeyKind::ALL.len());
}

/// Names that look like parts of keys, to find a forged separator.
fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a:%*]{0,4}", "(a|:|%3A|%25|lock|tag|record|room){0,4}", "\\PC{0,8}"]
}

proptest! {
    #[test]
    fn different_entries_have_different_keys(a in name(), b in name(), c in name(), d in name()) {
        let mut seen: HashMap<String, (usize, &str, &str)> = HashMap::new();
        for (a, b) in [(&*a, &*b), (&*c, &*d), (&*b, &*a), (&*a, &*d)] {
            for (builder, key) in all(&keys(), &room(), a, b).iter().enumerate() {
                let (one, two) = (seen.get(key.as_str()).copied(), (builder, a, b));
                if let Some(one) = one {
                    // One builder returns the same key only for the same names; some builders take one name
                    // or none.
                    prop_assert_eq!(one.0, builder, "{}", key);
                    let names = key.as_str().contains(&*escaped(a)) && key.as_str().contains(&*escaped(one.1));
                    let free = matches!(builder % BUILDERS, 2 | 5 | 7 | 12 | 13);
                    prop_assert!(free || (names && one.1 == a), "{key} for {one:?} and {two:?}");
                    let both = matches!(builder % BUILDERS, 0 | 6 | 10);
                    prop_assert!(!both || one.2 == b, "{key} for {one:?} and {two:?}");
                } else {
                    seen.insert(key.as_str().to_owned(), two);
                }
            }
        }
    }

    #[test]
    fn names_do_not_change_the_number_of_segments(a in name(), b in name()) {
        for (of_names, of_plain) in all(&keys(), &room(), &a, &b).iter().zip(all(&keys(), &room(), "x", "y")) {
            let parts = |key: &Key| key.as_str().split(':').count();
            prop_assert_eq!(parts(of_names), parts(&of_plain), "{}", of_names);
            prop_assert!(of_names.as_str().is_ascii());
            prop_assert!(!of_names.as_str().contains(['*', '?', '[', ']', '\\', '^']), "{}", of_names);
        }
    }
}
