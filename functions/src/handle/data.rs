//! `GET /api/data/{table}/{id}`: one record, by way of the cache.
//!
//! The edge puts table and id into the query, `/api/data?table=…&id=…`: an encoded path is decoded by whoever is on the
//! way, and no two agree on how a signature covers it.

use lambda_http::{Body, Request, Response};
use shared::cache::request::{self, Loaded};
use shared::error::{Code, Refusal};
use shared::micros::Micros;
use shared::protocol::record::RecordAnswer;
use shared::record::{RecordKey, is_record_id};
use shared::stamp::Stamp;
use shared::sync::pull::plan::reached;
use shared::tables::Tables;
use shared::tenant::Room;
use shared::token::Role;

use crate::app::ReadApp;
use crate::http::{Answer, Failed, respond};
use crate::query::Query;
use crate::store::cost::Cost;

/// Answers a request made at `now`.
pub async fn handle(app: &ReadApp, request: Request, now: Micros) -> Response<Body> {
    let mut cost = Cost::default();
    let result = read(app, &request, now, &mut cost).await;
    app.cache.flush_if_due().await;
    respond(&request, &cost, result)
}

async fn read(app: &ReadApp, request: &Request, now: Micros, cost: &mut Cost) -> Result<Answer, Failed> {
    let claims = app.claims(request, now)?;
    let query = Query::of(request);
    let room = claims.room_of(query.branch()?.as_ref())?;
    let min = query.min()?;
    let key = key(&app.rules.tables, claims.role, &query)?;
    let wanted = request::Request::record(app.cache.keys(), &room, &key.table, &key.id).min(Some(min.0));
    let found = app.cache.read(&wanted, async || load(app, &room, &key, min, cost).await).await?;
    let missing = || Refusal::new(Code::RecordNotFound, "There is no such record.");
    let text = found.payload().ok_or_else(missing)?;
    let text = std::str::from_utf8(text).map_err(Failed::fault)?;
    Ok(Answer::json(text.to_owned()).from_cache(found.source))
}

/// The record that `query` names, if the caller's role may read it.
fn key(tables: &Tables, role: Role, query: &Query<'_>) -> Result<RecordKey, Refusal> {
    let (table, id) = (query.value("table").unwrap_or_default(), query.value("id").unwrap_or_default());
    if !tables.contains(table) {
        return Err(Refusal::new(Code::UnknownTable, format!("The table {table:?} is not synced.")));
    }
    if !tables.may_read(table, role) {
        let message = format!("Your role may not read the table {table:?}.");
        return Err(Refusal::new(Code::TableForbidden, message));
    }
    if !is_record_id(id) {
        let message = "A record's id is 1 to 255 bytes of UTF-8 without control characters.";
        return Err(Refusal::new(Code::BadRequest, message));
    }
    Ok(RecordKey { table: table.to_owned(), id: id.to_owned() })
}

/// The record as the store has it, and the room's HEAD, which was read with it: nothing later can be missing from it.
async fn load(
    app: &ReadApp,
    room: &Room,
    key: &RecordKey,
    min: Stamp,
    cost: &mut Cost,
) -> Result<Loaded, Failed> {
    // HEAD first: a commit between the two reads makes the copy younger than it says, never older.
    let head = app.store.head(room, cost).await?;
    reached(head.stamp, min)?;
    match app.store.record(room, key, cost).await?.filter(|record| !record.deleted) {
        Some(record) => Ok(Loaded::some(serde_json::to_vec(&RecordAnswer::of(key, &record))?, head.stamp.0)),
        None => Ok(Loaded::none(head.stamp.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(role: Role, query: &str) -> Result<RecordKey, Code> {
        let tables = Tables::built_in().unwrap();
        let uri = format!("/api/data?{query}").parse::<lambda_http::http::Uri>().unwrap();
        let request = lambda_http::http::Request::get(uri).body(Body::Empty).unwrap();
        key(&tables, role, &Query::of(&request)).map_err(|refusal| refusal.code)
    }

    #[test]
    fn a_query_names_a_record_that_the_role_may_read() {
        let found = read(Role::Cashier, "table=products&id=Kasse%201%2F%C3%A4").unwrap();
        assert_eq!(found, RecordKey { table: "products".into(), id: "Kasse 1/ä".into() });
        assert_eq!(read(Role::Cashier, "table=employee_advances&id=a"), Err(Code::TableForbidden));
        assert!(read(Role::Manager, "table=employee_advances&id=a").is_ok());
        assert_eq!(read(Role::Admin, "table=parrots&id=a"), Err(Code::UnknownTable));
        assert_eq!(read(Role::Admin, ""), Err(Code::UnknownTable));
        for bad in ["", "&id=", "&id=%00", &format!("&id={}", "x".repeat(256))] {
            assert_eq!(read(Role::Admin, &format!("table=products{bad}")), Err(Code::BadRequest), "{bad}");
        }
    }
}
