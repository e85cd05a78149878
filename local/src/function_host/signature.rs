//! Checking AWS's Signature Version 4, as a function URL with `AuthType: AWS_IAM` does.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, SignableBody, SignableRequest, SigningParams, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HOST};
use shared::micros::Micros;
use subtle::ConstantTimeEq;

use crate::dynamo::REGION;
use crate::keys::Caller;

/// Seconds by which a signature may be old or ahead.
const AGE_SECS_MAX: u64 = 5 * 60;

/// Headers that the signer writes itself.
const SIGNERS_OWN: [&str; 3] = ["host", "x-amz-date", "x-amz-content-sha256"];

/// Whether the request was signed by the edge, as it arrived and just now.
///
/// The request is signed again from the headers that its signature names; the same text must come out.
pub(super) fn holds(caller: &Caller, now: Micros, method: &str, target: &str, headers: &HeaderMap, body: &[u8]) -> bool {
    again(caller, now, method, target, headers, body).unwrap_or(false)
}

fn again(caller: &Caller, now: Micros, method: &str, target: &str, headers: &HeaderMap, body: &[u8]) -> Option<bool> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let presented = text(AUTHORIZATION.as_str())?;
    let names: Vec<&str> = presented.split("SignedHeaders=").nth(1)?.split(',').next()?.split(';').collect();
    let time = time(text("x-amz-date")?)?;
    // What the function believes must be under the signature, and so must what binds it to time and place.
    let ours = headers.keys().map(hyper::header::HeaderName::as_str);
    let mut must = ours.filter(|name| name.starts_with("x-tillsync-") || *name == "x-request-id").chain(SIGNERS_OWN);
    if time.0.abs_diff(now.0) > AGE_SECS_MAX * 1_000_000 || !must.all(|name| names.contains(&name)) {
        return Some(false);
    }
    let signed: Option<Vec<(&str, &str)>> =
        names.iter().filter(|name| !SIGNERS_OWN.contains(name)).map(|&name| Some((name, text(name)?))).collect();
    let url = format!("http://{}{target}", text(HOST.as_str())?);
    let expected = authorization(caller, time, method, &url, &signed?, body)?;
    Some(expected.as_bytes().ct_eq(presented.as_bytes()).into())
}

fn authorization(
    caller: &Caller,
    time: Micros,
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Option<String> {
    let identity = Credentials::new(&caller.access_key_id, caller.secret_access_key.expose(), None, None, "local").into();
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name("lambda")
        .time(SystemTime::UNIX_EPOCH + Duration::from_micros(time.0))
        .settings(settings)
        .build()
        .ok()?;
    let request = SignableRequest::new(method, url, headers.iter().copied(), SignableBody::Bytes(body)).ok()?;
    let (instructions, _) = sign(request, &SigningParams::V4(params)).ok()?.into_parts();
    let (headers, _) = instructions.into_parts();
    headers.iter().find(|header| header.name() == "authorization").map(|header| header.value().to_owned())
}

/// Reads `20251207T103000Z`.
fn time(text: &str) -> Option<Micros> {
    let part = |from: usize, to: usize| text.get(from..to);
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(9, 11)?, part(11, 13)?, part(13, 15)?);
    Micros::parse(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = Micros(1_765_103_400_000_000);
    const TARGET: &str = "/pull-changes/api/sync/pull-changes?limit=5";

    fn caller(secret: &str) -> Caller {
        Caller { access_key_id: "AKIALOCAL".into(), secret_access_key: shared::config::Secret::new(secret.into()) }
    }

    /// The headers of a request as the edge signs it.
    fn signed() -> HeaderMap {
        let extra = [("content-type", "application/json"), ("x-request-id", "r1"), ("x-tillsync-token", "t1")];
        let url = format!("http://127.0.0.1:9000{TARGET}");
        let identity = Credentials::new("AKIALOCAL", "s1", None, None, "test").into();
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let time = SystemTime::UNIX_EPOCH + Duration::from_micros(NOW.0);
        let params = v4::SigningParams::builder().identity(&identity).region(REGION).name("lambda");
        let params = SigningParams::V4(params.time(time).settings(settings).build().unwrap());
        let request = SignableRequest::new("POST", &url, extra.into_iter(), SignableBody::Bytes(b"{}")).unwrap();
        let (instructions, _) = sign(request, &params).unwrap().into_parts();
        let mut headers = HeaderMap::new();
        let mut add = |name: &str, value: &str| {
            headers.insert(hyper::header::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        };
        extra.iter().for_each(|(name, value)| add(name, value));
        instructions.headers().for_each(|(name, value)| add(name, value));
        add("host", "127.0.0.1:9000");
        headers
    }

    fn is_let_in(change: impl FnOnce(&mut HeaderMap)) -> bool {
        let mut headers = signed();
        change(&mut headers);
        holds(&caller("s1"), NOW, "POST", TARGET, &headers, b"{}")
    }

    #[test]
    fn what_was_signed_is_let_in() {
        assert!(is_let_in(|_| {}));
        // Headers that a proxy adds on the way are not under the signature.
        assert!(is_let_in(|headers| drop(headers.insert("accept-encoding", "gzip".parse().unwrap()))));
    }

    #[test]
    fn whatever_was_changed_is_not() {
        let headers = signed();
        let with = |secret: &str, now, method, target, body: &[u8]| holds(&caller(secret), now, method, target, &headers, body);
        assert!(!with("s2", NOW, "POST", TARGET, b"{}"));
        assert!(!with("s1", NOW, "GET", TARGET, b"{}"));
        assert!(!with("s1", NOW, "POST", "/pull-changes/api/sync/pull-changes?limit=6", b"{}"));
        assert!(!with("s1", NOW, "POST", TARGET, b"{ }"));
        assert!(!with("s1", NOW.plus_secs(AGE_SECS_MAX + 1), "POST", TARGET, b"{}"));
        assert!(!is_let_in(|headers| drop(headers.insert("x-tillsync-token", "t2".parse().unwrap()))));
        assert!(!is_let_in(|headers| drop(headers.insert("x-tillsync-more", "x".parse().unwrap()))));
        assert!(!is_let_in(|headers| drop(headers.remove("x-amz-date"))));
        assert!(!is_let_in(|headers| drop(headers.remove("authorization"))));
        assert!(!is_let_in(|headers| drop(headers.insert("authorization", "AWS4-HMAC-SHA256".parse().unwrap()))));
    }
}
