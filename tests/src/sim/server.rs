//! The functions of a run, called as the edge calls them, over a lossy network.

pub(super) mod http;
mod pages;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use functions::context::Context;
use functions::http::dispatch;
use lambda_http::{Body, Response};
use protocol::endpoints::Endpoint;
use protocol::timestamp::Timestamp;
use protocol::wire::WRITE_RESULT_CONTENT_TYPE;
use protocol::wire::publication::Publication;
use protocol::wire::push::WriteResult;
use sync::limits::WRITE_SECS_MAX;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;

use super::actors::Caller;
use super::api::ApiCall;
use super::check::replays::ReplayCall;
use super::check::resolves::ResolveCall;
use super::clock::Clock;
use super::dead_letters::Replay;
use super::event_log::{EventLog, PushCall, PushReply};
use super::fault_rates::FaultRates;
use super::groups::Groups;
use super::mutation::Mutation;
use super::network::{CALL, CallContext};
use super::release::{Deployment, Release};
use super::release_mutation;
use super::rng::Rng;
use pages::{limit, page_reply, position};

/// A request of a till.
#[derive(Clone, Debug)]
pub(crate) enum ApiRequest {
    /// `POST /api/sync/batch-push` with this body.
    Push(String),
    /// `GET /api/sync/pull-changes` with this query.
    Pull(String),
    /// An operation of `/api/sync/dead-letters`, with its query.
    DeadLetters(&'static str, String),
    /// `POST /api/sync/dead-letters/{id}/replay`.
    Replay(Box<Replay>),
    /// Any other request.
    Api(ApiCall),
}

/// A call of a function.
pub(super) struct Call {
    pub(super) number: u64,
    pub(super) caller: Caller,
    pub(super) release: Release,
    /// When it arrived, as the edge says.
    pub(super) arrived_at: Option<Timestamp>,
    /// The function's time.
    pub(super) now: Timestamp,
}

#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The body, as the edge forwards it.
    pub(crate) body: String,
}

/// The functions that a run calls.
pub(crate) struct Functions {
    pub(crate) batch_push: Context,
    pub(crate) pull_changes: Context,
    pub(crate) dead_letters: Context,
    pub(crate) resolve_conflict: Context,
    pub(crate) sync_stats: Context,
    /// Two instances, each with a memory of its own.
    pub(crate) data: [Context; 2],
    pub(crate) carts: Context,
    pub(crate) cache_invalidate: Context,
    pub(crate) cart_compact: Context,
}

pub(crate) struct Server {
    pub(crate) deployment: Deployment,
    pub(crate) clock: Clock,
    pub(crate) log: Arc<EventLog>,
    pub(crate) rates: FaultRates,
    pub(crate) healed: AtomicBool,
    pub(crate) mutation: Option<Mutation>,
    /// The number of calls so far.
    pub(crate) calls: AtomicU64,
    /// The pushes that wait for each other; `None` in a run that pushes each alone.
    pub(crate) groups: Option<Groups>,
    /// Receives the publications that a response carries.
    pub(crate) published: UnboundedSender<Publication>,
}

impl Server {
    /// Ends all faults.
    pub(crate) fn heal(&self) {
        self.healed.store(true, Ordering::Relaxed);
    }

    /// The fault rates now.
    pub(crate) fn fault_rates(&self) -> FaultRates {
        if self.healed.load(Ordering::Relaxed) { FaultRates::none() } else { self.rates.clone() }
    }

    /// Sends a request. Returns `None` if no response arrives.
    pub(crate) async fn call(
        self: &Arc<Self>,
        caller: &Caller,
        request: ApiRequest,
        rng: &mut Rng,
    ) -> Option<Reply> {
        let rates = self.fault_rates();
        sleep(rng.between(1, 30)).await;
        if rng.chance(rates.lost) {
            return None;
        }
        if rng.chance(rates.duplicated) {
            // The network sends the request a second time and drops that response.
            let (server, caller, request, mut rng) =
                (self.clone(), caller.clone(), request.clone(), rng.clone());
            tokio::spawn(async move {
                sleep(rng.between(1, 2000)).await;
                let arrived_at = server.clock.now();
                server.start(&caller, request, arrived_at, &mut rng, &FaultRates::none());
            });
        }
        let arrived_at = self.clock.now();
        let reply = match request {
            ApiRequest::Push(body) => self.push(caller, body, arrived_at, rng, &rates).await,
            request => self.start(caller, request, arrived_at, rng, &rates).await.ok().flatten(),
        };
        sleep(rng.between(1, 30)).await;
        reply.filter(|_| !rng.chance(rates.response_lost))
    }

    /// The context of a call outside of the functions' handlers.
    pub(crate) fn call_context(&self, rng: &mut Rng) -> Arc<CallContext> {
        call_context(self.next_number(), Release::Now, rng)
    }

    /// Starts a function, which runs on even if its caller goes away.
    pub(super) fn start(
        self: &Arc<Self>,
        caller: &Caller,
        request: ApiRequest,
        arrived_at: Timestamp,
        rng: &mut Rng,
        rates: &FaultRates,
    ) -> JoinHandle<Option<Reply>> {
        let (number, now) = (self.next_number(), self.clock.of_function(rng, rates.skew_micros));
        let is_pull = matches!(request, ApiRequest::Pull(_));
        let now = self.mutation.filter(|_| is_pull).map_or(now, |mutation| mutation.mutate_time(now));
        let release = self.deployment.pick(rng);
        let context = call_context(number, release, rng);
        let crash_after = rng.chance(rates.crash).then(|| Duration::from_millis(rng.below(150)));
        // An edge of another release does not say when the request arrived.
        let said = rng.chance(900).then_some(arrived_at);
        if let ApiRequest::Push(body) = &request {
            let arrived_at = said.map_or(now, |at| at.min(now));
            let (room, role, body) = (caller.room.clone(), caller.role, body.clone());
            let call = PushCall { room, role, arrived_at, now, body, release };
            self.log.entries().calls.insert(number, call);
        }
        if let ApiRequest::Replay(replay) = &request {
            let (room, role, replay) = (caller.room.clone(), caller.role, (**replay).clone());
            let call = ReplayCall { room, role, now, release, replay };
            self.log.entries().replays.insert(number, call);
        }
        if let ApiRequest::Api(ApiCall { endpoint: Endpoint::ResolveConflict, body, .. }) = &request {
            let (room, role, body) = (caller.room.clone(), caller.role, body.clone());
            self.log.entries().resolves.insert(number, ResolveCall { room, role, now, release, body });
        }
        let (server, caller) = (self.clone(), caller.clone());
        tokio::spawn(CALL.scope(context, async move {
            let reply = server.run(Call { number, caller, release, arrived_at: said, now }, request);
            match crash_after {
                // As Lambda does.
                None => tokio::time::timeout(Duration::from_secs(WRITE_SECS_MAX), reply).await.ok(),
                // A crash hits the function anywhere, for example between its commit and its response.
                Some(after) => tokio::time::timeout(after, reply).await.ok(),
            }
        }))
    }

    async fn run(&self, call: Call, request: ApiRequest) -> Reply {
        let mut reply = self.respond(&call, call.release, &request).await;
        if let (Some(mutation), ApiRequest::Pull(query)) = (self.mutation, &request)
            && release_mutation::passes_over(mutation, call.release, &reply)
        {
            let later = ApiRequest::Pull(release_mutation::without_digest(query, position(query)));
            let later = self.respond(&call, Release::Now, &later).await;
            reply = release_mutation::without_unknown(call.release, query, later);
        }
        self.answered(&call, &request, reply)
    }

    /// Notes the answer to a call. Returns what the client receives.
    pub(super) fn answered(&self, call: &Call, request: &ApiRequest, reply: Reply) -> Reply {
        self.log.trace(&format!("{} answers {} {}", call.number, reply.status, reply.body));
        self.count(call, request, &reply);
        if let ApiRequest::Push(push) = request {
            if let Some(mutated) = self.mutation.and_then(|mutation| mutation.mutate_reply(push)) {
                return mutated;
            }
            let reply = PushReply { call: call.number, status: reply.status, body: reply.body.clone() };
            self.log.entries().replies.push(reply);
        }
        reply
    }

    /// The response of the functions of `release`.
    async fn respond(&self, call: &Call, release: Release, request: &ApiRequest) -> Reply {
        let Functions { batch_push, pull_changes, dead_letters, .. } = self.deployment.functions(release);
        let (function, uri, body) = match request {
            ApiRequest::Push(body) => {
                let mutated = self.mutation.and_then(|mutation| mutation.mutate_push(body));
                (batch_push, "/pushBatch".to_owned(), Body::Text(mutated.unwrap_or_else(|| body.clone())))
            }
            ApiRequest::Pull(query) => {
                let mutated = self.mutation.and_then(|mutation| mutation.mutate_pull(query));
                let query = mutated.as_ref().unwrap_or(query);
                (pull_changes, format!("/pullChanges?{query}"), Body::Empty)
            }
            ApiRequest::Replay(replay) => {
                let uri = format!("/replayDeadLetter?id={}", replay.letter.id);
                (dead_letters, uri, Body::Text(replay.body()))
            }
            ApiRequest::DeadLetters(operation, query) => {
                (dead_letters, format!("/{operation}?{query}"), Body::Empty)
            }
            ApiRequest::Api(request) => return self.call_api(call, release, request).await,
        };
        let http = http::request(&uri, call, body);
        self.forward(&dispatch::handle(function, http, call.now).await)
    }

    /// Counts what a response reached.
    fn count(&self, call: &Call, request: &ApiRequest, reply: &Reply) {
        let mut entries = self.log.entries();
        let committed = entries.has_committed(call.number);
        entries.coverage.response(reply.status, &reply.body);
        match request {
            ApiRequest::Push(body) => entries.coverage.push(body, &reply.body, committed),
            ApiRequest::Pull(query) => {
                entries.coverage.page(limit(query), &reply.body);
                let is_asked = query.contains("mode=") && reply.body.contains(r#""mode":"snapshot""#);
                entries.coverage.situation("snapshot asked for", is_asked);
                entries.pages.extend(page_reply(call, query, &reply.body));
            }
            ApiRequest::DeadLetters(..) | ApiRequest::Replay(_) | ApiRequest::Api(_) => {}
        }
    }

    /// Forwards a response as the edge does: its publications go to the rooms, the rest to the client.
    pub(super) fn forward(&self, response: &Response<Body>) -> Reply {
        let status = response.status().as_u16();
        let body = match response.body() {
            Body::Text(text) => text.clone(),
            _ => String::new(),
        };
        let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
        if content_type != Some(WRITE_RESULT_CONTENT_TYPE) {
            return Reply { status, body };
        }
        match serde_json::from_str::<WriteResult>(&body) {
            Ok(pushed) => {
                // The receiver is gone once the run is over.
                pushed.publications.into_iter().for_each(|part| drop(self.published.send(part)));
                Reply { status, body: pushed.answer.as_str().to_owned() }
            }
            Err(error) => {
                self.log.violation("answer", format!("a response for the edge is malformed: {error}"));
                Reply { status, body }
            }
        }
    }
}

pub(super) fn call_context(number: u64, release: Release, rng: &mut Rng) -> Arc<CallContext> {
    Arc::new(CallContext { number, release, seed: rng.next_u64(), requests: AtomicU64::new(0) })
}

async fn sleep(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
