//! `POST /api/data/batch-get`

use cache::request::{Found, Source};
use protocol::body::read_body;
use protocol::error::{ApiError, ErrorCode};
use protocol::limits::READ_RECORDS_MAX;
use protocol::record::RecordKey;
use protocol::role::Role;
use protocol::wire::error_response::TooLargeDetails;
use protocol::wire::record::{BatchGetRequest, BatchGetResponse, RecordResponse};
use sync::response::escaped_bytes;
use sync::tables::Tables;

use super::record_cache;
use crate::context::Context;
use crate::dynamo::cost::Cost;
use crate::http::request::FunctionRequest;
use crate::http::response::{HandlerResponse, HandlerResult};
use crate::limits::READ_RESPONSE_BYTES_MAX;

/// Returns several records, with one lookup in the cache and one in the store.
pub async fn handle(context: &Context, request: &FunctionRequest<'_>, cost: &mut Cost) -> HandlerResult {
    let (sync, cache, role) = (context.sync()?, context.cache()?, request.claims()?.role);
    let (room, min) = (context.room_of_request(request, cost).await?, request.min()?);
    let keys = keys(&sync.rules.tables, role, request.body())?;
    let entry = |key| record_cache::entry(cache, &room, key).min(Some(min.0));
    let entries: Vec<_> = keys.iter().map(entry).collect();
    let load = async |missing: Vec<usize>| {
        let keys: Vec<&RecordKey> = missing.iter().filter_map(|&index| keys.get(index)).collect();
        record_cache::load_many(&sync.store, &room, &keys, min, cost).await
    };
    let found = cache.read_many(&entries, load).await?;
    // The header names the first source other than a fresh entry.
    let source = found.iter().map(|found| found.source).find(|source| *source != Source::Fresh);
    Ok(HandlerResponse::json(&response(keys, &found)?)?.from_cache(source.unwrap_or(Source::Fresh)))
}

/// The keys in `body`; refused unless `role` may read all of them.
fn keys(tables: &Tables, role: Role, body: &[u8]) -> Result<Vec<RecordKey>, ApiError> {
    let BatchGetRequest { records } = read_body(body)?;
    if records.len() > READ_RECORDS_MAX {
        let message =
            format!("There are {} names; ask for at most {READ_RECORDS_MAX} at once.", records.len());
        let details = TooLargeDetails::records(READ_RECORDS_MAX, records.len());
        return Err(ApiError::too_large(ErrorCode::BatchTooLarge, message, details));
    }
    records
        .iter()
        .map(|name| record_cache::readable(tables, role, &name.table_name, &name.record_id))
        .collect()
}

/// The records in the order of the request. What does not fit is left out, and so is all after it.
fn response(keys: Vec<RecordKey>, found: &[Found]) -> serde_json::Result<BatchGetResponse> {
    let mut response = BatchGetResponse { records: Vec::new(), missing: Vec::new(), left_out: Vec::new() };
    let mut bytes = 0;
    for (key, found) in keys.into_iter().zip(found) {
        let Some(record) = found.payload() else {
            let deleted = found.note().map(serde_json::from_str).transpose()?;
            response.missing.push(deleted.unwrap_or_else(|| key.into()));
            continue;
        };
        let record: RecordResponse = serde_json::from_slice(record)?;
        bytes += escaped_bytes(&record.data);
        if bytes <= READ_RESPONSE_BYTES_MAX {
            response.records.push(record);
        } else {
            response.left_out.push(key.into());
        }
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(role: Role, names: &[(&str, &str)]) -> Result<usize, ErrorCode> {
        let records: Vec<_> =
            names.iter().map(|(table, id)| json!({ "table_name": table, "record_id": id })).collect();
        let body = json!({ "records": records }).to_string();
        let keys = keys(&Tables::built_in().unwrap(), role, body.as_bytes());
        keys.map(|keys| keys.len()).map_err(|error| error.code)
    }

    #[test]
    fn all_keys_must_be_readable_and_not_too_many() {
        assert_eq!(read(Role::Cashier, &[]), Ok(0));
        assert_eq!(read(Role::Cashier, &[("products", "a"), ("halls", "b"), ("products", "a")]), Ok(3));
        let forbidden = [("products", "a"), ("employee_advances", "b")];
        assert_eq!(read(Role::Cashier, &forbidden), Err(ErrorCode::TableForbidden));
        assert_eq!(read(Role::Admin, &[("products", "a"), ("parrots", "b")]), Err(ErrorCode::UnknownTable));
        assert_eq!(read(Role::Admin, &[("products", "")]), Err(ErrorCode::BadRequest));
        assert_eq!(read(Role::Admin, &[("products", "a"); READ_RECORDS_MAX]), Ok(READ_RECORDS_MAX));
        let many = [("products", "a"); READ_RECORDS_MAX + 1];
        assert_eq!(read(Role::Admin, &many), Err(ErrorCode::BatchTooLarge));
    }
}
