//! `GET /ws`: a WebSocket, handed to the room of the caller's branch.

use protocol::error::{ApiError, ErrorCode};
use protocol::ids::DeviceId;
use protocol::timestamp::Timestamp;
use worker::Response;

use crate::authenticate::socket_token;
use crate::error::RequestError;
use crate::query;
use crate::room::{self, Guest};
use crate::visit::Visit;

/// Lets a device into its room.
pub(crate) async fn handle(visit: &Visit) -> Result<Response, RequestError> {
    // First, so that who opens the address in a browser is told what it is.
    is_upgrade(visit.header("upgrade")?.as_deref())?;
    let query = visit.query();
    let caller = visit.known(socket_token(&query, visit.header("authorization")?.as_deref())?)?;
    let room = caller.claims.room()?;
    let device: DeviceId =
        query::value(&query, "device_id").unwrap_or_default().parse().map_err(ApiError::from)?;
    caller.claims.acts_as(&device)?;
    // Asked last, since it is the only check that takes a round trip, and asked anew: a socket lasts.
    visit.admit(&visit.door.questions.of_caller(&caller.claims, visit.route.guard()).anew()).await?;
    let expires_at = Timestamp(0).plus_secs(caller.claims.exp);
    let guest = Guest { room, device, role: caller.claims.role, session: caller.claims.sid, expires_at };
    Ok(room::connect(&visit.env, &guest).await?)
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
    fn only_a_websocket_is_let_in() {
        assert!(is_upgrade(Some("websocket")).is_ok());
        assert!(is_upgrade(Some("WebSocket")).is_ok());
        for header in [None, Some(""), Some("h2c"), Some("websocket2")] {
            assert_eq!(is_upgrade(header).unwrap_err().code, ErrorCode::UpgradeRequired);
        }
    }
}
