//! Write-through: written content is cached, unless another process wrote too.

use super::*;

#[test]
fn written_content_is_cached_at_once() {
    let world = World::open();
    let request = product("p");
    world.read(&request, "old");
    let (ticket, cost) = world.counted(world.cache.before_write(request.clone()));
    assert_eq!(cost, (1, 1));
    let table = keys().table_tag(&room(), "products");
    let (stored, cost) = world.counted(world.cache.after_write(ticket, &some("new", 2), &[table]));
    assert_eq!((stored.unwrap(), cost), (true, (3, 2)));
    let found = world.wait(world.cache.read(&request, never)).unwrap();
    assert_eq!((text(&found), found.as_of()), ("new", 2));
}

#[test]
fn without_a_tag_version_before_the_write_it_only_invalidates() {
    let world = World::open();
    let request = product("p");
    let ticket = world.wait(world.cache.before_write(request.clone()));
    assert!(!world.wait(world.cache.after_write(ticket, &some("new", 2), &[])).unwrap());
    assert_eq!(text(&world.read(&request, "loaded")), "loaded");
}

#[test]
fn concurrent_writers_leave_no_older_content() {
    let world = World::open();
    let request = product("p");
    world.read(&request, "old");
    let (one, two) = (
        world.wait(world.cache.before_write(request.clone())),
        world.wait(world.cache.before_write(request.clone())),
    );
    assert!(world.wait(world.cache.after_write(two, &some("second", 2), &[])).unwrap());
    assert!(!world.wait(world.cache.after_write(one, &some("first", 1), &[])).unwrap());
    assert_eq!(text(&world.read(&request, "what the source says")), "what the source says");
}

#[test]
fn a_load_that_began_before_the_write_does_not_replace_it() {
    let world = World::open();
    let request = product("p");
    world.read(&request, "older");
    world.service.advance_millis(request.kind().total_millis_max());
    let slow = async || {
        let ticket = world.cache.before_write(request.clone()).await;
        assert!(world.cache.after_write(ticket, &some("new", 2), &[]).await.unwrap());
        returns("old")
    };
    assert_eq!(
        text(&world.wait(world.cache.read(&request, slow)).unwrap()),
        "old",
        "the load began before the write"
    );
    assert_eq!(text(&world.read(&request, "what the source says")), "what the source says");
}

#[test]
fn an_invalidation_of_another_tag_during_the_write_invalidates_the_new_content() {
    let world = World::open();
    let tag = keys().room_tag(&room());
    let request = product("p").tagged(tag.clone());
    world.read(&request, "old");
    let ticket = world.wait(world.cache.before_write(request.clone()));
    world.wait(world.cache.invalidate(&[tag])).unwrap();
    world.wait(world.cache.after_write(ticket, &some("made from the old room", 2), &[])).unwrap();
    assert_eq!(text(&world.read(&request, "loaded")), "loaded");
}

#[test]
fn without_redis_a_write_returns_an_error() {
    let world = World::open();
    let request = product("p");
    world.read(&request, "old");
    world.service.set_mode(Mode::Down);
    let ticket = world.wait(world.cache.before_write(request));
    assert!(world.wait(world.cache.after_write(ticket, &some("new", 2), &[])).is_err());
}
