//! Exact decimal numbers for quantities and money; never floats.

use crate::limits::{DECIMAL_PLACES_MAX, DECIMAL_WHOLE_DIGITS_MAX};

/// An exact decimal number with at most 18 digits before the point and 9 after it. It keeps trailing zeros:
/// 1.10 + 1 is 2.10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal(rust_decimal::Decimal);

/// Not a plain decimal number, or one with too many digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to read a number: it must be plain digits, at most 18 before the point and 9 after it")]
pub struct NotADecimal;

impl Decimal {
    /// Zero.
    pub const ZERO: Decimal = Decimal(rust_decimal::Decimal::ZERO);

    /// Reads plain digits with an optional sign and point. Exponents are refused: tills do not write
    /// quantities as `1e9`, and such a number has no bounded length.
    pub fn parse(text: &str) -> Result<Decimal, NotADecimal> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, places) = digits.split_once('.').map_or((digits, None), |(w, p)| (w, Some(p)));
        let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let short = whole.len() <= DECIMAL_WHOLE_DIGITS_MAX
            && places.is_none_or(|places| places.len() <= DECIMAL_PLACES_MAX);
        if !short || !all_digits(whole) || !places.is_none_or(all_digits) {
            return Err(NotADecimal);
        }
        rust_decimal::Decimal::from_str_exact(text).map(Decimal).map_err(|_| NotADecimal)
    }

    /// The exact sum; an error if it has too many digits.
    pub fn plus(self, other: Decimal) -> Result<Decimal, NotADecimal> {
        // Both have at most 27 digits, so the sum fits the 96 bits of `rust_decimal` without rounding.
        let sum = self.0.checked_add(other.0).ok_or(NotADecimal)?;
        Decimal::parse(&Decimal(sum).to_string())
    }
}

impl std::ops::Neg for Decimal {
    type Output = Decimal;

    fn neg(self) -> Decimal {
        Decimal(-self.0)
    }
}

impl std::fmt::Display for Decimal {
    /// Plain digits; zero has no sign.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let signed = self.0;
        if signed.is_zero() { write!(f, "{}", signed.abs()) } else { write!(f, "{signed}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plus(a: &str, b: &str) -> String {
        Decimal::parse(a).unwrap().plus(Decimal::parse(b).unwrap()).unwrap().to_string()
    }

    #[test]
    fn sums_are_exact() {
        assert_eq!(plus("0.1", "0.2"), "0.3");
        assert_eq!(plus("1.10", "1"), "2.10");
        assert_eq!(plus("9007199254740993", "0"), "9007199254740993");
        assert_eq!(plus("999999999999999998.999999999", "0.000000001"), "999999999999999999.000000000");
        assert_eq!(plus("2", "-2.50"), "-0.50");
        assert_eq!(plus("1.5", "-1.5"), "0.0");
    }

    #[test]
    fn numbers_that_would_not_be_exact_are_refused() {
        let most = Decimal::parse("999999999999999999").unwrap();
        assert_eq!(most.plus(Decimal::parse("1").unwrap()), Err(NotADecimal));
        for bad in ["", "-", ".5", "1.", "+1", "1e3", " 1", "1 ", "NaN", "--1", "0x1", "1,5", "1.0000000001"]
        {
            assert_eq!(Decimal::parse(bad), Err(NotADecimal), "{bad}");
        }
        assert_eq!(Decimal::parse(&"9".repeat(19)), Err(NotADecimal));
    }

    /// A number as text and in billionths, which always fit an `i128`.
    fn any_decimal() -> impl Strategy<Value = (String, i128)> {
        (-999_999_999_999_i64..=999_999_999_999, 0..=9_u32).prop_map(|(digits, places)| {
            let scale = 10_i128.pow(places);
            let (whole, part) = (i128::from(digits).abs() / scale, i128::from(digits).abs() % scale);
            let sign = if digits < 0 { "-" } else { "" };
            let width = places as usize;
            let text =
                if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part:0width$}") };
            (text, i128::from(digits) * 10_i128.pow(9 - places))
        })
    }

    fn billionths(text: &str) -> i128 {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        sign * format!("{whole}{part:0<9}").parse::<i128>().unwrap()
    }

    proptest! {
        #[test]
        fn any_order_of_addition_gives_the_exact_sum(
            (numbers, shuffled) in prop::collection::vec(any_decimal(), 1..8)
                .prop_flat_map(|numbers| (Just(numbers.clone()), Just(numbers).prop_shuffle())),
        ) {
            let sum = |numbers: &[(String, i128)]| numbers.iter()
                .fold(Decimal::ZERO, |sum, (text, _)| sum.plus(Decimal::parse(text).unwrap()).unwrap())
                .to_string();
            let exact: i128 = numbers.iter().map(|(_, value)| value).sum();
            prop_assert_eq!(sum(&numbers), sum(&shuffled));
            prop_assert_eq!(billionths(&sum(&numbers)), exact);
        }
    }
}
