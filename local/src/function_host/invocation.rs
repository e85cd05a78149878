//! Converts an HTTP request to the event that a function receives.

use axum::body::Bytes;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lambda_http::{Body, Request, Response};
use protocol::endpoints::function::Function;
use protocol::wire::push::WriteResult;
use protocol::wire::push_group::{self, PushGroupResult};
use protocol::wire::{TOKEN_HEADER, WRITE_RESULT_CONTENT_TYPE};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The function that the first segment of the path names, and the rest of the path with its query.
pub(super) fn function(uri: &Uri) -> Option<(Function, &str)> {
    let target = uri.path_and_query()?.as_str();
    let (name, _) = uri.path().strip_prefix('/')?.split_once('/')?;
    let function = Function::ALL.into_iter().find(|function| function.name() == name)?;
    Some((function, target.get(1 + name.len()..)?))
}

/// The request as `lambda_http` passes it to a function: with an absolute URI and without the signature.
pub(super) fn request(parts: &Parts, target: &str, body: &Bytes) -> Option<Request> {
    let host = parts.headers.get(HOST)?.to_str().ok()?;
    let mut request = Request::new(event_body(&parts.headers, body));
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = format!("https://{host}{target}").parse().ok()?;
    *request.headers_mut() = parts.headers.clone();
    request.headers_mut().remove(AUTHORIZATION);
    Some(request)
}

/// Lambda passes text as text and everything else in base64, which `lambda_http` decodes.
fn event_body(headers: &HeaderMap, body: &Bytes) -> Body {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let is_text = content_type.starts_with("text/") || content_type.starts_with("application/json");
    match std::str::from_utf8(body) {
        _ if body.is_empty() => Body::Empty,
        Ok(text) if is_text => Body::Text(text.to_owned()),
        _ => Body::Binary(body.to_vec()),
    }
}

/// The client that the token names. The token is not verified, so this only chooses a fault.
pub(super) fn client(headers: &HeaderMap) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        client_id: String,
    }
    let payload = headers.get(TOKEN_HEADER)?.to_str().ok()?.split('.').nth(1)?;
    let claims = serde_json::from_slice::<Claims>(&URL_SAFE_NO_PAD.decode(payload).ok()?);
    claims.ok().map(|claims| claims.client_id)
}

/// The target as a function sees it that does not know groups of pushes.
pub(super) fn without_groups(target: &str) -> &str {
    if target.strip_prefix('/') == Some(push_group::OPERATION) { "/unknownOperation" } else { target }
}

/// The response to a push, or to a group of pushes, without its publications.
pub(super) fn without_publications(response: Response<Body>) -> Response<Body> {
    let content_type = response.headers().get(CONTENT_TYPE).cloned();
    let (parts, body) = response.into_parts();
    let cut = match content_type.as_ref().and_then(|value| value.to_str().ok()) {
        Some(WRITE_RESULT_CONTENT_TYPE) => cut::<WriteResult>(&body, |pushed| pushed.publications.clear()),
        Some(push_group::CONTENT_TYPE) => cut::<PushGroupResult>(&body, |pushed| pushed.publications.clear()),
        _ => None,
    };
    // An unreadable body goes on unchanged: the edge reports it.
    Response::from_parts(parts, cut.map_or(body, Body::Text))
}

fn cut<T: DeserializeOwned + Serialize>(body: &[u8], clear: impl Fn(&mut T)) -> Option<String> {
    let mut pushed = serde_json::from_slice(body).ok()?;
    clear(&mut pushed);
    serde_json::to_string(&pushed).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_segment_names_the_function() {
        let function_of = |uri: &str| {
            let uri: Uri = uri.parse().unwrap();
            function(&uri).map(|(function, target)| (function, target.to_owned()))
        };
        let expected = Some((Function::PullChanges, "/pullChanges?since=1%2C2".to_owned()));
        assert_eq!(function_of("/pull-changes/pullChanges?since=1%2C2"), expected);
        assert_eq!(function_of("/auth/"), Some((Function::Auth, "/".to_owned())));
        for uri in ["/", "/auth", "/change-stream/", "/other/x", "/AUTH/x"] {
            assert_eq!(function_of(uri), None, "{uri}");
        }
    }

    #[test]
    fn the_client_of_an_unverified_token_is_read() {
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
        let cut = |content_type: &str, body: &str| {
            let response = Response::builder().header(CONTENT_TYPE, content_type);
            let response = response.body(Body::Text(body.to_owned())).unwrap();
            without_publications(response).into_body()
        };
        let pushed = r#"{"answer":{"b":1.50,"a":2},"publications":[{"client_id":"1","branch_id":"2",
            "device_id":"d","prev":0,"first":1,"changes":[]}]}"#;
        let expected = r#"{"answer":{"b":1.50,"a":2},"publications":[]}"#;
        assert_eq!(cut(WRITE_RESULT_CONTENT_TYPE, pushed), Body::from(expected));
        assert_eq!(cut("application/json", pushed), Body::from(pushed));
        let group = pushed.replace(r#""answer":{"b":1.50,"a":2}"#, r#""answers":[null]"#);
        let expected = r#"{"answers":[null],"publications":[]}"#;
        assert_eq!(cut(push_group::CONTENT_TYPE, &group), Body::from(expected));
    }

    #[test]
    fn a_group_is_an_unknown_operation_for_a_release_without_groups() {
        assert_eq!(without_groups("/pushGroup"), "/unknownOperation");
        assert_eq!(without_groups("/pushBatch"), "/pushBatch");
    }
}
