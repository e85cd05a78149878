//! Seeded randomness.

use std::cell::Cell;

thread_local! {
    static STATE: Cell<u64> = const { Cell::new(1) };
}

/// The random numbers of this thread's test (SplitMix: Steele, Lea, Flood, 2014).
#[derive(Debug)]
pub struct Random;

impl Random {
    /// Restarts the sequence.
    pub fn seed(seed: u64) {
        STATE.set(seed);
    }

    /// The next number.
    pub fn draw() -> u64 {
        let state = STATE.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        STATE.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub fn below(bound: u64) -> u64 {
        Random::draw() % bound
    }

    /// Fills `bytes`.
    pub fn fill(bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&Random::draw().to_le_bytes()[..chunk.len()]);
        }
    }
}
