//! `GET /api/presence`: which devices of a branch are online, and when the others were seen last.

use std::collections::BTreeSet;

use futures_util::future::join;
use protocol::error::ApiError;
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
    let named = query::value(&context.upstream_query()?, "branch_id");
    let named = named.map(|branch| branch.parse()).transpose().map_err(ApiError::from)?;
    let room = caller.claims.room_of(named.as_ref())?;
    let seen = last_seen::read(&context.state, &room, context.now);
    let (online, seen) = join(room::online(&context.env, &room), seen).await;
    let seen = seen.inspect_err(|error| console_error!("{} answers without Redis: {error}", context.id));
    Ok(response::of(&presence(online?, seen.ok()))?)
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
