//! What the functions are made of that read rooms by way of the cache.

use auth::token::Verifier;
use aws_sdk_dynamodb::Client;
use config::{BadConfig, Reader};
use protocol::claims::Claims;
use protocol::error::ApiError;
use protocol::ids::Room;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use sync::rules::SyncRules;

use crate::cache::{self, Cache};
use crate::query::Query;
use crate::redis::Redis;
use crate::rules;
use crate::store::Store;

/// `data`, `sync-stats` and `cache-warm`.
pub struct ReadApp {
    /// The rooms.
    pub store: Store,
    /// Copies of what is in them.
    pub cache: Cache,
    /// What may be read by whom.
    pub rules: SyncRules,
    verifier: Verifier,
}

/// What a request to read asks for.
pub struct Reading {
    /// The caller's role.
    pub role: Role,
    /// The room it may read in.
    pub room: Room,
    /// A stamp that the answer must not be older than; 0 if the caller does not say.
    pub min: Stamp,
}

impl ReadApp {
    /// Reads `SYNC_TABLE`, `ACCESS_JWKS`, the [`rules`], and what [`Redis`] takes.
    pub fn new(lookup: impl Fn(&str) -> Option<String>, client: Client) -> Result<ReadApp, BadConfig> {
        let mut reader = Reader::new(lookup);
        let store = Store::new(client, reader.text("SYNC_TABLE"));
        let verifier = reader.parsed("ACCESS_JWKS", Verifier::from_jwks);
        let rules = rules::read(&mut reader);
        let parts = verifier.zip(rules).zip(Redis::read(&mut reader));
        reader.finish(parts.map(|((verifier, rules), redis)| {
            let cache = cache::of(redis);
            ReadApp { store, cache, rules, verifier }
        }))
    }

    /// Who asks, about which room, and from what on.
    pub fn reading(&self, request: &lambda_http::Request, now: Timestamp) -> Result<Reading, ApiError> {
        let claims = self.claims(request, now)?;
        let query = Query::of(request);
        let room = claims.room_of(query.branch()?.as_ref())?;
        Ok(Reading { role: claims.role, room, min: query.min()? })
    }

    /// The claims of the request's access token.
    pub fn claims(&self, request: &lambda_http::Request, now: Timestamp) -> Result<Claims, ApiError> {
        super::claims(&self.verifier, request, now)
    }
}
