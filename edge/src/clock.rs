//! The only reader of the clock, and the bound of what waits.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use protocol::timestamp::Timestamp;
use worker::Delay;

/// The current time, to the millisecond. The runtime's clock advances only with I/O (a defence against timing
/// attacks), which is precise enough for expiry and signatures.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "milliseconds since 1970 fit, and the cast saturates"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp((js_sys::Date::now() as u64).saturating_mul(1000))
}

/// The result of `work`, unless it takes longer than `bound`.
pub(crate) async fn within<T>(bound: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), pin!(Delay::from(bound))).await {
        Either::Left((result, _)) => Some(result),
        Either::Right(_) => None,
    }
}
