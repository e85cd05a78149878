//! AWS's Signature Version 4: what a function URL with `AuthType: AWS_IAM` lets in.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, SignableBody, SignableRequest, SigningError, SigningParams, SigningSettings,
    sign as sign_http,
};
use aws_sigv4::sign::v4;
use protocol::timestamp::Timestamp;

use crate::config::AwsKeys;

/// The service's name in the signature; function URLs are Lambda's.
const SERVICE: &str = "lambda";

#[derive(Debug, thiserror::Error)]
pub(crate) enum SignError {
    #[error("failed to sign the call: {0}")]
    Parameters(#[from] v4::signing_params::BuildError),
    /// The request cannot be brought into its canonical form.
    #[error("failed to sign the call: {0}")]
    Request(#[from] SigningError),
}

/// The headers that sign a request: `x-amz-date`, `x-amz-content-sha256` and `authorization`.
///
/// The time is the caller's: in wasm, asking for it here would be a panic.
pub(super) fn sign(
    keys: &AwsKeys,
    now: Timestamp,
    method: &str,
    url: &str,
    headers: &[(&'static str, String)],
    body: &[u8],
) -> Result<Vec<(&'static str, String)>, SignError> {
    let (id, secret) = (keys.access_key_id.as_str(), keys.secret_access_key.expose());
    let identity = Credentials::new(id, secret, None, None, "tillsync").into();
    let mut settings = SigningSettings::default();
    // Without this header, the function URL would have to be told the body's hash in another way.
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let params = SigningParams::V4(
        v4::SigningParams::builder()
            .identity(&identity)
            .region(&keys.region)
            .name(SERVICE)
            .time(SystemTime::UNIX_EPOCH + Duration::from_micros(now.0))
            .settings(settings)
            .build()?,
    );
    let signed = headers.iter().map(|(name, value)| (*name, value.as_str()));
    let request = SignableRequest::new(method, url, signed, SignableBody::Bytes(body))?;
    let (instructions, _) = sign_http(request, &params)?.into_parts();
    let (headers, _) = instructions.into_parts();
    Ok(headers.into_iter().map(|header| (header.name(), header.value().to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::Secret;

    fn keys() -> AwsKeys {
        AwsKeys {
            region: "eu-central-1".into(),
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into()),
        }
    }

    fn signed(url: &str, headers: &[(&'static str, String)]) -> Vec<(&'static str, String)> {
        sign(&keys(), Timestamp(1_765_103_400_000_000), "POST", url, headers, b"{}").unwrap()
    }

    #[test]
    fn date_hash_and_authorization_are_added_and_every_header_is_signed() {
        let headers = [("content-type", "application/json".into()), ("x-tillsync-token", "a.b.c".into())];
        let signed = signed("http://127.0.0.1:9000/batch-push/api/sync/batch-push?a=b%20c", &headers);
        let find = |name| signed.iter().find(|(key, _)| *key == name).unwrap().1.as_str();
        assert_eq!(find("x-amz-date"), "20251207T103000Z");
        // SHA-256 of `{}`.
        assert_eq!(
            find("x-amz-content-sha256"),
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
        assert_eq!(find("authorization"), PINNED);
    }

    // Computed by hand from AWS's description of Signature Version 4, not by the library that is tested.
    const PINNED: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20251207/eu-central-1/lambda/aws4_request, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-tillsync-token, Signature=991699ffccdf17c4ed341295476e5ef6217b1513c5d61afb72b9136ad3e0a5ef";
}
