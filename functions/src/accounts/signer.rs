//! Signing access tokens. No other part of the product holds the private key.

use auth::limits::ACCESS_TOKEN_SECS;
use auth::token::provider;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use protocol::claims::{AUDIENCE, Claims, ISSUER};
use protocol::ids::{DeviceId, SessionId};
use protocol::timestamp::Timestamp;
use protocol::wire::auth::{SessionResponse, User};

use super::families::SignedIn;
use crate::random;

/// Signs access tokens with one Ed25519 key.
pub struct Signer {
    key: EncodingKey,
    header: Header,
}

impl Signer {
    /// Reads a private key, PKCS#8 as PEM; `kid` is its name in the key set.
    pub fn new(pem: &str, kid: String) -> Result<Signer, jsonwebtoken::errors::Error> {
        provider::install();
        let header = Header { kid: Some(kid), ..Header::new(Algorithm::EdDSA) };
        Ok(Signer { key: EncodingKey::from_ed_pem(pem.as_bytes())?, header })
    }

    /// The access and refresh token of a sign-in.
    pub fn session(
        &self,
        signed_in: SignedIn,
        now: Timestamp,
    ) -> Result<SessionResponse, jsonwebtoken::errors::Error> {
        let SignedIn { user, family, token: refresh_token } = signed_in;
        let access_token = self.sign(&user, family.device, Some(family.session), now)?;
        Ok(SessionResponse { access_token, refresh_token, expires_in: ACCESS_TOKEN_SECS, user })
    }

    /// An access token for `user`, bound to `device` if there is one, and valid until it expires or `session`
    /// ends.
    pub fn sign(
        &self,
        user: &User,
        device: Option<DeviceId>,
        session: Option<SessionId>,
        now: Timestamp,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = Claims {
            sub: user.id.clone(),
            client_id: user.client_id.clone(),
            branch_id: user.branch_id.clone(),
            role: user.role,
            device,
            sid: session,
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            exp: now.plus_secs(ACCESS_TOKEN_SECS).as_secs(),
            iat: now.as_secs(),
            jti: random::token::<16>(),
        };
        jsonwebtoken::encode(&self.header, &claims, &self.key)
    }
}
