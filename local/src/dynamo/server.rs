//! The tables and the thread that serves them.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Duration;

use dynoxide::{Database, DynoxideError};
use tokio::sync::oneshot;

use super::index;
use crate::template::TemplateError;
use crate::template::table::Table;

/// How long requests that are under way may take to end.
const STOP_PATIENCE: Duration = Duration::from_secs(1);

/// Why DynamoDB did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartDynamoError {
    /// Its file cannot be opened, or a table not be created.
    #[error("failed to start DynamoDB: {0}")]
    Database(#[from] DynoxideError),
    /// Its file cannot be indexed.
    #[error("failed to start DynamoDB: {0}")]
    Index(#[from] rusqlite::Error),
    /// It cannot listen, or have a thread.
    #[error("failed to start DynamoDB: {0}")]
    Io(#[from] std::io::Error),
    /// A table of the template is not one.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

pub(super) struct Server {
    database: Database,
    url: String,
    stop: oneshot::Sender<()>,
    stopped: oneshot::Receiver<()>,
}

impl Server {
    pub(super) fn start(file: Option<&Path>, tables: &[Table]) -> Result<Server, StartDynamoError> {
        let database = match file {
            Some(file) => Database::new(&file.to_string_lossy())?,
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
        // SQLite blocks its thread. On one of its own it delays nobody but its callers, as a database on
        // another machine would.
        std::thread::Builder::new().name("dynamodb".into()).spawn(move || {
            if let Err(error) = serve(listener, served, stopping) {
                tracing::error!(%error, "DynamoDB has stopped");
            }
            // Nobody may be waiting any more.
            let _ = done.send(());
        })?;
        Ok(Server { database, url, stop, stopped })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn database(&self) -> Database {
        self.database.clone()
    }

    pub(super) async fn stop(self) {
        // It is gone already if nobody listens; then there is nothing to wait for either.
        let _ = self.stop.send(());
        let _ = tokio::time::timeout(STOP_PATIENCE, self.stopped).await;
    }
}

fn serve(listener: TcpListener, database: Database, stopping: oneshot::Receiver<()>) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        // A sender that was dropped means "stop" as well.
        let stopping = async { stopping.await.unwrap_or_default() };
        dynoxide::server::serve_with_shutdown(listener, database, stopping)
            .await
            .map_err(std::io::Error::other)
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
