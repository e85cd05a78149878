//! `GET /api/sync/pull-changes`

mod head_office;
mod room;

use protocol::wire::pull::PullResponse;
use sync::cursor::Cursors;
use sync::pull::query::Pull;

use crate::context::Context;
use crate::dynamo::cost::Cost;
use crate::http::request::FunctionRequest;
use crate::http::response::{HandlerResponse, HandlerResult};

/// Pulls a page of changes: HEAD and one Query of the log, or one per range of tables in a snapshot, which
/// needs two more where it begins.
pub async fn handle(context: &Context, request: &FunctionRequest<'_>, cost: &mut Cost) -> HandlerResult {
    let (sync, keys, now) = (context.sync()?, context.cursor_keys()?, request.now);
    let claims = request.claims()?;
    match Pull::parse(&sync.rules.tables, keys, claims, request.parameters())? {
        Pull::Room(pull) => {
            context.check_branch(claims, &pull.room, cost).await?;
            let head = sync.store.head(&pull.room, cost).await?;
            let page = room::page(sync, &head, &pull, now, cost).await?;
            let cursors = Cursors { keys, scope: &pull.room.to_string() };
            let history = sync.store.history(&pull.room);
            HandlerResponse::json(&PullResponse { history, ..page.response(&pull, cursors) })
        }
        Pull::Client(pull) => {
            let cursors = Cursors { keys, scope: pull.client.as_str() };
            HandlerResponse::json(&head_office::pull(sync, &pull, cursors, now, cost).await?)
        }
    }
}
