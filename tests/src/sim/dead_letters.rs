//! A manager who handles the dead letters of a room: lists them, and replays or discards one.

use std::sync::Arc;

use protocol::json::JsonText;
use protocol::wire::dead_letters::{DeadLetterEntry, DeadLettersResponse, ReplayRequest};
use protocol::wire::push::PushResponse;

use super::actors::Caller;
use super::rng::Rng;
use super::server::{ApiRequest, Reply};
use super::world::World;

/// A replay of a dead letter.
#[derive(Clone, Debug)]
pub(crate) struct Replay {
    /// The dead letter as it was listed.
    pub(crate) letter: DeadLetterEntry,
    /// The data in place of its own.
    pub(crate) data: Option<JsonText>,
}

impl Replay {
    /// The body of the request.
    pub(crate) fn body(&self) -> String {
        let request = ReplayRequest { data: self.data.clone(), corrections: Vec::new() };
        serde_json::to_string(&request).unwrap_or_default()
    }
}

/// Lists the dead letters of the first till's room and handles one of them.
pub(crate) fn handle(world: &Arc<World>, mut rng: Rng) {
    let Some(manager) = world.devices.first().map(|device| device.actor.caller.clone()) else { return };
    let world = world.clone();
    tokio::spawn(async move {
        let limit = rng.weighted(&[(1, 1), (2, 7), (2, 100)], 100);
        let list = ApiRequest::DeadLetters("listDeadLetters", format!("limit={limit}"));
        let Some(reply) = call(&world, &manager, list, &mut rng).await.filter(|reply| reply.status == 200)
        else {
            return;
        };
        let Ok(page) = serde_json::from_str::<DeadLettersResponse>(&reply.body) else {
            return world.log.violation("dead letters", format!("a list is malformed: {}", reply.body));
        };
        let Some(letter) = rng.pick(&page.dead_letters).cloned() else { return };
        let request = if rng.chance(750) {
            let data = rng.chance(300).then(|| r#"{"name":"corrected"}"#.to_owned());
            let data = data.and_then(|data| JsonText::from_text(data).ok());
            ApiRequest::Replay(Box::new(Replay { letter, data }))
        } else {
            ApiRequest::DeadLetters("discardDeadLetter", format!("id={}", letter.id))
        };
        let name = if matches!(request, ApiRequest::Replay(_)) { "replayed" } else { "discarded" };
        let Some(reply) = call(&world, &manager, request, &mut rng).await else { return };
        let pushed = serde_json::from_str::<PushResponse>(&reply.body).ok();
        let applied = pushed.filter(|pushed| pushed.success).map_or(0, |pushed| pushed.synced_count);
        let mut entries = world.log.entries();
        entries.coverage.situation(&format!("dead letter {name}"), applied > 0 || reply.status == 204);
        entries.coverage.situation("group replayed", applied > 1);
    });
}

/// Sends a request. Another person may have handled the dead letter, and one that was cut needs data.
async fn call(world: &Arc<World>, manager: &Caller, request: ApiRequest, rng: &mut Rng) -> Option<Reply> {
    let reply = world.server.call(manager, request, rng).await?;
    let is_expected = matches!(reply.status, 200 | 204 | 404 | 409 | 503);
    if !is_expected {
        let what = format!("a request about dead letters is answered {}: {}", reply.status, reply.body);
        world.log.violation("refused", what);
    }
    Some(reply)
}
