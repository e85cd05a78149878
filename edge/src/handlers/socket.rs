//! `GET /ws`: connects a device to the room of its branch, and head office to the hub of its client.

use protocol::error::{ApiError, ErrorCode};
use protocol::wire::close_code::CloseCode;
use protocol::wire::socket::ServerFrame;
use worker::{ResponseBuilder, WebSocketPair, console_error};

use crate::authenticate::socket_token;
use crate::context::RequestContext;
use crate::error::RequestError;
use crate::query;
use crate::response::Response;
use crate::room::{self, ConnectRequest, FrameOptions, Redemption, RoomError};
use crate::telemetry::Part;

pub(crate) async fn handle(context: &RequestContext) -> Result<Response, RequestError> {
    // First, so that a browser that opens the address gets an explanation.
    is_upgrade(context.header("upgrade")?.as_deref())?;
    match connect(context).await {
        Ok(response) => Ok(response),
        Err(error) => {
            if error.is_fault() {
                console_error!("{} {:?}: {error}", context.id, context.route.endpoint);
            }
            Ok(refuse(&error.api_error())?)
        }
    }
}

async fn connect(context: &RequestContext) -> Result<Response, RequestError> {
    context.origin.check()?;
    let query = context.query();
    let options = FrameOptions::parse(&query)?;
    let device = query::device(&query)?;
    if let Some(ticket) = query::value(&query, "ticket").filter(|ticket| !ticket.is_empty()) {
        // For the session that the room asks Redis about. A guess costs an event of the room instead.
        context.count_at_fuse(1).await?;
        let (object, id) = room::parse_ticket(&ticket).ok_or(RoomError::BadTicket)?;
        let redemption = Redemption { id, device, origin: context.header("origin")?, options };
        return Ok(room::redeem(&context.env, object, redemption).await?.into());
    }
    let caller = context.authenticate(socket_token(&query, context.header("authorization")?.as_deref())?)?;
    let room = caller.claims.socket_room(options.branch.as_ref())?;
    caller.claims.acts_as(&device)?;
    // Last, since it takes a round trip.
    context.admit_to_socket(&caller.claims).await?;
    let connect = ConnectRequest::new(caller.claims, room, device, options);
    Ok(context.observation.timed(Part::Room, room::connect(&context.env, &connect)).await?.into())
}

/// Accepts the handshake, says what is wrong and closes. A web page cannot tell a refused handshake from a
/// dead network.
fn refuse(error: &ApiError) -> worker::Result<Response> {
    let pair = WebSocketPair::new()?;
    pair.server.accept()?;
    let (code, message) = (error.code.as_str().to_owned(), error.message.clone());
    pair.server.send_with_str(ServerFrame::Error { code, message }.to_json())?;
    pair.server.close(Some(CloseCode::of_refusal(error.code).as_u16()), Some(error.code.as_str()))?;
    Ok(ResponseBuilder::new().with_status(101).with_websocket(pair.client).empty().into())
}

fn is_upgrade(header: Option<&str>) -> Result<(), ApiError> {
    if header.is_some_and(|value| value.eq_ignore_ascii_case("websocket")) {
        return Ok(());
    }
    let message = "This address speaks WebSocket only: connect with ws:// or wss://.";
    Err(ApiError::new(ErrorCode::UpgradeRequired, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_websocket_is_accepted() {
        assert!(is_upgrade(Some("websocket")).is_ok());
        assert!(is_upgrade(Some("WebSocket")).is_ok());
        for header in [None, Some(""), Some("h2c"), Some("websocket2")] {
            assert_eq!(is_upgrade(header).unwrap_err().code, ErrorCode::UpgradeRequired);
        }
    }
}
