//! Single flight, within a process and across processes.

use std::pin::Pin;
use std::time::Duration;

use super::*;
use crate::request::Source;
use redis_client::transport::Transport;

type Reader<'f> = Pin<Box<dyn Future<Output = Result<Found, Failed>> + 'f>>;

/// Reads `times` at once from `shop`, from a source that takes 20 ms and counts how often it was asked.
fn readers<'f>(shop: &'f Shop, request: &'f Request, times: usize, asked: &'f Cell<u32>) -> Vec<Reader<'f>> {
    let load = move || async move {
        asked.set(asked.get() + 1);
        shop.service.wait(Duration::from_millis(20)).await;
        says("v")
    };
    (0..times).map(|_| Box::pin(shop.cache.read(request, load)) as Reader<'f>).collect()
}

#[test]
fn a_hundred_readers_of_a_process_are_one_load_and_a_look_each() {
    let (shop, request, asked) = (Shop::open(), product("p"), Cell::new(0));
    let before = shop.counts().commands;
    let found = run(&shop.service, readers(&shop, &request, 100, &asked));
    assert!(found.iter().all(|found| text(found.as_ref().unwrap()) == "v"));
    assert_eq!(asked.get(), 1);
    let shared = found.iter().filter(|found| found.as_ref().unwrap().source == Source::Shared).count();
    assert_eq!(shared, 99);
    // The look of each, one stamp, one entry; who looked between stamp and load looks twice.
    let commands = shop.counts().commands - before;
    assert!((102..=202).contains(&commands), "{commands}");
}

#[test]
fn processes_that_miss_together_are_one_load_where_a_stamp_or_a_lock_says_whose() {
    for request in [product("p"), Request::stats(&keys(), &room())] {
        let (one, asked) = (Shop::open(), Cell::new(0));
        let (two, three) = (Shop::beside(&one.service), Shop::beside(&one.service));
        for round in 1..=2 {
            asked.set(0);
            let mut all = readers(&one, &request, 5, &asked);
            all.extend(readers(&two, &request, 5, &asked));
            all.extend(readers(&three, &request, 5, &asked));
            let found = run(&one.service, all);
            assert!(found.iter().all(|found| text(found.as_ref().unwrap()) == "v"));
            // With its stamp in place, a product has nothing that says whose turn it is: one for each process.
            let expected = if round == 2 && !request.kind().rules().locked { 1..=3 } else { 1..=1 };
            assert!(expected.contains(&asked.get()), "{request:?}, round {round}: {}", asked.get());
            one.service.pass(request.kind().gone_millis_max());
        }
    }
}

#[test]
fn a_reader_that_is_dropped_hands_over_to_another() {
    let (shop, request, asked) = (Shop::open(), product("p"), Cell::new(0));
    let stuck = async || {
        std::future::pending::<()>().await;
        says("never")
    };
    let leader = async {
        let mut leader = Box::pin(shop.cache.read(&request, stuck));
        // It gets as far as its load, and its caller goes away.
        for _ in 0..50 {
            let once = std::future::poll_fn(|context| std::task::Poll::Ready(leader.as_mut().poll(context)));
            assert!(once.await.is_pending());
            crate::fake_redis::pause().await;
        }
        drop(leader);
        Err(Failed)
    };
    let mut all: Vec<Reader<'_>> = vec![Box::pin(leader)];
    all.extend(readers(&shop, &request, 10, &asked));
    let found = run(&shop.service, all);
    let answered = found.iter().filter(|found| found.as_ref().is_ok_and(|found| text(found) == "v")).count();
    assert_eq!((answered, asked.get()), (10, 1));
}

#[test]
fn a_source_that_fails_fails_every_reader_soon_and_is_asked_again() {
    let (shop, request) = (Shop::open(), product("p"));
    let asked = Cell::new(0);
    let fails = || async {
        asked.set(asked.get() + 1);
        shop.service.wait(Duration::from_millis(20)).await;
        Err(Failed)
    };
    let began = shop.service.state().now;
    let all: Vec<Reader<'_>> =
        (0..20).map(|_| Box::pin(shop.cache.read(&request, fails)) as Reader<'_>).collect();
    assert!(run(&shop.service, all).iter().all(|found| *found == Err(Failed)));
    assert_eq!(asked.get(), 20, "each learns it from its own load");
    let millis = (shop.service.state().now - began) / 1000;
    assert!(millis <= 500, "{millis} ms: not one after the other");
    assert_eq!(text(&shop.read(&request, "back")), "back");
}

#[test]
fn a_lock_whose_owner_is_gone_holds_nobody_up_for_long() {
    let (one, request) = (Shop::open(), Request::stats(&keys(), &room()));
    one.read(&request, "v");
    one.service.pass(request.kind().gone_millis_max());
    let stuck = async || {
        std::future::pending::<()>().await;
        says("never")
    };
    {
        let mut leader = Box::pin(one.cache.read(&request, stuck));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        (0..20).for_each(|_| assert!(leader.as_mut().poll(&mut context).is_pending()));
        assert_eq!(one.keys_with(":lock:").len(), 1);
    }
    let two = Shop::beside(&one.service);
    let began = one.service.state().now;
    assert_eq!(text(&two.read(&request, "by itself")), "by itself");
    let millis = (one.service.state().now - began) / 1000;
    let most = u64::from(crate::limits::CACHE_LOOKUPS_MAX) * crate::limits::CACHE_LOOKUP_PAUSE_MILLIS;
    assert_eq!(millis, most);
}

#[test]
fn reading_is_send_over_a_transport_whose_futures_are() {
    fn sends<F: Future + Send>(_: F) {}
    let shop = Shop::open();
    let request = product("p");
    sends(shop.cache.read(&request, async || says("v")));
    sends(shop.cache.read_many(std::slice::from_ref(&request), async |_| Ok::<_, Failed>(Vec::new())));
    sends(shop.cache.warm(std::slice::from_ref(&request), async |_| Ok::<_, Failed>(Vec::new())));
    sends(shop.cache.invalidate(&[]));
    sends(shop.cache.flush_if_due());
    sends(shop.cache.put_newest(&request, &some("v", 1)));
    sends(shop.cache.maintain(1));
}
