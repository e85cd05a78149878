//! `POST /api/sync/resolve-conflict`: load → decide → commit → answer, again if a race was lost.
//!
//! Written through the cache: whoever has settled a conflict looks at the record next, and so do those who waited for it.

use lambda_http::{Body, Request, Response};
use protocol::timestamp::Timestamp;
use sync::decide::commit::CommitPlan;
use sync::resolve::{Resolve, Resolved};

use crate::app::ResolveApp;
use crate::copies;
use crate::http::{Answer, HandlerError, respond};
use crate::store::cost::Cost;
use crate::write::{self, Race, answered};

/// Answers a request made at `now`.
pub async fn handle(app: &ResolveApp, request: Request, now: Timestamp) -> Response<Body> {
    let mut cost = Cost::default();
    let result = resolve(app, &request, now, &mut cost).await;
    respond(&request, Some(&cost), result)
}

async fn resolve(
    app: &ResolveApp,
    request: &Request,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<Answer, HandlerError> {
    let ResolveApp { sync, cache } = app;
    let claims = sync.claims(request, now)?;
    let resolve = Resolve::parse(&sync.rules.tables, claims.role, request.body())?;
    let room = claims.room_of(resolve.branch.as_ref())?;
    claims.acts_as(&resolve.device)?;
    let mut race = Race::new(request, resolve.device.as_str());
    loop {
        let batch = resolve.batch.as_ref().map(|batch| (&resolve.device, batch));
        let snapshot = sync.store.load_records(&room, [&resolve.key].into(), batch, cost).await?;
        let allowed = match resolve.decide(&sync.rules, &snapshot, now)? {
            Resolved::Known(answer) => return answered(&answer, Vec::new()),
            Resolved::TornRead => {
                race.again().await?;
                continue;
            }
            Resolved::Write(allowed) => allowed,
        };
        let planned = CommitPlan::new(&sync.rules.tables, &room, &allowed.push, &allowed.plan, None)?;
        let ticket = cache.before_write(copies::of(cache, &room, &resolve.key)).await;
        let Some(parts) = write::commit(sync, planned, now, cost).await? else {
            race.again().await?;
            continue;
        };
        copies::written(cache, &room, ticket, &allowed.plan).await;
        return answered(&allowed.response, parts);
    }
}
