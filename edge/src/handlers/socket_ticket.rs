//! `POST /api/sync/ws-ticket`: a ticket that opens a WebSocket, so that a page puts its token into no URL.

use auth::token::bearer;
use protocol::body::read_body;
use protocol::error::ApiError;
use protocol::ids::DeviceId;
use protocol::limits::TICKET_SECS;
use protocol::wire::ticket::{SocketTicketRequest, SocketTicketResponse};

use crate::body::{self, BodyOwner};
use crate::context::RequestContext;
use crate::error::RequestError;
use crate::response::{self, Response};
use crate::room::{self, ConnectRequest, FrameOptions, KeptTicket};

pub(crate) async fn handle(context: &RequestContext) -> Result<Response, RequestError> {
    let caller = context.authenticate(bearer(context.header("authorization")?.as_deref())?.to_owned())?;
    let claims = caller.claims;
    // Without the cache of sessions: a page that asks for a ticket wants to know that it must sign in again.
    context.admit_to_ticket(&claims).await?;
    let room = claims.socket_room(None)?;
    let body = context.body(BodyOwner::Client(claims.client_id.clone())).await?;
    let device = body.and_then(|body| body.with(read)).ok_or_else(body::incomplete)??;
    claims.acts_as(&device)?;
    // The frames are those that the use of the ticket asks for.
    let connect = ConnectRequest::new(claims, room, device, FrameOptions::default());
    let ticket = room::issue(&context.env, KeptTicket { connect, origin: context.header("origin")? }).await?;
    let issued = SocketTicketResponse { ticket, expires_in: TICKET_SECS };
    Ok(response::of(&issued)?)
}

/// The device that a request names.
fn read(body: &[u8]) -> Result<DeviceId, ApiError> {
    read_body::<SocketTicketRequest>(body).map(|request| request.device_id)
}
