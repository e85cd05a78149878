//! `GET /api/data/{table}/{id}`: one record, by way of the cache.
//!
//! The edge puts table and id into the query, `/api/data?table=…&id=…`: an encoded path is decoded by whoever is on the
//! way, and no two agree on how a signature covers it.

use lambda_http::Request;
use protocol::error::{ApiError, ErrorCode};
use protocol::timestamp::Timestamp;

use crate::app::{ReadApp, Reading};
use crate::copies;
use crate::http::{Answer, HandlerError};
use crate::query::Query;
use crate::store::cost::Cost;

pub(super) async fn record(
    app: &ReadApp,
    request: &Request,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<Answer, HandlerError> {
    let Reading { role, room, min } = app.reading(request, now)?;
    let query = Query::of(request);
    let (table, id) = (query.value("table").unwrap_or_default(), query.value("id").unwrap_or_default());
    let key = copies::readable(&app.rules.tables, role, table, id)?;
    let wanted = copies::of(&app.cache, &room, &key).min(Some(min.0));
    let load = async || copies::load(&app.store, &room, &key, min, cost).await;
    let found = app.cache.read(&wanted, load).await?;
    let missing = || ApiError::new(ErrorCode::RecordNotFound, "There is no such record.");
    let text = std::str::from_utf8(found.payload().ok_or_else(missing)?).map_err(HandlerError::fault)?;
    Ok(Answer::json(text.to_owned()).from_cache(found.source))
}
