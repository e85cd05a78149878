//! The values of additive members: numbers, and deltas to them.

use crate::decimal::Decimal;
use protocol::json::JsonText;
use protocol::json::object::Object;

/// The member that makes an object a delta.
const DELTA: &str = "$delta";

/// A value that looks like a delta and is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::decide) struct NotADelta;

/// The delta that a member's value is, if it is one. The number is text, so that no encoder can round it.
pub(in crate::decide) fn delta(value: &str) -> Result<Option<Decimal>, NotADelta> {
    if !value.starts_with('{') || !value.contains(DELTA) {
        return Ok(None);
    }
    let object = JsonText::from_text(value.to_owned()).and_then(|text| Object::parse(&text));
    let object = object.map_err(|_| NotADelta)?;
    let Some(number) = object.get(DELTA) else { return Ok(None) };
    if object.iter().count() > 1 {
        return Err(NotADelta);
    }
    let text: String = serde_json::from_str(number).map_err(|_| NotADelta)?;
    Decimal::parse(&text).map(Some).map_err(|_| NotADelta)
}

/// Whether any member of the object `data` is a delta, or looks like one.
pub fn has_delta(data: &JsonText) -> bool {
    // Most records have none, and need not be taken apart to know it.
    data.as_str().contains(DELTA)
        && Object::parse(data).is_ok_and(|object| object.iter().any(|(_, value)| delta(value) != Ok(None)))
}

/// The number that an additive member holds: a JSON number, or a text of one. Nothing and null count as 0.
pub(in crate::decide) fn number(value: Option<&str>) -> Option<Decimal> {
    match value {
        None | Some("null") => Some(Decimal::ZERO),
        Some(text) if text.starts_with('"') => {
            Decimal::parse(&serde_json::from_str::<String>(text).ok()?).ok()
        }
        Some(text) => Decimal::parse(text).ok(),
    }
}

/// `sum` as the member's next value: a text where it was a text, a JSON number everywhere else.
pub(in crate::decide) fn written(sum: Decimal, old: Option<&str>) -> String {
    if old.is_some_and(|old| old.starts_with('"')) { format!("\"{sum}\"") } else { sum.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn a_delta_is_an_object_with_one_text() {
        assert_eq!(delta(r#"{"$delta":"-2.50"}"#), Ok(Some(decimal("-2.50"))));
        assert_eq!(delta(r#"{"\u0024delta":"1"}"#), Ok(None), "escaped by nobody who means it");
        for plain in ["1", r#""x""#, "{}", r#"{"n":"$delta"}"#, "null", "[]"] {
            assert_eq!(delta(plain), Ok(None), "{plain}");
        }
        for bad in [r#"{"$delta":-2}"#, r#"{"$delta":"x"}"#, r#"{"$delta":"1","n":1}"#, r#"{"$delta":null}"#]
        {
            assert_eq!(delta(bad), Err(NotADelta), "{bad}");
        }
    }

    #[test]
    fn a_sum_is_written_as_its_member_was() {
        assert_eq!(number(Some("9007199254740993")), Some(decimal("9007199254740993")));
        assert_eq!(number(Some(r#""1.10""#)), Some(decimal("1.10")));
        assert_eq!((number(None), number(Some("null"))), (Some(Decimal::ZERO), Some(Decimal::ZERO)));
        assert_eq!((number(Some("1e3")), number(Some("true"))), (None, None));
        assert_eq!(written(decimal("0.3"), Some("0.1")), "0.3");
        assert_eq!(written(decimal("0.3"), Some(r#""0.1""#)), r#""0.3""#);
    }
}
