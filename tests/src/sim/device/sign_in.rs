//! Who works at a till: sign-ins after an expired token, and a fresh installation.

use protocol::role::Role;
use protocol::wire::push::PushRequest;

use super::Device;
use crate::sim::actors::Caller;
use crate::sim::server::Reply;
use crate::sim::world::World;

impl Device {
    /// Who is signed in.
    pub(crate) fn caller(&self) -> Caller {
        let next = self.actor.next.as_ref().filter(|_| self.lock().signed_in_again);
        next.unwrap_or(&self.actor.caller).clone()
    }

    /// The highest role of those who were signed in.
    pub(crate) fn highest_role(&self) -> Role {
        self.caller().role.max(self.actor.caller.role)
    }

    /// Signs in again after an expired token. The queue and the records stay.
    pub(super) fn sign_in_again(&self, world: &World, reply: &Reply) {
        let is_expired = reply.body.contains("\"token_expired\"");
        if !is_expired || self.actor.next.is_none() || self.lock().signed_in_again {
            let (device, body) = (&self.actor.device, &reply.body);
            world.log.violation("refused", format!("the token of {device} is answered 401: {body}"));
        }
        let role = self.caller().role;
        self.lock().signed_in_again = true;
        let mut entries = world.log.entries();
        entries.coverage.situation("token expired", true);
        entries.coverage.situation("user with another role", self.caller().role != role);
    }

    /// Loses everything but the device id and what names its batches. Batches without an answer end here.
    pub(crate) fn reinstall(&self) {
        self.crash();
        let mut inner = self.lock();
        let state = std::mem::take(&mut inner.state);
        let first = inner.first_number(&self.actor);
        inner.state.queue.count_from(first);
        // After a snapshot the queue has batches again that were answered.
        let is_answered = |batch: &&PushRequest| {
            batch.batch_id.is_some()
                && inner.answered.iter().any(|(answered, _)| answered.batch_id == batch.batch_id)
        };
        let ended: Vec<_> = state.queue.iter().filter(|batch| !is_answered(batch)).cloned().collect();
        inner.given_up.extend(ended);
        // What of its answered batches is still under way was dated before.
        inner.answered.iter_mut().for_each(|(batch, _)| batch.device_time = None);
    }
}
