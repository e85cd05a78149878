//! Early refresh by chance (XFetch: Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic Cache Stampede
//! Prevention", 2015): each reader of a fresh entry decides by itself, without a command, whether it is the one that
//! loads it anew before it expires.
//!
//! The nearer the expiry and the slower the load, the likelier; so that with many readers one of them almost surely
//! goes ahead while the entry still serves the others.

/// Binary places of the fixed-point numbers here.
const PLACES: u32 = 16;
/// ln 2 with [`PLACES`] binary places.
const LN_2: u64 = 45_426;

/// Whether a reader that drew `random` loads an entry anew that took `took_micros` to load and is fresh for
/// another `left_micros`: `took × -ln(u) ≥ left`, with `u` between 0 and 1.
pub(crate) fn refreshes_early(random: u64, took_micros: u64, left_micros: u64) -> bool {
    let gap = (u128::from(took_micros) * u128::from(minus_ln(random))) >> PLACES;
    gap >= u128::from(left_micros)
}

/// -ln(u) for u = `random` / 2^64, with [`PLACES`] binary places.
fn minus_ln(random: u64) -> u64 {
    let minus_log2 = (64 << PLACES) - log2(random.max(1));
    (minus_log2 * LN_2) >> PLACES
}

/// The binary logarithm of `value`, which is not 0, with [`PLACES`] binary places: the whole part is the place of
/// the highest bit, each further one says whether the square of what remains reaches 2.
fn log2(value: u64) -> u64 {
    let whole = value.ilog2();
    // What remains is at least 1 and below 2, with 31 binary places.
    let mut rest = if whole >= 31 { value >> (whole - 31) } else { value << (31 - whole) };
    let mut result = u64::from(whole);
    for _ in 0..PLACES {
        rest = (rest * rest) >> 31;
        let reached = rest >> 32;
        rest >>= reached;
        result = (result << 1) | reached;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_logarithm_is_near_the_true_one() {
        for (random, thousandths) in
            [(u64::MAX, 0), (1 << 63, 693), (1 << 62, 1386), (u64::MAX / 10, 2302), (1, 44_361)]
        {
            let found = (minus_ln(random) * 1000) >> PLACES;
            assert!(found.abs_diff(thousandths) <= 1, "{random}: {found} instead of {thousandths}");
        }
    }

    #[test]
    fn a_load_of_a_second_is_brought_forward_as_often_as_the_formula_says() {
        // Over evenly spread draws, the share that refreshes with one load time left is 1/e.
        let draws = 10_000_u64;
        let early =
            (0..draws).filter(|n| refreshes_early(n * (u64::MAX / draws) + 1, 1_000_000, 1_000_000)).count();
        assert!((3_600..3_760).contains(&early), "{early} of {draws}");
    }

    #[test]
    fn what_cost_nothing_to_load_or_is_long_fresh_waits_for_its_time() {
        assert!(!refreshes_early(1 << 40, 0, 1));
        assert!(!refreshes_early(1 << 40, 50_000, 60_000_000));
        assert!(refreshes_early(u64::MAX, 50_000, 0));
    }

    proptest! {
        #[test]
        fn nearer_slower_and_luckier_never_make_it_less_likely(random: u64, took in 0_u64..1 << 40, left in 0_u64..1 << 40) {
            if refreshes_early(random, took, left) {
                prop_assert!(refreshes_early(random, took, left / 2));
                prop_assert!(refreshes_early(random, took * 2, left));
                prop_assert!(refreshes_early(random / 2, took, left));
            }
        }
    }
}
