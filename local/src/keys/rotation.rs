//! Rotating the key of access tokens, in three steps, each of which takes effect with the next start.
//!
//! Two neighbouring steps may be live at once, as while a deployment is rolled out: a token that either signs
//! is verified by both, or has expired.

use std::path::Path;

use auth::limits::ACCESS_TOKEN_SECS;
use config::Secret;
use protocol::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{FILE, Keys, KeysError, new_access_key, secret};
use crate::private_file::{self, PrivateFileError};

/// Seconds after which no token of the old key is valid: its life, and a minute for clocks that differ.
const OLD_KEY_SECS: u64 = ACCESS_TOKEN_SECS + 60;

/// A key that signs no token yet.
#[derive(Clone, Serialize, Deserialize)]
pub struct NextKey {
    #[serde(with = "secret")]
    key: Secret,
    kid: String,
}

/// What a step has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// The key with this id is verified from now on, and signs nothing yet.
    Announced(String),
    /// The announced key signs. The one before is still verified.
    Switched(String),
    /// Only the key with this id is verified.
    Finished(String),
}

/// Why a step is not possible.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// There are no keys.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// No key could be made.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The data directory has no keys yet.
    #[error("failed to rotate the key: no stack has run here")]
    NoKeys,
    /// Tokens of the old key may still be valid.
    #[error("failed to rotate the key: tokens of the old key are valid for {0} more seconds")]
    TooEarly(u64),
    /// The set of public keys is damaged.
    #[error("failed to rotate the key: the stored key set cannot be read")]
    KeySet,
}

impl std::fmt::Display for Rotated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Rotated::Announced(kid) => write!(f, "the key {kid} is announced; restart, and rotate again"),
            Rotated::Switched(kid) => {
                write!(f, "the key {kid} signs; restart, and rotate again after {OLD_KEY_SECS} seconds")
            }
            Rotated::Finished(kid) => write!(f, "only the key {kid} is left; restart"),
        }
    }
}

/// Takes the next step with the keys in `folder`, at `now`.
pub fn rotate(folder: &Path, now: Timestamp) -> Result<Rotated, RotateError> {
    let path = folder.join(FILE);
    let mut keys: Keys = private_file::read(&path)?.ok_or(RotateError::NoKeys)?;
    let rotated = keys.rotate(now)?;
    private_file::write(&path, &keys)?;
    Ok(rotated)
}

impl Keys {
    fn rotate(&mut self, now: Timestamp) -> Result<Rotated, RotateError> {
        let mut set: Value = serde_json::from_str(&self.access_jwks).map_err(|_| RotateError::KeySet)?;
        let public = set.get_mut("keys").and_then(Value::as_array_mut).ok_or(RotateError::KeySet)?;
        let rotated = if let Some(NextKey { key, kid }) = self.next_access_key.take() {
            (self.access_key, self.access_kid) = (key, kid.clone());
            self.switched_at = Some(now.as_secs());
            Rotated::Switched(kid)
        } else if public.len() > 1 {
            let switched_at = Timestamp(0).plus_secs(self.switched_at.unwrap_or_default());
            let left = switched_at.plus_secs(OLD_KEY_SECS).as_secs().saturating_sub(now.as_secs());
            if left > 0 {
                return Err(RotateError::TooEarly(left));
            }
            public.retain(|key| key.get("kid").and_then(Value::as_str) == Some(&self.access_kid));
            self.switched_at = None;
            Rotated::Finished(self.access_kid.clone())
        } else {
            let (key, kid, jwk) = new_access_key()?;
            public.push(jwk);
            self.next_access_key = Some(NextKey { key, kid: kid.clone() });
            Rotated::Announced(kid)
        };
        self.access_jwks = json!({ "keys": public }).to_string();
        Ok(rotated)
    }
}

#[cfg(test)]
mod tests;
