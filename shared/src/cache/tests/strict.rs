//! The promise: no read that begins after an invalidation was acknowledged answers with what was loaded before the
//! write that was invalidated. Two processes, readers, writers of three sorts, and an evictor that takes any key at
//! any time, in an order that a seed decides.

use std::pin::Pin;
use std::rc::Rc;

use super::*;
use crate::cache::clear::Which;
use crate::cache::double::pause;
use crate::redis::keys::Key;

/// How many orders are tried.
const SEEDS: u64 = 500;

/// The source: two records, each with the version that it holds and the newest that was acknowledged as invalidated.
#[derive(Default)]
struct Truth {
    held: [Cell<u64>; 2],
    acknowledged: [Cell<u64>; 2],
    served: Cell<u64>,
    from_cache: Cell<u64>,
}

impl Truth {
    fn write(&self, at: usize) -> u64 {
        self.held[at].set(self.held[at].get() + 1);
        self.held[at].get()
    }

    fn acknowledge(&self, at: usize, version: u64) {
        self.acknowledged[at].set(self.acknowledged[at].get().max(version));
    }
}

fn request(at: usize) -> Request {
    let kinds = [product("p").tagged(shared_tag()), Request::stats(&keys(), &room()).tagged(shared_tag())];
    kinds[at].clone()
}

fn shared_tag() -> Key {
    keys().table_tag(&room(), "products")
}

async fn pauses() {
    for _ in 0..Random::below(6) {
        pause().await;
    }
}

async fn reader(shop: Rc<Shop>, truth: Rc<Truth>) {
    for _ in 0..6 {
        let at = usize::try_from(Random::below(2)).unwrap();
        let floor = truth.acknowledged[at].get();
        let min = if Random::below(4) == 0 { floor } else { 0 };
        let load = async || {
            pauses().await;
            let version = truth.held[at].get();
            pauses().await;
            if Random::below(10) == 0 { Err(Failed) } else { Ok(some(&version.to_string(), version)) }
        };
        let many = Random::below(4) == 0;
        let answer = if many {
            let load = async |_: Vec<usize>| load().await.map(|loaded| vec![loaded]);
            shop.cache.read_many(&[request(at)], load).await.map(|mut found| found.remove(0))
        } else {
            shop.cache.read(&request(at).min(Some(min)), load).await
        };
        let Ok(found) = answer else { continue };
        let version: u64 = text(&found).parse().unwrap();
        assert_eq!(version, found.as_of());
        assert!(version >= floor, "version {version} after {floor} was acknowledged, {:?}", found.source);
        truth.served.set(truth.served.get() + 1);
        if found.source != crate::cache::request::Source::Loaded {
            truth.from_cache.set(truth.from_cache.get() + 1);
        }
        pauses().await;
    }
}

async fn writer(shop: Rc<Shop>, truth: Rc<Truth>) {
    for _ in 0..3 {
        pauses().await;
        let at = usize::try_from(Random::below(2)).unwrap();
        match Random::below(8) {
            0..3 => {
                let version = truth.write(at);
                pauses().await;
                shop.cache.invalidate(&[request(at).own_tag().unwrap().clone()]).await.unwrap();
                truth.acknowledge(at, version);
            }
            3 => {
                let versions = [0, 1].map(|at| truth.write(at));
                pauses().await;
                shop.cache.invalidate(&[shared_tag()]).await.unwrap();
                (0..2).for_each(|at| truth.acknowledge(at, versions[at]));
            }
            4..7 => {
                let ticket = shop.cache.before_write(request(at)).await;
                pauses().await;
                let version = truth.write(at);
                pauses().await;
                shop.cache.after_write(ticket, &some(&version.to_string(), version), &[]).await.unwrap();
                truth.acknowledge(at, version);
            }
            _ => {
                let versions = [0, 1].map(|at| truth.write(at));
                shop.cache.clear(&room().client, Which::All, None).await.unwrap();
                (0..2).for_each(|at| truth.acknowledge(at, versions[at]));
            }
        }
    }
}

async fn evictor(shop: Rc<Shop>) {
    for _ in 0..40 {
        pause().await;
        let mut state = shop.service.state();
        let count = state.database.keys.len() as u64;
        if count > 0 {
            let at = usize::try_from(Random::below(count)).unwrap();
            let key = state.database.keys.keys().nth(at).unwrap().clone();
            state.database.keys.remove(&key);
        }
        state.now += Random::below(2) * Random::below(3_000_000);
    }
}

fn try_order(seed: u64) -> (u64, u64) {
    let one = Rc::new(Shop::open());
    Random::seed(seed);
    let two = Rc::new(Shop::beside(&one.service));
    let truth = Rc::new(Truth::default());
    let mut actors: Vec<Pin<Box<dyn Future<Output = ()>>>> = Vec::new();
    for shop in [&one, &two] {
        for _ in 0..3 {
            actors.push(Box::pin(reader(Rc::clone(shop), Rc::clone(&truth))));
        }
        actors.push(Box::pin(writer(Rc::clone(shop), Rc::clone(&truth))));
    }
    if !seed.is_multiple_of(3) {
        actors.push(Box::pin(evictor(Rc::clone(&one))));
    }
    run(&one.service, actors);
    (truth.served.get(), truth.from_cache.get())
}

#[test]
fn no_read_after_an_invalidation_is_older_than_it() {
    let (mut served, mut from_cache) = (0, 0);
    for seed in 0..SEEDS {
        let order = std::panic::catch_unwind(|| try_order(seed));
        let (all, cached) = order.unwrap_or_else(|cause| {
            eprintln!("failed with seed {seed}");
            std::panic::resume_unwind(cause)
        });
        served += all;
        from_cache += cached;
    }
    // A cache that never serves anything keeps every promise.
    assert!(from_cache * 10 > served, "{from_cache} of {served} reads were spared the source");
}
