//! `GET /api/sync/devices/{device_id}`

use protocol::author::unbound;
use protocol::claims::Claims;
use protocol::error::ApiError;
use protocol::ids::DeviceId;
use protocol::role::Role;
use sync::device_batches::response;

use crate::context::Context;
use crate::dynamo::cost::Cost;
use crate::http::request::FunctionRequest;
use crate::http::response::{HandlerResponse, HandlerResult};

/// Tells which numbered batches of a device the branch holds.
pub async fn handle(context: &Context, request: &FunctionRequest<'_>, cost: &mut Cost) -> HandlerResult {
    let (sync, claims) = (context.sync()?, request.claims()?);
    let device: DeviceId =
        request.parameter("device_id").unwrap_or_default().parse().map_err(ApiError::from)?;
    let author = author(claims, &device)?;
    let room = context.room_of_request(request, cost).await?;
    let batches = sync.store.device_batches(&room, &author, cost).await?;
    HandlerResponse::json(&response(device, batches.as_ref()))
}

/// The name under which `device` writes. A manager may ask about any device, all others about their own.
fn author(claims: &Claims, device: &DeviceId) -> Result<DeviceId, ApiError> {
    if claims.role >= Role::Manager {
        return Ok(device.clone());
    }
    claims.acts_as(device)?;
    Ok(if claims.free_user().is_some() { unbound(device) } else { device.clone() })
}
