//! The alarm of a room.

use std::cell::Cell;

use protocol::timestamp::Timestamp;
use worker::durable::ScheduledTime;
use worker::{Date, DateInit, State};

/// The alarm, as far as the room remembers it: a thousand sockets that open ask the storage once.
#[derive(Default)]
pub(super) struct RoomAlarm {
    /// When it rings; `None` if that is not known.
    at: Cell<Option<Timestamp>>,
}

impl RoomAlarm {
    /// Sets the alarm to `at`, unless it is earlier already.
    pub(super) async fn wake_by(&self, state: &State, at: Timestamp) -> worker::Result<()> {
        let mut known = self.at.get();
        if known.is_none() {
            let stored = stored(state).await?;
            // Another event may have set it meanwhile.
            known = self.at.get().or(stored);
            self.at.set(known);
        }
        if known.is_some_and(|known| known <= at) {
            return Ok(());
        }
        self.at.set(Some(at));
        // As a date: the crate reads a number as an offset.
        let date = Date::new(DateInit::Millis(at.0 / 1000));
        let set = state.storage().set_alarm(ScheduledTime::new(date.into())).await;
        set.inspect_err(|_| self.at.set(None))
    }

    /// Notes that it rings: the runtime has forgotten it.
    pub(super) fn rings(&self) {
        self.at.set(None);
    }

    pub(super) async fn delete(&self, state: &State) -> worker::Result<()> {
        self.at.set(None);
        state.storage().delete_alarm().await
    }
}

/// When the alarm rings that the storage has.
async fn stored(state: &State) -> worker::Result<Option<Timestamp>> {
    let millis = state.storage().get_alarm().await?.and_then(|millis| u64::try_from(millis).ok());
    Ok(millis.map(|millis| Timestamp(millis.saturating_mul(1000))))
}
