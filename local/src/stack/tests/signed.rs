//! Calls as the edge signs them.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use hyper::{Method, Request};

use crate::dynamo::REGION;
use crate::keys::Caller;

pub(super) fn request(
    caller: &Caller,
    method: &str,
    url: &str,
    target: &str,
    token: &str,
    body: Vec<u8>,
) -> reqwest::Request {
    let mut headers = vec![("content-type", "application/json"), ("x-request-id", "r1")];
    if !token.is_empty() {
        headers.push(("x-tillsync-token", token));
    }
    let uri = format!("{url}{target}");
    let signable = SignableBody::Bytes(&body);
    let signable = SignableRequest::new(method, &uri, headers.iter().copied(), signable).unwrap();
    let secret = caller.secret_access_key.expose();
    let identity = Credentials::new(&caller.access_key_id, secret, None, None, "test").into();
    let params = v4::SigningParams::builder().identity(&identity).region(REGION).name("lambda");
    let params = params.time(SystemTime::now()).settings(SigningSettings::default()).build().unwrap();
    let (instructions, _) = sign(signable, &params.into()).unwrap().into_parts();

    let builder = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(uri);
    let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
    let mut request = builder.body(body).unwrap();
    instructions.apply_to_request_http1x(&mut request);
    reqwest::Request::try_from(request).unwrap()
}
