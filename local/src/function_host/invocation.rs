//! From a request over HTTP to what a function sees, and back.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Uri};
use lambda_http::{Body, Request, Response};
use protocol::wire::push::WriteResult;
use protocol::wire::{TOKEN_HEADER, WRITE_RESULT_CONTENT_TYPE};
use serde::Deserialize;

use crate::handlers::Route;

/// The function that a path belongs to, and the rest of the path with its query.
pub(super) fn route(uri: &Uri) -> Option<(Route, &str)> {
    let target = uri.path_and_query()?.as_str();
    let (name, _) = uri.path().strip_prefix('/')?.split_once('/')?;
    let route = Route::ALL.into_iter().find(|route| route.name() == name)?;
    Some((route, target.get(1 + name.len()..)?))
}

/// The event as `lambda_http` would make it: an absolute URI, and no signature.
pub(super) fn request(parts: &Parts, target: &str, body: &Bytes) -> Option<Request> {
    let host = parts.headers.get(HOST)?.to_str().ok()?;
    let mut request = Request::new(event_body(&parts.headers, body));
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = format!("https://{host}{target}").parse().ok()?;
    *request.headers_mut() = parts.headers.clone();
    request.headers_mut().remove(AUTHORIZATION);
    Some(request)
}

/// Lambda hands over text as text, and everything else in base64, which `lambda_http` undoes.
fn event_body(headers: &HeaderMap, body: &Bytes) -> Body {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let is_text = content_type.starts_with("text/") || content_type.starts_with("application/json");
    match std::str::from_utf8(body) {
        _ if body.is_empty() => Body::Empty,
        Ok(text) if is_text => Body::Text(text.to_owned()),
        _ => Body::Binary(body.to_vec()),
    }
}

/// A function's answer as bytes.
pub(super) fn bytes(body: Body) -> Bytes {
    match body {
        Body::Text(text) => Bytes::from(text),
        Body::Binary(bytes) => Bytes::from(bytes),
        // Empty; the enum is open, and there is no other kind.
        _ => Bytes::new(),
    }
}

/// The client in the token, which nobody has verified: good for choosing a fault, for nothing else.
pub(super) fn client(headers: &HeaderMap) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        client_id: String,
    }
    let payload = headers.get(TOKEN_HEADER)?.to_str().ok()?.split('.').nth(1)?;
    let claims = serde_json::from_slice::<Claims>(&URL_SAFE_NO_PAD.decode(payload).ok()?);
    claims.ok().map(|claims| claims.client_id)
}

/// The answer of a push without the commits beside it.
pub(super) fn without_publications(response: Response<Body>) -> Response<Body> {
    if response.headers().get(CONTENT_TYPE).is_none_or(|value| value != WRITE_RESULT_CONTENT_TYPE) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let cut = serde_json::from_slice::<WriteResult>(&body).and_then(|mut pushed| {
        pushed.publications.clear();
        serde_json::to_string(&pushed)
    });
    // What does not read is passed on, for the edge to complain about.
    Response::from_parts(parts, cut.map_or(body, Body::Text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_segment_names_the_function() {
        let route_of = |uri: &str| {
            let uri: Uri = uri.parse().unwrap();
            route(&uri).map(|(route, target)| (route, target.to_owned()))
        };
        let expected = Some((Route::PullChanges, "/api/sync/pull-changes?since=1%2C2".to_owned()));
        assert_eq!(route_of("/pull-changes/api/sync/pull-changes?since=1%2C2"), expected);
        assert_eq!(route_of("/auth/"), Some((Route::Auth, "/".to_owned())));
        for uri in ["/", "/auth", "/change-stream/", "/other/x", "/AUTH/x"] {
            assert_eq!(route_of(uri), None, "{uri}");
        }
    }

    #[test]
    fn a_token_is_read_without_being_believed() {
        let payload = URL_SAFE_NO_PAD.encode(r#"{"client_id":"c17","branch_id":"2"}"#);
        let mut headers = HeaderMap::new();
        headers.insert(TOKEN_HEADER, format!("x.{payload}.y").parse().unwrap());
        assert_eq!(client(&headers).as_deref(), Some("c17"));
        for bad in ["", "x", "x.y.z", "x.e30.z"] {
            headers.insert(TOKEN_HEADER, bad.parse().unwrap());
            assert_eq!(client(&headers), None, "{bad}");
        }
    }

    #[test]
    fn only_pushes_lose_their_publications() {
        let answer = |content_type: &str, body: &str| {
            let response = Response::builder().header(CONTENT_TYPE, content_type);
            let response = response.body(Body::Text(body.to_owned())).unwrap();
            String::from_utf8(bytes(without_publications(response).into_body()).to_vec()).unwrap()
        };
        let pushed = r#"{"answer":{"b":1.50,"a":2},"publications":[{"client_id":"1","branch_id":"2",
            "device_id":"d","prev":0,"first":1,"changes":[]}]}"#;
        assert_eq!(
            answer(WRITE_RESULT_CONTENT_TYPE, pushed),
            r#"{"answer":{"b":1.50,"a":2},"publications":[]}"#
        );
        assert_eq!(answer("application/json", pushed), pushed);
    }
}
