//! Additive members: tills send deltas, and the server adds them up exactly and once. A manager may set the
//! sum.

use serde::Deserialize;

use crate::decimal::{Decimal, NotADecimal};
use protocol::json::JsonText;
use protocol::json::object::Object;
use protocol::json::value::JsonValue;

/// The lowest allowed sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floor {
    /// The lowest sum.
    pub at: Decimal,
    /// What happens to a delta that would take the sum below it.
    pub below: Below,
}

/// What happens to a delta that takes the sum below its floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Below {
    /// The record is rejected.
    Reject,
    /// The floor is stored; the rest of the delta is lost.
    Clamp,
    /// The sum is stored and the write is flagged.
    Flag,
}

impl Below {
    /// The name in a tables file.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The result of an addition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    /// What is stored.
    pub value: Decimal,
    /// Set if the sum fell below its floor: how that was handled.
    pub fell: Option<Below>,
}

/// Why a delta cannot be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSum {
    /// The sum would have too many digits.
    #[error(transparent)]
    Digits(#[from] NotADecimal),
    /// The sum would fall below a floor that rejects.
    #[error("failed to add: the sum would fall below the floor")]
    BelowFloor,
}

/// Adds `delta` to `stored`. The floor applies only to deltas below zero: a delivery must not fail because
/// the shelf was oversold.
pub fn add(stored: Decimal, delta: Decimal, floor: Option<Floor>) -> Result<Sum, NoSum> {
    let value = stored.plus(delta)?;
    match floor {
        Some(Floor { at, below }) if value < at && delta < Decimal::ZERO => match below {
            Below::Reject => Err(NoSum::BelowFloor),
            // A sum that is below the floor already must not rise.
            Below::Clamp => Ok(Sum { value: at.min(stored), fell: Some(below) }),
            Below::Flag => Ok(Sum { value, fell: Some(below) }),
        },
        _ => Ok(Sum { value, fell: None }),
    }
}

/// Stores `value`, whatever was stored before. The floor holds for it as for a delta below zero.
pub fn set(value: Decimal, floor: Option<Floor>) -> Result<Sum, NoSum> {
    match floor {
        Some(Floor { at, below }) if value < at => match below {
            Below::Reject => Err(NoSum::BelowFloor),
            Below::Clamp => Ok(Sum { value: at, fell: Some(below) }),
            Below::Flag => Ok(Sum { value, fell: Some(below) }),
        },
        _ => Ok(Sum { value, fell: None }),
    }
}

/// The member name that makes an object a delta.
const DELTA: &str = "$delta";
/// The member name that makes an object the new value of a sum.
const SET: &str = "$set";

/// What a write does to a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SumChange {
    /// `{"$delta": "-2"}` is added.
    Add(Decimal),
    /// `{"$set": "5"}` replaces the sum.
    Set(Decimal),
}

/// A value that looks like a [`SumChange`] but is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotASumChange;

/// Parses `{"$delta": "-2"}` and `{"$set": "5"}`; `None` for any other value. The number is text so that no
/// JSON encoder rounds it.
pub(crate) fn sum_change(value: JsonValue<'_>) -> Result<Option<SumChange>, NotASumChange> {
    let Some(object) = marked_object(value) else { return Ok(None) };
    let mut members = object.iter();
    let (Some((name, number)), None) = (members.next(), members.next()) else { return Err(NotASumChange) };
    let text = number.to_text().ok_or(NotASumChange)?;
    let number = Decimal::parse(&text).map_err(|_| NotASumChange)?;
    Ok(Some(if name == DELTA { SumChange::Add(number) } else { SumChange::Set(number) }))
}

/// The object `value` if one of its members marks it as a [`SumChange`].
fn marked_object(value: JsonValue<'_>) -> Option<Object> {
    if !value.is_object() || !may_be_marked(value.as_str()) {
        return None;
    }
    // An object with a name that is no text is an ordinary value.
    Object::of(value).ok().filter(|object| object.get(DELTA).or(object.get(SET)).is_some())
}

/// Whether a member of `json` may have one of the two names, in plain letters or with escapes. Spares most
/// records the parsing.
fn may_be_marked(json: &str) -> bool {
    [DELTA, SET, "\\u"].iter().any(|text| json.contains(text))
}

/// Whether any member of the object `data` is a delta or looks like one.
pub fn has_delta(data: &JsonText) -> bool {
    has_marked(data, DELTA)
}

/// Whether any member of the object `data` sets a sum or looks like it.
pub fn has_set(data: &JsonText) -> bool {
    has_marked(data, SET)
}

fn has_marked(data: &JsonText, name: &str) -> bool {
    let is_marked =
        |value: JsonValue<'_>| marked_object(value).is_some_and(|object| object.get(name).is_some());
    may_be_marked(data.as_str())
        && Object::parse(data).is_ok_and(|object| object.iter().any(|(_, value)| is_marked(value)))
}

/// The value of an additive member: a JSON number or a text of one. Absent and `null` count as 0.
pub(crate) fn number(value: Option<JsonValue<'_>>) -> Option<Decimal> {
    match value.filter(|value| !value.is_null()) {
        None => Some(Decimal::ZERO),
        Some(value) if value.is_string() => Decimal::parse(&value.to_text()?).ok(),
        Some(value) => Decimal::parse(value.as_str()).ok(),
    }
}

/// `sum` as JSON: text if the old value was text, otherwise a number.
pub(crate) fn written(sum: Decimal, old: Option<JsonValue<'_>>) -> String {
    if old.is_some_and(JsonValue::is_string) { format!("\"{sum}\"") } else { sum.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number_of(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    fn floor(below: Below) -> Option<Floor> {
        Some(Floor { at: Decimal::ZERO, below })
    }

    #[test]
    fn below_the_floor_each_policy_does_what_its_name_says() {
        let take = |below| add(number_of("2"), number_of("-5"), floor(below));
        assert_eq!(take(Below::Reject), Err(NoSum::BelowFloor));
        assert_eq!(take(Below::Clamp), Ok(Sum { value: number_of("0"), fell: Some(Below::Clamp) }));
        assert_eq!(take(Below::Flag), Ok(Sum { value: number_of("-3"), fell: Some(Below::Flag) }));
    }

    #[test]
    fn the_floor_does_not_apply_to_deltas_above_zero() {
        for below in [Below::Reject, Below::Clamp, Below::Flag] {
            let sum = add(number_of("-9"), number_of("4"), floor(below));
            assert_eq!(sum, Ok(Sum { value: number_of("-5"), fell: None }));
        }
        let further = add(number_of("-9"), number_of("-1"), floor(Below::Clamp));
        assert_eq!(further, Ok(Sum { value: number_of("-9"), fell: Some(Below::Clamp) }));
    }

    fn json(text: &str) -> JsonText {
        JsonText::from_text(text.to_owned()).unwrap()
    }

    #[test]
    fn a_change_is_an_object_with_one_text() {
        let change = |text: &str| sum_change(json(text).value());
        for spelling in [
            r#"{"$delta":"-2.50"}"#,
            r#"{ "$delta" : "-2.50" }"#,
            r#"{"\u0024delta":"-2.50"}"#,
            r#"{"$d\u0065lta":"-\u0032.50"}"#,
        ] {
            assert_eq!(change(spelling), Ok(Some(SumChange::Add(number_of("-2.50")))), "{spelling}");
            assert!(has_delta(&json(&format!(r#"{{"n":{spelling}}}"#))), "{spelling}");
        }
        for plain in [
            "1",
            r#""x""#,
            "{}",
            r#"{"n":"$delta"}"#,
            r#"{"\ud800":1}"#,
            r#"{"n":{"$delta":"1"}}"#,
            "null",
            "[]",
        ] {
            assert_eq!(change(plain), Ok(None), "{plain}");
        }
        assert_eq!(change(r#"{"\u0024set":"5.0"}"#), Ok(Some(SumChange::Set(number_of("5.0")))));
        for bad in [
            r#"{"$delta":-2}"#,
            r#"{"$delta":"x"}"#,
            r#"{"$delta":"1","n":1}"#,
            r#"{"$delta":null}"#,
            r#"{"$set":5}"#,
            r#"{"$set":"5","$delta":"1"}"#,
        ] {
            assert_eq!(change(bad), Err(NotASumChange), "{bad}");
        }
        let (delta, set) = (json(r#"{"n":{"$delta":1}}"#), json(r#"{"n":{"$set":"x"}}"#));
        assert_eq!((has_delta(&delta), has_set(&delta)), (true, false));
        assert_eq!((has_delta(&set), has_set(&set)), (false, true));
    }

    #[test]
    fn a_set_sum_is_held_against_its_floor() {
        let put = |value, below| set(number_of(value), floor(below));
        assert_eq!(put("-1", Below::Reject), Err(NoSum::BelowFloor));
        assert_eq!(put("-1", Below::Clamp), Ok(Sum { value: number_of("0"), fell: Some(Below::Clamp) }));
        assert_eq!(put("-1", Below::Flag), Ok(Sum { value: number_of("-1"), fell: Some(Below::Flag) }));
        for below in [Below::Reject, Below::Clamp, Below::Flag] {
            assert_eq!(put("0", below), Ok(Sum { value: number_of("0"), fell: None }));
        }
    }

    #[test]
    fn a_sum_keeps_the_json_type_of_its_member() {
        let number = |text: &str| number(Some(json(text).value()));
        assert_eq!(number("9007199254740993"), Some(number_of("9007199254740993")));
        assert_eq!(number(r#""1.10""#), Some(number_of("1.10")));
        assert_eq!(number(r#""1\u002e10""#), Some(number_of("1.10")));
        assert_eq!((super::number(None), number("null")), (Some(Decimal::ZERO), Some(Decimal::ZERO)));
        assert_eq!((number("1e3"), number("true")), (None, None));
        let written = |old: &str| written(number_of("0.3"), Some(json(old).value()));
        assert_eq!(written("0.1"), "0.3");
        assert_eq!(written(r#""0.1""#), r#""0.3""#);
    }

    fn any_delta() -> impl Strategy<Value = Decimal> {
        (-5000..5000_i32).prop_map(|cents| {
            let sign = if cents < 0 { "-" } else { "" };
            number_of(&format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100))
        })
    }

    fn sum(deltas: &[Decimal], floor: Option<Floor>) -> Decimal {
        deltas.iter().fold(Decimal::ZERO, |sum, &delta| add(sum, delta, floor).unwrap().value)
    }

    proptest! {
        /// Commutative and associative, without a floor and with one that flags.
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
