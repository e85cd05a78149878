//! `GET /api/sync/dead-letters`: one Query, one page.

use lambda_http::Request;
use protocol::claims::Claims;
use protocol::ids::Room;
use sync::dead_letters::page::{DeadLettersQuery, page};

use crate::app::SyncApp;
use crate::http::{Answer, HandlerError};
use crate::query::Query;
use crate::store::cost::Cost;

pub(super) async fn list(
    app: &SyncApp,
    request: &Request,
    claims: &Claims,
    room: &Room,
    cost: &mut Cost,
) -> Result<Answer, HandlerError> {
    let query = Query::of(request);
    let query = DeadLettersQuery::parse(query.value("limit"), query.value("cursor"))?;
    let (filed, more) = app.store.dead_letters(room, query.from(), query.items(), cost).await?;
    let answer = page(&app.rules.tables, claims.role, &query, &filed, more).map_err(HandlerError::fault)?;
    Ok(Answer::json(serde_json::to_string(&answer)?))
}
