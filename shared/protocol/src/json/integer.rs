//! Integers of requests. JSON Schema takes a number without a fraction for one however it is written, so `1`,
//! `1.0` and `1e0` are the same, and `-0` is 0.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::stamp::Stamp;

/// Reads an integer from 0 that may be absent or `null`, for serde's `deserialize_with`.
pub fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let raw: Option<Box<RawValue>> = Option::deserialize(deserializer)?;
    let read = |raw: Box<RawValue>| {
        parse(raw.get()).ok_or_else(|| D::Error::custom("a number must be an integer from 0 to 2^64 - 1"))
    };
    raw.map(read).transpose()
}

/// The same for a stamp.
pub fn optional_stamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Stamp>, D::Error> {
    Ok(optional(deserializer)?.map(Stamp))
}

/// The integer that a JSON number stands for; `None` if it has a fraction, is below 0 or exceeds a `u64`.
fn parse(number: &str) -> Option<u64> {
    if !number.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        return None;
    }
    let (unsigned, negative) = number.strip_prefix('-').map_or((number, false), |rest| (rest, true));
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let digits = all.trim_end_matches('0');
    if digits.trim_start_matches('0').is_empty() {
        return Some(0);
    }
    // The number is `digits` times ten to the power of `zeros`.
    let dropped = i64::try_from(all.len() - digits.len()).ok()?;
    let zeros = exponent.parse::<i64>().ok()?.checked_add(dropped)?;
    let zeros = zeros.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let power = 10_u64.checked_pow(u32::try_from(zeros).ok()?)?;
    digits.parse::<u64>().ok()?.checked_mul(power).filter(|_| !negative)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_without_a_fraction_is_an_integer_however_it_is_written() {
        for (text, value) in [
            ("0", 0),
            ("-0", 0),
            ("-0.0e5", 0),
            ("0e99999999999999999999", 0),
            ("1.0", 1),
            ("1e0", 1),
            ("1E+2", 100),
            ("10e-1", 1),
            ("1.50e1", 15),
            ("0.3e1", 3),
            ("1234.5000e3", 1_234_500),
            ("18446744073709551615", u64::MAX),
            ("1.8446744073709551615e19", u64::MAX),
        ] {
            assert_eq!(parse(text), Some(value), "{text}");
        }
        for bad in [
            "1.5",
            "-1",
            "-1.0",
            "1e-1",
            "0.1",
            "18446744073709551616",
            "1e20",
            "1e99999999999999999999",
            "1e-99999999999999999999",
            "\"1\"",
            "true",
            "[1]",
            "{}",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[derive(Deserialize)]
    struct Body {
        #[serde(default, deserialize_with = "optional")]
        version: Option<u64>,
        #[serde(default, deserialize_with = "optional_stamp")]
        stamp: Option<Stamp>,
    }

    #[test]
    fn a_member_may_be_absent_or_null_and_is_else_an_integer() {
        let read = |text: &str| serde_json::from_str::<Body>(text).map(|body| (body.version, body.stamp));
        assert_eq!(read("{}").unwrap(), (None, None));
        assert_eq!(read(r#"{"version":null,"stamp":null}"#).unwrap(), (None, None));
        assert_eq!(read(r#"{"version": 3.0 ,"stamp": 7e0 }"#).unwrap(), (Some(3), Some(Stamp(7))));
        let error = read(r#"{"version":1.5}"#).unwrap_err();
        assert!(error.is_data() && error.to_string().contains("integer"), "{error}");
        assert!(read(r#"{"stamp":"7"}"#).unwrap_err().is_data());
    }

    proptest! {
        #[test]
        fn every_notation_of_an_integer_is_read(value in any::<u64>(), shift in 0..25_u32, places in 0..3_usize) {
            prop_assert_eq!(parse(&value.to_string()), Some(value));
            let padded = format!("{value}.{:0<places$}", "0");
            prop_assert_eq!(parse(&padded), Some(value));
            // The point moved to the left and the exponent that moves it back.
            let digits = format!("{value:0>26}");
            let (whole, fraction) = digits.split_at(digits.len() - shift as usize);
            prop_assert_eq!(parse(&format!("{whole}.{fraction}0e{shift}")), Some(value));
        }
    }
}
