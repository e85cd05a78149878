//! The cryptography of our tokens: Ed25519 only.
//!
//! jsonwebtoken's own provider supports every algorithm, which triples the size of the worker and allows
//! algorithm confusion. Here a token with another algorithm fails before it is parsed.

use ed25519_dalek::{Signature, VerifyingKey};
use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::{Algorithm, DecodingKey};
use signature::Error;

#[cfg(feature = "sign")]
mod signer;

static ED25519: CryptoProvider = CryptoProvider {
    #[cfg(feature = "sign")]
    signer_factory: signer::new,
    #[cfg(not(feature = "sign"))]
    signer_factory: |_, _| Err(ErrorKind::InvalidAlgorithm.into()),
    verifier_factory: |algorithm, key| Ok(Box::new(Verifier::new(*algorithm, key)?)),
    key_utils: KeyUtils::new_unimplemented(),
};

/// Installs Ed25519 as the provider of jsonwebtoken for this process; call it before signing or verifying.
/// Idempotent.
pub fn install() {
    // Fails if it is installed already.
    let _ = ED25519.install_default();
}

struct Verifier(VerifyingKey);

impl Verifier {
    fn new(algorithm: Algorithm, key: &DecodingKey) -> Result<Verifier> {
        if algorithm != Algorithm::EdDSA {
            return Err(ErrorKind::InvalidAlgorithm.into());
        }
        let bytes = key.try_get_as_bytes()?.try_into().map_err(|_| ErrorKind::InvalidEddsaKey)?;
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| ErrorKind::InvalidEddsaKey)?;
        Ok(Verifier(key))
    }
}

impl signature::Verifier<Vec<u8>> for Verifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        let signature = Signature::from_slice(signature).map_err(|_| Error::new())?;
        // Strict verification rejects malleable signatures.
        self.0.verify_strict(message, &signature).map_err(|_| Error::new())
    }
}

impl JwtVerifier for Verifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}
