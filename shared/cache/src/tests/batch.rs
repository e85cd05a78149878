//! Batches and warm-ups.

use super::*;
use crate::batch::WarmError;
use crate::kind::EntryKind;
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
fn fifty_hits_are_one_command() {
    let world = World::open();
    let requests = products(0..50);
    // One lookup, the versions of 50 record tags and their table's tag, and the entries.
    let (found, cost) = world.counted(world.cache.read_many(&requests, echo));
    assert_eq!((found.unwrap().len(), cost), (50, (1 + 51 + 50, 3)));
    let none = async |_| -> Result<Vec<Loaded>, Failed> { panic!("the source was asked") };
    let (found, cost) = world.counted(world.cache.read_many(&requests, none));
    assert_eq!(cost, (1, 1));
    let texts: Vec<_> = found.as_ref().unwrap().iter().map(text).collect();
    assert_eq!(texts, (0..50).map(|at| at.to_string()).collect::<Vec<_>>());
    assert_eq!(world.counted(world.cache.read_many(&[], none)).1, (0, 0));
}

#[test]
fn only_missing_entries_are_loaded_and_each_answer_has_its_source() {
    let world = World::open();
    world.wait(world.cache.read_many(&products(0..5), echo)).unwrap();
    world.wait(world.cache.invalidate(&[products(3..4)[0].own_tag().unwrap().clone()])).unwrap();
    let asked = std::cell::RefCell::new(Vec::new());
    let load = async |places: Vec<usize>| {
        asked.borrow_mut().clone_from(&places);
        Ok::<_, Failed>(places.iter().map(|at| some(&format!("new {at}"), 0)).collect())
    };
    let (found, cost) = world.counted(world.cache.read_many(&products(0..6), load));
    let found = found.unwrap();
    assert_eq!(*asked.borrow(), [3, 5]);
    assert_eq!(found.iter().map(text).collect::<Vec<_>>(), ["0", "1", "2", "new 3", "4", "new 5"]);
    assert_eq!(cost, (1 + 2 + 2, 3));
    // What one read stored, the other finds.
    assert_eq!(world.wait(world.cache.read(&products(5..6)[0], never)).unwrap().source, Source::Fresh);
}

#[test]
fn a_failed_load_and_missing_results_are_not_stored() {
    let world = World::open();
    let fails = async |_| Err::<Vec<Loaded>, _>(Failed);
    assert_eq!(world.wait(world.cache.read_many(&products(0..3), fails)), Err(Failed));
    let one = async |_| Ok::<_, Failed>(vec![some("a", 0)]);
    let found = world.wait(world.cache.read_many(&products(0..3), one)).unwrap();
    assert_eq!(found.iter().map(|found| found.payload().is_some()).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(text(&world.read(&products(1..2)[0], "there")), "there");
}

#[test]
fn without_redis_a_batch_is_loaded_and_kept_in_memory() {
    let world = World::open();
    world.service.set_mode(Mode::Down);
    world.wait(world.cache.read_many(&products(0..3), echo)).unwrap();
    let found = world.wait(world.cache.read_many(&products(0..4), echo)).unwrap();
    let sources: Vec<_> = found.iter().map(|found| found.source).collect();
    assert_eq!(sources, [Source::Memory, Source::Memory, Source::Memory, Source::Loaded]);
}

#[test]
fn a_warm_up_loads_missing_entries_and_counts_no_reads() {
    let world = World::open();
    world.read(&products(7..8)[0], "there");
    let (stored, cost) = world.counted(world.cache.warm(&products(0..50), echo));
    assert_eq!((stored.unwrap(), cost), (49, (1 + 49 + 49, 3)));
    let none = async |_| -> Result<Vec<Loaded>, Failed> { panic!("the source was asked") };
    let (stored, cost) = world.counted(world.cache.warm(&products(0..50), none));
    assert_eq!((stored.unwrap(), cost), (0, (1, 1)));
    assert_eq!(text(&world.wait(world.cache.read(&products(49..50)[0], never)).unwrap()), "49");
    assert_eq!(world.wait(world.cache.warm(&[], none)).unwrap(), 0);
    // Two of these were reads.
    world.service.advance_millis(CACHE_FLUSH_SECS * 1000);
    world.wait(world.cache.flush_if_due());
    assert_eq!(world.wait(world.cache.report(&room().client, Timestamp(0))).unwrap().total.requests, 2);
}

#[test]
fn stale_entries_are_warmed_up_again() {
    let world = World::open();
    world.wait(world.cache.warm(&products(0..3), echo)).unwrap();
    world.service.advance_millis(EntryKind::Product.rules().fresh_millis * 11 / 10);
    assert_eq!(world.wait(world.cache.warm(&products(0..3), echo)).unwrap(), 3);
}

#[test]
fn a_warm_up_returns_the_error_that_stopped_it() {
    let world = World::open();
    let fails = async |_| Err::<Vec<Loaded>, _>(Failed);
    assert!(matches!(world.wait(world.cache.warm(&products(0..3), fails)), Err(WarmError::Source(Failed))));
    // Stale entries are not taken for results of the source.
    world.wait(world.cache.warm(&products(0..3), echo)).unwrap();
    world.service.advance_millis(EntryKind::Product.rules().fresh_millis * 11 / 10);
    assert!(matches!(world.wait(world.cache.warm(&products(0..3), fails)), Err(WarmError::Source(Failed))));
    // Redis goes down between lookup and store, or is down before.
    let goes = async |places: Vec<usize>| {
        world.service.set_mode(Mode::Down);
        echo(places).await
    };
    assert!(matches!(world.wait(world.cache.warm(&products(0..3), goes)), Err(WarmError::Redis(_))));
    assert!(matches!(world.wait(world.cache.warm(&products(0..3), echo)), Err(WarmError::Redis(_))));
}

#[test]
fn a_warm_up_returns_how_many_entries_it_stored() {
    let world = World::open();
    let large = "x".repeat(CACHE_ENTRY_BYTES_MAX + 1);
    let tag = products(1..2)[0].own_tag().unwrap().clone();
    let load = async |places: Vec<usize>| {
        // One is too large, and one is invalidated during its load, so its entry is invalid when it is
        // stored.
        world.cache.invalidate(std::slice::from_ref(&tag)).await.unwrap();
        let content = |at| if at == 0 { some(&large, 0) } else { some("small", 0) };
        Ok::<_, Failed>(places.into_iter().map(content).collect::<Vec<_>>())
    };
    assert_eq!(world.wait(world.cache.warm(&products(0..3), load)).unwrap(), 2);
    assert_eq!(text(&world.read(&products(1..2)[0], "loaded")), "loaded");
}

#[test]
fn batches_are_counted_like_single_reads() {
    let world = World::open();
    let fails = async |_| Err::<Vec<Loaded>, _>(Failed);
    world.wait(world.cache.read_many(&products(0..3), fails)).unwrap_err();
    world.wait(world.cache.read_many(&products(0..3), echo)).unwrap();
    world.wait(world.cache.read_many(&products(0..3), echo)).unwrap();
    world.service.advance_millis(CACHE_FLUSH_SECS * 1000);
    world.wait(world.cache.flush_if_due());
    let total = world.wait(world.cache.report(&room().client, Timestamp(0))).unwrap().total;
    assert_eq!((total.requests, total.hits, total.misses, total.failures), (9, 3, 6, 3));
}

#[test]
fn large_entries_are_stored_by_several_requests() {
    let world = World::open();
    let large = "x".repeat(CACHE_ENTRY_BYTES_MAX);
    let load = async |places: Vec<usize>| {
        Ok::<_, Failed>(places.iter().map(|_| some(&large, 0)).collect::<Vec<_>>())
    };
    // If they were all quotes, two of these would not fit one request.
    let (_, cost) = world.counted(world.cache.read_many(&products(0..3), load));
    assert_eq!(cost, (1 + 4 + 3, 1 + 1 + 3));
    assert_eq!(world.wait(world.cache.read(&products(2..3)[0], never)).unwrap().source, Source::Fresh);
}
