//! `POST /api/data/batch-get`: several records, by way of the cache, in one look there and one at the store.

use cache::request::{Found, Source};
use lambda_http::Request;
use protocol::body::read_body;
use protocol::error::{ApiError, ErrorCode};
use protocol::limits::READ_RECORDS_MAX;
use protocol::record::RecordKey;
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::record::{BatchGetRequest, BatchGetResponse};
use sync::tables::Tables;

use crate::app::{ReadApp, Reading};
use crate::copies;
use crate::http::{Answer, HandlerError};
use crate::store::cost::Cost;

pub(super) async fn batch_get(
    app: &ReadApp,
    request: &Request,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<Answer, HandlerError> {
    let Reading { role, room, min } = app.reading(request, now)?;
    let keys = keys(&app.rules.tables, role, request.body())?;
    let wanted: Vec<_> = keys.iter().map(|key| copies::of(&app.cache, &room, key).min(Some(min.0))).collect();
    let load = async |places: Vec<usize>| {
        let keys: Vec<&RecordKey> = places.iter().filter_map(|&at| keys.get(at)).collect();
        copies::load_many(&app.store, &room, &keys, min, cost).await
    };
    let found = app.cache.read_many(&wanted, load).await?;
    // The first that is not simply there says where the answer was found.
    let elsewhere = found.iter().map(|found| found.source).find(|source| *source != Source::Fresh);
    let answer = serde_json::to_string(&answer(keys, &found)?)?;
    Ok(Answer::json(answer).from_cache(elsewhere.unwrap_or(Source::Fresh)))
}

/// The records that `body` names, if somebody whose role is `role` may read them all.
fn keys(tables: &Tables, role: Role, body: &[u8]) -> Result<Vec<RecordKey>, ApiError> {
    let BatchGetRequest { records } = read_body(body)?;
    if records.len() > READ_RECORDS_MAX {
        let message =
            format!("There are {} names; ask for at most {READ_RECORDS_MAX} at once.", records.len());
        return Err(ApiError::new(ErrorCode::BatchTooLarge, message));
    }
    records.iter().map(|name| copies::readable(tables, role, &name.table_name, &name.record_id)).collect()
}

fn answer(keys: Vec<RecordKey>, found: &[Found]) -> serde_json::Result<BatchGetResponse> {
    let mut answer = BatchGetResponse { records: Vec::new(), missing: Vec::new() };
    for (key, found) in keys.into_iter().zip(found) {
        match found.payload() {
            Some(record) => answer.records.push(serde_json::from_slice(record)?),
            None => answer.missing.push(key.into()),
        }
    }
    Ok(answer)
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
        keys.map(|keys| keys.len()).map_err(|refusal| refusal.code)
    }

    #[test]
    fn all_that_are_named_must_be_readable_and_not_too_many() {
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
