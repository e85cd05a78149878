//! The keys of one development stack: made on its first start, kept beside its data, never shared.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use config::Secret;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::private_file::{self, PrivateFileError};

const FILE: &str = "keys.json";

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// Their file cannot be read or written.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// The system gives no random bytes.
    #[error("failed to make keys: {0}")]
    Random(#[from] getrandom::Error),
    /// The key does not encode.
    #[error("failed to make keys: {0}")]
    Encode(#[from] ed25519_dalek::pkcs8::Error),
}

/// Everything that is secret in a stack, and the public half of it.
#[derive(Serialize, Deserialize)]
struct Stored {
    access_key: String,
    access_kid: String,
    access_jwks: String,
    aws_access_key_id: String,
    aws_secret_access_key: String,
    publish_secret: String,
    redis_token: String,
    cache_keys: String,
}

/// The keys of a stack.
pub struct Keys {
    /// Signs access tokens: Ed25519, PKCS#8 PEM. For `auth` alone.
    pub access_key: Secret,
    /// Which key it is.
    pub access_kid: String,
    /// The public half, as a JSON Web Key Set. For everyone.
    pub access_jwks: String,
    /// Who the edge is when it calls a function.
    pub caller: Caller,
    /// Seals what functions publish to the edge.
    pub publish_secret: Secret,
    /// Lets edge and functions into Redis.
    pub redis_token: Secret,
    /// Seals what is cached of people.
    pub cache_keys: Secret,
}

/// A user of the account, as AWS knows one: what the template's `EdgeUser` is there.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The key's name.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: Secret,
}

impl Keys {
    /// The keys kept in `folder`; made now, if there are none.
    pub fn load_or_make(folder: &Path) -> Result<Keys, KeysError> {
        let path = folder.join(FILE);
        let stored = match private_file::read(&path)? {
            Some(stored) => stored,
            None => {
                let stored = Stored::make()?;
                private_file::write(&path, &stored)?;
                stored
            }
        };
        Ok(stored.into())
    }
}

impl Stored {
    fn make() -> Result<Stored, KeysError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        let key = SigningKey::from_bytes(&seed);
        let public = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
        let kid = format!("local-{}", random_text(6)?);
        let jwk =
            json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": public });
        Ok(Stored {
            access_key: key.to_pkcs8_pem(LineEnding::LF)?.to_string(),
            access_kid: kid,
            access_jwks: json!({ "keys": [jwk] }).to_string(),
            aws_access_key_id: format!("AKIDLOCAL{}", random_text(6)?),
            aws_secret_access_key: random_text(30)?,
            publish_secret: random_text(32)?,
            redis_token: random_text(32)?,
            cache_keys: sealing_key()?,
        })
    }
}

impl From<Stored> for Keys {
    fn from(stored: Stored) -> Keys {
        Keys {
            access_key: Secret::new(stored.access_key),
            access_kid: stored.access_kid,
            access_jwks: stored.access_jwks,
            caller: Caller {
                access_key_id: stored.aws_access_key_id,
                secret_access_key: Secret::new(stored.aws_secret_access_key),
            },
            publish_secret: Secret::new(stored.publish_secret),
            redis_token: Secret::new(stored.redis_token),
            cache_keys: Secret::new(stored.cache_keys),
        }
    }
}

/// A keyring with one new key.
fn sealing_key() -> Result<String, getrandom::Error> {
    let mut key = [0; 32];
    getrandom::fill(&mut key)?;
    Ok(format!("local:{}", STANDARD.encode(key)))
}

/// `bytes` random bytes as text that needs no quoting anywhere.
pub(crate) fn random_text(bytes: usize) -> Result<String, getrandom::Error> {
    let mut buffer = vec![0; bytes];
    getrandom::fill(&mut buffer)?;
    Ok(URL_SAFE_NO_PAD.encode(buffer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth::token::Verifier;
    use redis_client::encryption::Keyring;

    #[test]
    fn keys_are_made_once_and_kept_from_others() {
        use std::os::unix::fs::PermissionsExt;
        let folder = std::env::temp_dir().join(format!("tillsync-keys-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let made = Keys::load_or_make(&folder).unwrap();
        let read = Keys::load_or_make(&folder).unwrap();
        assert_eq!(made.access_key, read.access_key);
        assert_eq!(made.access_jwks, read.access_jwks);
        Verifier::from_jwks(&read.access_jwks).unwrap();
        Keyring::parse(read.cache_keys.expose()).unwrap();
        assert!(read.access_key.expose().starts_with("-----BEGIN PRIVATE KEY-----\n"));
        let mode = std::fs::metadata(folder.join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
