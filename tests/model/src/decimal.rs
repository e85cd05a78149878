//! Exact decimals with nine places, stored as a number of billionths.

/// Billionths in one.
const ONE: i128 = 1_000_000_000;
/// The smallest number with 19 digits before the point.
const TOO_LARGE: i128 = 1_000_000_000_000_000_000 * ONE;

/// Parses a decimal without exponent. `None` if it is malformed or has too many digits.
pub fn parse(text: &str) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !plain(whole) || !plain(part) || part.len() > 9 {
        return None;
    }
    let billionths: i128 = format!("{part:0<9}").parse().ok()?;
    let value = whole.parse::<i128>().ok()?.checked_mul(ONE)?.checked_add(billionths)?;
    fits(value).then_some(sign * value)
}

/// Whether a number has at most 18 digits before the point.
pub(crate) fn fits(value: i128) -> bool {
    value.abs() < TOO_LARGE
}

pub(crate) fn places(text: &str) -> usize {
    text.split_once('.').map_or(0, |(_, part)| part.len())
}

/// Formats a number with at least `places` digits after the point.
pub fn format(value: i128, places: usize) -> String {
    let (whole, part) = (value.abs() / ONE, format!("{:09}", value.abs() % ONE));
    let sign = if value < 0 { "-" } else { "" };
    let part = format!("{:0<places$}", part.trim_end_matches('0'));
    if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact_and_keep_their_places() {
        assert_eq!(format(parse("0.1").unwrap() + parse("0.2").unwrap(), 1), "0.3");
        assert_eq!(format(parse("10.5").unwrap() - parse("0.50").unwrap(), places("0.50")), "10.00");
        assert_eq!(format(parse("-2").unwrap(), 0), "-2");
        for bad in ["", "x", "1e3", ".5", "1.", "--1", "0.1234567891", "1000000000000000000"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
