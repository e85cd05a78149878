//! A request as a handler sees it.

use std::borrow::Cow;

use lambda_http::Request;
use protocol::claims::Claims;
use protocol::error::ApiError;
use protocol::ids::BranchId;
use protocol::limits::ARRIVAL_SECS_MAX;
use protocol::stamp::{Stamp, parse_digits};
use protocol::timestamp::Timestamp;
use protocol::wire::{ARRIVED_HEADER, REQUEST_ID_HEADER};
use sync::min;

use super::error::HandlerError;

/// A request to one endpoint, whose access rule it has passed.
pub struct FunctionRequest<'a> {
    /// When the request arrived at the function.
    pub now: Timestamp,
    http: &'a Request,
    claims: Option<Claims>,
    parameters: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// A handler of a public endpoint asked for claims: its row in the table of endpoints is wrong.
#[derive(Debug, thiserror::Error)]
#[error("failed to handle the request: the endpoint takes no token")]
pub struct NoClaims;

impl<'a> FunctionRequest<'a> {
    /// `http` with the verified `claims` of its caller, if its endpoint needs any.
    pub fn new(http: &'a Request, claims: Option<Claims>, now: Timestamp) -> FunctionRequest<'a> {
        let query = http.uri().query().unwrap_or_default();
        FunctionRequest { now, http, claims, parameters: form_urlencoded::parse(query.as_bytes()).collect() }
    }

    /// The caller.
    pub fn claims(&self) -> Result<&Claims, HandlerError> {
        self.claims.as_ref().ok_or_else(|| HandlerError::fault(NoClaims))
    }

    /// The body, empty if there is none.
    pub fn body(&self) -> &[u8] {
        self.http.body()
    }

    /// The value of the header `name`, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.http.headers().get(name)?.to_str().ok()
    }

    /// The edge's id of the request; empty without one.
    pub fn id(&self) -> &[u8] {
        self.http.headers().get(REQUEST_ID_HEADER).map_or(&[], |id| id.as_bytes())
    }

    /// When the request arrived at the edge, never later than [`FunctionRequest::now`]. An edge of another
    /// release, or with a wrong clock, does not say so.
    pub fn arrived_at(&self) -> Timestamp {
        let said = self.header(ARRIVED_HEADER).and_then(parse_digits).map(Stamp::time);
        said.map_or(self.now, |said| believed_arrival(said, self.now))
    }

    /// Path and query parameters in the order in which they were sent. The edge puts path parameters first.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The first value of the parameter `name`. A query cannot override a path parameter, because that comes
    /// first.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The parameter `min`, or 0: the response must not be older.
    pub fn min(&self) -> Result<Stamp, ApiError> {
        self.parameter("min").map_or(Ok(Stamp::ZERO), min::parse)
    }

    /// The parameter `branch_id`.
    pub fn branch(&self) -> Result<Option<BranchId>, ApiError> {
        Ok(self.parameter("branch_id").map(str::parse).transpose()?)
    }
}

/// When a request arrived at the edge, which says `said`, if that is possible for a function that runs at
/// `now`; otherwise `now`.
pub fn believed_arrival(said: Timestamp, now: Timestamp) -> Timestamp {
    if said.plus_secs(ARRIVAL_SECS_MAX) >= now { said.min(now) } else { now }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_says_when_the_request_arrived_and_is_believed_within_bounds() {
        let now = Timestamp(1_765_103_400_000_000);
        let arrived_at = |said: Option<&str>| {
            let http = lambda_http::http::Request::get("https://host/pushBatch");
            let http = said.into_iter().fold(http, |http, said| http.header(ARRIVED_HEADER, said));
            let http = http.body(lambda_http::Body::Empty).unwrap();
            FunctionRequest::new(&http, None, now).arrived_at().0
        };
        assert_eq!(arrived_at(Some("1765103390000000")), 1_765_103_390_000_000);
        for said in [None, Some(""), Some("soon"), Some("1765103400000001"), Some("1765100000000000")] {
            assert_eq!(arrived_at(said), now.0, "{said:?}");
        }
    }

    #[test]
    fn a_path_parameter_comes_first_and_cannot_be_overridden() {
        let uri = "https://host/getRecord?table=products&record_id=a%2Fb%20%25&record_id=c&min=7";
        let http = lambda_http::http::Request::get(uri).body(lambda_http::Body::Empty).unwrap();
        let request = FunctionRequest::new(&http, None, Timestamp(0));
        assert_eq!(request.parameter("record_id"), Some("a/b %"));
        assert_eq!(request.parameter("id"), None);
        assert_eq!(request.min().unwrap(), Stamp(7));
        assert!(matches!(request.claims(), Err(HandlerError::Fault(_))));
    }
}
