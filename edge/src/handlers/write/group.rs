//! Pushes that are committed together: one call of the function for the push that has the turn and those that
//! wait directly behind it.
//!
//! Where a group cannot be pushed, each of the others is pushed alone, and so is the push that has the turn
//! if the function refused the group as a whole; if the call failed, it gets the error. That is safe even
//! if the group was committed and its response lost: only pushes with a `batch_id` are grouped, and their
//! markers are found.

use protocol::claims::Claims;
use protocol::endpoints::Endpoint;
use protocol::limits::GROUP_PUSH_BYTES_MAX;
use protocol::timestamp::Timestamp;
use protocol::wire::COST_HEADER;
use protocol::wire::push_group::{CONTENT_TYPE, GroupedPush, GroupedResponse, OPERATION, PushGroup};
use serde::Deserialize;
use serde_json::value::RawValue;
use worker::console_error;

use crate::body::HeldBody;
use crate::context::RequestContext;
use crate::error::RequestError;
use crate::handlers::publish::{self, Commit, NONE};
use crate::response::Response;
use crate::room::{self, WaitingPush, WriteTurn};
use crate::upstream::{CallError, Credentials, UpstreamResponse};

/// How the own push of a group ended.
pub(super) enum Grouped {
    /// It was answered, like most of the others.
    Answered(GroupedResponse),
    /// It must be pushed alone, in its turn if it still has it.
    Alone(Option<WriteTurn>),
}

/// The push of this request, if it may be committed together with others: small, with a `batch_id`, and
/// without a query.
pub(super) fn offer(
    context: &RequestContext,
    query: &str,
    token: &str,
    body: &HeldBody,
) -> Option<WaitingPush> {
    if context.spec().endpoint != Endpoint::PushBatch || !query.is_empty() {
        return None;
    }
    body.with(|bytes| waiting_push(context.id.as_str(), context.now, token, bytes))?
}

fn waiting_push(request_id: &str, arrived_at: Timestamp, token: &str, body: &[u8]) -> Option<WaitingPush> {
    /// The members that decide whether a push may be grouped; the function checks all of them.
    #[derive(Deserialize)]
    struct Envelope {
        device_id: String,
        batch_id: Option<String>,
    }
    if body.len() > GROUP_PUSH_BYTES_MAX {
        return None;
    }
    let Envelope { device_id: device, batch_id } = serde_json::from_slice(body).ok()?;
    batch_id?;
    let (request_id, token) = (request_id.to_owned(), token.to_owned());
    let push = GroupedPush { request_id, arrived_at, token, body: String::from_utf8(body.to_vec()).ok()? };
    Some(WaitingPush { device, push })
}

/// Pushes the group of `turn` in one call, and has the room answer the others after the response.
pub(super) async fn push(
    context: &RequestContext,
    mut turn: WriteTurn,
    credentials: Credentials<'_>,
    claims: &Claims,
) -> Result<Grouped, RequestError> {
    let group = PushGroup { pushes: std::mem::take(&mut turn.group) };
    let ids: Vec<&str> = group.pushes.iter().map(|push| push.request_id.as_str()).collect();
    let result = match serde_json::to_vec(&group) {
        Ok(body) => context.call(OPERATION, &body, credentials).await,
        Err(error) => Err(CallError::Unreadable(error)),
    };
    // Nothing was written, or the function cannot tell: it may be of the release before.
    if let Ok(response) = &result
        && response.header("content-type") != Some(CONTENT_TYPE)
    {
        console_error!("{} goes on alone: a group was answered {}", context.id, response.status);
        return Ok(Grouped::Alone(Some(turn)));
    }
    match result.and_then(|response| finished(claims, &turn, &ids, &response)) {
        Ok(finished) => {
            finish(context, turn, &finished);
            Ok(finished.own.map_or(Grouped::Alone(None), Grouped::Answered))
        }
        Err(error) => {
            super::give_back(context, turn, false);
            Err(error.into())
        }
    }
}

/// How the call for a group has ended.
struct Finished {
    /// The answer to the own push.
    own: Option<GroupedResponse>,
    /// The answers to the others by the ids of their requests, a JSON object.
    others: String,
    /// A JSON array.
    publications: String,
}

fn finished(
    claims: &Claims,
    turn: &WriteTurn,
    ids: &[&str],
    response: &UpstreamResponse,
) -> Result<Finished, CallError> {
    /// `protocol::wire::push_group::PushGroupResult` with all answers and publications as text.
    #[derive(Deserialize)]
    struct GroupResultText<'a> {
        #[serde(borrow)]
        answers: Vec<Option<&'a RawValue>>,
        #[serde(borrow)]
        publications: Vec<&'a RawValue>,
    }
    let result: GroupResultText<'_> =
        serde_json::from_slice(&response.body).map_err(CallError::Unreadable)?;
    let publications = match Commit::of(&claims.client_id, &result.publications)? {
        Some(commit) => commit.publications_to(turn.room())?,
        None => NONE.to_owned(),
    };
    let answers = ids.iter().zip(&result.answers);
    // Ids of requests are hexadecimal, so they need no escapes.
    let others = answers.skip(1).filter_map(|(id, answer)| Some(format!(r#""{id}":{}"#, (*answer)?.get())));
    let others = format!("{{{}}}", others.collect::<Vec<_>>().join(","));
    let own = result.answers.first().copied().flatten();
    let own = own.map(|own| serde_json::from_str(own.get())).transpose().map_err(CallError::Unreadable)?;
    Ok(Finished { own, others, publications })
}

/// Ends the turn after the response: the room answers the other pushes, and broadcasts the commits like the
/// hub.
fn finish(context: &RequestContext, turn: WriteTurn, finished: &Finished) {
    let Finished { others, publications, .. } = finished;
    publish::relay_publications(context, &turn.room().client, publications);
    // A `FinishedGroup`.
    let body = format!(r#"{{"answers":{others},"publications":{publications}}}"#);
    let (env, id) = (context.env.clone(), context.id.clone());
    context.execution.wait_until(async move {
        if let Err(error) = room::finish(&env, &turn, body.as_bytes()).await {
            // The lease ends the turn; each of the others then pushes alone and finds its marker.
            console_error!("{id} could not finish its group in {}: {error}", turn.room());
        }
    });
}

/// The response to a push that was committed together with others.
pub(super) fn response(answer: &GroupedResponse) -> Response {
    let response = Response::json(answer.status, answer.body.as_str().as_bytes().to_vec());
    let mut response = response.with(COST_HEADER, answer.cost.clone());
    if let Some(secs) = answer.retry_after {
        response.set("retry-after", secs.to_string());
    }
    response
}
