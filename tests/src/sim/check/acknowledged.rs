//! I1: what a till believes to be on the server is there, also after the tables were put back.

use protocol::wire::push::{PushRequest, PushResponse};

use super::model_run::ModelRun;
use crate::sim::world::World;

/// Checks that each named batch has the commit that its till knows of. A till cannot offer a batch without a
/// name again, nothing remembers a batch that was rolled back, and nothing tells a till that a batch was lost
/// which had written nothing.
pub(crate) fn check(world: &World, run: &ModelRun) {
    for device in &world.devices {
        let (name, room) = (&device.actor.device, &device.actor.caller.room);
        for (batch, response) in device.answered() {
            let has_written = response.success && response.prev < response.stamp;
            let Some(id) = batch.batch_id.clone().filter(|_| has_written) else { continue };
            let known = run.model.rooms.get(room).and_then(|room| {
                let commit = room.responses.get(&(batch.device_id.clone(), id.clone()))?;
                Some((commit.prev, commit.stamp))
            });
            let expected = Some((response.prev.0, response.stamp.0));
            if known != expected && !run.has_lost_marker(room, &batch) {
                let what =
                    format!("{name} in {room} knows the commit {expected:?} of {id}, the room {known:?}");
                world.log.violation("acknowledged", what);
            }
        }
    }
}

/// Each batch once, with the response that counts: the first of those about its last commit. Responses to a
/// repetition are about the same commit, unless a restore lost it.
pub(crate) fn one_response_each(
    answered: Vec<(PushRequest, PushResponse)>,
) -> Vec<(PushRequest, PushResponse)> {
    let span = |response: &PushResponse| (response.prev, response.stamp);
    let mut each: Vec<(PushRequest, PushResponse)> = Vec::new();
    for (batch, response) in answered {
        let is_same = |known: &&mut (PushRequest, PushResponse)| {
            batch.batch_id.is_some() && known.0.batch_id == batch.batch_id
        };
        match each.iter_mut().find(is_same) {
            Some(known) if span(&known.1) == span(&response) => {}
            Some(known) => *known = (batch, response),
            None => each.push((batch, response)),
        }
    }
    each
}
