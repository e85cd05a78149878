//! The lines of a function about the requests of one call.

use std::time::Duration;

use lambda_http::{Body, Request, Response};
use protocol::ids::ClientId;
use protocol::telemetry::function_line::{FunctionLine, NO_CACHE};
use protocol::telemetry::server_timing::{TIMING_HEADER, write};
use protocol::telemetry::trace_context::{TRACE_HEADER, TraceContext};
use protocol::timestamp::Timestamp;
use protocol::wire::{CACHE_HEADER, REQUEST_ID_HEADER};

use crate::dynamo::cost::Cost;

/// The lines about a call, as an extension of its response: Lambda writes them to standard output, and the
/// local stack counts them.
#[derive(Clone, Debug)]
pub struct RequestLines(pub Vec<FunctionLine>);

/// The answer to one push of a group.
#[derive(Clone, Debug)]
pub struct AnsweredPush {
    /// The id of its request.
    pub request_id: String,
    /// Its HTTP status.
    pub status: u16,
    /// Its share of the cost.
    pub cost: Cost,
}

/// What is told of a call.
#[derive(Debug)]
pub(super) struct CallReport<'a> {
    pub(super) request: &'a Request,
    pub(super) now: Timestamp,
    /// The operation id of the endpoint.
    pub(super) route: &'static str,
    /// The tenant of the caller.
    pub(super) client: Option<&'a ClientId>,
    pub(super) cost: &'a Cost,
    /// The answers, if it pushed a group.
    pub(super) grouped: Option<&'a [AnsweredPush]>,
    pub(super) duration: Duration,
    /// The part of it in DynamoDB.
    pub(super) storage: Duration,
}

impl CallReport<'_> {
    /// Adds the lines and the header `Server-Timing` to the response.
    pub(super) fn add_to(&self, mut response: Response<Body>) -> Response<Body> {
        let lines = match self.grouped {
            Some(answers) => answers.iter().map(|answer| self.of_answer(answer)).collect(),
            None => vec![self.of_response(&response)],
        };
        response.extensions_mut().insert(RequestLines(lines));
        if let Ok(timing) = write(&[("db", micros(self.storage))]).parse() {
            response.headers_mut().insert(TIMING_HEADER, timing);
        }
        response
    }

    fn of_response(&self, response: &Response<Body>) -> FunctionLine {
        let request_id = header(self.request.headers(), REQUEST_ID_HEADER).unwrap_or(NO_REQUEST_ID);
        let mut line = self.line(request_id, response.status().as_u16(), self.cost);
        header(response.headers(), CACHE_HEADER).unwrap_or(NO_CACHE).clone_into(&mut line.cache);
        line
    }

    fn of_answer(&self, answer: &AnsweredPush) -> FunctionLine {
        self.line(&answer.request_id, answer.status, &answer.cost)
    }

    fn line(&self, request_id: &str, status: u16, cost: &Cost) -> FunctionLine {
        let trace = header(self.request.headers(), TRACE_HEADER).and_then(TraceContext::parse);
        let mut line = FunctionLine::new(request_id, self.route, status, self.now.0 / 1000);
        line.trace_id = trace.map(|trace| trace.trace_id().to_owned());
        line.client = self.client.cloned();
        (line.duration_micros, line.storage_micros) = (micros(self.duration), micros(self.storage));
        line.storage_requests = cost.requests();
        (line.write_tenths, line.read_tenths) = (cost.write_tenths(), cost.read_tenths());
        line
    }
}

/// The id of a request that the edge did not send.
const NO_REQUEST_ID: &str = "none";

fn header<'a>(headers: &'a lambda_http::http::HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
