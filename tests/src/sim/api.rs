//! Requests that a cache may answer, and those that resolve conflicts.

use functions::context::Context;
use functions::http::dispatch;
use lambda_http::Body;
use protocol::endpoints::Endpoint;
use protocol::ids::Room;
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::CACHE_HEADER;

use super::cache_mutation;
use super::event_log::Moment;
use super::release::Release;
use super::server::{Call, Functions, Reply, Server, http};

/// The first value of a parameter of `query`.
pub(crate) fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// A request for an endpoint.
#[derive(Clone, Debug)]
pub(crate) struct ApiCall {
    pub(crate) endpoint: Endpoint,
    /// Path and query parameters.
    pub(crate) query: String,
    /// Empty if there is none.
    pub(crate) body: String,
}

/// The response of a function, whether or not it arrived.
#[derive(Clone, Debug)]
pub(crate) struct ApiReply {
    pub(crate) call: u64,
    pub(crate) room: Room,
    pub(crate) role: Role,
    pub(crate) release: Release,
    /// The function's time.
    pub(crate) now: Timestamp,
    pub(crate) request: ApiCall,
    /// When the function began and ended.
    pub(crate) began: Moment,
    pub(crate) ended: Moment,
    pub(crate) status: u16,
    /// Where a cached response came from.
    pub(crate) source: Option<String>,
    pub(crate) body: String,
}

impl ApiCall {
    pub(crate) fn new(endpoint: Endpoint, query: String) -> ApiCall {
        ApiCall { endpoint, query, body: String::new() }
    }

    /// The first value of a parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        parameter(&self.query, name)
    }

    /// The parameter `min`, or 0.
    pub(crate) fn min(&self) -> u64 {
        self.parameter("min").and_then(|min| min.parse().ok()).unwrap_or_default()
    }
}

impl Functions {
    /// The function that serves `endpoint` to call `number`.
    fn of(&self, endpoint: Endpoint, number: u64) -> &Context {
        match endpoint {
            Endpoint::ResolveConflict => &self.resolve_conflict,
            Endpoint::GetSyncStats => &self.sync_stats,
            Endpoint::GetCart | Endpoint::PutCart | Endpoint::DeleteCart => &self.carts,
            _ if number.is_multiple_of(2) => &self.data[0],
            _ => &self.data[1],
        }
    }
}

impl Server {
    /// Calls a function and notes its response.
    pub(super) async fn call_api(&self, call: &Call, release: Release, request: &ApiCall) -> Reply {
        let began = self.log.moment();
        let role = call.caller.role;
        let mutated = self.mutation.and_then(|mutation| cache_mutation::request(mutation, role, request));
        let ApiCall { endpoint, query, body } = mutated.as_ref().unwrap_or(request);
        let function = self.deployment.functions(release).of(*endpoint, call.number);
        let uri = format!("/{}?{query}", endpoint.spec().operation_id);
        let http = http::request(&uri, call, Body::Text(body.clone()));
        let response = dispatch::handle(function, http, call.now).await;
        let source = response.headers().get(CACHE_HEADER).and_then(|value| value.to_str().ok());
        let source = source.map(str::to_owned);
        let reply = self.forward(&response);
        let noted = ApiReply {
            call: call.number,
            room: call.caller.room.clone(),
            role: call.caller.role,
            release,
            now: call.now,
            request: request.clone(),
            began,
            ended: self.log.moment(),
            status: reply.status,
            source,
            body: reply.body.clone(),
        };
        let mut entries = self.log.entries();
        let committed = entries.has_committed(call.number);
        situations(&noted, committed).iter().for_each(|name| entries.coverage.situation(name, true));
        entries.api_replies.push(noted);
        reply
    }
}

/// What a reply shows.
fn situations(reply: &ApiReply, committed: bool) -> Vec<String> {
    let name = match (reply.request.endpoint, reply.status) {
        (Endpoint::ResolveConflict, 200) if committed => Some("conflict resolved by writing"),
        (Endpoint::ResolveConflict, 200) => Some("conflict resolved without writing"),
        (Endpoint::PutCart, 200) => Some("cart written"),
        (Endpoint::GetCart, 200) if reply.source.as_deref() == Some("fresh") => {
            Some("cart read from the cache")
        }
        (Endpoint::DeleteCart, 204) => Some("cart removed"),
        _ => None,
    };
    let source = reply.source.as_ref().filter(|_| reply.status == 200);
    name.map(str::to_owned).into_iter().chain(source.map(|source| format!("response {source}"))).collect()
}
