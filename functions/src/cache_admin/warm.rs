//! `POST /api/cache/warm`

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use cache::batch::WarmError;
use cache::limits::CACHE_BATCH_MAX;
use protocol::body::read_body;
use protocol::error::{ApiError, ErrorCode};
use protocol::record::{RecordKey, is_record_id};
use protocol::stamp::Stamp;
use protocol::wire::cache::{WarmRequest, WarmResponse};

use super::unavailable;
use crate::context::Context;
use crate::dynamo::cost::Cost;
use crate::http::request::FunctionRequest;
use crate::http::response::{HandlerResponse, HandlerResult};
use crate::records::record_cache;

/// Loads a page of a table into the cache.
pub async fn handle(context: &Context, request: &FunctionRequest<'_>, cost: &mut Cost) -> HandlerResult {
    let (sync, cache, claims) = (context.sync()?, context.cache()?, request.claims()?);
    let WarmRequest { table_name: table, branch_id, cursor } = read_body(request.body())?;
    let room = context.room(claims, branch_id.as_ref(), cost).await?;
    record_cache::may_read(&sync.rules.tables, claims.role, &table)?;
    let after = cursor.map(|cursor| read_cursor(&table, &cursor)).transpose()?;
    let page = sync.store.keys_after(&room, &table, after.as_ref(), CACHE_BATCH_MAX, cost).await?;
    let entries: Vec<_> = page.keys.iter().map(|key| record_cache::entry(cache, &room, key)).collect();
    let load = async |missing: Vec<usize>| {
        let keys: Vec<&RecordKey> = missing.iter().filter_map(|&index| page.keys.get(index)).collect();
        record_cache::load_many(&sync.store, &room, &keys, Stamp::ZERO, cost).await
    };
    let stored = cache.warm(&entries, load).await.map_err(|error| match error {
        WarmError::Redis(error) => unavailable(error),
        WarmError::Source(error) => error,
    })?;
    let next_cursor = page.next_after.map(|last| BASE64_URL_SAFE_NO_PAD.encode(last.id));
    let (looked, stored) = (entries.len() as u64, stored as u64);
    HandlerResponse::json(&WarmResponse { looked, stored, next_cursor })
}

/// The record after which the page begins.
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
    fn a_cursor_names_the_last_record_of_the_previous_page() {
        let read = |cursor: &str| read_cursor("products", cursor).map(|key| key.id).map_err(|no| no.code);
        assert_eq!(read(&BASE64_URL_SAFE_NO_PAD.encode("Kasse 1/ä")), Ok("Kasse 1/ä".to_owned()));
        for bad in ["", "?", &BASE64_URL_SAFE_NO_PAD.encode("\n"), &BASE64_URL_SAFE_NO_PAD.encode([255])] {
            assert_eq!(read(bad), Err(ErrorCode::BadCursor), "{bad}");
        }
    }
}
