//! What the functions are made of that write to rooms or read their logs.

use auth::token::Verifier;
use aws_sdk_dynamodb::Client;
use config::{BadConfig, Reader};
use protocol::claims::Claims;
use protocol::error::ApiError;
use protocol::timestamp::Timestamp;
use sync::rules::SyncRules;

use crate::cache::{self, Cache};
use crate::redis::Redis;
use crate::rules;
use crate::store::Store;

/// Most of the functions under `/api/sync/`.
pub struct SyncApp {
    /// The rooms.
    pub store: Store,
    /// What may be synced, and how long it is kept.
    pub rules: SyncRules,
    verifier: Verifier,
}

impl SyncApp {
    /// Reads `SYNC_TABLE`, `ACCESS_JWKS`, and the [`rules`].
    pub fn new(lookup: impl Fn(&str) -> Option<String>, client: Client) -> Result<SyncApp, BadConfig> {
        let mut reader = Reader::new(lookup);
        let app = SyncApp::read(&mut reader, client);
        reader.finish(app)
    }

    fn read<L: Fn(&str) -> Option<String>>(reader: &mut Reader<L>, client: Client) -> Option<SyncApp> {
        let store = Store::new(client, reader.text("SYNC_TABLE"));
        let verifier = reader.parsed("ACCESS_JWKS", Verifier::from_jwks);
        let rules = rules::read(reader);
        verifier.zip(rules).map(|(verifier, rules)| SyncApp { store, rules, verifier })
    }

    /// The claims of the request's access token.
    pub fn claims(&self, request: &lambda_http::Request, now: Timestamp) -> Result<Claims, ApiError> {
        super::claims(&self.verifier, request, now)
    }
}

/// `resolve-conflict`: writes to rooms, and tells the cache what it wrote.
pub struct ResolveApp {
    /// The rooms.
    pub sync: SyncApp,
    /// Copies of what is in them.
    pub cache: Cache,
}

impl ResolveApp {
    /// Reads what [`SyncApp`] and [`Redis`] take.
    pub fn new(lookup: impl Fn(&str) -> Option<String>, client: Client) -> Result<ResolveApp, BadConfig> {
        let mut reader = Reader::new(lookup);
        let parts = SyncApp::read(&mut reader, client).zip(Redis::read(&mut reader));
        reader.finish(parts.map(|(sync, redis)| ResolveApp { sync, cache: cache::of(redis) }))
    }
}
