//! The functions of a run, called as the edge calls them, over a lossy network.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use functions::context::Context;
use functions::http::dispatch;
use lambda_http::{Body, Request, Response};
use protocol::timestamp::Timestamp;
use protocol::wire::publication::Publication;
use protocol::wire::push::WriteResult;
use protocol::wire::{REQUEST_ID_HEADER, TOKEN_HEADER, WRITE_RESULT_CONTENT_TYPE};
use sync::limits::WRITE_SECS_MAX;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;

use super::actors::Caller;
use super::clock::{Clock, skewed};
use super::event_log::{EventLog, PushCall, PushReply};
use super::fault_rates::FaultRates;
use super::mutation::Mutation;
use super::network::{CALL, CallContext};
use super::rng::Rng;

/// A request of a till.
#[derive(Clone, Debug)]
pub(crate) enum ApiRequest {
    /// `POST /api/sync/batch-push` with this body.
    Push(String),
    /// `GET /api/sync/pull-changes` with this query.
    Pull(String),
    /// An operation of `/api/sync/dead-letters`, with its query.
    DeadLetters(&'static str, String),
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
}

pub(crate) struct Server {
    pub(crate) functions: Functions,
    pub(crate) clock: Clock,
    pub(crate) log: Arc<EventLog>,
    pub(crate) rates: FaultRates,
    pub(crate) healed: AtomicBool,
    pub(crate) mutation: Option<Mutation>,
    /// The number of calls so far.
    pub(crate) calls: AtomicU64,
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
                server.start(&caller, request, &mut rng, &FaultRates::none());
            });
        }
        let reply = self.start(caller, request, rng, &rates).await.ok().flatten();
        sleep(rng.between(1, 30)).await;
        reply.filter(|_| !rng.chance(rates.response_lost))
    }

    /// Starts a function, which runs on even if its caller goes away.
    fn start(
        self: &Arc<Self>,
        caller: &Caller,
        request: ApiRequest,
        rng: &mut Rng,
        rates: &FaultRates,
    ) -> JoinHandle<Option<Reply>> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let skew = i64::try_from(rng.below(rates.skew_micros * 2 + 1)).unwrap_or_default();
        let now = skewed(self.clock.now(), skew - i64::try_from(rates.skew_micros).unwrap_or_default());
        let is_pull = matches!(request, ApiRequest::Pull(_));
        let now = self.mutation.filter(|_| is_pull).map_or(now, |mutation| mutation.mutate_time(now));
        let context = Arc::new(CallContext { number, seed: rng.next_u64(), requests: AtomicU64::new(0) });
        let crash_after = rng.chance(rates.crash).then(|| Duration::from_millis(rng.below(150)));
        if let ApiRequest::Push(body) = &request {
            let call = PushCall { room: caller.room.clone(), role: caller.role, now, body: body.clone() };
            self.log.entries().calls.insert(number, call);
        }
        let (server, token) = (self.clone(), caller.token.clone());
        tokio::spawn(CALL.scope(context, async move {
            let reply = server.run(number, token.expose(), request, now);
            match crash_after {
                // As Lambda does.
                None => tokio::time::timeout(Duration::from_secs(WRITE_SECS_MAX), reply).await.ok(),
                // A crash hits the function anywhere, for example between its commit and its response.
                Some(after) => tokio::time::timeout(after, reply).await.ok(),
            }
        }))
    }

    async fn run(&self, number: u64, token: &str, request: ApiRequest, now: Timestamp) -> Reply {
        let Functions { batch_push, pull_changes, dead_letters } = &self.functions;
        let sent = request.clone();
        let (function, uri, body) = match request {
            ApiRequest::Push(body) => (batch_push, "/pushBatch".to_owned(), Body::Text(body)),
            ApiRequest::Pull(query) => (pull_changes, format!("/pullChanges?{query}"), Body::Empty),
            ApiRequest::DeadLetters(operation, query) => {
                (dead_letters, format!("/{operation}?{query}"), Body::Empty)
            }
        };
        let response = dispatch::handle(function, http_request(&uri, token, number, body), now).await;
        let reply = self.forward(&response);
        self.log.trace(&format!("{number} answers {} {}", reply.status, reply.body));
        self.count(number, &sent, &reply);
        if matches!(sent, ApiRequest::Push(_)) {
            if let Some(mutated) = self.mutation.and_then(Mutation::mutate_reply) {
                return mutated;
            }
            let reply = PushReply { call: number, status: reply.status, body: reply.body.clone() };
            self.log.entries().replies.push(reply);
        }
        reply
    }

    /// Counts what a response reached.
    fn count(&self, number: u64, request: &ApiRequest, reply: &Reply) {
        let mut entries = self.log.entries();
        let committed = entries.has_committed(number);
        entries.coverage.response(reply.status, &reply.body);
        match request {
            ApiRequest::Push(body) => entries.coverage.push(body, &reply.body, committed),
            ApiRequest::Pull(query) => entries.coverage.page(limit(query), &reply.body),
            ApiRequest::DeadLetters(..) => {}
        }
    }

    /// Forwards a response as the edge does: its publications go to the rooms, the rest to the client.
    fn forward(&self, response: &Response<Body>) -> Reply {
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

/// The limit in the query of a pull.
fn limit(query: &str) -> Option<usize> {
    query.split('&').find_map(|pair| pair.strip_prefix("limit="))?.parse().ok()
}

/// A request as the edge makes it. The edge forwards no header for an absent token.
fn http_request(uri: &str, token: &str, number: u64, body: Body) -> Request {
    let mut request = lambda_http::http::Request::builder().uri(uri);
    if !token.is_empty() {
        request = request.header(TOKEN_HEADER, token);
    }
    // These addresses and headers are always valid.
    request.header(REQUEST_ID_HEADER, format!("call-{number}")).body(body).unwrap_or_default()
}

async fn sleep(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
