//! What `change-stream` is made of.

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use config::{BadConfig, Reader};
use sync::rules::SyncRules;

use crate::publish::Publisher;
use crate::rules;
use crate::store::Store;

/// `change-stream`: tells the rooms what was committed. Clones share their connections.
#[derive(Clone, Debug)]
pub struct StreamApp {
    /// The edge.
    pub publisher: Publisher,
    /// The rooms, where it is noted how far each was told.
    pub store: Store,
    /// Who may hear of what.
    pub rules: Arc<SyncRules>,
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
