//! Carts: what somebody is about to buy. Written behind: a change is first kept durably beside the cart, then told to
//! the cache, and folded into the cart later, many at once and in the order of their stamps.

use protocol::body::read_body;
use protocol::error::{ApiError, ErrorCode};
use protocol::json::{JsonText, too_deep};
use protocol::limits::{CLOCK_AHEAD_MICROS_MAX, RECORD_BYTES_MAX};
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::carts::PutCart;

/// A cart after one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cart {
    /// Which change: a cart's last one has the highest.
    pub stamp: Stamp,
    /// What is in it; none, if it was removed.
    pub data: Option<JsonText>,
}

impl Cart {
    /// The change that removes, at `now`, the cart whose last change was `seen`.
    pub fn removed(now: Timestamp, seen: Stamp) -> Cart {
        Cart { stamp: seen.next(now), data: None }
    }

    /// Reads the body of a `PUT` that arrives at `now`.
    pub fn parse(body: &[u8], now: Timestamp) -> Result<Cart, ApiError> {
        if too_deep(body) {
            return Err(ApiError::new(ErrorCode::BadJson, "The body is not JSON: it nests too deeply."));
        }
        let PutCart { data, after_stamp } = read_body(body)?;
        if !data.is_object() {
            return Err(ApiError::new(
                ErrorCode::BadRequest,
                "The body does not fit: `data` must be an object.",
            ));
        }
        if data.as_str().len() > RECORD_BYTES_MAX {
            let message = format!("The cart is over {} KiB; put less into it.", RECORD_BYTES_MAX >> 10);
            return Err(ApiError::new(ErrorCode::BodyTooLarge, message));
        }
        let seen = after_stamp.unwrap_or(Stamp::ZERO);
        // A caller that is years ahead would win over everybody until then.
        if seen.0.saturating_sub(now.0) > CLOCK_AHEAD_MICROS_MAX {
            let message = "`after_stamp` lies in the future: it is the `stamp` of an earlier answer.";
            return Err(ApiError::new(ErrorCode::BadRequest, message));
        }
        Ok(Cart { stamp: seen.next(now), data: Some(data) })
    }

    /// The same change a microsecond later, where another one had this stamp first.
    pub fn later(self) -> Cart {
        Cart { stamp: self.stamp.plus(1), ..self }
    }

    /// The later of two changes of one cart.
    pub fn latest(a: Option<Cart>, b: Cart) -> Cart {
        a.filter(|a| a.stamp > b.stamp).unwrap_or(b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

    fn stamp_of(body: &str) -> Result<u64, ErrorCode> {
        Cart::parse(body.as_bytes(), NOW).map(|cart| cart.stamp.0).map_err(|refusal| refusal.code)
    }

    #[test]
    fn a_change_comes_after_the_one_that_was_seen() {
        assert_eq!(stamp_of(r#"{"data":{}}"#), Ok(NOW.0));
        assert_eq!(stamp_of(&format!(r#"{{"data":{{}},"after_stamp":{}}}"#, NOW.0 + 5)), Ok(NOW.0 + 6));
        assert_eq!(stamp_of(r#"{"data":{},"after_stamp":7}"#), Ok(NOW.0));
        let far = NOW.0 + CLOCK_AHEAD_MICROS_MAX + 1;
        assert_eq!(stamp_of(&format!(r#"{{"data":{{}},"after_stamp":{far}}}"#)), Err(ErrorCode::BadRequest));
    }

    #[test]
    fn only_an_object_of_at_most_64_kib_is_a_cart() {
        for body in [r#"{"data":[]}"#, r#"{"data":null}"#, r#"{"data":1}"#, "{}", "[]"] {
            assert_eq!(stamp_of(body), Err(ErrorCode::BadRequest), "{body}");
        }
        assert_eq!(stamp_of("{"), Err(ErrorCode::BadJson));
        assert_eq!(stamp_of(&"[".repeat(1000)), Err(ErrorCode::BadJson));
        let sized = |bytes: usize| format!(r#"{{"data":{{"a":"{}"}}}}"#, "x".repeat(bytes - 8));
        assert!(stamp_of(&sized(RECORD_BYTES_MAX)).is_ok());
        assert_eq!(stamp_of(&sized(RECORD_BYTES_MAX + 1)), Err(ErrorCode::BodyTooLarge));
    }

    proptest! {
        #[test]
        fn the_order_in_which_changes_are_folded_does_not_matter(mut stamps in prop::collection::vec(0..20_u64, 1..8)) {
            let fold = |stamps: &[u64]| {
                let cart = |&stamp: &u64| Cart { stamp: Stamp(stamp), data: None };
                stamps.iter().map(cart).fold(None, |latest, cart| Some(Cart::latest(latest, cart)))
            };
            let forwards = fold(&stamps);
            stamps.reverse();
            prop_assert_eq!(&fold(&stamps), &forwards);
            prop_assert_eq!(forwards.map(|cart| cart.stamp.0), stamps.iter().max().copied());
        }
    }
}
