//! What reading and invalidating costs, in commands and round trips.

use super::*;
use crate::limits::CACHE_TAG_SECS;
use crate::request::Source;

#[test]
fn a_hit_is_one_command_with_however_many_tags() {
    let shop = Shop::open();
    let mut request = product("p");
    for n in 0..20 {
        let ((), ()) = (assert_eq!(text(&shop.read(&request, "v")), "v"), ());
        let (found, cost) = shop.counted(shop.cache.read(&request, never));
        assert_eq!((found.unwrap().source, cost), (Source::Fresh, (1, 1)), "{n} tags");
        request = request.tagged(keys().table_tag(&room(), &format!("t{n}")));
    }
}

#[test]
fn a_miss_is_two_and_three_where_the_stamp_must_be_written_first() {
    let shop = Shop::open();
    let request = product("p");
    let (first, cost) = shop.counted(shop.cache.read(&request, async || says("v")));
    assert_eq!((first.unwrap().source, cost), (Source::Loaded, (3, 3)));
    // The entry's time is over; its stamp stands.
    shop.service.pass(request.kind().gone_millis_max());
    let (second, cost) = shop.counted(shop.cache.read(&request, async || says("v")));
    assert_eq!((second.unwrap().source, cost), (Source::Loaded, (2, 2)));
    assert!(request.kind().gone_millis_max() < CACHE_TAG_SECS * 1000);
}

#[test]
fn each_further_stamp_that_is_missing_is_one_more_command_in_the_same_round_trip() {
    let shop = Shop::open();
    let request = product("p").tagged(keys().room_tag(&room())).tagged(keys().table_tag(&room(), "products"));
    assert_eq!(shop.counted(shop.cache.read(&request, async || says("v"))).1, (5, 3));
    let other = product("q").tagged(keys().room_tag(&room())).tagged(keys().table_tag(&room(), "products"));
    assert_eq!(shop.counted(shop.cache.read(&other, async || says("v"))).1, (3, 3));
}

#[test]
fn a_miss_with_a_lock_is_three() {
    let shop = Shop::open();
    let request = Request::stats(&keys(), &room());
    for _ in 0..3 {
        assert_eq!(shop.counted(shop.cache.read(&request, async || says("v"))).1, (3, 3));
        shop.service.pass(request.kind().gone_millis_max());
    }
    assert_eq!(shop.keys_with(":lock:").len(), 0, "a lock outlived the entry");
}

#[test]
fn that_there_is_none_is_a_hit_as_well() {
    let shop = Shop::open();
    let request = product("p");
    shop.wait(shop.cache.read(&request, async || Ok::<_, Failed>(Loaded::none(0)))).unwrap();
    let (found, cost) = shop.counted(shop.cache.read(&request, never));
    assert_eq!((found.unwrap().payload(), cost), (None, (1, 1)));
    shop.service.pass(request.kind().rules().negative_millis * 11 / 10 + 1);
    assert_eq!(text(&shop.read(&request, "there now")), "there now");
}

#[test]
fn invalidating_is_one_command_with_however_many_tags_and_may_be_repeated() {
    let shop = Shop::open();
    let requests: Vec<Request> = (0..50).map(|n| product(&n.to_string())).collect();
    let tags: Vec<_> = requests.iter().filter_map(|request| request.own_tag().cloned()).collect();
    for request in &requests {
        shop.read(request, "old");
    }
    for _ in 0..2 {
        assert_eq!(shop.counted(shop.cache.invalidate(&tags)).1, (1, 1));
    }
    assert_eq!(shop.counted(shop.cache.invalidate(&[])).1, (0, 0));
    for request in &requests {
        assert_eq!(text(&shop.read(request, "new")), "new");
    }
}

#[test]
fn one_tag_of_many_voids_an_entry_and_no_other() {
    let shop = Shop::open();
    let room_tag = keys().room_tag(&room());
    let (both, own) = (product("p").tagged(room_tag.clone()), product("q"));
    shop.read(&both, "old");
    shop.read(&own, "old");
    shop.wait(shop.cache.invalidate(&[room_tag])).unwrap();
    assert_eq!(text(&shop.read(&both, "new")), "new");
    assert_eq!(text(&shop.read(&own, "new")), "old");
}

#[test]
fn nothing_older_than_the_minimum_is_answered() {
    let shop = Shop::open();
    let load = |as_of| async move || Ok::<_, Failed>(some("v", as_of));
    shop.wait(shop.cache.read(&product("p"), load(10))).unwrap();
    let (found, cost) = shop.counted(shop.cache.read(&product("p").min(Some(10)), never));
    assert_eq!((found.unwrap().as_of(), cost), (10, (1, 1)));
    let (found, cost) = shop.counted(shop.cache.read(&product("p").min(Some(11)), load(12)));
    assert_eq!((found.unwrap().as_of(), cost), (12, (2, 2)));
    assert_eq!(shop.wait(shop.cache.read(&product("p").min(Some(12)), never)).unwrap().as_of(), 12);
}

#[test]
fn two_tenants_never_share_an_entry() {
    let shop = Shop::open();
    let other = Request::record(&keys(), &"9:2".parse().unwrap(), "products", "p");
    shop.read(&product("p"), "ours");
    assert_eq!(text(&shop.read(&other, "theirs")), "theirs");
    assert_eq!(text(&shop.read(&product("p"), "nobody's")), "ours");
}
