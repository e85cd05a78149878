use super::*;
use crate::request::Loaded;
use redis_client::keys::Keys;

fn request(id: &str) -> Request {
    Request::record(&Keys::new("t").unwrap(), &"1:2".parse().unwrap(), "products", id)
}

fn found(bytes: usize) -> Found {
    Found { loaded: Loaded::some(vec![b'x'; bytes], 5), source: Source::Memory, loaded_at: NOW }
}

const NOW: Timestamp = Timestamp(1_000_000);

fn put(memory: &mut Memory, id: &str, bytes: usize) {
    let invalidations = memory.invalidations();
    memory.put(&request(id), &found(bytes), invalidations);
}

/// Number of entries, and bytes of their content.
fn usage(memory: &Memory) -> (usize, usize) {
    (memory.entries.len(), memory.bytes)
}

#[test]
fn an_entry_is_served_for_its_time_and_only_in_the_minimum_version() {
    let mut memory = Memory::default();
    put(&mut memory, "a", 3);
    let end = NOW.0 + CACHE_MEMORY_MILLIS * 1000;
    assert_eq!(memory.get(&request("a").min(Some(5)), Timestamp(end - 1)), Some(found(3)));
    assert_eq!(memory.get(&request("a").min(Some(6)), NOW), None);
    assert_eq!(memory.get(&request("b"), NOW), None);
    assert_eq!(memory.get(&request("a"), Timestamp(end)), None);
    assert_eq!(usage(&memory), (0, 0));
}

#[test]
fn entries_and_bytes_are_limited_and_the_least_recently_used_are_evicted() {
    let mut memory = Memory::default();
    for n in 0..CACHE_MEMORY_ENTRIES_MAX {
        put(&mut memory, &n.to_string(), 1);
    }
    assert!(memory.get(&request("0"), NOW).is_some());
    put(&mut memory, "one more", 1);
    assert_eq!(usage(&memory), (CACHE_MEMORY_ENTRIES_MAX, CACHE_MEMORY_ENTRIES_MAX));
    assert!(memory.get(&request("0"), NOW).is_some(), "it was used since");
    assert!(memory.get(&request("1"), NOW).is_none());
    put(&mut memory, "large", CACHE_MEMORY_BYTES_MAX);
    assert_eq!(usage(&memory), (1, CACHE_MEMORY_BYTES_MAX));
    put(&mut memory, "too large", CACHE_MEMORY_BYTES_MAX + 1);
    assert!(memory.get(&request("large"), NOW).is_some());
}

#[test]
fn an_entry_that_is_put_again_counts_once() {
    let mut memory = Memory::default();
    put(&mut memory, "a", 10);
    put(&mut memory, "a", 4);
    assert_eq!(usage(&memory), (1, 4));
}

#[test]
fn an_invalidated_entry_is_removed_and_an_earlier_load_is_not_kept() {
    let mut memory = Memory::default();
    put(&mut memory, "a", 1);
    put(&mut memory, "b", 1);
    let before = memory.invalidations();
    memory.invalidate(&request("a").tags);
    assert!(memory.get(&request("a"), NOW).is_none() && memory.get(&request("b"), NOW).is_some());
    memory.put(&request("a"), &found(1), before);
    assert!(memory.get(&request("a"), NOW).is_none());
    put(&mut memory, "a", 1);
    assert!(memory.get(&request("a"), NOW).is_some());
    let before = memory.invalidations();
    memory.clear();
    assert_eq!(usage(&memory), (0, 0));
    assert_ne!(memory.invalidations(), before);
}
