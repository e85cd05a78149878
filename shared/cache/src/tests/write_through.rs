//! Write-through: what was written is there, unless somebody else wrote too.

use super::*;

#[test]
fn what_was_written_is_there_at_once() {
    let shop = Shop::open();
    let request = product("p");
    shop.read(&request, "old");
    let (ticket, cost) = shop.counted(shop.cache.before_write(request.clone()));
    assert_eq!(cost, (1, 1));
    let table = keys().table_tag(&room(), "products");
    let (stored, cost) = shop.counted(shop.cache.after_write(ticket, &some("new", 2), &[table]));
    assert_eq!((stored.unwrap(), cost), (true, (3, 2)));
    let found = shop.wait(shop.cache.read(&request, never)).unwrap();
    assert_eq!((text(&found), found.as_of()), ("new", 2));
}

#[test]
fn without_a_stamp_before_the_write_it_only_invalidates() {
    let shop = Shop::open();
    let request = product("p");
    let ticket = shop.wait(shop.cache.before_write(request.clone()));
    assert!(!shop.wait(shop.cache.after_write(ticket, &some("new", 2), &[])).unwrap());
    assert_eq!(text(&shop.read(&request, "loaded")), "loaded");
}

#[test]
fn of_two_writers_at_once_neither_leaves_what_may_be_the_older() {
    let shop = Shop::open();
    let request = product("p");
    shop.read(&request, "old");
    let (one, two) = (
        shop.wait(shop.cache.before_write(request.clone())),
        shop.wait(shop.cache.before_write(request.clone())),
    );
    assert!(shop.wait(shop.cache.after_write(two, &some("second", 2), &[])).unwrap());
    assert!(!shop.wait(shop.cache.after_write(one, &some("first", 1), &[])).unwrap());
    assert_eq!(text(&shop.read(&request, "what the source says")), "what the source says");
}

#[test]
fn a_load_that_began_before_cannot_bury_it() {
    let shop = Shop::open();
    let request = product("p");
    shop.read(&request, "older");
    shop.service.pass(request.kind().gone_millis_max());
    let slow = async || {
        let ticket = shop.cache.before_write(request.clone()).await;
        assert!(shop.cache.after_write(ticket, &some("new", 2), &[]).await.unwrap());
        says("old")
    };
    assert_eq!(
        text(&shop.wait(shop.cache.read(&request, slow)).unwrap()),
        "old",
        "it began before the write"
    );
    assert_eq!(text(&shop.read(&request, "what the source says")), "what the source says");
}

#[test]
fn an_invalidation_of_another_tag_during_the_write_voids_it() {
    let shop = Shop::open();
    let tag = keys().room_tag(&room());
    let request = product("p").tagged(tag.clone());
    shop.read(&request, "old");
    let ticket = shop.wait(shop.cache.before_write(request.clone()));
    shop.wait(shop.cache.invalidate(&[tag])).unwrap();
    shop.wait(shop.cache.after_write(ticket, &some("made from the old room", 2), &[])).unwrap();
    assert_eq!(text(&shop.read(&request, "loaded")), "loaded");
}

#[test]
fn without_redis_the_caller_is_told_that_old_entries_may_be_served() {
    let shop = Shop::open();
    let request = product("p");
    shop.read(&request, "old");
    shop.service.weather(Weather::Down);
    let ticket = shop.wait(shop.cache.before_write(request));
    assert!(shop.wait(shop.cache.after_write(ticket, &some("new", 2), &[])).is_err());
}
