//! What the functions are made of that keep carts.

use auth::token::Verifier;
use aws_sdk_dynamodb::Client;
use config::{BadConfig, Reader};
use protocol::claims::Claims;
use protocol::error::ApiError;
use protocol::timestamp::Timestamp;

use crate::cache::{self, Cache};
use crate::carts::Carts;
use crate::redis::Redis;

/// `carts`: gives and takes them.
pub struct CartsApp {
    /// The carts.
    pub carts: Carts,
    /// Copies of them.
    pub cache: Cache,
    verifier: Verifier,
}

impl CartsApp {
    /// Reads `CARTS_TABLE`, `ACCESS_JWKS`, and what [`Redis`] takes.
    pub fn new(lookup: impl Fn(&str) -> Option<String>, client: Client) -> Result<CartsApp, BadConfig> {
        let mut reader = Reader::new(lookup);
        let carts = Carts::new(client, reader.text("CARTS_TABLE"));
        let parts = reader.parsed("ACCESS_JWKS", Verifier::from_jwks).zip(Redis::read(&mut reader));
        reader.finish(parts.map(|(verifier, redis)| CartsApp { carts, cache: cache::of(redis), verifier }))
    }

    /// The claims of the request's access token.
    pub fn claims(&self, request: &lambda_http::Request, now: Timestamp) -> Result<Claims, ApiError> {
        super::claims(&self.verifier, request, now)
    }
}

/// `cart-fold`: folds what has gathered beside a cart into it.
pub struct FoldApp {
    /// The carts.
    pub carts: Carts,
    /// Copies of them.
    pub cache: Cache,
}

impl FoldApp {
    /// Reads `CARTS_TABLE`, and what [`Redis`] takes.
    pub fn new(lookup: impl Fn(&str) -> Option<String>, client: Client) -> Result<FoldApp, BadConfig> {
        let mut reader = Reader::new(lookup);
        let carts = Carts::new(client, reader.text("CARTS_TABLE"));
        let redis = Redis::read(&mut reader);
        reader.finish(redis.map(|redis| FoldApp { carts, cache: cache::of(redis) }))
    }
}
