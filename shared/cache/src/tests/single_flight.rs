//! Single flight within a process and between processes.

use std::pin::Pin;
use std::time::Duration;

use super::*;
use crate::request::Source;
use redis_client::transport::Transport;

type Reader<'f> = Pin<Box<dyn Future<Output = Result<Found, Failed>> + 'f>>;

/// `times` concurrent reads from a source that takes 20 ms and counts its loads in `asked`.
fn readers<'f>(
    world: &'f World,
    request: &'f Request,
    times: usize,
    asked: &'f Cell<u32>,
) -> Vec<Reader<'f>> {
    let load = move || async move {
        asked.set(asked.get() + 1);
        world.service.wait(Duration::from_millis(20)).await;
        returns("v")
    };
    (0..times).map(|_| Box::pin(world.cache.read(request, load)) as Reader<'f>).collect()
}

#[test]
fn a_hundred_readers_of_a_process_are_one_load_and_a_lookup_each() {
    let (world, request, asked) = (World::open(), product("p"), Cell::new(0));
    let before = world.counts().commands;
    let found = world.service.run_all(readers(&world, &request, 100, &asked));
    assert!(found.iter().all(|found| text(found.as_ref().unwrap()) == "v"));
    assert_eq!(asked.get(), 1);
    let shared = found.iter().filter(|found| found.as_ref().unwrap().source == Source::Shared).count();
    assert_eq!(shared, 99);
    // A lookup per reader, one tag version, one entry; a reader between version and load looks up twice.
    let commands = world.counts().commands - before;
    assert!((102..=202).contains(&commands), "{commands}");
}

#[test]
fn processes_that_miss_together_are_one_load_with_a_missing_version_or_a_lock() {
    for request in [product("p"), Request::stats(&keys(), &room())] {
        let (one, asked) = (World::open(), Cell::new(0));
        let (two, three) = (World::beside(&one.service), World::beside(&one.service));
        for round in 1..=2 {
            asked.set(0);
            let mut all = readers(&one, &request, 5, &asked);
            all.extend(readers(&two, &request, 5, &asked));
            all.extend(readers(&three, &request, 5, &asked));
            let found = one.service.run_all(all);
            assert!(found.iter().all(|found| text(found.as_ref().unwrap()) == "v"));
            // If the tag has its version, a product has no lock: each process loads once.
            let expected = if round == 2 && !request.kind().rules().locked { 1..=3 } else { 1..=1 };
            assert!(expected.contains(&asked.get()), "{request:?}, round {round}: {}", asked.get());
            one.service.advance_millis(request.kind().total_millis_max());
        }
    }
}

#[test]
fn a_dropped_leader_is_replaced_by_a_follower() {
    let (world, request, asked) = (World::open(), product("p"), Cell::new(0));
    let stuck = async || {
        std::future::pending::<()>().await;
        returns("never")
    };
    let leader = async {
        let mut leader = Box::pin(world.cache.read(&request, stuck));
        // It starts its load, and its caller goes away.
        for _ in 0..50 {
            let once = std::future::poll_fn(|context| std::task::Poll::Ready(leader.as_mut().poll(context)));
            assert!(once.await.is_pending());
            redis_client::fake::pause().await;
        }
        drop(leader);
        Err(Failed)
    };
    let mut all: Vec<Reader<'_>> = vec![Box::pin(leader)];
    all.extend(readers(&world, &request, 10, &asked));
    let found = world.service.run_all(all);
    let answered = found.iter().filter(|found| found.as_ref().is_ok_and(|found| text(found) == "v")).count();
    assert_eq!((answered, asked.get()), (10, 1));
}

#[test]
fn a_failing_source_fails_every_reader_soon_and_is_asked_again() {
    let (world, request) = (World::open(), product("p"));
    let asked = Cell::new(0);
    let fails = || async {
        asked.set(asked.get() + 1);
        world.service.wait(Duration::from_millis(20)).await;
        Err(Failed)
    };
    let began = world.service.state().now;
    let all: Vec<Reader<'_>> =
        (0..20).map(|_| Box::pin(world.cache.read(&request, fails)) as Reader<'_>).collect();
    assert!(world.service.run_all(all).iter().all(|found| *found == Err(Failed)));
    assert_eq!(asked.get(), 20, "each reader has the error of its own load");
    let millis = (world.service.state().now - began) / 1000;
    assert!(millis <= 500, "{millis} ms: not one after the other");
    assert_eq!(text(&world.read(&request, "back")), "back");
}

#[test]
fn a_lock_without_owner_delays_readers_only_briefly() {
    let (one, request) = (World::open(), Request::stats(&keys(), &room()));
    one.read(&request, "v");
    one.service.advance_millis(request.kind().total_millis_max());
    let stuck = async || {
        std::future::pending::<()>().await;
        returns("never")
    };
    {
        let mut leader = Box::pin(one.cache.read(&request, stuck));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        (0..20).for_each(|_| assert!(leader.as_mut().poll(&mut context).is_pending()));
        assert_eq!(one.keys_with(":lock:").len(), 1);
    }
    let two = World::beside(&one.service);
    let began = one.service.state().now;
    assert_eq!(text(&two.read(&request, "by itself")), "by itself");
    let millis = (one.service.state().now - began) / 1000;
    let most = u64::from(crate::limits::CACHE_LOOKUPS_MAX) * crate::limits::CACHE_LOOKUP_PAUSE_MILLIS;
    assert_eq!(millis, most);
}

#[test]
fn futures_are_send_if_the_transports_are() {
    fn sends<F: Future + Send>(_: F) {}
    let world = World::open();
    let request = product("p");
    sends(world.cache.read(&request, async || returns("v")));
    sends(world.cache.read_many(std::slice::from_ref(&request), async |_| Ok::<_, Failed>(Vec::new())));
    sends(world.cache.warm(std::slice::from_ref(&request), async |_| Ok::<_, Failed>(Vec::new())));
    sends(world.cache.invalidate(&[]));
    sends(world.cache.flush_if_due());
    sends(world.cache.put_latest(&request, &some("v", 1)));
    sends(world.cache.maintain(1));
}
