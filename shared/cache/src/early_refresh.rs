//! Probabilistic early refresh (XFetch: Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic Cache
//! Stampede Prevention", 2015). Each reader of a fresh entry decides by itself, without a command, whether it
//! loads the entry before it expires.
//!
//! The nearer the expiry and the slower the load, the likelier. With many readers, one of them almost surely
//! refreshes the entry while it still serves the others.

#![allow(
    clippy::float_arithmetic,
    reason = "the formula needs a logarithm; its result is a probability and no amount"
)]

/// Whether a reader that drew `random` refreshes an entry that took `took_micros` to load and is fresh for
/// `left_micros`: `took × -ln(u) ≥ left`, with `u` from 0 to 1.
pub(crate) fn refreshes_early(random: u64, took_micros: u64, left_micros: u64) -> bool {
    took_micros as f64 * minus_ln(random) >= left_micros as f64
}

/// -ln(u) for u = `random` / 2^64.
fn minus_ln(random: u64) -> f64 {
    -(random.max(1) as f64 / 2_f64.powi(64)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_logarithm_covers_the_whole_range() {
        for (random, expected) in
            [(u64::MAX, 0.0), (1 << 63, 0.693), (1 << 62, 1.386), (u64::MAX / 10, 2.302), (1, 44.361)]
        {
            let found = minus_ln(random);
            assert!((found - expected).abs() <= 0.001, "{random}: {found} instead of {expected}");
        }
    }

    #[test]
    fn a_load_of_a_second_is_refreshed_early_as_often_as_the_formula_says() {
        // Over evenly spread draws, the share that refreshes one load time before the expiry is 1/e.
        let draws = 10_000_u64;
        let early =
            (0..draws).filter(|n| refreshes_early(n * (u64::MAX / draws) + 1, 1_000_000, 1_000_000)).count();
        assert!((3_600..3_760).contains(&early), "{early} of {draws}");
    }

    #[test]
    fn a_free_load_and_a_long_fresh_entry_are_not_refreshed_early() {
        assert!(!refreshes_early(1 << 40, 0, 1));
        assert!(!refreshes_early(1 << 40, 50_000, 60_000_000));
        assert!(refreshes_early(u64::MAX, 50_000, 0));
    }

    proptest! {
        #[test]
        fn nearer_expiry_slower_loads_and_lower_draws_never_make_it_less_likely(
            random: u64,
            took in 0_u64..1 << 40,
            left in 0_u64..1 << 40,
        ) {
            if refreshes_early(random, took, left) {
                prop_assert!(refreshes_early(random, took, left / 2));
                prop_assert!(refreshes_early(random, took * 2, left));
                prop_assert!(refreshes_early(random / 2, took, left));
            }
        }
    }
}
