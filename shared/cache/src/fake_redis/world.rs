//! Running futures on one thread in an order that a seed decides, with time that passes when all of them wait.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::Double;

thread_local! {
    static STATE: Cell<u64> = const { Cell::new(1) };
}

/// A source of randomness for this thread's test (Steele, Lea, Flood: SplitMix, 2014).
pub(crate) struct Random;

impl Random {
    /// Begins anew.
    pub(crate) fn seed(seed: u64) {
        STATE.set(seed);
    }

    pub(crate) fn draw() -> u64 {
        let state = STATE.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        STATE.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(bound: u64) -> u64 {
        Random::draw() % bound
    }

    /// Fills `bytes`, as the cache's own source.
    pub(crate) fn fill(bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&Random::draw().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// Lets others go first, once.
pub(crate) async fn pause() {
    let mut waited = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Runs `futures` together to their ends, next the one that chance picks. When none of them can go on, time passes
/// until one that waits for it can.
pub(crate) fn run<'f, O>(service: &Double, futures: Vec<Pin<Box<dyn Future<Output = O> + 'f>>>) -> Vec<O> {
    let mut left: Vec<_> = futures.into_iter().enumerate().collect();
    let mut done: Vec<Option<O>> = left.iter().map(|_| None).collect();
    let mut idle = 0;
    while !left.is_empty() {
        let next = usize::try_from(Random::below(left.len() as u64)).unwrap();
        let flag = std::sync::Arc::new(Woken::default());
        let waker = Waker::from(std::sync::Arc::clone(&flag));
        match left[next].1.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => {
                let (at, _) = left.swap_remove(next);
                done[at] = Some(output);
                idle = 0;
            }
            Poll::Pending if flag.0.load(std::sync::atomic::Ordering::Relaxed) => idle = 0,
            Poll::Pending => idle += 1,
        }
        // Long enough for chance to have picked each of them.
        if idle > 12 * left.len() {
            ring(service);
            idle = 0;
        }
    }
    done.into_iter().map(Option::unwrap).collect()
}

/// Moves the clock to the next alarm.
fn ring(service: &Double) {
    let mut state = service.state();
    let now = state.now;
    state.alarms.retain(|alarm| *alarm > now);
    let next = state.alarms.iter().min().copied();
    state.now = next.expect("nobody can go on and nobody waits for the time");
}

#[derive(Default)]
struct Woken(std::sync::atomic::AtomicBool);

impl std::task::Wake for Woken {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}
