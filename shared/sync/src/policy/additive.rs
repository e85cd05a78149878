//! Additive fields: tills send what they took or brought, and the server adds it up, exactly and once.

use serde::Deserialize;

use crate::decimal::{Decimal, NotADecimal};

/// How low a sum may fall, and what happens to one that would fall lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floor {
    /// The lowest sum.
    pub at: Decimal,
    /// What happens below it.
    pub below: Below,
}

/// What happens to a delta that takes the sum below its floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Below {
    /// The record is rejected.
    Reject,
    /// The floor is stored: what was taken beyond it is not counted.
    Clamp,
    /// The sum is stored, and the write is flagged.
    Flag,
}

/// A sum, and what is to be said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    /// What is stored.
    pub value: Decimal,
    /// It fell below its floor: stored all the same, or as the floor.
    pub fell: Option<Below>,
}

/// Why there is no sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSum {
    /// It would have too many digits.
    #[error(transparent)]
    Digits(#[from] NotADecimal),
    /// It would fall below a floor that rejects.
    #[error("failed to add: the sum would fall below the floor")]
    BelowFloor,
}

/// `stored` and `delta` together. A delta that does not lower the sum is never held against a floor: a delivery
/// must not fail because the shelf was oversold.
pub fn add(stored: Decimal, delta: Decimal, floor: Option<Floor>) -> Result<Sum, NoSum> {
    let value = stored.plus(delta)?;
    match floor {
        Some(Floor { at, below }) if value < at && delta < Decimal::ZERO => match below {
            Below::Reject => Err(NoSum::BelowFloor),
            // Never up: what lies below the floor already stays where it is.
            Below::Clamp => Ok(Sum { value: at.min(stored), fell: Some(below) }),
            Below::Flag => Ok(Sum { value, fell: Some(below) }),
        },
        _ => Ok(Sum { value, fell: None }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    fn floor(below: Below) -> Option<Floor> {
        Some(Floor { at: Decimal::ZERO, below })
    }

    #[test]
    fn below_the_floor_each_policy_does_what_its_name_says() {
        let take = |below| add(number("2"), number("-5"), floor(below));
        assert_eq!(take(Below::Reject), Err(NoSum::BelowFloor));
        assert_eq!(take(Below::Clamp), Ok(Sum { value: number("0"), fell: Some(Below::Clamp) }));
        assert_eq!(take(Below::Flag), Ok(Sum { value: number("-3"), fell: Some(Below::Flag) }));
    }

    #[test]
    fn a_delivery_is_never_held_against_the_floor() {
        for below in [Below::Reject, Below::Clamp, Below::Flag] {
            let sum = add(number("-9"), number("4"), floor(below));
            assert_eq!(sum, Ok(Sum { value: number("-5"), fell: None }));
        }
        let further = add(number("-9"), number("-1"), floor(Below::Clamp));
        assert_eq!(further, Ok(Sum { value: number("-9"), fell: Some(Below::Clamp) }));
    }

    fn any_delta() -> impl Strategy<Value = Decimal> {
        (-5000..5000_i32).prop_map(|cents| {
            let sign = if cents < 0 { "-" } else { "" };
            number(&format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100))
        })
    }

    fn sum(deltas: &[Decimal], floor: Option<Floor>) -> Decimal {
        deltas.iter().fold(Decimal::ZERO, |sum, &delta| add(sum, delta, floor).unwrap().value)
    }

    proptest! {
        /// Commutes and associates, with no floor and with one that only flags.
        #[test]
        fn the_order_of_deltas_does_not_matter(
            (deltas, shuffled, split) in prop::collection::vec(any_delta(), 0..10)
                .prop_flat_map(|deltas| {
                    let len = deltas.len();
                    (Just(deltas.clone()), Just(deltas).prop_shuffle(), 0..=len)
                }),
        ) {
            prop_assert_eq!(sum(&deltas, None), sum(&shuffled, None));
            prop_assert_eq!(sum(&deltas, None), sum(&shuffled, floor(Below::Flag)));
            let (left, right) = deltas.split_at(split);
            let joined = sum(left, None).plus(sum(right, None)).unwrap();
            prop_assert_eq!(sum(&deltas, None), joined);
        }

        #[test]
        fn a_floor_that_clamps_is_never_crossed(deltas in prop::collection::vec(any_delta(), 0..10)) {
            prop_assert!(sum(&deltas, floor(Below::Clamp)) >= Decimal::ZERO);
        }
    }
}
