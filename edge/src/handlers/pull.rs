//! `GET /api/sync/pull-changes`: what the edge may answer by itself, and the function for the rest.
//!
//! ARCHITECTURE.md says what the edge may answer, and why that is true.

use protocol::endpoints::Endpoint;
use protocol::wire::{CACHE_HEADER, COST_HEADER};
use worker::console_error;

use crate::context::{Caller, RequestContext};
use crate::error::RequestError;
use crate::page_cache::{self, PageKey};
use crate::response::{Body, Response};
use crate::room::{self, FoundPage, Unanswered};
use crate::telemetry::Part;
use crate::upstream::{CallError, Credentials, UpstreamResponse};

mod asked;
mod page_end;

use asked::Asked;
pub(crate) use page_end::PageEnd;

/// What a page of the edge costs at DynamoDB.
const NO_COST: &str = "requests=0; write=0; read=0";

/// Who answered, in `Tillsync-Cache`.
const BY_ROOM: &str = "room";
const BY_CACHE: &str = "edge";
const BY_FUNCTION: &str = "loaded";

/// Answers a pull.
pub(crate) async fn handle(context: &RequestContext) -> Result<Response, RequestError> {
    let caller = context.caller().await?;
    let query = context.upstream_query()?;
    match pull(context, &caller, &query).await? {
        Pulled::ByEdge { page, source } => Ok(answer(page, source)),
        Pulled::ByFunction(upstream) => Ok(by_function(upstream)),
    }
}

/// Who answered a pull.
pub(crate) enum Pulled {
    /// The edge itself; `source` names the part of it.
    ByEdge { page: FoundPage, source: &'static str },
    /// The function, with a page or a refusal.
    ByFunction(UpstreamResponse),
}

/// Pulls the page of the canonical `query`.
pub(crate) async fn pull(
    context: &RequestContext,
    caller: &Caller,
    query: &str,
) -> Result<Pulled, RequestError> {
    let is_on = !context.state.config.head_bound.is_zero();
    let asked = Asked::read(&caller.claims, query).filter(|_| is_on);
    let Some(asked) = asked else { return Ok(Pulled::ByFunction(forward(context, caller, query).await?.0)) };
    let (lookup, room) = (asked.lookup(), &asked.room);
    let looked = context.observation.timed(Part::Room, room::look(&context.env, room, &lookup)).await;
    let unanswered = match looked {
        Ok(Ok(page)) => return Ok(Pulled::ByEdge { page, source: BY_ROOM }),
        Ok(Err(unanswered)) => unanswered,
        Err(error) => {
            console_error!("{} pulls without its room {}: {error}", context.id, asked.room);
            return Ok(Pulled::ByFunction(forward(context, caller, query).await?.0));
        }
    };
    if let Some(body) = cached(asked.shared_key(&unanswered)).await {
        let page = FoundPage { body: Body::Bytes(body), etag: None };
        return Ok(Pulled::ByEdge { page, source: BY_CACHE });
    }
    let (upstream, end) = forward(context, caller, query).await?;
    if let Some(end) = end.filter(|end| asked.shares(&end.mode)) {
        remember(context, &asked, &unanswered, &end, &upstream.body);
    }
    Ok(Pulled::ByFunction(upstream))
}

/// What the function answers, and the end of its page unless it refuses.
async fn forward(
    context: &RequestContext,
    caller: &Caller,
    query: &str,
) -> Result<(UpstreamResponse, Option<PageEnd>), RequestError> {
    // A stream of events pulls as well.
    let (spec, credentials) = (Endpoint::PullChanges.spec(), Credentials::Token(&caller.token));
    let upstream = context.forward_to(spec, query, None, credentials).await?;
    let end = (upstream.status == 200).then(|| PageEnd::read(&upstream.body)).transpose();
    let end = end.map_err(CallError::Unreadable)?;
    Ok((upstream, end))
}

fn by_function(upstream: UpstreamResponse) -> Response {
    let is_page = upstream.status == 200;
    let mut response = upstream.passed_on();
    if is_page {
        response.set(CACHE_HEADER, BY_FUNCTION);
    }
    response
}

fn answer(page: FoundPage, source: &'static str) -> Response {
    let response = Response::json(200, page.body).with(CACHE_HEADER, source).with(COST_HEADER, NO_COST);
    page.etag.into_iter().fold(response, |response, etag| response.with("etag", etag))
}

/// The cached page, if it is one.
async fn cached(key: Option<PageKey>) -> Option<Vec<u8>> {
    let page = page_cache::get(&key?).await?;
    PageEnd::read(&page).ok().map(|_| page)
}

/// Keeps what the function has answered, after the response, where others may use it: in the room a page that
/// ends at the head, in the cache a page that cannot change.
fn remember(context: &RequestContext, asked: &Asked, unanswered: &Unanswered, end: &PageEnd, body: &[u8]) {
    let (env, id, room) = (context.env.clone(), context.id.clone(), asked.room.clone());
    let Some(digest) = end.digest() else { return };
    let ends_at = end.head();
    if ends_at.is_some() || unanswered.digest.as_deref() != Some(digest) {
        let page = unanswered.answered(asked.lookup(), digest, ends_at.map(|head| (head, body)));
        context.execution.wait_until(async move {
            if let Err(error) = room::keep(&env, &room, &page).await {
                console_error!("{id} could not tell the room {room} of a page: {error}");
            }
        });
    }
    if let Some(secs) = end.lifetime_secs(context.now)
        && let Some(key) = asked.key(digest)
    {
        let (id, page) = (context.id.clone(), body.to_vec());
        context.execution.wait_until(async move {
            if let Err(error) = page_cache::put(&key, page, secs).await {
                console_error!("{id} could not cache a page: {error}");
            }
        });
    }
}
