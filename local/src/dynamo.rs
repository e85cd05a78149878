//! DynamoDB: dynoxide in this process, behind the same HTTP as AWS, called through the real SDK.
//!
//! In reading order: `server` is the endpoint, `connector` checks the role of each client, `faults` is what
//! tests inject. `in_process` works without server and socket, for simulations.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Builder, Credentials, Region};
use dynoxide::{Database, DynoxideError};
use tokio::sync::oneshot;

pub mod connector;
pub mod faults;
pub mod in_process;

mod call;
mod error_response;
mod index;
mod server;

use connector::{CheckedClient, Identity};
use faults::Faults;

use crate::private_file;
use crate::template::TemplateError;
use crate::template::table::Table;

/// The AWS region of the local stack.
pub const REGION: &str = "us-east-1";
/// How long requests in progress may take to end.
const STOP_PATIENCE: Duration = Duration::from_secs(1);

/// Why DynamoDB did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartDynamoError {
    /// Its file cannot be opened, or a table cannot be created.
    #[error("failed to start DynamoDB: {0}")]
    Database(#[from] DynoxideError),
    /// Its file cannot be indexed.
    #[error("failed to start DynamoDB: {0}")]
    Index(#[from] rusqlite::Error),
    /// It cannot listen or start its thread.
    #[error("failed to start DynamoDB: {0}")]
    Io(#[from] std::io::Error),
    /// A table of the template is not valid.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

/// A running DynamoDB.
pub struct Dynamo {
    database: Database,
    url: String,
    faults: Faults,
    stop: oneshot::Sender<()>,
    stopped: oneshot::Receiver<()>,
}

impl Dynamo {
    /// Starts DynamoDB with `tables` in `file`, or in memory without a file.
    pub fn start(file: Option<&Path>, tables: &[Table]) -> Result<Dynamo, StartDynamoError> {
        let database = match file {
            Some(file) => {
                // SQLite gives its other files the mode of this one.
                private_file::create_if_missing(file)?;
                Database::new(&file.to_string_lossy())?
            }
            None => Database::memory()?,
        };
        for table in tables {
            create(&database, table)?;
        }
        file.map_or(Ok(()), index::create)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let (stop, stopping) = oneshot::channel();
        let (done, stopped) = oneshot::channel();
        let served = database.clone();
        // SQLite blocks its thread. On a thread of its own it delays only its callers, like a database on
        // another machine.
        std::thread::Builder::new().name("dynamodb".into()).spawn(move || {
            if let Err(error) = serve(listener, served, stopping) {
                tracing::error!(%error, "DynamoDB has stopped");
            }
            // The receiver may be gone.
            let _ = done.send(());
        })?;
        Ok(Dynamo { database, url, faults: Faults::default(), stop, stopped })
    }

    /// Its base URL, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A client with the permissions of `identity`.
    pub fn client(&self, identity: Identity) -> Client {
        client(&self.url, CheckedClient::new(identity, self.faults.clone()))
    }

    /// Faults between clients and tables, and counts of requests.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The database, for reading its streams.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Stops listening and closes the file.
    pub async fn stop(self) {
        drop(self.stop);
        let _ = tokio::time::timeout(STOP_PATIENCE, self.stopped).await;
    }
}

/// A client of the DynamoDB that another process runs at `url`, with every permission.
pub fn owner(url: &str) -> Client {
    client(url, CheckedClient::new(Identity::Owner, Faults::default()))
}

fn client(url: &str, http_client: CheckedClient) -> Client {
    Client::from_conf(client_config(url).http_client(http_client).build())
}

/// The functions' own time-outs and retries, against the local endpoint.
fn client_config(url: &str) -> Builder {
    // dynoxide checks only that there is a signature, not whose.
    let credentials = Credentials::new("local", "local", None, None, "local");
    functions::start::dynamo_defaults()
        .region(Region::new(REGION))
        .endpoint_url(url)
        .credentials_provider(credentials)
}

fn serve(listener: TcpListener, database: Database, stopping: oneshot::Receiver<()>) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        server::serve(listener, database, stopping).await
    })
}

/// Creates the table, unless the file has it from an earlier run.
fn create(database: &Database, table: &Table) -> Result<(), StartDynamoError> {
    if database.get_table_metadata(&table.name)?.is_some() {
        return Ok(());
    }
    database.create_table(table.create()?)?;
    if let Some(expiry) = table.expire()? {
        database.update_time_to_live(expiry)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
