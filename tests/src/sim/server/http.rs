//! Requests as the functions receive them.

use lambda_http::{Body, Request};
use protocol::wire::{ARRIVED_HEADER, REQUEST_ID_HEADER, TOKEN_HEADER};

use super::Call;

/// A request as the edge makes it. The edge forwards no header for an absent token.
pub(in crate::sim) fn request(uri: &str, call: &Call, body: Body) -> Request {
    let token = call.caller.token.expose();
    let mut request = lambda_http::http::Request::builder().uri(uri);
    if !token.is_empty() {
        request = request.header(TOKEN_HEADER, token);
    }
    if let Some(arrived_at) = call.arrived_at {
        request = request.header(ARRIVED_HEADER, arrived_at.0.to_string());
    }
    // These addresses and headers are always valid.
    request.header(REQUEST_ID_HEADER, format!("call-{}", call.number)).body(body).unwrap_or_default()
}
