//! Cache entries of records: which may be read, how they are loaded, and how a write updates them.

use cache::request::{Loaded, Request};
use cache::write_through::PendingWrite;
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::Room;
use protocol::record::{RecordKey, is_record_id};
use protocol::role::Role;
use protocol::stamp::Stamp;
use redis_client::error::RedisError;
use sync::decide::Plan;
use sync::min;
use sync::record::Record;
use sync::tables::Tables;

use crate::dynamo::cost::Cost;
use crate::http::error::HandlerError;
use crate::redis::Cache;
use crate::sync::store::Store;

/// The cache entry of a record.
pub fn entry(cache: &Cache, room: &Room, key: &RecordKey) -> Request {
    Request::record(cache.keys(), room, &key.table, &key.id)
}

/// The key of a record; refused unless `role` may read it.
pub fn readable(tables: &Tables, role: Role, table: &str, id: &str) -> Result<RecordKey, ApiError> {
    may_read(tables, role, table)?;
    if !is_record_id(id) {
        let message = "A record's id is 1 to 255 bytes of UTF-8 without control characters.";
        return Err(ApiError::new(ErrorCode::BadRequest, message));
    }
    Ok(RecordKey { table: table.to_owned(), id: id.to_owned() })
}

/// Refuses a table that is not synced or that `role` may not read.
pub fn may_read(tables: &Tables, role: Role, table: &str) -> Result<(), ApiError> {
    if !tables.contains(table) {
        return Err(ApiError::new(ErrorCode::UnknownTable, format!("The table {table:?} is not synced.")));
    }
    if !tables.may_read(table, role) {
        let message = format!("Your role may not read the table {table:?}.");
        return Err(ApiError::new(ErrorCode::TableForbidden, message));
    }
    Ok(())
}

/// Loads the room's HEAD and then a record; refused if the room has not reached `min`.
pub async fn load(
    store: &Store,
    room: &Room,
    key: &RecordKey,
    min: Stamp,
    cost: &mut Cost,
) -> Result<Loaded, HandlerError> {
    let as_of = head(store, room, min, cost).await?;
    Ok(content(key, store.record(room, key, cost).await?.as_ref(), as_of)?)
}

/// The same as [`load`] for several records, in two requests.
pub async fn load_many(
    store: &Store,
    room: &Room,
    keys: &[&RecordKey],
    min: Stamp,
    cost: &mut Cost,
) -> Result<Vec<Loaded>, HandlerError> {
    let as_of = head(store, room, min, cost).await?;
    let records = store.records(room, keys.iter().copied().collect(), cost).await?;
    let loaded = |key: &&RecordKey| content(key, records.get(*key), as_of);
    Ok(keys.iter().map(loaded).collect::<Result<_, _>>()?)
}

/// Updates the cache entry of `ticket` with the record that was committed. If this fails, `cache-invalidate`
/// invalidates the entry: it consumes every commit.
pub async fn write_through(cache: &Cache, room: &Room, ticket: PendingWrite, plan: &Plan) {
    let Some(put) = plan.puts.first() else { return };
    let written = match content(&put.key, Some(&put.record), plan.stamp()) {
        Ok(content) => cache.after_write(ticket, &content, &[cache.keys().room_tag(room)]).await,
        Err(error) => Err(RedisError::Write(error)),
    };
    if let Err(error) = written {
        tracing::warn!(error = ?error, "writing a record through the cache failed");
    }
}

/// The stamp of the room's HEAD. It is read before the records, so that an entry is never older than its
/// stamp.
async fn head(store: &Store, room: &Room, min: Stamp, cost: &mut Cost) -> Result<Stamp, HandlerError> {
    let head = store.head(room, cost).await?;
    min::check(head.stamp, min)?;
    Ok(head.stamp)
}

/// The content of a record's entry; a tombstone counts as missing, with a note.
fn content(key: &RecordKey, record: Option<&Record>, as_of: Stamp) -> Result<Loaded, serde_json::Error> {
    Ok(match record {
        Some(record) if record.deleted => {
            Loaded::none_with(serde_json::to_string(&record.missing_response(key))?, as_of.0)
        }
        Some(record) => Loaded::some(serde_json::to_vec(&record.response(key))?, as_of.0),
        None => Loaded::none(as_of.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_readable_by_its_roles() {
        let tables = Tables::built_in().unwrap();
        let read =
            |role, table: &str, id: &str| readable(&tables, role, table, id).map_err(|error| error.code);
        let key = RecordKey { table: "products".into(), id: "Kasse 1/ä".into() };
        assert_eq!(read(Role::Cashier, "products", "Kasse 1/ä"), Ok(key));
        assert_eq!(read(Role::Cashier, "employee_advances", "a"), Err(ErrorCode::TableForbidden));
        assert!(read(Role::Manager, "employee_advances", "a").is_ok());
        for unknown in ["parrots", ""] {
            assert_eq!(read(Role::Admin, unknown, "a"), Err(ErrorCode::UnknownTable), "{unknown}");
        }
        for bad in ["", "\0", &"x".repeat(256)] {
            assert_eq!(read(Role::Admin, "products", bad), Err(ErrorCode::BadRequest), "{bad}");
        }
    }
}
