//! `GET /api/data/{table}/{record_id}`

use protocol::error::{ApiError, ErrorCode};

use super::record_cache;
use crate::context::Context;
use crate::dynamo::cost::Cost;
use crate::http::error::HandlerError;
use crate::http::request::FunctionRequest;
use crate::http::response::{HandlerResponse, HandlerResult};

/// Returns one record.
pub async fn handle(context: &Context, request: &FunctionRequest<'_>, cost: &mut Cost) -> HandlerResult {
    let (sync, cache, role) = (context.sync()?, context.cache()?, request.claims()?.role);
    let (room, min) = (context.room_of_request(request, cost).await?, request.min()?);
    let [table, id] = ["table", "record_id"].map(|name| request.parameter(name).unwrap_or_default());
    let key = record_cache::readable(&sync.rules.tables, role, table, id)?;
    let entry = record_cache::entry(cache, &room, &key).min(Some(min.0));
    let load = async || record_cache::load(&sync.store, &room, &key, min, cost).await;
    let found = cache.read(&entry, load).await?;
    let missing = || ApiError::new(ErrorCode::RecordNotFound, "There is no such record.");
    let text = std::str::from_utf8(found.payload().ok_or_else(missing)?).map_err(HandlerError::fault)?;
    Ok(HandlerResponse::json_text(text.to_owned()).from_cache(found.source))
}
