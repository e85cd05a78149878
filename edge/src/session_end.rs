//! Sessions that a function has ended: this isolate refuses them from now on, and their rooms close their
//! sockets after the response.
//!
//! Closing is a hint, like every message to a room: a socket that misses it closes when its token expires.

use protocol::wire::session_end::EndedSessions;
use worker::console_error;

use crate::context::RequestContext;
use crate::room;
use crate::upstream::UpstreamResponse;

/// Remembers the sessions that `response` names, and has the rooms close their sockets.
pub(crate) fn after_response(context: &RequestContext, response: &UpstreamResponse) {
    let (state, id) = (&context.state, &context.id);
    let Some(ended) = &response.ended else { return };
    let ended: EndedSessions = match ended.parse() {
        Ok(ended) => ended,
        Err(error) => {
            return console_error!("{id} failed to read which sessions have ended: {error}");
        }
    };
    for (client, session) in ended.sessions() {
        state.admission.note_end(&state.policy.session_key(client, session), context.now);
    }
    for (room, sessions) in ended.into_rooms() {
        let (env, id) = (context.env.clone(), id.clone());
        context.execution.wait_until(async move {
            if let Err(error) = room::end(&env, &room, &sessions).await {
                console_error!("{id} ended sessions to {room}: {error}");
            }
        });
    }
}
