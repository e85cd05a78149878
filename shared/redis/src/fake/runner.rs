//! Runs futures on one thread, in an order that [`Random`] decides. When all of them wait, the clock
//! advances.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::{FakeRedis, Random};

/// Lets other futures continue, once.
pub async fn pause() {
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

impl FakeRedis {
    /// Runs one future to its end.
    pub fn run<O>(&self, future: impl Future<Output = O>) -> O {
        self.run_all(vec![Box::pin(future)]).pop().unwrap()
    }

    /// Runs `futures` together to their ends; [`Random`] picks the next to poll. Returns their outputs in
    /// order.
    pub fn run_all<'f, O>(&self, futures: Vec<Pin<Box<dyn Future<Output = O> + 'f>>>) -> Vec<O> {
        let mut left: Vec<_> = futures.into_iter().enumerate().collect();
        let mut done: Vec<Option<O>> = left.iter().map(|_| None).collect();
        let mut idle = 0;
        while !left.is_empty() {
            let next = usize::try_from(Random::below(left.len() as u64)).unwrap();
            let woken = Arc::new(Woken::default());
            let waker = Waker::from(Arc::clone(&woken));
            match left[next].1.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(output) => {
                    let (at, _) = left.swap_remove(next);
                    done[at] = Some(output);
                    idle = 0;
                }
                Poll::Pending if woken.0.load(Ordering::Relaxed) => idle = 0,
                Poll::Pending => idle += 1,
            }
            // By then each of them was very likely polled.
            if idle > 12 * left.len() {
                self.advance_to_next_alarm();
                idle = 0;
            }
        }
        done.into_iter().map(Option::unwrap).collect()
    }

    fn advance_to_next_alarm(&self) {
        let mut state = self.state();
        let now = state.now;
        state.alarms.retain(|alarm| *alarm > now);
        let next = state.alarms.iter().min().copied();
        state.now = next.expect("no future can continue and none waits for a time");
    }
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}
