//! A room: one Durable Object per branch, named `client:branch`, that holds its devices' WebSockets and
//! tells them what was committed. A hint, never the truth: whoever missed something pulls.
//!
//! This file is the way to a room; [`object`] is the room itself. They speak over [`call`].

use protocol::ids::{self, SessionId};
use worker::{Env, Headers, Method, Request, RequestInit, Response, ResponseBuilder, Stub};

mod alarm;
mod call;
mod deliver;
mod object;
mod remembered;
mod seat;
mod sockets;
mod watch;

pub(crate) use call::Guest;
use call::RoomCall;

/// The binding in `wrangler.toml`.
const BINDING: &str = "ROOM";

/// Why a room did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RoomError {
    /// The object could not be reached, or failed.
    #[error("failed to reach the room: {0}")]
    Unreachable(#[from] worker::Error),
    /// It has as many sockets as it can hold.
    #[error("failed to enter the room: it is full")]
    Full,
    /// It answered something else.
    #[error("failed to ask the room: it answered {0}")]
    Answered(u16),
}

/// Connects `guest` to its room: the answer that completes the WebSocket's handshake.
pub(crate) async fn connect(env: &Env, guest: &Guest) -> Result<Response, RoomError> {
    let mut init = RequestInit::new();
    // A request of our own making: nothing of the device's own reaches the room.
    init.with_headers([("upgrade", "websocket")].into_iter().collect::<Headers>());
    let request = Request::new_with_init(&guest.url(), &init)?;
    let answer = stub(env, &guest.room)?.fetch_with_request(request).await?;
    let status = answer.status_code();
    match answer.websocket() {
        Some(socket) => Ok(ResponseBuilder::new().with_status(101).with_websocket(socket).empty()),
        None if status == call::FULL => Err(RoomError::Full),
        None => Err(RoomError::Answered(status)),
    }
}

/// Gives `body`, a `protocol::wire::publication::Publish`, to `room`, and waits until it was taken.
pub(crate) async fn publish(env: &Env, room: &ids::Room, body: &[u8]) -> Result<(), RoomError> {
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(js_sys::Uint8Array::from(body).into()));
    let request = Request::new_with_init(RoomCall::PUBLISH_URL, &init)?;
    let answer = stub(env, room)?.fetch_with_request(request).await?;
    match answer.status_code() {
        call::TAKEN => Ok(()),
        status => Err(RoomError::Answered(status)),
    }
}

/// Has `room` close the sockets of `sessions`.
pub(crate) async fn end(env: &Env, room: &ids::Room, sessions: &[SessionId]) -> Result<(), RoomError> {
    let mut init = RequestInit::new();
    init.with_method(Method::Post);
    let request = Request::new_with_init(&call::end_url(sessions), &init)?;
    let answer = stub(env, room)?.fetch_with_request(request).await?;
    match answer.status_code() {
        call::TAKEN => Ok(()),
        status => Err(RoomError::Answered(status)),
    }
}

fn stub(env: &Env, room: &ids::Room) -> worker::Result<Stub> {
    env.durable_object(BINDING)?.id_from_name(&room.to_string())?.get_stub()
}
