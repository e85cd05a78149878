use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use super::*;
use crate::request::Loaded;
use protocol::timestamp::Timestamp;
use redis_client::keys::Keys;

fn key() -> Key {
    Keys::new("t").unwrap().stats(&"1:2".parse().unwrap())
}

fn seen(n: u8) -> Option<Seen> {
    Seen::of([(&key(), Some([n].as_slice()))])
}

fn found() -> Found {
    Found { loaded: Loaded::some(b"v".as_slice(), 1), source: Source::Loaded, made_at: Timestamp(5) }
}

#[derive(Default)]
struct Rung(AtomicUsize);

impl Wake for Rung {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn follow(boarding: Boarding<'_>) -> Follow {
    match boarding {
        Boarding::Follow(follow) => follow,
        Boarding::Lead(_) => panic!("leads"),
        Boarding::Other => panic!("another's"),
    }
}

#[test]
fn before_the_load_anybody_follows_and_after_it_only_under_the_same_stamps() {
    let flights = Flights::default();
    let Boarding::Lead(lead) = flights.board(&key(), seen(1)) else { panic!("nobody leads") };
    follow(flights.board(&key(), seen(2)));
    follow(flights.board(&key(), None));
    follow(flights.board_alone(&key()));
    lead.depart(seen(1));
    follow(flights.board(&key(), seen(1)));
    for other in [flights.board(&key(), seen(2)), flights.board(&key(), None), flights.board_alone(&key())] {
        assert!(matches!(other, Boarding::Other));
    }
    lead.depart(None);
    assert!(matches!(flights.board(&key(), None), Boarding::Other), "nothing can be compared");
    follow(flights.board_alone(&key()));
}

#[test]
fn who_waits_is_woken_once_by_the_end_and_has_the_answer() {
    let flights = Flights::default();
    let Boarding::Lead(lead) = flights.board(&key(), None) else { panic!("nobody leads") };
    let mut waiting = std::pin::pin!(follow(flights.board(&key(), None)));
    let rung = Arc::new(Rung::default());
    let waker = Waker::from(Arc::clone(&rung));
    let mut context = Context::from_waker(&waker);
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    lead.land(None, &found());
    assert_eq!(rung.0.load(Ordering::Relaxed), 1);
    let shared = Found { source: Source::Shared, ..found() };
    assert_eq!(waiting.as_mut().poll(&mut context), Poll::Ready(Some(shared)));
    drop(lead);
    assert!(matches!(flights.board(&key(), None), Boarding::Lead(_)), "it is over");
}

#[test]
fn if_the_leader_is_gone_the_others_know_and_one_leads() {
    let flights = Flights::default();
    let Boarding::Lead(lead) = flights.board(&key(), None) else { panic!("nobody leads") };
    let mut waiting = std::pin::pin!(follow(flights.board(&key(), None)));
    let rung = Arc::new(Rung::default());
    let waker = Waker::from(Arc::clone(&rung));
    let mut context = Context::from_waker(&waker);
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    drop(lead);
    assert_eq!(rung.0.load(Ordering::Relaxed), 1);
    assert_eq!(waiting.as_mut().poll(&mut context), Poll::Ready(None));
    let Boarding::Lead(_lead) = flights.board(&key(), None) else { panic!("nobody leads") };
    follow(flights.board(&key(), None));
}

#[test]
fn one_that_was_overtaken_ends_without_ending_the_other() {
    let flights = Flights::default();
    let Boarding::Lead(old) = flights.board(&key(), seen(1)) else { panic!("nobody leads") };
    old.depart(seen(1));
    let new = flights.overtake(&key());
    new.depart(seen(2));
    drop(old);
    follow(flights.board(&key(), seen(2)));
    drop(new);
    assert!(matches!(flights.board(&key(), seen(2)), Boarding::Lead(_)));
}

#[test]
fn many_threads_are_woken_and_all_have_the_answer() {
    let flights = Flights::default();
    let Boarding::Lead(lead) = flights.board(&key(), None) else { panic!("nobody leads") };
    let followers: Vec<Follow> = (0..16).map(|_| follow(flights.board(&key(), None))).collect();
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            followers.into_iter().map(|follower| scope.spawn(move || block_on(follower))).collect();
        lead.depart(None);
        lead.land(None, &found());
        assert!(threads.into_iter().all(|thread| thread.join().unwrap().is_some()));
    });
}

/// Runs a future on this thread, which sleeps until it is woken.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}
