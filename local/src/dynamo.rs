//! DynamoDB: dynoxide in this process, behind the same HTTP as AWS, reached by the real SDK.
//!
//! In reading order: `server` holds the tables, `connector` is where each client's calls pass and where
//! its role is held against it, `faults` is what tests use to make things go wrong. `in_process` does without
//! server and socket, for simulations.

use std::path::Path;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Credentials, Region};
use dynoxide::Database;

pub mod connector;
pub mod faults;
pub mod in_process;

mod call;
mod index;
mod refusal;
mod server;

use connector::{Connector, Identity};
use faults::Faults;
use server::Server;
pub use server::StartDynamoError;

use crate::template::table::Table;

/// The region that everything on this machine believes to be in.
pub const REGION: &str = "us-east-1";

/// A running DynamoDB.
pub struct Dynamo {
    server: Server,
    faults: Faults,
}

impl Dynamo {
    /// Starts it with `tables`, in `file`; in memory, for a short life, without one.
    pub fn start(file: Option<&Path>, tables: &[Table]) -> Result<Dynamo, StartDynamoError> {
        Ok(Dynamo { server: Server::start(file, tables)?, faults: Faults::default() })
    }

    /// Where it is reached, without a trailing slash.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// A client that may do what `identity` may.
    pub fn client(&self, identity: Identity) -> Client {
        client(self.url(), Connector::new(identity, self.faults.clone()))
    }

    /// What can go wrong between clients and tables, and what was counted there.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The tables themselves, for what reads their stream.
    pub fn database(&self) -> Database {
        self.server.database()
    }

    /// Stops listening and closes the file.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

/// A client of the DynamoDB that another process runs at `url`, with every permission.
pub fn owner(url: &str) -> Client {
    client(url, Connector::new(Identity::Owner, Faults::default()))
}

fn client(url: &str, connector: Connector) -> Client {
    // dynoxide checks that a signature is there, not whose it is.
    let credentials = Credentials::new("local", "local", None, None, "local");
    let config = functions::start::dynamo_defaults()
        .region(Region::new(REGION))
        .endpoint_url(url)
        .credentials_provider(credentials)
        .http_client(connector);
    Client::from_conf(config.build())
}

#[cfg(test)]
mod tests;
