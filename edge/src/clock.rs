//! The one place that reads the clock.

use protocol::timestamp::Timestamp;

/// The time now, to the millisecond.
///
/// Within one event the runtime's clock stands still until something was awaited, so that no code can
/// measure another's secrets; for expiry and signatures that is precise enough.
pub(crate) fn now() -> Timestamp {
    Timestamp(worker::Date::now().as_millis().saturating_mul(1000))
}
