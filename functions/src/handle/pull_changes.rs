//! `GET /api/sync/pull-changes`: HEAD, at most one Query (three where a snapshot begins), one page.

mod head_office;
mod room;

use lambda_http::{Body, Request, Response};
use protocol::timestamp::Timestamp;
use sync::pull::query::Pull;

use crate::app::SyncApp;
use crate::http::{Answer, HandlerError, respond};
use crate::store::cost::Cost;

/// Answers a pull made at `now`.
pub async fn handle(app: &SyncApp, request: Request, now: Timestamp) -> Response<Body> {
    let mut cost = Cost::default();
    let result = pull(app, &request, now, &mut cost).await;
    respond(&request, Some(&cost), result)
}

async fn pull(
    app: &SyncApp,
    request: &Request,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<Answer, HandlerError> {
    let claims = app.claims(request, now)?;
    let pairs: Vec<_> =
        form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).collect();
    let pairs = pairs.iter().map(|(name, value)| (&**name, &**value));
    let answer = match Pull::parse(&app.rules.tables, &claims, pairs)? {
        Pull::Room(pull) => {
            let head = app.store.head(&pull.room, cost).await?;
            room::page(app, &head, &pull, now, cost).await?.response()
        }
        Pull::Client(pull) => head_office::answer(app, &pull, now, cost).await?,
    };
    Ok(Answer::json(serde_json::to_string(&answer)?))
}
