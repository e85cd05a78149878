//! The randomness of the cache in a run: tag versions, jitter and nonces, all from the seed.

use std::cell::RefCell;

use crate::sim::rng::Rng;

thread_local! {
    // A run stays on its thread, and the cache takes a plain function.
    static GENERATOR: RefCell<Rng> = RefCell::new(Rng::new(0));
}

/// Begins the numbers of a run.
pub(crate) fn seed(seed: u64) {
    GENERATOR.with_borrow_mut(|generator| *generator = Rng::derived(seed, 4));
}

/// Fills `bytes`.
pub(crate) fn fill(bytes: &mut [u8]) {
    GENERATOR.with_borrow_mut(|generator| {
        for chunk in bytes.chunks_mut(8) {
            let drawn = generator.next_u64().to_le_bytes();
            chunk.iter_mut().zip(drawn).for_each(|(byte, drawn)| *byte = drawn);
        }
    });
}
