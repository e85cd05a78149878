use axum::http::{HeaderValue, Method, Request};
use config::Secret;

use super::signing::sign_request;
use super::*;

const NOW: Timestamp = Timestamp(1_765_103_400_000_000);
const REGION: &str = "us-east-1";
const BODY: &[u8] = br#"{"a":1}"#;

fn caller() -> Caller {
    Caller { access_key_id: "AKIDLOCAL".into(), secret_access_key: Secret::new("secret".into()) }
}

/// A request signed as the edge signs it.
fn signed(target: &str, service: &str) -> Parts {
    let request = Request::post(format!("http://127.0.0.1:9000{target}")).header("host", "127.0.0.1:9000");
    let request = request.header("x-tillsync-token", "t.o.k").header("x-request-id", "r1");
    let mut request = sign_request(request.body(BODY.to_vec()).unwrap(), &caller(), service, NOW);
    request.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    *request.uri_mut() = target.parse().unwrap();
    request.into_parts().0
}

fn check(parts: &Parts) -> Result<(), BadSignature> {
    verify(parts, BODY, &caller(), REGION, NOW)
}

const TARGET: &str = "/batch-push/pushBatch?tables=a%2Cb&limit=1";

#[test]
fn a_signed_request_passes_for_five_minutes() {
    assert_eq!(check(&signed(TARGET, "lambda")), Ok(()));
    assert_eq!(check(&signed("/pull-changes/x?since=2025-12-07T10%3A30%3A00%2B01%3A00", "lambda")), Ok(()));
    let parts = signed(TARGET, "lambda");
    assert_eq!(verify(&parts, BODY, &caller(), REGION, NOW.plus_secs(300)), Ok(()));
    assert_eq!(verify(&parts, BODY, &caller(), REGION, NOW.plus_secs(301)), Err(BadSignature::Time));
    assert_eq!(
        verify(&parts, BODY, &caller(), REGION, Timestamp(NOW.0 - 301_000_000)),
        Err(BadSignature::Time)
    );
}

#[test]
fn a_request_that_changed_in_transit_does_not_pass() {
    assert_eq!(
        verify(&signed(TARGET, "lambda"), br#"{"a":2}"#, &caller(), REGION, NOW),
        Err(BadSignature::Wrong)
    );
    let tampered = |change: &dyn Fn(&mut Parts)| {
        let mut parts = signed(TARGET, "lambda");
        change(&mut parts);
        check(&parts)
    };
    assert_eq!(tampered(&|_| {}), Ok(()));
    assert_eq!(
        tampered(&|parts| {
            parts.headers.insert("x-tillsync-token", "o.t.h".parse().unwrap());
        }),
        Err(BadSignature::Wrong)
    );
    for target in ["/auth/pushBatch?tables=a%2Cb&limit=1", "/batch-push/pushBatch"] {
        assert_eq!(tampered(&|parts| parts.uri = target.parse().unwrap()), Err(BadSignature::Wrong));
    }
    assert_eq!(tampered(&|parts| parts.method = Method::GET), Err(BadSignature::Wrong));
    assert_eq!(
        tampered(&|parts| {
            parts.headers.insert("x-amz-date", "20251207T103001Z".parse().unwrap());
        }),
        Err(BadSignature::Wrong)
    );
}

#[test]
fn relevant_headers_must_be_signed() {
    for name in ["x-tillsync-other", "x-amz-security-token"] {
        let mut parts = signed(TARGET, "lambda");
        parts.headers.insert(name, "x".parse().unwrap());
        assert_eq!(check(&parts), Err(BadSignature::Unsigned(name.into())));
    }
    // A second value of a signed header is not what was signed.
    let mut parts = signed(TARGET, "lambda");
    parts.headers.append("x-request-id", "r2".parse().unwrap());
    assert_eq!(check(&parts), Err(BadSignature::Wrong));
}

#[test]
fn another_key_region_service_or_scheme_does_not_pass() {
    assert_eq!(check(&signed(TARGET, "execute-api")), Err(BadSignature::Scope));
    let parts = signed(TARGET, "lambda");
    assert_eq!(verify(&parts, BODY, &caller(), "eu-west-1", NOW), Err(BadSignature::Scope));
    let thief = Caller { access_key_id: "AKIDOTHER".into(), ..caller() };
    assert_eq!(verify(&parts, BODY, &thief, REGION, NOW), Err(BadSignature::Scope));
    let guesser = Caller { secret_access_key: Secret::new("guess".into()), ..caller() };
    assert_eq!(verify(&parts, BODY, &guesser, REGION, NOW), Err(BadSignature::Wrong));
    for bad in ["", "Bearer x", "AWS4-HMAC-SHA256 Credential=a", "AWS4-HMAC-SHA256 Credential=a, Signature=b"]
    {
        let mut parts = signed(TARGET, "lambda");
        parts.headers.insert("authorization", bad.parse().unwrap());
        assert_eq!(check(&parts), Err(BadSignature::Malformed), "{bad}");
    }
    for bad in ["yesterday", "20251307T103000Z", "20251207 103000Z", "2025-12-07T10:30"] {
        let mut parts = signed(TARGET, "lambda");
        parts.headers.insert("x-amz-date", bad.parse().unwrap());
        assert_eq!(check(&parts), Err(BadSignature::Malformed), "{bad}");
    }
}
