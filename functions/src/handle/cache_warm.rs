//! `POST /api/cache/warm`: a table's records into the cache before anybody asks for them, a page at a time, on from the
//! cursor of the page before.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use cache::batch::WarmError;
use cache::limits::CACHE_BATCH_MAX;
use lambda_http::{Body, Request, Response};
use protocol::body::read_body;
use protocol::error::{ApiError, ErrorCode};
use protocol::record::{RecordKey, is_record_id};
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::cache::{WarmRequest, WarmResponse};

use crate::app::ReadApp;
use crate::copies;
use crate::http::{Answer, HandlerError, respond};
use crate::store::cost::Cost;

/// Answers a request made at `now`.
pub async fn handle(app: &ReadApp, request: Request, now: Timestamp) -> Response<Body> {
    let mut cost = Cost::default();
    let result = warm(app, &request, now, &mut cost).await;
    app.cache.flush_if_due().await;
    respond(&request, Some(&cost), result)
}

async fn warm(
    app: &ReadApp,
    request: &Request,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<Answer, HandlerError> {
    let claims = app.claims(request, now)?;
    claims.at_least(Role::Admin)?;
    let WarmRequest { table_name: table, branch_id, cursor } = read_body(request.body())?;
    let room = claims.room_of(branch_id.as_ref())?;
    copies::may_read(&app.rules.tables, claims.role, &table)?;
    let after = cursor.map(|cursor| read_cursor(&table, &cursor)).transpose()?;
    let names = app.store.names_after(&room, &table, after.as_ref(), CACHE_BATCH_MAX, cost).await?;
    let wanted: Vec<_> = names.keys.iter().map(|key| copies::of(&app.cache, &room, key)).collect();
    let load = async |places: Vec<usize>| {
        let keys: Vec<&RecordKey> = places.iter().filter_map(|&at| names.keys.get(at)).collect();
        copies::load_many(&app.store, &room, &keys, Stamp::ZERO, cost).await
    };
    let stored = app.cache.warm(&wanted, load).await.map_err(|error| match error {
        WarmError::Redis(error) => HandlerError::Unavailable(error.into()),
        WarmError::Source(failed) => failed,
    })?;
    let next_cursor = names.more_after.map(|last| BASE64_URL_SAFE_NO_PAD.encode(last.id));
    let (looked, stored) = (wanted.len() as u64, stored as u64);
    Ok(Answer::json(serde_json::to_string(&WarmResponse { looked, stored, next_cursor })?))
}

/// The record behind which a page begins.
fn read_cursor(table: &str, cursor: &str) -> Result<RecordKey, ApiError> {
    let id = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|id| String::from_utf8(id).ok());
    let id = id.filter(|id| is_record_id(id));
    let bad = || ApiError::new(ErrorCode::BadCursor, "`cursor` must be the one of the answer before.");
    Ok(RecordKey { table: table.to_owned(), id: id.ok_or_else(bad)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_names_the_record_behind_which_the_next_page_begins() {
        let read = |cursor: &str| read_cursor("products", cursor).map(|key| key.id).map_err(|no| no.code);
        assert_eq!(read(&BASE64_URL_SAFE_NO_PAD.encode("Kasse 1/ä")), Ok("Kasse 1/ä".to_owned()));
        for bad in ["", "?", &BASE64_URL_SAFE_NO_PAD.encode("\n"), &BASE64_URL_SAFE_NO_PAD.encode([255])] {
            assert_eq!(read(bad), Err(ErrorCode::BadCursor), "{bad}");
        }
    }
}
