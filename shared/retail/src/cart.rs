//! Carts. Written behind: a change is first stored durably beside the cart, then written to the cache, and
//! compacted into the cart later, several at once in stamp order.

use protocol::body::read_body;
use protocol::error::{ApiError, ErrorCode};
use protocol::json::{JsonText, too_deep};
use protocol::limits::{CLOCK_AHEAD_MICROS_MAX, RECORD_BYTES_MAX};
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::carts::PutCartRequest;
use protocol::wire::error_response::TooLargeDetails;

/// A cart after one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cart {
    /// The stamp of the change; the latest change has the highest.
    pub stamp: Stamp,
    /// The content; `None` if the cart was removed.
    pub data: Option<JsonText>,
}

impl Cart {
    /// The removal, at `now`, of a cart whose last change is `seen`.
    pub fn removed(now: Timestamp, seen: Stamp) -> Cart {
        Cart { stamp: seen.next(now), data: None }
    }

    /// Parses the body of a `PUT` that arrives at `now`.
    pub fn parse(body: &[u8], now: Timestamp) -> Result<Cart, ApiError> {
        if too_deep(body) {
            return Err(ApiError::new(ErrorCode::BadJson, "The body is not JSON: it nests too deeply."));
        }
        let PutCartRequest { data, after_stamp } = read_body(body)?;
        if !data.is_object() {
            return Err(ApiError::new(
                ErrorCode::BadRequest,
                "The body does not fit: `data` must be an object.",
            ));
        }
        if data.as_str().len() > RECORD_BYTES_MAX {
            let message = format!("The cart is over {} KiB; put less into it.", RECORD_BYTES_MAX >> 10);
            let details = TooLargeDetails::bytes(RECORD_BYTES_MAX, Some(data.as_str().len()));
            return Err(ApiError::too_large(ErrorCode::BodyTooLarge, message, details));
        }
        let seen = after_stamp.unwrap_or(Stamp::ZERO);
        // A stamp years ahead would win over every other change until then.
        if seen.0.saturating_sub(now.0) > CLOCK_AHEAD_MICROS_MAX {
            let message = "`after_stamp` lies in the future: it is the `stamp` of an earlier answer.";
            return Err(ApiError::new(ErrorCode::BadRequest, message));
        }
        Ok(Cart { stamp: seen.next(now), data: Some(data) })
    }

    /// The same change a microsecond later, for when its stamp is taken.
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
        Cart::parse(body.as_bytes(), NOW).map(|cart| cart.stamp.0).map_err(|error| error.code)
    }

    #[test]
    fn a_change_is_later_than_the_one_seen() {
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
        fn the_order_of_compaction_does_not_matter(mut stamps in prop::collection::vec(0..20_u64, 1..8)) {
            let compacted = |stamps: &[u64]| {
                let cart = |&stamp: &u64| Cart { stamp: Stamp(stamp), data: None };
                stamps.iter().map(cart).fold(None, |latest, cart| Some(Cart::latest(latest, cart)))
            };
            let forwards = compacted(&stamps);
            stamps.reverse();
            prop_assert_eq!(&compacted(&stamps), &forwards);
            prop_assert_eq!(forwards.map(|cart| cart.stamp.0), stamps.iter().max().copied());
        }
    }
}
