//! Signs requests as the edge does, for tests.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use axum::http::Request;
use protocol::timestamp::Timestamp;

use crate::dynamo::REGION;
use crate::keys::Caller;

/// Signs `request`, which has an absolute URI, with all its headers.
pub(crate) fn sign_request(
    mut request: Request<Vec<u8>>,
    caller: &Caller,
    service: &str,
    time: Timestamp,
) -> Request<Vec<u8>> {
    let secret = caller.secret_access_key.expose();
    let identity = Credentials::new(&caller.access_key_id, secret, None, None, "test").into();
    let params = v4::SigningParams::builder().identity(&identity).region(REGION).name(service);
    let params = params.time(SystemTime::UNIX_EPOCH + Duration::from_micros(time.0));
    let params = params.settings(SigningSettings::default()).build().unwrap().into();
    let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    let (method, uri) = (request.method().as_str(), request.uri().to_string());
    let signable = SignableRequest::new(method, uri, headers, SignableBody::Bytes(request.body())).unwrap();
    let (instructions, _) = sign(signable, &params).unwrap().into_parts();
    instructions.apply_to_request_http1x(&mut request);
    request
}
