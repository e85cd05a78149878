//! What the edge tells of each request and each room: a line in its log, and a point for Workers Analytics
//! Engine, which counts by route, status and cache result.

use std::cell::{Cell, OnceCell};

use protocol::ids::{BranchId, ClientId};
use protocol::telemetry::server_timing::{self, TIMING_HEADER};
use protocol::telemetry::trace_context::{TRACE_HEADER, TraceContext};
use protocol::telemetry::{EdgeLine, EdgeTimes, LogEvent, RoomLine};
use protocol::timestamp::Timestamp;
use protocol::wire::{CACHE_HEADER, COST_HEADER};
use serde::Serialize;
use worker::{Env, console_error, console_log, console_warn};

use crate::clock;
use crate::config::LineLevel;
use crate::request::Request;
use crate::request_id::{self, RequestId};
use crate::response::Response;
use crate::state::AppState;

mod dataset;

/// The binding in `wrangler.toml`.
const BINDING: &str = "METRICS";
/// What the points are of: their first blob.
const REQUEST: &str = "request";
const ROOM: &str = "room";
/// The branch of a hub.
const HUB: &str = "*";
/// An index or a blob without a value.
const NONE: &str = "none";

/// One request while it is answered.
pub(crate) struct Observation {
    pub(crate) began_at: Timestamp,
    /// Its span, which the function and the response are told.
    pub(crate) trace: TraceContext,
    times: Cell<EdgeTimes>,
    client: OnceCell<ClientId>,
}

/// The times that are measured apart.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    Gate,
    Room,
    Function,
}

impl Observation {
    /// Begins now. A malformed trace context of the caller begins a new trace.
    pub(crate) fn of(request: &Request) -> Observation {
        let header = request.header(TRACE_HEADER).ok().flatten();
        let span_id = request_id::random();
        let trace = match header.as_deref().and_then(TraceContext::parse) {
            Some(caller) => caller.with_span(span_id),
            None => TraceContext::root(request_id::random(), span_id),
        };
        Observation { began_at: clock::now(), trace, times: Cell::default(), client: OnceCell::new() }
    }

    /// Notes the tenant of the request.
    pub(crate) fn of_client(&self, client: &ClientId) {
        // A request has one token.
        let _ = self.client.set(client.clone());
    }

    /// The tenant, once the token is verified.
    pub(crate) fn client(&self) -> Option<&ClientId> {
        self.client.get()
    }

    /// Runs `work` and adds its time to `part`.
    pub(crate) async fn timed<T>(&self, part: Part, work: impl Future<Output = T>) -> T {
        let began_at = clock::now();
        let output = work.await;
        let took = since(began_at);
        self.add(|times| match part {
            Part::Gate => times.gate_micros += took,
            Part::Room => times.room_micros += took,
            Part::Function => times.function_micros += took,
        });
        output
    }

    /// Adds what a function has told of its time in DynamoDB.
    pub(crate) fn add_storage(&self, micros: u64) {
        self.add(|times| times.storage_micros += micros);
    }

    fn add(&self, change: impl FnOnce(&mut EdgeTimes)) {
        let mut times = self.times.get();
        change(&mut times);
        self.times.set(times);
    }

    /// Adds the headers of every response, and tells of the request.
    pub(crate) fn finish(&self, response: &mut Response, id: &RequestId, route: &str, env: &Env) {
        self.add(|times| times.edge_micros = since(self.began_at));
        let times = self.times.get();
        let header = |name| response.header(name).map(str::to_owned);
        let line = EdgeLine {
            request_id: id.to_string(),
            trace_id: self.trace.trace_id().to_owned(),
            route: route.to_owned(),
            status: response.status,
            client: self.client.get().cloned(),
            cache: header(CACHE_HEADER),
            cost: header(COST_HEADER),
            times,
        };
        let timing = server_timing::write(&parts(&times));
        if !timing.is_empty() {
            response.set(TIMING_HEADER, timing);
        }
        response.set(TRACE_HEADER, self.trace.header());
        tell(env, &LogEvent::Edge(line));
    }
}

/// The names are those of PROTOCOL.md.
fn parts(times: &EdgeTimes) -> [(&'static str, u64); 5] {
    [
        ("edge", times.edge_micros),
        ("gate", times.gate_micros),
        ("room", times.room_micros),
        ("fn", times.function_micros),
        ("db", times.storage_micros),
    ]
}

/// Writes the line, and counts it where the deployment has a dataset.
pub(crate) fn tell(env: &Env, line: &LogEvent) {
    match AppState::of(env).map(|state| state.config.line_level).unwrap_or_default() {
        LineLevel::Log => console_log!("{}", line.to_json()),
        LineLevel::Warn => console_warn!("{}", line.to_json()),
    }
    if let Err(error) = dataset::write(env, BINDING, || point(line)) {
        console_error!("failed to count a request: {error}");
    }
}

/// A point for Analytics Engine. OPERATIONS.md names its columns.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Point {
    /// The tenant: busy tenants are sampled, and others are not. The platform takes one index.
    indexes: [String; 1],
    blobs: Vec<String>,
    doubles: Vec<u32>,
}

fn point(line: &LogEvent) -> Point {
    let small = |micros: u64| u32::try_from(micros).unwrap_or(u32::MAX);
    match line {
        LogEvent::Edge(EdgeLine { route, status, client, cache, times, .. }) => Point {
            indexes: [client.as_ref().map_or(NONE, ClientId::as_str).to_owned()],
            blobs: vec![
                REQUEST.to_owned(),
                route.clone(),
                status.to_string(),
                cache.clone().unwrap_or_else(|| NONE.to_owned()),
            ],
            doubles: parts(times).map(|(_, micros)| small(micros)).into(),
        },
        LogEvent::Room(RoomLine { client, branch, sockets, changes, delay_micros }) => Point {
            indexes: [client.to_string()],
            blobs: vec![ROOM.to_owned(), branch.as_ref().map_or(HUB, BranchId::as_str).to_owned()],
            doubles: vec![
                small(*sockets as u64),
                small(*changes as u64),
                small(delay_micros.unwrap_or_default()),
            ],
        },
    }
}

fn since(began_at: Timestamp) -> u64 {
    clock::now().0.saturating_sub(began_at.0)
}

#[cfg(test)]
mod tests;
