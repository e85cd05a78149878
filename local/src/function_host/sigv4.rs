//! AWS Signature Version 4, as a function URL with `AuthType: AWS_IAM` checks it.
//!
//! aws-sigv4, which the edge signs with, only signs. So the signature is computed again for the request that
//! arrived and compared, and the relevant headers must be among the signed ones.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use protocol::timestamp::Timestamp;
use protocol::wire::REQUEST_ID_HEADER;
use subtle::ConstantTimeEq;

use crate::keys::Caller;

/// Maximum difference between the signature's time and now, in seconds.
const AGE_SECS_MAX: u64 = 5 * 60;
/// The service name of function URLs.
const SERVICE: &str = "lambda";

/// Why a request is refused. Only the log gets the reason, not the caller.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum BadSignature {
    #[error("failed to verify the signature: the Authorization header is missing or malformed")]
    Malformed,
    #[error("failed to verify the signature: it is for another key, day, region or service")]
    Scope,
    #[error("failed to verify the signature: the header {0} is not signed")]
    Unsigned(String),
    #[error("failed to verify the signature: it is older than five minutes, or from the future")]
    Time,
    #[error("failed to verify the signature: it is wrong")]
    Wrong,
}

/// The three parts of an Authorization header.
struct Authorization<'a> {
    credential: &'a str,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

/// Checks that `caller` signed this request for `region` within five minutes of `now`.
pub(super) fn verify(
    parts: &Parts,
    body: &[u8],
    caller: &Caller,
    region: &str,
    now: Timestamp,
) -> Result<(), BadSignature> {
    let authorization = Authorization::read(&parts.headers).ok_or(BadSignature::Malformed)?;
    let date = header(&parts.headers, "x-amz-date").ok_or(BadSignature::Malformed)?;
    let time = read_date(date).ok_or(BadSignature::Malformed)?;
    if time.as_secs().abs_diff(now.as_secs()) > AGE_SECS_MAX {
        return Err(BadSignature::Time);
    }
    let day = date.split('T').next().unwrap_or_default();
    if authorization.credential != format!("{}/{day}/{region}/{SERVICE}/aws4_request", caller.access_key_id) {
        return Err(BadSignature::Scope);
    }
    let required = parts.headers.keys().map(|name| name.as_str()).filter(|name| must_be_signed(name));
    if let Some(name) = required.chain(["host"]).find(|name| !authorization.signed_headers.contains(name)) {
        return Err(BadSignature::Unsigned(name.to_owned()));
    }
    let expected =
        signature(parts, body, &authorization, caller, region, time).ok_or(BadSignature::Malformed)?;
    let same = expected.as_bytes().ct_eq(authorization.signature.as_bytes());
    if bool::from(same) { Ok(()) } else { Err(BadSignature::Wrong) }
}

/// AWS's headers and ours: changing one of them in transit could change what a function does.
fn must_be_signed(name: &str) -> bool {
    name.starts_with("x-amz-") || name.starts_with("x-tillsync-") || name == REQUEST_ID_HEADER
}

/// The expected signature; `None` if the request cannot be signed.
fn signature(
    parts: &Parts,
    body: &[u8],
    authorization: &Authorization<'_>,
    caller: &Caller,
    region: &str,
    time: Timestamp,
) -> Option<String> {
    let host = header(&parts.headers, "host")?;
    let target = parts.uri.path_and_query()?;
    let signed = authorization.signed_headers.iter().map(|name| {
        let values = parts.headers.get_all(*name).iter();
        values.map(|value| Some((*name, value.to_str().ok()?))).collect::<Option<Vec<_>>>()
    });
    let signed: Vec<(&str, &str)> = signed.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
    let uri = format!("http://{host}{target}");
    let body = SignableBody::Bytes(body);
    let request = SignableRequest::new(parts.method.as_str(), uri, signed.into_iter(), body).ok()?;

    let secret = caller.secret_access_key.expose();
    let identity = Credentials::new(&caller.access_key_id, secret, None, None, "local").into();
    let mut settings = SigningSettings::default();
    // The Authorization header names the signed headers.
    settings.excluded_headers = None;
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(SERVICE)
        .time(SystemTime::UNIX_EPOCH + Duration::from_micros(time.0))
        .settings(settings)
        .build()
        .ok()?;
    Some(sign(request, &params.into()).ok()?.signature().to_owned())
}

impl<'a> Authorization<'a> {
    fn read(headers: &'a HeaderMap) -> Option<Authorization<'a>> {
        let parts = header(headers, "authorization")?.strip_prefix("AWS4-HMAC-SHA256 ")?;
        let part =
            |name: &str| parts.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
        Some(Authorization {
            credential: part("Credential")?,
            signed_headers: part("SignedHeaders")?.split(';').collect(),
            signature: part("Signature")?,
        })
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Reads `20251207T103000Z`.
fn read_date(text: &str) -> Option<Timestamp> {
    let digits = |from: usize, to: usize| text.get(from..to);
    let (year, month, day) = (digits(0, 4)?, digits(4, 6)?, digits(6, 8)?);
    let (hour, minute, second) = (digits(9, 11)?, digits(11, 13)?, digits(13, 15)?);
    let rfc_3339 = format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z");
    let time = Timestamp::parse(&rfc_3339).ok()?;
    // The characters between the digits.
    let fits = text.len() == 16 && text.get(8..9) == Some("T") && text.ends_with('Z');
    fits.then_some(time)
}

#[cfg(test)]
pub(crate) mod signing;
#[cfg(test)]
mod tests;
