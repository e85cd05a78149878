//! The signature of what functions publish to the edge: HMAC-SHA256 over time and body, in the format of
//! Stripe's webhook signatures.
//!
//! Calls to functions use AWS Signature Version 4. AWS offers nothing for the way back, so functions and edge
//! share a secret.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::limits::PUBLISH_AGE_SECS_MAX;
use config::Secret;
use protocol::timestamp::Timestamp;

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "x-tillsync-seal";

/// Bytes of an HMAC-SHA256.
const TAG_BYTES: usize = 32;

/// A signature that is missing, malformed, wrong or too old.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("failed to verify the signature: it is missing, wrong or older than five minutes")]
pub struct InvalidSignature;

fn mac(secret: &Secret, secs: u64, body: &[u8]) -> Option<Hmac<Sha256>> {
    // HMAC accepts keys of any length, so this never fails.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).ok()?;
    mac.update(format!("{secs}\n").as_bytes());
    mac.update(body);
    Some(mac)
}

/// The value of [`SIGNATURE_HEADER`] for `body`, sent at `now`: `t=<seconds>,v1=<hex>`.
pub fn sign(secret: &Secret, now: Timestamp, body: &[u8]) -> String {
    let secs = now.as_secs();
    let tag = mac(secret, secs, body).map(|mac| mac.finalize().into_bytes());
    format!("t={secs},v1={}", tag.map(hex::encode).unwrap_or_default())
}

/// A signature of about now that is not verified yet: the rest needs the body.
pub struct UnverifiedSignature {
    secs: u64,
    tag: Vec<u8>,
}

impl UnverifiedSignature {
    /// Parses `header` and checks its time, so that a caller that cannot sign is refused before it sends a
    /// body.
    pub fn parse(header: &str, now: Timestamp) -> Result<UnverifiedSignature, InvalidSignature> {
        let (time, tag) = header.split_once(',').ok_or(InvalidSignature)?;
        let secs: u64 = time.strip_prefix("t=").and_then(|text| text.parse().ok()).ok_or(InvalidSignature)?;
        let tag = tag.strip_prefix("v1=").and_then(|tag| hex::decode(tag).ok()).ok_or(InvalidSignature)?;
        let fits = secs.abs_diff(now.as_secs()) <= PUBLISH_AGE_SECS_MAX && tag.len() == TAG_BYTES;
        if fits { Ok(UnverifiedSignature { secs, tag }) } else { Err(InvalidSignature) }
    }

    /// Checks that it signs `body` with `secret`. Compares in constant time.
    pub fn verify(&self, secret: &Secret, body: &[u8]) -> Result<(), InvalidSignature> {
        let mac = mac(secret, self.secs, body).ok_or(InvalidSignature)?;
        mac.verify_slice(&self.tag).map_err(|_| InvalidSignature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

    fn secret() -> Secret {
        Secret::new("shared by functions and edge".into())
    }

    fn verify(secret: &Secret, now: Timestamp, header: &str, body: &[u8]) -> Result<(), InvalidSignature> {
        UnverifiedSignature::parse(header, now)?.verify(secret, body)
    }

    #[test]
    fn a_signature_is_valid_only_for_its_body_secret_and_time() {
        let header = sign(&secret(), NOW, b"body");
        assert_eq!(verify(&secret(), NOW, &header, b"body"), Ok(()));
        assert_eq!(verify(&secret(), NOW.plus_secs(PUBLISH_AGE_SECS_MAX), &header, b"body"), Ok(()));
        assert!(verify(&secret(), NOW, &header, b"Body").is_err());
        assert!(verify(&Secret::new("another".into()), NOW, &header, b"body").is_err());
    }

    #[test]
    fn a_header_that_signs_nothing_now_is_refused_without_the_body() {
        let header = sign(&secret(), NOW, b"body");
        let parses = |header: &str, now| UnverifiedSignature::parse(header, now).is_ok();
        assert!(parses(&header, NOW));
        assert!(!parses(&header, NOW.plus_secs(PUBLISH_AGE_SECS_MAX + 1)));
        let (time, _) = header.split_once(',').unwrap();
        for bad in ["", "t=1", time, &format!("{time},v1="), &format!("{time},v1=00"), "t=x,v1=00"] {
            assert!(!parses(bad, NOW), "{bad}");
        }
        assert!(!parses(&header.replace("v1", "v2"), NOW) && !parses(&format!("{header}00"), NOW));
    }
}
