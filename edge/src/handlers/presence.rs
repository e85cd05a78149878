//! `GET /api/presence`: which devices of a branch are online, and when the others were seen last.

use std::collections::BTreeSet;

use futures_util::future::join;
use protocol::role::Role;
use protocol::wire::presence::{OfflineDevice, OnlineDevice, PresenceResponse};
use worker::console_error;

use crate::context::RequestContext;
use crate::error::RequestError;
use crate::query;
use crate::response::{self, Response};
use crate::room::{self, last_seen};

pub(crate) async fn handle(context: &RequestContext) -> Result<Response, RequestError> {
    let caller = context.caller().await?;
    caller.claims.at_least(Role::Manager)?;
    let query = context.upstream_query()?;
    let named = query::branch(&query)?;
    let room = caller.claims.room_of(named.as_ref())?;
    let seen = last_seen::read(&context.state, &room, context.now);
    let (online, seen) = join(room::online(&context.env, &room), seen).await;
    let seen = seen.inspect_err(|error| console_error!("{} answers without Redis: {error}", context.id));
    let presence = presence(online?, seen.ok());
    // A branch with devices exists, and so does the branch of a user.
    if presence.is_empty() && caller.claims.branch_id.is_none() {
        // A function that does not respond, or does not know the question yet, refuses nothing.
        let checked = context.check_branch(&query, &caller.token).await;
        if let Some(refused) = checked.ok().filter(|checked| (400..500).contains(&checked.status)) {
            return Ok(refused.into_response()?);
        }
    }
    Ok(response::of(&presence)?)
}

/// `seen` is `None` if it is not known.
fn presence(online: Vec<OnlineDevice>, seen: Option<Vec<OfflineDevice>>) -> PresenceResponse {
    let offline_known = seen.is_some();
    let here: BTreeSet<(&str, &str)> =
        online.iter().map(|device| (device.user_id.as_str(), device.device_id.as_str())).collect();
    let mut offline = seen.unwrap_or_default();
    offline.retain(|device| !here.contains(&(device.user_id.as_str(), device.device_id.as_str())));
    PresenceResponse { online, offline, offline_known }
}
