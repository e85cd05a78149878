//! Closes the sockets of sessions that a function has ended, after the response.
//!
//! A hint, like every message to a room: a socket that misses it closes when its token expires.

use protocol::wire::session_end::EndedSessions;
use worker::{Context, Env, console_error};

use crate::request_id::RequestId;
use crate::room;
use crate::upstream::UpstreamResponse;

/// Has the rooms close the sockets of the sessions that `response` names.
pub(crate) fn after_response(env: &Env, execution: &Context, id: &RequestId, response: &UpstreamResponse) {
    let Some(ended) = &response.ended else { return };
    let ended: EndedSessions = match ended.parse() {
        Ok(ended) => ended,
        Err(error) => {
            return console_error!("{id} failed to read which sessions have ended: {error}");
        }
    };
    for (room, sessions) in ended.into_rooms() {
        let (env, id) = (env.clone(), id.clone());
        execution.wait_until(async move {
            if let Err(error) = room::end(&env, &room, &sessions).await {
                console_error!("{id} ended sessions to {room}: {error}");
            }
        });
    }
}
