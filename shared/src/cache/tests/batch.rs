//! Many at once, and before anybody asks.

use super::*;
use crate::cache::request::Source;
use crate::limits::{CACHE_BATCH_MAX, CACHE_WARM_MAX};

fn products(ids: std::ops::Range<usize>) -> Vec<Request> {
    ids.map(|id| product(&id.to_string()).tagged(keys().table_tag(&room(), "products"))).collect()
}

async fn echo(places: Vec<usize>) -> Result<Vec<Loaded>, Failed> {
    Ok(places.into_iter().map(|at| some(&at.to_string(), 0)).collect())
}

#[test]
fn fifty_that_are_there_are_one_command() {
    let shop = Shop::open();
    let requests = products(0..50);
    // Looks, the stamps of 50 records and of their table, and the entries.
    let (found, cost) = shop.counted(shop.cache.read_many(&requests, echo));
    assert_eq!((found.unwrap().len(), cost), (50, (1 + 51 + 50, 3)));
    let none = async |_| -> Result<Vec<Loaded>, Failed> { panic!("the source was asked") };
    let (found, cost) = shop.counted(shop.cache.read_many(&requests, none));
    assert_eq!(cost, (1, 1));
    let texts: Vec<_> = found.as_ref().unwrap().iter().map(text).collect();
    assert_eq!(texts, (0..50).map(|at| at.to_string()).collect::<Vec<_>>());
    assert_eq!(shop.counted(shop.cache.read_many(&[], none)).1, (0, 0));
}

#[test]
fn only_those_that_are_missing_are_loaded_and_each_is_told_from_the_others() {
    let shop = Shop::open();
    shop.wait(shop.cache.read_many(&products(0..5), echo)).unwrap();
    shop.wait(shop.cache.invalidate(&[products(3..4)[0].own_tag().unwrap().clone()])).unwrap();
    let asked = std::cell::RefCell::new(Vec::new());
    let load = async |places: Vec<usize>| {
        asked.borrow_mut().clone_from(&places);
        Ok::<_, Failed>(places.iter().map(|at| some(&format!("new {at}"), 0)).collect())
    };
    let (found, cost) = shop.counted(shop.cache.read_many(&products(0..6), load));
    let found = found.unwrap();
    assert_eq!(*asked.borrow(), [3, 5]);
    assert_eq!(found.iter().map(text).collect::<Vec<_>>(), ["0", "1", "2", "new 3", "4", "new 5"]);
    assert_eq!(cost, (1 + 2 + 2, 3));
    // What one read stored, the other finds.
    assert_eq!(shop.wait(shop.cache.read(&products(5..6)[0], never)).unwrap().source, Source::Fresh);
}

#[test]
fn a_source_that_fails_or_leaves_some_out_is_no_hit() {
    let shop = Shop::open();
    let fails = async |_| Err::<Vec<Loaded>, _>(Failed);
    assert_eq!(shop.wait(shop.cache.read_many(&products(0..3), fails)), Err(Failed));
    let one = async |_| Ok::<_, Failed>(vec![some("a", 0)]);
    let found = shop.wait(shop.cache.read_many(&products(0..3), one)).unwrap();
    assert_eq!(found.iter().map(|found| found.payload().is_some()).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(text(&shop.read(&products(1..2)[0], "there")), "there");
}

#[test]
fn without_redis_all_are_loaded_and_remembered_for_a_while() {
    let shop = Shop::open();
    shop.service.weather(Weather::Down);
    shop.wait(shop.cache.read_many(&products(0..3), echo)).unwrap();
    let found = shop.wait(shop.cache.read_many(&products(0..4), echo)).unwrap();
    let sources: Vec<_> = found.iter().map(|found| found.source).collect();
    assert_eq!(sources, [Source::Memory, Source::Memory, Source::Memory, Source::Loaded]);
}

#[test]
fn warming_up_loads_what_is_missing_in_batches_and_has_an_end() {
    let shop = Shop::open();
    let load = async |requests: Vec<Request>| {
        assert!(requests.len() <= CACHE_BATCH_MAX);
        Ok::<_, Failed>(requests.iter().map(|_| some("warm", 0)).collect())
    };
    shop.read(&products(7..8)[0], "there");
    let warmed = shop.wait(shop.cache.warm(products(0..250), load)).unwrap();
    assert_eq!((warmed.looked, warmed.loaded), (250, 249));
    assert_eq!(text(&shop.wait(shop.cache.read(&products(249..250)[0], never)).unwrap()), "warm");
    let endless = (0..).flat_map(|id| products(id..id + 1));
    let warmed = shop.wait(shop.cache.warm(endless, load)).unwrap();
    assert_eq!((warmed.looked, warmed.loaded), (CACHE_WARM_MAX, CACHE_WARM_MAX - 250));
}
