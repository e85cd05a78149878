//! A room: one Durable Object per branch, named `client:branch`. It holds the WebSockets of the branch's
//! devices and broadcasts commits to them. A broadcast is a hint: a device that missed a frame pulls. Writes
//! to the branch take turns through it.
//!
//! The hub of a client is an object of the same class, named `client:*`. It holds the WebSockets of head
//! office and broadcasts the commits of all branches.
//!
//! This file and [`write_turn`] call a room; [`object`] is the room; [`call`] is what they exchange.

use std::time::Duration;

use protocol::ids::{self, ClientId, SessionId, SocketRoom};
use protocol::wire::presence::OnlineDevice;
use worker::{Env, Headers, Request, RequestInit, Response, ResponseBuilder, Stub, WebSocket};

use crate::response::Body;

mod alarm;
mod backlog;
mod call;
mod close_reason;
mod deliver;
mod ended_sessions;
mod frame_options;
mod frame_rate;
mod head_pages;
mod keepalive;
pub(crate) mod last_seen;
mod measure;
mod object;
mod object_call;
mod open_sockets;
mod page_call;
mod presence;
mod presence_queue;
mod presence_store;
mod recent_commits;
mod renewal;
mod session_checks;
mod socket_caps;
mod socket_state;
mod sockets;
mod storage;
mod ticket;
mod tickets;
mod turn_call;
mod turns;
mod write_queue;
mod write_turn;

pub(crate) use call::ConnectRequest;
pub(crate) use frame_options::FrameOptions;
use object_call::post;
use page_call::PageCall;
pub(crate) use page_call::{Lookup, PageToKeep, Unanswered};
use ticket::TicketCall;
pub(crate) use ticket::{KeptTicket, Redemption, parse as parse_ticket};
use turn_call::TurnCall;
pub(crate) use write_queue::WaitingPush;
pub(crate) use write_turn::{TURN_BOUND, Turn, TurnRefused, WriteTurn};

#[derive(Debug, thiserror::Error)]
pub(crate) enum RoomError {
    #[error("failed to reach the room: {0}")]
    Unreachable(#[from] worker::Error),
    #[error("failed to enter the room: it is full")]
    Full,
    #[error("failed to enter the room: the ticket is not valid")]
    BadTicket,
    #[error("failed to enter the room: the session has ended")]
    SessionEnded,
    #[error("failed to ask the room: it answered {0}")]
    Status(u16),
    #[error("failed to ask the room: no answer in time")]
    Late,
}

/// How long a room may take for a call that has no bound of its own: more than a distant room needs to start,
/// and to ask Redis for a session.
const CALL_BOUND: Duration = Duration::from_secs(5);

/// Connects a device to its room; the response completes the WebSocket handshake.
pub(crate) async fn connect(env: &Env, connect: &ConnectRequest) -> Result<Response, RoomError> {
    Ok(handshake(open_socket(env, connect).await?))
}

/// The same for a socket of the worker itself.
pub(crate) async fn open_socket(env: &Env, connect: &ConnectRequest) -> Result<WebSocket, RoomError> {
    upgrade(&object_call::stub(env, &connect.room)?, &connect.url()).await
}

/// Connects a device with a ticket of the room that is the object `object`.
pub(crate) async fn redeem(env: &Env, object: &str, redemption: Redemption) -> Result<Response, RoomError> {
    // The platform signs ids, so a made-up one fails here and wakes no object.
    let stub = object_call::stub_of(env, object).map_err(|_| RoomError::BadTicket)?;
    let url = call::ticket_url(&TicketCall::Redeem(redemption));
    Ok(handshake(upgrade(&stub, &url).await?))
}

/// Has the room of `ticket` keep it. Returns its text.
pub(crate) async fn issue(env: &Env, ticket: KeptTicket) -> Result<String, RoomError> {
    let room = ticket.connect.room.clone();
    let object = object_call::id(env, &room)?;
    let (status, id) =
        post(env, &room, &call::ticket_url(&TicketCall::Issue(ticket)), &[], CALL_BOUND).await?;
    match String::from_utf8(id) {
        Ok(id) if status == 200 => Ok(ticket::text(&object, &id)),
        _ => Err(RoomError::Status(status)),
    }
}

/// The response that hands `socket` to the client.
fn handshake(socket: WebSocket) -> Response {
    ResponseBuilder::new().with_status(101).with_websocket(socket).empty()
}

async fn upgrade(stub: &Stub, url: &str) -> Result<WebSocket, RoomError> {
    let mut init = RequestInit::new();
    // A new request: no header of the device reaches the room.
    init.with_headers([("upgrade", "websocket")].into_iter().collect::<Headers>());
    let request = Request::new_with_init(url, &init)?;
    let response = object_call::within(CALL_BOUND, stub.fetch_with_request(request)).await?;
    let status = response.status_code();
    match response.websocket() {
        Some(socket) => Ok(socket),
        None if status == call::FULL => Err(RoomError::Full),
        None if status == call::SESSION_ENDED => Err(RoomError::SessionEnded),
        None if status == ticket::BAD_TICKET => Err(RoomError::BadTicket),
        None => Err(RoomError::Status(status)),
    }
}

/// Publishes `body`, a `protocol::wire::publication::PublishRequest`, to `room`, and gives back the turn of
/// the write that it comes from; returns once the room has accepted it.
pub(crate) async fn publish(
    env: &Env,
    room: &ids::Room,
    body: &[u8],
    turn: Option<WriteTurn>,
) -> Result<(), RoomError> {
    let url = call::publish_url(turn.as_ref().map(|turn| turn.id.as_str()));
    accepted(post(env, room, &url, body, CALL_BOUND).await?.0)
}

/// Ends the turn of a push that took others along. `body` has their answers and the commits: see
/// [`call::FinishedGroup`].
pub(crate) async fn finish(env: &Env, turn: &WriteTurn, body: &[u8]) -> Result<(), RoomError> {
    accepted(post(env, &turn.room, &call::finish_url(turn.id.as_str()), body, CALL_BOUND).await?.0)
}

/// Tells the hub of `client` what `body` says, a [`call::RelayedToHub`] or a
/// `protocol::wire::publication::PublishRequest`.
pub(crate) async fn relay(env: &Env, client: &ClientId, body: &[u8]) -> Result<(), RoomError> {
    let hub = SocketRoom::Hub(client.clone());
    accepted(post(env, &hub, &call::relay_url(), body, CALL_BOUND).await?.0)
}

/// The devices that are online in `room`.
pub(crate) async fn online(env: &Env, room: &ids::Room) -> Result<Vec<OnlineDevice>, RoomError> {
    let (status, body) = post(env, room, &call::online_url(), &[], LOOK_BOUND).await?;
    serde_json::from_slice(&body).map_err(|_| RoomError::Status(status))
}

/// Has `room` close the sockets of `sessions`.
pub(crate) async fn end(env: &Env, room: &SocketRoom, sessions: &[SessionId]) -> Result<(), RoomError> {
    accepted(post(env, room, &call::end_url(sessions), &[], CALL_BOUND).await?.0)
}

/// Whether rooms respond: asks an object that is no room's. It answers that it does not know the call.
pub(crate) async fn probe(env: &Env) -> Result<(), RoomError> {
    let object = object_call::no_room(env)?;
    match object_call::within(CALL_BOUND, object.fetch_with_str(call::UNKNOWN_URL)).await?.status_code() {
        404 => Ok(()),
        other => Err(RoomError::Status(other)),
    }
}

/// How long a room may take to say whether it has a page, or which devices are online.
const LOOK_BOUND: Duration = Duration::from_millis(500);

/// A page that the edge has by itself.
pub(crate) struct FoundPage {
    pub(crate) body: Body,
    /// Its entity tag, if it was worked out before.
    pub(crate) etag: Option<String>,
}

/// The page that `room` has for `lookup`, or what it knows instead.
pub(crate) async fn look(
    env: &Env,
    room: &ids::Room,
    lookup: &Lookup,
) -> Result<Result<FoundPage, Unanswered>, RoomError> {
    let url = call::page_url(&PageCall::Look(lookup.clone()));
    let answer = object_call::get(env, room, &url, LOOK_BOUND).await?;
    match answer.status {
        page_call::PAGE => Ok(Ok(FoundPage { etag: answer.etag, body: Body::Buffer(answer.body) })),
        page_call::NO_PAGE => serde_json::from_slice(&answer.bytes())
            .map(Err)
            .map_err(|_| RoomError::Status(page_call::NO_PAGE)),
        other => Err(RoomError::Status(other)),
    }
}

/// Has `room` keep what a function has answered to a pull.
pub(crate) async fn keep(env: &Env, room: &ids::Room, page: &PageToKeep) -> Result<(), RoomError> {
    let body = serde_json::to_vec(page).unwrap_or_default();
    accepted(post(env, room, &call::page_url(&PageCall::Keep), &body, CALL_BOUND).await?.0)
}

/// Makes a call about a turn. Returns the room's status and body.
async fn ask(
    env: &Env,
    room: &ids::Room,
    call: TurnCall,
    body: &[u8],
    bound: Duration,
) -> Result<(u16, Vec<u8>), RoomError> {
    post(env, room, &call::turn_url(&call), body, bound).await
}

fn accepted(status: u16) -> Result<(), RoomError> {
    if status == call::ACCEPTED { Ok(()) } else { Err(RoomError::Status(status)) }
}
