//! The keys of one local stack: generated on its first start and stored in its data directory.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use config::Secret;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::private_file::{self, PrivateFileError};

pub mod rotation;

use rotation::NextKey;

const FILE: &str = "keys.json";

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// The system gives no random bytes.
    #[error("failed to make keys: {0}")]
    Random(#[from] getrandom::Error),
    /// The signing key cannot be encoded.
    #[error("failed to make keys: {0}")]
    Encode(#[from] ed25519_dalek::pkcs8::Error),
}

/// The keys of a stack, as `keys.json` stores them.
#[derive(Serialize, Deserialize)]
pub struct Keys {
    /// Signs access tokens: Ed25519, PKCS#8 PEM. Only for `auth`.
    #[serde(with = "secret")]
    pub access_key: Secret,
    /// The id of that key.
    pub access_kid: String,
    /// The public keys, as a JSON Web Key Set (RFC 7517).
    pub access_jwks: String,
    /// The key that will sign after the next step of a rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_access_key: Option<NextKey>,
    /// When the current key began to sign in place of another one that is still verified, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    switched_at: Option<u64>,
    /// The edge's credentials for calling functions.
    #[serde(flatten)]
    pub caller: Caller,
    /// Signs what functions publish to the edge.
    #[serde(with = "secret")]
    pub publish_secret: Secret,
    /// The token of the Redis REST API.
    #[serde(with = "secret")]
    pub redis_token: Secret,
    /// Encrypts cached personal data.
    #[serde(with = "secret")]
    pub cache_keys: Secret,
    /// Seals cursors of pulls.
    #[serde(with = "secret", default = "none")]
    pub cursor_keys: Secret,
}

/// An AWS access key; in the template it belongs to `EdgeUser`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Caller {
    /// The id of the access key.
    #[serde(rename = "aws_access_key_id")]
    pub access_key_id: String,
    /// The secret access key.
    #[serde(rename = "aws_secret_access_key", with = "secret")]
    pub secret_access_key: Secret,
}

impl Keys {
    /// Reads the keys in `folder`, or generates and stores them.
    pub fn load_or_make(folder: &Path) -> Result<Keys, KeysError> {
        let path = folder.join(FILE);
        let keys = match private_file::read::<Keys>(&path)? {
            // A data directory of an older version has no keys of cursors.
            Some(keys) if keys.cursor_keys == none() => Keys { cursor_keys: Secret::new(keyring()?), ..keys },
            Some(keys) => return Ok(keys),
            None => Keys::generate()?,
        };
        private_file::write(&path, &keys)?;
        Ok(keys)
    }

    fn generate() -> Result<Keys, KeysError> {
        let (access_key, access_kid, jwk) = new_access_key()?;
        let secret = |bytes| random_text(bytes).map(Secret::new);
        Ok(Keys {
            access_key,
            access_kid,
            next_access_key: None,
            switched_at: None,
            access_jwks: json!({ "keys": [jwk] }).to_string(),
            caller: Caller {
                access_key_id: format!("AKIDLOCAL{}", random_text(6)?),
                secret_access_key: secret(30)?,
            },
            publish_secret: secret(32)?,
            redis_token: secret(32)?,
            cache_keys: Secret::new(keyring()?),
            cursor_keys: Secret::new(keyring()?),
        })
    }
}

/// A key for access tokens, its id, and its public part as a JSON Web Key.
fn new_access_key() -> Result<(Secret, String, Value), KeysError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    let key = SigningKey::from_bytes(&seed);
    let public = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
    let kid = format!("local-{}", random_text(6)?);
    let jwk =
        json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": public });
    Ok((Secret::new(key.to_pkcs8_pem(LineEnding::LF)?.to_string()), kid, jwk))
}

/// Stores a secret as text.
pub(crate) mod secret {
    use config::Secret;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.expose())
    }

    pub(crate) fn deserialize<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Secret, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}

fn none() -> Secret {
    Secret::new(String::new())
}

fn keyring() -> Result<String, getrandom::Error> {
    let mut key = [0; 32];
    getrandom::fill(&mut key)?;
    Ok(format!("local:{}", STANDARD.encode(key)))
}

/// `bytes` random bytes as base64url, which needs no quoting.
pub(crate) fn random_text(bytes: usize) -> Result<String, getrandom::Error> {
    let mut buffer = vec![0; bytes];
    getrandom::fill(&mut buffer)?;
    Ok(URL_SAFE_NO_PAD.encode(buffer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_dir::DataDir;
    use auth::token::Verifier;
    use redis_client::encryption::Keyring;
    use sync::cursor::seal::CursorKeys;

    #[test]
    fn keys_are_generated_once_and_readable_by_the_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = DataDir::temporary().unwrap();
        let made = Keys::load_or_make(dir.path()).unwrap();
        let read = Keys::load_or_make(dir.path()).unwrap();
        assert_eq!(made.access_key, read.access_key);
        assert_eq!(made.access_jwks, read.access_jwks);
        assert_eq!(made.caller.secret_access_key, read.caller.secret_access_key);
        Verifier::from_jwks(&read.access_jwks).unwrap();
        Keyring::parse(read.cache_keys.expose()).unwrap();
        CursorKeys::parse(read.cursor_keys.expose()).unwrap();
        assert!(read.access_key.expose().starts_with("-----BEGIN PRIVATE KEY-----\n"));
        let mode = std::fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    #[test]
    fn keys_of_an_older_version_get_keys_of_cursors() {
        let dir = DataDir::temporary().unwrap();
        let made = Keys::load_or_make(dir.path()).unwrap();
        let path = dir.path().join(FILE);
        let mut old: serde_json::Value = private_file::read(&path).unwrap().unwrap();
        old.as_object_mut().unwrap().remove("cursor_keys").unwrap();
        private_file::write(&path, &old).unwrap();
        let read = Keys::load_or_make(dir.path()).unwrap();
        assert_eq!(read.access_key, made.access_key);
        CursorKeys::parse(read.cursor_keys.expose()).unwrap();
        assert_eq!(Keys::load_or_make(dir.path()).unwrap().cursor_keys, read.cursor_keys);
    }
}
