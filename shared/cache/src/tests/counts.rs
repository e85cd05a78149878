//! Commands and round trips of reads and invalidations.

use super::*;
use crate::limits::CACHE_TAG_SECS;
use crate::request::Source;

#[test]
fn a_hit_is_one_command_with_any_number_of_tags() {
    let world = World::open();
    let mut request = product("p");
    for n in 0..20 {
        let ((), ()) = (assert_eq!(text(&world.read(&request, "v")), "v"), ());
        let (found, cost) = world.counted(world.cache.read(&request, never));
        assert_eq!((found.unwrap().source, cost), (Source::Fresh, (1, 1)), "{n} tags");
        request = request.tagged(keys().table_tag(&room(), &format!("t{n}")));
    }
}

#[test]
fn a_miss_is_two_commands_and_three_with_a_missing_tag_version() {
    let world = World::open();
    let request = product("p");
    let (first, cost) = world.counted(world.cache.read(&request, async || returns("v")));
    assert_eq!((first.unwrap().source, cost), (Source::Loaded, (3, 3)));
    // The entry has expired; its tag still has its version.
    world.service.advance_millis(request.kind().total_millis_max());
    let (second, cost) = world.counted(world.cache.read(&request, async || returns("v")));
    assert_eq!((second.unwrap().source, cost), (Source::Loaded, (2, 2)));
    assert!(request.kind().total_millis_max() < CACHE_TAG_SECS * 1000);
}

#[test]
fn each_further_missing_tag_version_is_one_more_command_in_the_same_round_trip() {
    let world = World::open();
    let request = product("p").tagged(keys().room_tag(&room())).tagged(keys().table_tag(&room(), "products"));
    assert_eq!(world.counted(world.cache.read(&request, async || returns("v"))).1, (5, 3));
    let other = product("q").tagged(keys().room_tag(&room())).tagged(keys().table_tag(&room(), "products"));
    assert_eq!(world.counted(world.cache.read(&other, async || returns("v"))).1, (3, 3));
}

#[test]
fn a_miss_with_a_lock_is_three_commands() {
    let world = World::open();
    let request = Request::stats(&keys(), &room());
    for _ in 0..3 {
        assert_eq!(world.counted(world.cache.read(&request, async || returns("v"))).1, (3, 3));
        world.service.advance_millis(request.kind().total_millis_max());
    }
    assert_eq!(world.keys_with(":lock:").len(), 0, "a lock outlived the entry");
}

#[test]
fn a_missing_record_is_cached_too() {
    let world = World::open();
    let request = product("p");
    world.wait(world.cache.read(&request, async || Ok::<_, Failed>(Loaded::none(0)))).unwrap();
    let (found, cost) = world.counted(world.cache.read(&request, never));
    assert_eq!((found.unwrap().payload(), cost), (None, (1, 1)));
    world.service.advance_millis(request.kind().rules().negative_millis * 11 / 10 + 1);
    assert_eq!(text(&world.read(&request, "there now")), "there now");
}

#[test]
fn invalidating_is_one_command_with_any_number_of_tags_and_idempotent() {
    let world = World::open();
    let requests: Vec<Request> = (0..50).map(|n| product(&n.to_string())).collect();
    let tags: Vec<_> = requests.iter().filter_map(|request| request.own_tag().cloned()).collect();
    for request in &requests {
        world.read(request, "old");
    }
    for _ in 0..2 {
        assert_eq!(world.counted(world.cache.invalidate(&tags)).1, (1, 1));
    }
    assert_eq!(world.counted(world.cache.invalidate(&[])).1, (0, 0));
    for request in &requests {
        assert_eq!(text(&world.read(request, "new")), "new");
    }
}

#[test]
fn one_tag_invalidates_only_the_entries_that_have_it() {
    let world = World::open();
    let room_tag = keys().room_tag(&room());
    let (both, own) = (product("p").tagged(room_tag.clone()), product("q"));
    world.read(&both, "old");
    world.read(&own, "old");
    world.wait(world.cache.invalidate(&[room_tag])).unwrap();
    assert_eq!(text(&world.read(&both, "new")), "new");
    assert_eq!(text(&world.read(&own, "new")), "old");
}

#[test]
fn no_version_before_the_minimum_is_returned() {
    let world = World::open();
    let load = |as_of| async move || Ok::<_, Failed>(some("v", as_of));
    world.wait(world.cache.read(&product("p"), load(10))).unwrap();
    let (found, cost) = world.counted(world.cache.read(&product("p").min(Some(10)), never));
    assert_eq!((found.unwrap().as_of(), cost), (10, (1, 1)));
    let (found, cost) = world.counted(world.cache.read(&product("p").min(Some(11)), load(12)));
    assert_eq!((found.unwrap().as_of(), cost), (12, (2, 2)));
    assert_eq!(world.wait(world.cache.read(&product("p").min(Some(12)), never)).unwrap().as_of(), 12);
}

#[test]
fn two_tenants_never_share_an_entry() {
    let world = World::open();
    let other = Request::record(&keys(), &"9:2".parse().unwrap(), "products", "p");
    world.read(&product("p"), "ours");
    assert_eq!(text(&world.read(&other, "theirs")), "theirs");
    assert_eq!(text(&world.read(&product("p"), "unused")), "ours");
}
