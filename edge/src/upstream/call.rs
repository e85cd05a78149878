//! One call of a function.

use protocol::endpoints::spec::EndpointSpec;
use protocol::telemetry::trace_context::{TRACE_HEADER, TraceContext};
use protocol::timestamp::Timestamp;
use protocol::wire::{ARRIVED_HEADER, REQUEST_ID_HEADER, TOKEN_HEADER};

use crate::client_info::ClientInfo;
use crate::request_id::RequestId;

pub(crate) struct Call<'a> {
    pub(crate) spec: &'static EndpointSpec,
    /// The operation id: the endpoint's own, or that of a group of pushes.
    pub(crate) operation: &'static str,
    /// The query in its canonical form, without the question mark.
    pub(crate) query: &'a str,
    /// The body, for methods with one.
    pub(crate) body: Option<&'a [u8]>,
    pub(crate) credentials: Credentials<'a>,
    /// The request id, for the function's log.
    pub(crate) request_id: &'a RequestId,
    /// When the request arrived.
    pub(crate) arrived_at: Timestamp,
    /// The edge's span of its trace.
    pub(crate) trace: &'a TraceContext,
}

/// What a function learns about the caller.
#[derive(Clone, Copy)]
pub(crate) enum Credentials<'a> {
    /// The access token, which the function verifies again.
    Token(&'a str),
    /// Address and user agent, which a sign-in stores in its session.
    ClientInfo(&'a ClientInfo),
}

impl Call<'_> {
    /// The URL of the call; `base` is the function's own.
    pub(super) fn url(&self, base: &str) -> String {
        let mark = if self.query.is_empty() { "" } else { "?" };
        format!("{base}/{}{mark}{}", self.operation, self.query)
    }

    /// The headers to sign. `User-Agent` is the only header of the caller among them.
    pub(super) fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            (REQUEST_ID_HEADER, self.request_id.to_string()),
            (ARRIVED_HEADER, self.arrived_at.0.to_string()),
            (TRACE_HEADER, self.trace.header()),
        ];
        if self.body.is_some() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        match self.credentials {
            Credentials::Token(token) => headers.push((TOKEN_HEADER, token.to_owned())),
            Credentials::ClientInfo(info) => headers.extend(info.headers()),
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use protocol::endpoints::Endpoint;

    use super::*;

    static TRACE: OnceLock<TraceContext> = OnceLock::new();

    fn call<'a>(id: &'a RequestId, query: &'a str, credentials: Credentials<'a>) -> Call<'a> {
        let spec = Endpoint::PushBatch.spec();
        let (operation, arrived_at) = (spec.operation_id, Timestamp(1_765_103_400_000_000));
        let trace = TRACE.get_or_init(|| TraceContext::root([1; 16], [2; 8]));
        Call { spec, operation, query, body: Some(b"{}"), credentials, request_id: id, arrived_at, trace }
    }

    #[test]
    fn operation_id_and_query_follow_the_function_url() {
        let id = RequestId::new();
        let url = |query| call(&id, query, Credentials::Token("")).url("http://127.0.0.1:9000/batch-push");
        assert_eq!(url("a=1"), "http://127.0.0.1:9000/batch-push/pushBatch?a=1");
        assert_eq!(url(""), "http://127.0.0.1:9000/batch-push/pushBatch");
    }

    #[test]
    fn a_function_receives_ids_arrival_credentials_and_content_type_only() {
        let id = RequestId::new();
        let names = |call: Call<'_>| call.headers().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let with_token = call(&id, "", Credentials::Token("a.b.c"));
        assert_eq!(
            names(with_token),
            ["x-request-id", "x-tillsync-arrived", "traceparent", "content-type", "x-tillsync-token"]
        );
        let without_body = Call { body: None, ..call(&id, "", Credentials::Token("a.b.c")) };
        assert_eq!(
            names(without_body),
            ["x-request-id", "x-tillsync-arrived", "traceparent", "x-tillsync-token"]
        );
        let info = ClientInfo::new(Some("203.0.113.7"), Some("a"));
        let sign_in = call(&id, "", Credentials::ClientInfo(&info));
        let expected = [
            "x-request-id",
            "x-tillsync-arrived",
            "traceparent",
            "content-type",
            "x-tillsync-address",
            "x-tillsync-agent",
        ];
        assert_eq!(names(sign_in), expected);
    }
}
