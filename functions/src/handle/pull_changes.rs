//! `GET /api/sync/pull-changes`: HEAD, at most one Query, one page.

use lambda_http::{Body, Request, Response};
use shared::micros::Micros;
use shared::sync::log;
use shared::sync::pull::{PullQuery, Read, nothing_new, page, plan};

use crate::app::SyncApp;
use crate::http::{Answer, Failed, respond};
use crate::store::cost::Cost;

/// Answers a pull made at `now`.
pub async fn handle(app: &SyncApp, request: Request, now: Micros) -> Response<Body> {
    let mut cost = Cost::default();
    let result = pull(app, &request, now, &mut cost).await;
    respond(&request, &cost, result)
}

async fn pull(app: &SyncApp, request: &Request, now: Micros, cost: &mut Cost) -> Result<Answer, Failed> {
    let room = app.claims(request, now)?.room()?;
    let pairs: Vec<_> =
        form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).collect();
    let query = PullQuery::parse(&app.rules.tables, pairs.iter().map(|(name, value)| (&**name, &**value)))?;
    let head = app.store.head(&room, cost).await?;
    let answer = match plan(&head, &query)? {
        Read::Nothing => nothing_new(&head),
        Read::Log { position, items } => {
            let items = app.store.log_after(&room, position, items, cost).await?;
            let log = items
                .iter()
                .map(|item| log::publication(&app.rules.tables, &room, item).map_err(Failed::fault));
            page(&head, &query, position, log, now)?
        }
    };
    Ok(Answer::json(serde_json::to_string(&answer)?))
}
