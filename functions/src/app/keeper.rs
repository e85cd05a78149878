//! What the functions are made of that look after the cache itself.

use auth::token::Verifier;
use config::{BadConfig, Reader};
use protocol::claims::Claims;
use protocol::error::ApiError;
use protocol::timestamp::Timestamp;

use crate::cache::{self, Cache};
use crate::redis::Redis;

/// `cache-report`: tells admins how the cache does.
pub struct ReportApp {
    /// The cache.
    pub cache: Cache,
    verifier: Verifier,
}

impl ReportApp {
    /// Reads `ACCESS_JWKS`, and what [`Redis`] takes.
    pub fn new(lookup: impl Fn(&str) -> Option<String>) -> Result<ReportApp, BadConfig> {
        let mut reader = Reader::new(lookup);
        let parts = reader.parsed("ACCESS_JWKS", Verifier::from_jwks).zip(Redis::read(&mut reader));
        reader.finish(parts.map(|(verifier, redis)| ReportApp { cache: cache::of(redis), verifier }))
    }

    /// The claims of the request's access token.
    pub fn claims(&self, request: &lambda_http::Request, now: Timestamp) -> Result<Claims, ApiError> {
        super::claims(&self.verifier, request, now)
    }
}

/// `cache-invalidate` and `cache-maintenance`: no caller has a token there.
pub struct KeeperApp {
    /// The cache.
    pub cache: Cache,
}

impl KeeperApp {
    /// Reads what [`Redis`] takes.
    pub fn new(lookup: impl Fn(&str) -> Option<String>) -> Result<KeeperApp, BadConfig> {
        let mut reader = Reader::new(lookup);
        let redis = Redis::read(&mut reader);
        reader.finish(redis.map(|redis| KeeperApp { cache: cache::of(redis) }))
    }
}
