//! Access tokens: EdDSA-signed JSON Web Tokens (RFC 7519, RFC 8037), verified at the edge and again in every
//! function with public keys only.

pub mod provider;

use jsonwebtoken::jwk::{AlgorithmParameters, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};

use crate::limits::TOKEN_BYTES_MAX;
use protocol::claims::{AUDIENCE, Claims, ISSUER};
use protocol::error::{ApiError, ErrorCode};
use protocol::timestamp::Timestamp;

/// The value in Redis of a session that has ended.
pub const SESSION_ENDED: &str = "revoked";

/// A key set that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadKeysError {
    /// Not a JSON Web Key Set.
    #[error("failed to read the key set: {0}")]
    Json(#[from] serde_json::Error),
    /// A key is not an Ed25519 key with a `kid`.
    #[error("failed to read the key set: every key must be an Ed25519 key with a kid")]
    Kind,
}

/// Verifies access tokens with the public keys of a JSON Web Key Set.
#[derive(Clone)]
pub struct Verifier(Vec<(String, DecodingKey)>);

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(kid, _)| kid)).finish()
    }
}

impl Verifier {
    /// Reads a JSON Web Key Set of Ed25519 keys (RFC 8037).
    pub fn from_jwks(text: &str) -> Result<Verifier, ReadKeysError> {
        provider::install();
        let set: JwkSet = serde_json::from_str(text)?;
        let keys = set.keys.iter().map(|jwk| {
            let kid = jwk.common.key_id.clone().ok_or(ReadKeysError::Kind)?;
            let AlgorithmParameters::OctetKeyPair(pair) = &jwk.algorithm else {
                return Err(ReadKeysError::Kind);
            };
            let key = DecodingKey::from_ed_components(&pair.x).map_err(|_| ReadKeysError::Kind)?;
            // Checked here, because the library checks the length only with the first token.
            let fits = key.try_get_as_bytes().is_ok_and(|bytes| bytes.len() == 32);
            if fits { Ok((kid, key)) } else { Err(ReadKeysError::Kind) }
        });
        keys.collect::<Result<_, _>>().map(Verifier)
    }

    /// The claims of `token`; [`ErrorCode::TokenInvalid`] or [`ErrorCode::TokenExpired`] at `now`.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, ApiError> {
        let invalid =
            || ApiError::new(ErrorCode::TokenInvalid, "The access token is not valid; sign in again.");
        if token.len() > TOKEN_BYTES_MAX {
            return Err(invalid());
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| invalid())?;
        let key = self.0.iter().find(|(kid, _)| Some(kid) == header.kid.as_ref());
        let (_, key) = key.ok_or_else(invalid)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        // The library would read the clock; here the time is an argument.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &validation).map_err(|_| invalid())?.claims;
        if claims.exp <= now.as_secs() {
            let message = "The access token has expired; refresh it at /api/auth/refresh.";
            return Err(ApiError::new(ErrorCode::TokenExpired, message));
        }
        Ok(claims)
    }
}

/// The token of an `Authorization: Bearer` header (RFC 6750); [`ErrorCode::TokenMissing`] if there is none.
pub fn bearer(header: Option<&str>) -> Result<&str, ApiError> {
    let missing =
        || ApiError::new(ErrorCode::TokenMissing, "Send the access token as `Authorization: Bearer …`.");
    let (scheme, token) = header.and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
    let token = token.trim();
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() { Ok(token) } else { Err(missing()) }
}

#[cfg(test)]
mod tests;
