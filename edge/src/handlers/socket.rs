//! `GET /ws`: connects a device to the room of its branch.

use protocol::claims::Claims;
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::DeviceId;
use protocol::timestamp::Timestamp;
use worker::Response;

use crate::authenticate::socket_token;
use crate::context::RequestContext;
use crate::error::RequestError;
use crate::query;
use crate::room::{self, ConnectRequest};

pub(crate) async fn handle(context: &RequestContext) -> Result<Response, RequestError> {
    // First, so that a browser that opens the address gets an explanation.
    is_upgrade(context.header("upgrade")?.as_deref())?;
    let query = context.query();
    let caller = context.authenticate(socket_token(&query, context.header("authorization")?.as_deref())?)?;
    let room = caller.claims.room_of(None)?;
    let device: DeviceId =
        query::value(&query, "device_id").unwrap_or_default().parse().map_err(ApiError::from)?;
    caller.claims.acts_as(&device)?;
    // Last, since it takes a round trip; without the cache, since a socket lasts.
    let check = context.state.policy.for_caller(&caller.claims, context.spec().limit).skip_cache();
    context.admit(&check).await?;
    let expires_at = Timestamp(0).plus_secs(caller.claims.exp);
    let Claims { sub: user, role, sid: session, .. } = caller.claims;
    let connect = ConnectRequest { room, user, device, role, session, expires_at };
    Ok(room::connect(&context.env, &connect).await?)
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
