//! The only reader of the clock.

use protocol::timestamp::Timestamp;

/// The current time, to the millisecond. The runtime's clock advances only with I/O (a defence against timing
/// attacks), which is precise enough for expiry and signatures.
pub(crate) fn now() -> Timestamp {
    Timestamp(worker::Date::now().as_millis().saturating_mul(1000))
}
