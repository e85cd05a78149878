//! The alarm of a room.

use protocol::timestamp::Timestamp;
use worker::durable::ScheduledTime;
use worker::{Date, DateInit, State};

pub(super) async fn wake_at(state: &State, at: Timestamp) -> worker::Result<()> {
    // As a date: the crate reads a number as an offset.
    let date = Date::new(DateInit::Millis(at.0 / 1000));
    state.storage().set_alarm(ScheduledTime::new(date.into())).await
}

/// Sets the alarm to `at`, unless it is earlier already.
pub(super) async fn wake_by(state: &State, at: Timestamp) -> worker::Result<()> {
    let alarm = state.storage().get_alarm().await?.and_then(|millis| u64::try_from(millis).ok());
    if alarm.is_some_and(|millis| millis.saturating_mul(1000) <= at.0) {
        return Ok(());
    }
    wake_at(state, at).await
}
