//! Copies of records in the cache: what they are called, what is in them, and how they are loaded.

use cache::request::{Loaded, Request};
use cache::write_through::Ticket;
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

use crate::cache::Cache;
use crate::http::HandlerError;
use crate::store::Store;
use crate::store::cost::Cost;

/// The copy of a record.
pub fn of(cache: &Cache, room: &Room, key: &RecordKey) -> Request {
    Request::record(cache.keys(), room, &key.table, &key.id)
}

/// The name of a record that somebody whose role is `role` may read.
pub fn readable(tables: &Tables, role: Role, table: &str, id: &str) -> Result<RecordKey, ApiError> {
    may_read(tables, role, table)?;
    if !is_record_id(id) {
        let message = "A record's id is 1 to 255 bytes of UTF-8 without control characters.";
        return Err(ApiError::new(ErrorCode::BadRequest, message));
    }
    Ok(RecordKey { table: table.to_owned(), id: id.to_owned() })
}

/// Refuses a table that is not synced, or that somebody whose role is `role` may not read.
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

/// Loads one record, and the room's HEAD before it; refuses if the room has not reached `min`.
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

/// Loads records as [`load`] does, in two requests however many.
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

/// Tells the cache what was just written over `ticket`'s record. If that fails, `cache-invalidate` will at least make it
/// forget, which hears of every commit.
pub async fn written(cache: &Cache, room: &Room, ticket: Ticket, plan: &Plan) {
    let Some(put) = plan.puts.first() else { return };
    let told = match content(&put.key, Some(&put.record), plan.stamp()) {
        Ok(content) => cache.after_write(ticket, &content, &[cache.keys().room_tag(room)]).await,
        Err(error) => Err(RedisError::Write(error)),
    };
    if let Err(error) = told {
        tracing::warn!(error = ?error, "the cache was not told of a record");
    }
}

/// The stamp of the room's HEAD. Read first: a commit between the two reads makes the copy younger than it says, never
/// older.
async fn head(store: &Store, room: &Room, min: Stamp, cost: &mut Cost) -> Result<Stamp, HandlerError> {
    let head = store.head(room, cost).await?;
    min::check(head.stamp, min)?;
    Ok(head.stamp)
}

/// What the copy of a record holds; a tombstone is no record.
fn content(key: &RecordKey, record: Option<&Record>, as_of: Stamp) -> Result<Loaded, serde_json::Error> {
    Ok(match record.filter(|record| !record.deleted) {
        Some(record) => Loaded::some(serde_json::to_vec(&record.response(key))?, as_of.0),
        None => Loaded::none(as_of.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_by_those_who_may() {
        let tables = Tables::built_in().unwrap();
        let read = |role, table: &str, id: &str| readable(&tables, role, table, id).map_err(|no| no.code);
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
