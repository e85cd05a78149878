//! Many at once, and before anybody asks.

use super::*;
use crate::batch::WarmError;
use crate::kind::Kind;
use crate::limits::{CACHE_ENTRY_BYTES_MAX, CACHE_FLUSH_SECS};
use crate::request::Source;
use protocol::timestamp::Timestamp;

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
fn warming_up_loads_what_is_missing_and_counts_no_reads() {
    let shop = Shop::open();
    shop.read(&products(7..8)[0], "there");
    let (stored, cost) = shop.counted(shop.cache.warm(&products(0..50), echo));
    assert_eq!((stored.unwrap(), cost), (49, (1 + 49 + 49, 3)));
    let none = async |_| -> Result<Vec<Loaded>, Failed> { panic!("the source was asked") };
    let (stored, cost) = shop.counted(shop.cache.warm(&products(0..50), none));
    assert_eq!((stored.unwrap(), cost), (0, (1, 1)));
    assert_eq!(text(&shop.wait(shop.cache.read(&products(49..50)[0], never)).unwrap()), "49");
    assert_eq!(shop.wait(shop.cache.warm(&[], none)).unwrap(), 0);
    // Of all that, two were reads.
    shop.service.pass(CACHE_FLUSH_SECS * 1000);
    shop.wait(shop.cache.flush_if_due());
    assert_eq!(shop.wait(shop.cache.report(&room().client, Timestamp(0))).unwrap().total.requests, 2);
}

#[test]
fn what_is_past_its_time_is_warmed_up_again() {
    let shop = Shop::open();
    shop.wait(shop.cache.warm(&products(0..3), echo)).unwrap();
    shop.service.pass(Kind::Product.rules().fresh_millis * 11 / 10);
    assert_eq!(shop.wait(shop.cache.warm(&products(0..3), echo)).unwrap(), 3);
}

#[test]
fn a_warm_up_says_what_stopped_it() {
    let shop = Shop::open();
    let fails = async |_| Err::<Vec<Loaded>, _>(Failed);
    assert!(matches!(shop.wait(shop.cache.warm(&products(0..3), fails)), Err(WarmError::Source(Failed))));
    // Nor is what is past its time taken for what the source said.
    shop.wait(shop.cache.warm(&products(0..3), echo)).unwrap();
    shop.service.pass(Kind::Product.rules().fresh_millis * 11 / 10);
    assert!(matches!(shop.wait(shop.cache.warm(&products(0..3), fails)), Err(WarmError::Source(Failed))));
    // Redis goes away between the look and the store, or is away.
    let goes = async |places: Vec<usize>| {
        shop.service.weather(Weather::Down);
        echo(places).await
    };
    assert!(matches!(shop.wait(shop.cache.warm(&products(0..3), goes)), Err(WarmError::Redis(_))));
    assert!(matches!(shop.wait(shop.cache.warm(&products(0..3), echo)), Err(WarmError::Redis(_))));
}

#[test]
fn a_warm_up_says_how_many_it_stored() {
    let shop = Shop::open();
    let large = "x".repeat(CACHE_ENTRY_BYTES_MAX + 1);
    let tag = products(1..2)[0].own_tag().unwrap().clone();
    let load = async |places: Vec<usize>| {
        // One is too large, and one is invalidated while it is loaded, which makes what is stored of it worthless.
        shop.cache.invalidate(std::slice::from_ref(&tag)).await.unwrap();
        let content = |at| if at == 0 { some(&large, 0) } else { some("small", 0) };
        Ok::<_, Failed>(places.into_iter().map(content).collect::<Vec<_>>())
    };
    assert_eq!(shop.wait(shop.cache.warm(&products(0..3), load)).unwrap(), 2);
    assert_eq!(text(&shop.read(&products(1..2)[0], "loaded")), "loaded");
}

#[test]
fn batches_are_counted_as_reads_are() {
    let shop = Shop::open();
    let fails = async |_| Err::<Vec<Loaded>, _>(Failed);
    shop.wait(shop.cache.read_many(&products(0..3), fails)).unwrap_err();
    shop.wait(shop.cache.read_many(&products(0..3), echo)).unwrap();
    shop.wait(shop.cache.read_many(&products(0..3), echo)).unwrap();
    shop.service.pass(CACHE_FLUSH_SECS * 1000);
    shop.wait(shop.cache.flush_if_due());
    let total = shop.wait(shop.cache.report(&room().client, Timestamp(0))).unwrap().total;
    assert_eq!((total.requests, total.hits, total.misses, total.failures), (9, 3, 6, 3));
}

#[test]
fn what_does_not_fit_one_request_is_stored_by_several() {
    let shop = Shop::open();
    let large = "x".repeat(CACHE_ENTRY_BYTES_MAX);
    let load = async |places: Vec<usize>| {
        Ok::<_, Failed>(places.iter().map(|_| some(&large, 0)).collect::<Vec<_>>())
    };
    // Two of these would not fit one request, were they all quotes.
    let (_, cost) = shop.counted(shop.cache.read_many(&products(0..3), load));
    assert_eq!(cost, (1 + 4 + 3, 1 + 1 + 3));
    assert_eq!(shop.wait(shop.cache.read(&products(2..3)[0], never)).unwrap().source, Source::Fresh);
}
