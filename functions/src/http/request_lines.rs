//! The lines of a function about the requests of one call.

use std::time::Duration;

use lambda_http::{Body, Request, Response};
use protocol::ids::ClientId;
use protocol::telemetry::function_line::{FunctionLine, NO_CACHE};
use protocol::telemetry::server_timing::{TIMING_HEADER, write};
use protocol::telemetry::trace_context::{TRACE_HEADER, TraceContext};
use protocol::timestamp::Timestamp;
use protocol::wire::{CACHE_HEADER, REQUEST_ID_HEADER};

use crate::dynamo::cost::{Cost, share};

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
    /// The operation id of the endpoint, or that of a group that failed.
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
            Some(answers) => self.of_answers(answers),
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

    fn of_answers(&self, answers: &[AnsweredPush]) -> Vec<FunctionLine> {
        let storage = micros(self.storage);
        let of_answer = |(index, answer): (usize, &AnsweredPush)| {
            let mut line = self.line(&answer.request_id, answer.status, &answer.cost);
            line.group_pushes = Some(answers.len() as u64);
            line.storage_micros = share(storage, index, answers.len());
            line
        };
        answers.iter().enumerate().map(of_answer).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

    fn lines(grouped: Option<&[AnsweredPush]>) -> Vec<FunctionLine> {
        let (request, cost) = (Request::default(), Cost::default());
        let (duration, storage) = (Duration::from_micros(90), Duration::from_micros(50));
        let route = "pushBatch";
        let report = CallReport {
            request: &request,
            now: NOW,
            route,
            client: None,
            cost: &cost,
            grouped,
            duration,
            storage,
        };
        let response = report.add_to(Response::new(Body::Empty));
        response.extensions().get::<RequestLines>().unwrap().0.clone()
    }

    #[test]
    fn the_pushes_of_a_group_share_the_time_in_dynamodb() {
        let answer =
            |id: &str| AnsweredPush { request_id: id.to_owned(), status: 200, cost: Cost::default() };
        let lines = lines(Some(&["a", "b", "c"].map(answer)));
        let told = |line: &FunctionLine| (line.request_id.clone(), line.storage_micros, line.duration_micros);
        let told: Vec<_> = lines.iter().map(told).collect();
        assert_eq!(told, [("a".into(), 17, 90), ("b".into(), 17, 90), ("c".into(), 16, 90)]);
        assert!(lines.iter().all(|line| line.group_pushes == Some(3)));
    }

    #[test]
    fn a_call_of_one_request_has_one_line_with_its_own_time() {
        let lines = lines(None);
        assert_eq!((lines.len(), lines[0].storage_micros, lines[0].group_pushes), (1, 50, None));
    }
}
