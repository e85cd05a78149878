//! The clock of a till, and the times in what it sends.

use protocol::timestamp::Timestamp;
use protocol::timestamp::device_time::DeviceTime;
use protocol::wire::push::{PushRequest, PushResponse};

use super::{Device, Inner};
use crate::sim::rng::Rng;
use crate::till::state::ClockSeen;

impl Inner {
    /// What the till's clock shows; the till notices whether it was set back.
    pub(super) fn clock_shows(&mut self, true_time: Timestamp) -> DeviceTime {
        let shown = self.clock.shows(true_time);
        if self.state.clock_shows(shown) == ClockSeen::SetBack {
            self.answered.iter_mut().for_each(|(batch, _)| batch.device_time = None);
        }
        shown
    }

    /// The batch to send now.
    pub(super) fn send_first(&mut self, true_time: Timestamp) -> Option<PushRequest> {
        let clock = self.clock_shows(true_time);
        let mut batch = self.state.queue.send_first()?;
        date(&mut batch, clock);
        Some(batch)
    }
}

impl Device {
    /// Switches the till off and on. The client state survives.
    pub(crate) fn restart(&self, true_time: Timestamp) {
        self.crash();
        self.lock().clock.switch_on(true_time);
    }

    /// A batch that was answered, perhaps so long ago that its marker has expired. An atomic batch that was
    /// rolled back has none: the server would decide it again, which its till does not ask for.
    pub(crate) fn old_batch(&self, now: Timestamp, rng: &mut Rng) -> Option<PushRequest> {
        let mut inner = self.lock();
        let clock = inner.clock_shows(now);
        let is_candidate =
            |(batch, response): &&(PushRequest, PushResponse)| batch.batch_id.is_some() && response.success;
        let candidates: Vec<_> = inner.answered.iter().filter(is_candidate).collect();
        let mut batch = rng.pick(&candidates).map(|(batch, _)| batch.clone())?;
        date(&mut batch, clock);
        Some(batch)
    }
}

/// Writes the device's time into a batch that has one; a till reads its clock at each attempt.
fn date(batch: &mut PushRequest, clock: DeviceTime) {
    batch.device_time = batch.device_time.take().map(|_| clock.to_string());
}
