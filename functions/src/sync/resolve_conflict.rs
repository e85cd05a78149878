//! `POST /api/sync/resolve-conflict`

use protocol::wire::resolve::ResolveResponse;
use sync::decide::commit::CommitPlan;
use sync::resolve::{Resolve, Resolved};

use super::commit::{CommitRetry, commit, respond};
use crate::context::Context;
use crate::dynamo::cost::Cost;
use crate::http::request::FunctionRequest;
use crate::http::response::HandlerResult;
use crate::records::record_cache;

/// Resolves a conflict. Writes the record through the cache, because it is usually read next.
pub async fn handle(context: &Context, request: &FunctionRequest<'_>, cost: &mut Cost) -> HandlerResult {
    let (sync, cache, claims, now) = (context.sync()?, context.cache()?, request.claims()?, request.now);
    let resolve = Resolve::parse(&sync.rules.tables, claims.role, request.body())?;
    let resolve = resolve.by(claims.free_user());
    claims.acts_as(&resolve.device)?;
    let room = context.room(claims, resolve.branch.as_ref(), cost).await?;
    let history = sync.store.history(&room);
    let of_history = |response| ResolveResponse { history: history.clone(), ..response };
    let mut retry = CommitRetry::new(request, resolve.device.as_str());
    loop {
        let batch = resolve.batch.as_ref().map(|batch| (&resolve.device, batch));
        let snapshot = sync.store.load_records(&room, [&resolve.key].into(), batch, cost).await?;
        match resolve.decide(&sync.rules, &snapshot, now)? {
            Resolved::Known(response) => return respond(&of_history(*response), Vec::new()),
            Resolved::TornRead => {}
            Resolved::Write(allowed) => {
                let plan = CommitPlan::new(&sync.rules.tables, &room, &allowed.push, &allowed.plan, &[])?;
                let ticket = cache.before_write(record_cache::entry(cache, &room, &resolve.key)).await;
                if let Some(publications) = commit(sync, plan, now, cost).await? {
                    record_cache::write_through(cache, &room, ticket, &allowed.plan).await;
                    return respond(&of_history(allowed.response), publications);
                }
            }
        }
        retry.wait().await?;
    }
}
