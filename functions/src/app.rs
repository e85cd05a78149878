//! What each function is made of, read from its configuration once, at start.

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use shared::config::{BadConfig, Reader};
use shared::error::Refusal;
use shared::micros::Micros;
use shared::protocol::TOKEN_HEADER;
use shared::rules::Rules;
use shared::token::{Claims, Verifier};

use crate::accounts::Accounts;
use crate::accounts::signer::Signer;
use crate::publish::Publisher;
use crate::rules;
use crate::store::Store;

/// `auth`: signs users in and out. The only one that reads accounts or holds a private key.
pub struct AuthApp {
    /// Users and their refresh tokens.
    pub accounts: Accounts,
    /// Signs access tokens.
    pub signer: Signer,
    verifier: Verifier,
}

impl AuthApp {
    /// Reads `ACCOUNTS_TABLE`, `ACCESS_JWKS`, `ACCESS_KEY` and `ACCESS_KID`.
    pub fn new(lookup: impl Fn(&str) -> Option<String>, client: Client) -> Result<AuthApp, BadConfig> {
        let mut reader = Reader::new(lookup);
        let table = reader.text("ACCOUNTS_TABLE");
        let verifier = reader.parsed("ACCESS_JWKS", Verifier::from_jwks);
        let kid = reader.text("ACCESS_KID");
        let signer = reader.parsed("ACCESS_KEY", |pem| Signer::new(pem, kid));
        let accounts = Accounts::new(client, table);
        reader.finish(verifier.zip(signer).map(|(verifier, signer)| AuthApp { accounts, signer, verifier }))
    }

    /// The claims of the request's access token.
    pub fn claims(&self, request: &lambda_http::Request, now: Micros) -> Result<Claims, Refusal> {
        claims(&self.verifier, request, now)
    }
}

/// The functions under `/api/sync/`.
pub struct SyncApp {
    /// The rooms.
    pub store: Store,
    /// What may be synced, and how long it is kept.
    pub rules: Rules,
    verifier: Verifier,
}

impl SyncApp {
    /// Reads `SYNC_TABLE`, `ACCESS_JWKS`, and the [`rules`].
    pub fn new(lookup: impl Fn(&str) -> Option<String>, client: Client) -> Result<SyncApp, BadConfig> {
        let mut reader = Reader::new(lookup);
        let store = Store::new(client, reader.text("SYNC_TABLE"));
        let verifier = reader.parsed("ACCESS_JWKS", Verifier::from_jwks);
        let rules = rules::read(&mut reader);
        reader.finish(verifier.zip(rules).map(|(verifier, rules)| SyncApp { store, rules, verifier }))
    }

    /// The claims of the request's access token: verified here again, whatever the edge did.
    pub fn claims(&self, request: &lambda_http::Request, now: Micros) -> Result<Claims, Refusal> {
        claims(&self.verifier, request, now)
    }
}

/// `change-stream`: tells the rooms what was committed. Clones share their connections.
#[derive(Clone, Debug)]
pub struct StreamApp {
    /// The edge.
    pub publisher: Publisher,
    /// The rooms, where it is noted how far each was told.
    pub store: Store,
    /// Who may hear of what.
    pub rules: Arc<Rules>,
}

impl StreamApp {
    /// Reads `EDGE_URL`, `PUBLISH_SECRET`, `SYNC_TABLE`, and the [`rules`].
    pub fn new(lookup: impl Fn(&str) -> Option<String>, client: Client) -> Result<StreamApp, BadConfig> {
        let mut reader = Reader::new(lookup);
        let (edge_url, secret) = (reader.text("EDGE_URL"), reader.secret("PUBLISH_SECRET"));
        let store = Store::new(client, reader.text("SYNC_TABLE"));
        let publisher = reader.checked("the HTTP client", Publisher::new(edge_url, secret));
        let rules = rules::read(&mut reader).map(Arc::new);
        reader.finish(publisher.zip(rules).map(|(publisher, rules)| StreamApp { publisher, store, rules }))
    }
}

fn claims(verifier: &Verifier, request: &lambda_http::Request, now: Micros) -> Result<Claims, Refusal> {
    let header = request.headers().get(TOKEN_HEADER).and_then(|value| value.to_str().ok());
    let missing = || Refusal::new(shared::error::Code::TokenMissing, "The access token is missing.");
    verifier.verify(header.ok_or_else(missing)?, now)
}
