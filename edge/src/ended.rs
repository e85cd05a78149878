//! Sessions that a function has ended, on their way to the rooms: their sockets are closed once the caller has the answer.
//!
//! A hint, as everything that rooms are told: a socket whose room does not hear of it ends with its token.

use protocol::wire::session_end::EndedSessions;
use worker::console_error;

use crate::functions::Answer;
use crate::room;
use crate::visit::Visit;

/// Tells the rooms of the sessions that `answer` names.
pub(crate) fn after_answer(visit: &Visit, answer: &Answer) {
    let Some(ended) = &answer.ended else { return };
    let ended: EndedSessions = match ended.parse() {
        Ok(ended) => ended,
        Err(error) => {
            return console_error!("{} failed to read which sessions have ended: {error}", visit.id);
        }
    };
    for (room, sessions) in ended.into_rooms() {
        let (env, id) = (visit.env.clone(), visit.id.clone());
        visit.context.wait_until(async move {
            if let Err(error) = room::end(&env, &room, &sessions).await {
                console_error!("{id} ended sessions to {room}: {error}");
            }
        });
    }
}
