//! One request, with everything its handler needs.

mod admission;

use std::cell::OnceCell;
use std::rc::Rc;

use auth::rate::decision::RateDecision;
use futures_channel::oneshot::{self, Sender};
use protocol::claims::Claims;
use protocol::endpoints::Endpoint;
use protocol::endpoints::route::Route;
use protocol::endpoints::spec::EndpointSpec;
use protocol::error::ApiError;
use protocol::timestamp::Timestamp;
use protocol::wire::CACHE_HEADER;
use protocol::wire::health::HEALTH_OPERATION;
use protocol::wire::presence::BRANCH_OPERATION;
use serde::Deserialize;
use serde::de::IgnoredAny;
use worker::{Context, Env};

use crate::admission::fuse;
use crate::body::{self, BodyOwner, HeldBody};
use crate::client_info::{CONNECTING_ADDRESS_HEADER, ClientInfo};
use crate::clock;
use crate::cors::PageOrigin;
use crate::error::RequestError;
use crate::query;
use crate::request::Request;
use crate::request_id::RequestId;
use crate::session_end;
use crate::state::AppState;
use crate::telemetry::{Observation, Part};
use crate::upstream::{self, Call, CallError, CallInFlight, Credentials, UpstreamResponse};

/// In `Tillsync-Cache`: the function has read the database and stored an entry.
const LOADED: &str = "loaded";

pub(crate) struct RequestContext {
    pub(crate) request: Request,
    pub(crate) env: Env,
    /// Runs work after the response.
    pub(crate) execution: Context,
    pub(crate) state: Rc<AppState>,
    pub(crate) id: RequestId,
    /// Of the web page that sent it.
    pub(crate) origin: PageOrigin,
    /// The time of arrival.
    pub(crate) now: Timestamp,
    /// The endpoint and its path parameters.
    pub(crate) route: Route,
    /// The rate limit decision, set once. The response carries it, whatever its status.
    pub(crate) decision: OnceCell<RateDecision>,
    /// What is told of it.
    pub(crate) observation: Rc<Observation>,
}

pub(crate) struct Caller {
    pub(crate) token: String,
    pub(crate) claims: Claims,
}

impl RequestContext {
    pub(crate) fn spec(&self) -> &'static EndpointSpec {
        self.route.endpoint.spec()
    }

    pub(crate) fn header(&self, name: &str) -> Result<Option<String>, RequestError> {
        Ok(self.request.header(name)?)
    }

    /// The query as sent, without the question mark; empty if there is none.
    pub(crate) fn query(&self) -> String {
        query::of(&self.request.url).to_owned()
    }

    pub(crate) fn client_info(&self) -> Result<ClientInfo, RequestError> {
        let (address, agent) = (self.header(CONNECTING_ADDRESS_HEADER)?, self.header("user-agent")?);
        Ok(ClientInfo::new(address.as_deref(), agent.as_deref()))
    }

    /// The whole body, in the memory of `owner`; `None` for endpoints without one.
    pub(crate) async fn body(&self, owner: BodyOwner) -> Result<Option<HeldBody>, RequestError> {
        if self.spec().request.is_none() {
            return Ok(None);
        }
        Ok(Some(body::read(&self.request, &self.state.bodies, owner).await?))
    }

    /// The query for the function: path parameters first, then the caller's query without parameters of these
    /// names.
    pub(crate) fn upstream_query(&self) -> Result<String, ApiError> {
        let query = query::canonical(&self.query())?;
        Ok(query::with(&self.route.parameters, &query))
    }

    /// Has the runtime go on with this request until the returned value is dropped, also if the client
    /// disconnects: Cloudflare cancels such a request unless `waitUntil` holds it, for at most 30 seconds.
    pub(crate) fn keep_running(&self) -> Sender<()> {
        let (running, ended) = oneshot::channel();
        self.execution.wait_until(async {
            // The sender is only dropped.
            let _ = ended.await;
        });
        running
    }

    /// Forwards the request with the caller's token. The function checks branch and role itself.
    pub(crate) async fn forward_with_token(&self) -> Result<UpstreamResponse, RequestError> {
        let caller = self.caller().await?;
        let query = self.upstream_query()?;
        let body = self.body(BodyOwner::Client(caller.claims.client_id.clone())).await?;
        self.forward(&query, body.as_ref(), Credentials::Token(&caller.token)).await
    }

    /// Forwards the request to the endpoint's function. `query` is checked before the body is read, so a bad
    /// query costs no upload.
    pub(crate) async fn forward(
        &self,
        query: &str,
        body: Option<&HeldBody>,
        credentials: Credentials<'_>,
    ) -> Result<UpstreamResponse, RequestError> {
        self.forward_to(self.spec(), query, body, credentials).await
    }

    /// The same to the function of the endpoint `spec`.
    pub(crate) async fn forward_to(
        &self,
        spec: &'static EndpointSpec,
        query: &str,
        body: Option<&HeldBody>,
        credentials: Credentials<'_>,
    ) -> Result<UpstreamResponse, RequestError> {
        // A slow body may have taken longer than a signature is valid.
        let request =
            |body: Option<&[u8]>| self.upstream_request(spec, spec.operation_id, query, body, credentials);
        let request = match body {
            Some(body) => body.with(|bytes| request(Some(bytes))).ok_or_else(body::incomplete)??,
            None => request(None)?,
        };
        // The runtime has a copy now.
        body.inspect(|body| body.free());
        let counted = self.count_call()?;
        let response = self.send(request).await?;
        drop(counted);
        session_end::after_response(self, &response);
        self.count_miss(spec, &response);
        Ok(response)
    }

    /// Counts a call of a function for the caller's client; an error if it has too many under way.
    fn count_call(&self) -> Result<Option<CallInFlight>, ApiError> {
        let begin = |client| self.state.calls.begin(client, clock::now());
        self.observation.client().map(begin).transpose()
    }

    /// Counts at the fuse, after the response, what the function has sent to Redis because its cache had no
    /// entry: the next requests of the address are refused for it.
    fn count_miss(&self, spec: &EndpointSpec, response: &UpstreamResponse) {
        let of_each = spec.redis_commands_of_a_miss;
        // What the function refuses, it does not look up.
        let has_looked = !matches!(response.status, 400..404);
        if of_each == 0 || !has_looked || response.header(CACHE_HEADER) != Some(LOADED) {
            return;
        }
        if let Ok(client_info) = self.client_info() {
            let (env, commands) = (self.env.clone(), of_each * records(&response.body));
            self.execution.wait_until(async move {
                // A fuse that fails lets everything through.
                let _ = fuse::allows(&env, &client_info, commands).await;
            });
        }
    }

    /// Counts a pull that is no request of its own against the ceiling of the caller's client.
    pub(crate) fn count_pull(&self, claims: &Claims) -> Result<(), ApiError> {
        let check = self.state.policy.for_caller(claims, Endpoint::PullChanges.spec().limit);
        let refusal = self.state.admission.over_ceiling(&check, clock::now());
        refusal.as_ref().and_then(RateDecision::error).map_or(Ok(()), Err)
    }

    /// Calls another operation of the endpoint's function with `body`.
    pub(crate) async fn call(
        &self,
        operation: &'static str,
        body: &[u8],
        credentials: Credentials<'_>,
    ) -> Result<UpstreamResponse, CallError> {
        // Counted, but never refused: it is one call instead of several.
        let counted = self.count_call();
        let response =
            self.send(self.upstream_request(self.spec(), operation, "", Some(body), credentials)?).await;
        drop(counted);
        response
    }

    /// Asks a function whether it reaches DynamoDB.
    pub(crate) async fn check_health(&self) -> Result<UpstreamResponse, CallError> {
        let (spec, nothing) = (Endpoint::GetSyncStats.spec(), ClientInfo::default());
        let credentials = Credentials::ClientInfo(&nothing);
        self.send(self.upstream_request(spec, HEALTH_OPERATION, "", None, credentials)?).await
    }

    /// Asks a function whether the branch in `query` exists. Any answer but 2xx is the refusal.
    pub(crate) async fn check_branch(&self, query: &str, token: &str) -> Result<UpstreamResponse, CallError> {
        let (spec, credentials) = (Endpoint::GetSyncStats.spec(), Credentials::Token(token));
        self.send(self.upstream_request(spec, BRANCH_OPERATION, query, None, credentials)?).await
    }

    async fn send(&self, request: worker::Request) -> Result<UpstreamResponse, CallError> {
        let response = self.observation.timed(Part::Function, upstream::send(request)).await?;
        self.observation.add_storage(response.storage_micros);
        Ok(response)
    }

    fn upstream_request(
        &self,
        spec: &'static EndpointSpec,
        operation: &'static str,
        query: &str,
        body: Option<&[u8]>,
        credentials: Credentials<'_>,
    ) -> Result<worker::Request, CallError> {
        let (request_id, arrived_at) = (&self.id, self.now);
        let trace = &self.observation.trace;
        let call = Call { spec, operation, query, body, credentials, request_id, arrived_at, trace };
        upstream::request(&self.state.config, &call, clock::now())
    }
}

/// Number of records that a response is about: several if it lists them.
fn records(body: &[u8]) -> usize {
    #[derive(Deserialize)]
    struct Lists {
        records: Vec<IgnoredAny>,
        missing: Vec<IgnoredAny>,
    }
    serde_json::from_slice::<Lists>(body).map_or(1, |lists| lists.records.len() + lists.missing.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_about_the_records_that_it_lists() {
        assert_eq!(records(br#"{"records":[{},{}],"missing":[{}]}"#), 3);
        assert_eq!(records(br#"{"table_name":"products","data":{"records":[],"missing":[]}}"#), 1);
    }
}
