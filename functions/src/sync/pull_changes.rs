//! `GET /api/sync/pull-changes`

mod head_office;
mod room;

use sync::pull::query::Pull;

use crate::context::Context;
use crate::dynamo::cost::Cost;
use crate::http::request::FunctionRequest;
use crate::http::response::{HandlerResponse, HandlerResult};

/// Pulls a page of changes: HEAD and at most one Query (three where a snapshot begins).
pub async fn handle(context: &Context, request: &FunctionRequest<'_>, cost: &mut Cost) -> HandlerResult {
    let (sync, now) = (context.sync()?, request.now);
    let claims = request.claims()?;
    match Pull::parse(&sync.rules.tables, claims, request.parameters())? {
        Pull::Room(pull) => {
            context.check_branch(claims, &pull.room, cost).await?;
            let head = sync.store.head(&pull.room, cost).await?;
            HandlerResponse::json(&room::page(sync, &head, &pull, now, cost).await?.response())
        }
        Pull::Client(pull) => HandlerResponse::json(&head_office::pull(sync, &pull, now, cost).await?),
    }
}
