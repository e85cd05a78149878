//! The signature under what functions publish to the edge: HMAC-SHA256 over the time and the body.
//!
//! Calls to functions are signed with AWS's Signature Version 4; the way back has no such service, so
//! functions and edge share a secret. The shape follows Stripe's webhook signatures.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::limits::PUBLISH_AGE_SECS_MAX;
use config::Secret;
use protocol::timestamp::Timestamp;

/// The header that carries the seal.
pub const SEAL_HEADER: &str = "x-tillsync-seal";

/// A seal that does not hold, whether wrong, missing or old.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("failed to verify the seal: it is missing, wrong or older than five minutes")]
pub struct BrokenSeal;

fn mac(secret: &Secret, secs: u64, body: &[u8]) -> Option<Hmac<Sha256>> {
    // An HMAC key may have any length, so the error cannot occur; without a key nothing verifies.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).ok()?;
    mac.update(format!("{secs}\n").as_bytes());
    mac.update(body);
    Some(mac)
}

/// The value of [`SEAL_HEADER`] for `body`, sent at `now`: `t=<seconds>,v1=<hex>`.
pub fn seal(secret: &Secret, now: Timestamp, body: &[u8]) -> String {
    let secs = now.as_secs();
    let tag = mac(secret, secs, body).map(|mac| mac.finalize().into_bytes());
    let hex: String = tag.iter().flatten().map(|byte| format!("{byte:02x}")).collect();
    format!("t={secs},v1={hex}")
}

/// Whether `header` is a seal of `body` made with `secret` around `now`. Compares in constant time.
pub fn verify(secret: &Secret, now: Timestamp, header: &str, body: &[u8]) -> Result<(), BrokenSeal> {
    let (time, tag) = header.split_once(',').ok_or(BrokenSeal)?;
    let secs: u64 = time.strip_prefix("t=").and_then(|text| text.parse().ok()).ok_or(BrokenSeal)?;
    let tag = tag.strip_prefix("v1=").and_then(unhex).ok_or(BrokenSeal)?;
    if secs.abs_diff(now.as_secs()) > PUBLISH_AGE_SECS_MAX {
        return Err(BrokenSeal);
    }
    let mac = mac(secret, secs, body).ok_or(BrokenSeal)?;
    mac.verify_slice(&tag).map_err(|_| BrokenSeal)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(text.get(i..i + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

    fn secret() -> Secret {
        Secret::new("shared by functions and edge".into())
    }

    #[test]
    fn holds_for_its_own_body_secret_and_time_alone() {
        let header = seal(&secret(), NOW, b"body");
        assert_eq!(verify(&secret(), NOW, &header, b"body"), Ok(()));
        assert_eq!(verify(&secret(), NOW.plus_secs(PUBLISH_AGE_SECS_MAX), &header, b"body"), Ok(()));
        assert!(verify(&secret(), NOW.plus_secs(PUBLISH_AGE_SECS_MAX + 1), &header, b"body").is_err());
        assert!(verify(&secret(), NOW, &header, b"Body").is_err());
        assert!(verify(&Secret::new("another".into()), NOW, &header, b"body").is_err());
        for bad in ["", "t=1", "t=1,v1=", "t=x,v1=00", &header.replace("v1", "v2")] {
            assert!(verify(&secret(), NOW, bad, b"body").is_err(), "{bad}");
        }
    }
}
