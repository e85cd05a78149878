use super::*;
use redis_client::keys::Keys;

fn request(id: &str) -> Request {
    Request::record(&Keys::new("t").unwrap(), &"1:2".parse().unwrap(), "products", id)
}

fn loaded(bytes: usize) -> Loaded {
    Loaded::some(vec![b'x'; bytes], 5)
}

const NOW: Timestamp = Timestamp(1_000_000);

fn put(memory: &mut Memory, id: &str, bytes: usize) {
    let forgotten = memory.forgotten();
    memory.put(&request(id), &loaded(bytes), NOW, forgotten);
}

/// Entries, and bytes of their content.
fn usage(memory: &Memory) -> (usize, usize) {
    (memory.kept.len(), memory.bytes)
}

#[test]
fn it_answers_for_its_time_and_no_longer_and_nothing_older_than_the_minimum() {
    let mut memory = Memory::default();
    put(&mut memory, "a", 3);
    let end = NOW.0 + CACHE_MEMORY_MILLIS * 1000;
    assert_eq!(memory.get(&request("a").min(Some(5)), Timestamp(end - 1)), Some((loaded(3), NOW)));
    assert_eq!(memory.get(&request("a").min(Some(6)), NOW), None);
    assert_eq!(memory.get(&request("b"), NOW), None);
    assert_eq!(memory.get(&request("a"), Timestamp(end)), None);
    assert_eq!(usage(&memory), (0, 0));
}

#[test]
fn entries_and_bytes_are_bounded_and_what_was_used_longest_ago_leaves() {
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
fn what_is_invalidated_is_forgotten_even_if_its_load_ends_later() {
    let mut memory = Memory::default();
    put(&mut memory, "a", 1);
    put(&mut memory, "b", 1);
    let before = memory.forgotten();
    memory.forget(&request("a").tags);
    assert!(memory.get(&request("a"), NOW).is_none() && memory.get(&request("b"), NOW).is_some());
    memory.put(&request("a"), &loaded(1), NOW, before);
    assert!(memory.get(&request("a"), NOW).is_none());
    put(&mut memory, "a", 1);
    assert!(memory.get(&request("a"), NOW).is_some());
    let before = memory.forgotten();
    memory.clear();
    assert_eq!(usage(&memory), (0, 0));
    assert_ne!(memory.forgotten(), before);
}
