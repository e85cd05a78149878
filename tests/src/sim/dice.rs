//! Numbers that look random and are not: the same seed gives the same ones for ever.

/// A generator (SplitMix64, Steele, Lea and Flood 2014). Every decision of a run draws from one that is made from the
/// seed of its step, so that a step does the same when others are taken out of the history.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// A generator for `seed`.
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    /// The generator of the `n`th thing that belongs to `seed`.
    pub fn of(seed: u64, n: u64) -> Dice {
        let mut dice = Dice(seed ^ n.wrapping_mul(0xd6e8_feb8_6659_fd93));
        dice.roll();
        dice
    }

    /// Any number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound.max(1)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low.saturating_add(self.below(high.saturating_sub(low).saturating_add(1)))
    }

    /// Yes in so many of a thousand cases.
    pub fn permille(&mut self, chance: u64) -> bool {
        self.below(1000) < chance
    }

    /// One of `from`; none if it is empty.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let place = self.below(from.len() as u64);
        from.get(usize::try_from(place).unwrap_or_default())
    }

    /// One of `from`, each as likely as its weight.
    pub fn weighted<T: Copy>(&mut self, from: &[(u64, T)], otherwise: T) -> T {
        let mut left = self.below(from.iter().map(|(weight, _)| weight).sum());
        for &(weight, value) in from {
            match left.checked_sub(weight) {
                Some(rest) => left = rest,
                None => return value,
            }
        }
        otherwise
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_for_ever() {
        let mut dice = Dice::new(7);
        assert_eq!([dice.roll(), dice.roll()], [7_191_089_600_892_374_487, 309_689_372_594_955_804]);
        assert_ne!(Dice::of(7, 1).roll(), Dice::of(7, 2).roll());
    }

    #[test]
    fn weights_are_kept_and_bounds_too() {
        let mut dice = Dice::new(1);
        let often = (0..1000).filter(|_| dice.weighted(&[(9, true), (1, false)], false)).count();
        assert!((850..950).contains(&often), "{often}");
        assert!((0..1000).all(|_| (3..=5).contains(&dice.between(3, 5))));
        assert_eq!(dice.pick::<u8>(&[]), None);
    }
}
