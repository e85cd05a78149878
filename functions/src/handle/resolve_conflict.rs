//! `POST /api/sync/resolve-conflict`: load → decide → commit → answer, again if a race was lost.

use lambda_http::{Body, Request, Response};
use shared::micros::Micros;
use shared::sync::resolve::{Resolve, Resolved};

use crate::app::SyncApp;
use crate::http::{Answer, Failed, respond};
use crate::store::cost::Cost;
use crate::write::{Decided, Race, answered};

/// Answers a request made at `now`.
pub async fn handle(app: &SyncApp, request: Request, now: Micros) -> Response<Body> {
    let mut cost = Cost::default();
    let result = resolve(app, &request, now, &mut cost).await;
    respond(&request, &cost, result)
}

async fn resolve(app: &SyncApp, request: &Request, now: Micros, cost: &mut Cost) -> Result<Answer, Failed> {
    let claims = app.claims(request, now)?;
    let resolve = Resolve::parse(&app.rules.tables, claims.role, request.body())?;
    let room = claims.room_of(resolve.branch.as_ref())?;
    claims.acts_as(&resolve.device)?;
    let mut race = Race::new(request, resolve.device.as_str());
    loop {
        let batch = resolve.batch.as_ref().map(|batch| (&resolve.device, batch));
        let snapshot = app.store.load_records(&room, [&resolve.key].into(), batch, cost).await?;
        let agreed = match resolve.decide(&app.rules, &snapshot, now)? {
            Resolved::Known(answer) => return answered(&answer, Vec::new()),
            Resolved::Torn => {
                race.again().await?;
                continue;
            }
            Resolved::Write(agreed) => agreed,
        };
        let decided = Decided { room: &room, push: &agreed.push, plan: &agreed.plan, closes: None, now };
        match decided.commit(app, cost).await? {
            Some(parts) => return answered(&agreed.answer, parts),
            None => race.again().await?,
        }
    }
}
