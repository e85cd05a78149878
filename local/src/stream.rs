//! DynamoDB Streams with Lambda's event source mappings: for each function, polls the table's stream,
//! filters the records, calls the function and retries failures.
//!
//! In reading order: `poller` is the loop, `batch` converts records to an event, `position` survives
//! restarts.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dynoxide::Database;
use functions::context::kind::StreamFunction;
use tokio::sync::watch;
use tokio::task::JoinHandle;

mod batch;
mod poller;
mod position;
mod shard;

use poller::Poller;
use position::Position;
use shard::Shard;

use crate::handlers::Handlers;
use crate::private_file::PrivateFileError;
use crate::template::event_source::EventSource;

/// Why a stream cannot be delivered.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The database cannot be read.
    #[error("failed to read the stream: {0}")]
    Database(#[from] dynoxide::DynoxideError),
    /// The table has no stream.
    #[error("failed to read the stream: {0} has none")]
    None(String),
    /// The stored position cannot be read.
    #[error(transparent)]
    Position(#[from] PrivateFileError),
}

/// How often rooms that are behind are told; in AWS, each minute.
const REDELIVERY: Duration = Duration::from_secs(1);

/// Calls `change-redelivery` on its schedule, until the [`StreamSwitch`] is dropped.
async fn redeliver(handlers: Arc<Handlers>, mut paused: watch::Receiver<bool>) {
    while paused.wait_for(|paused| !paused).await.is_ok() {
        if let Err(error) = handlers.redeliver().await {
            tracing::warn!(?error, "the redelivery failed");
        }
        tokio::time::sleep(REDELIVERY).await;
    }
}

/// The running pollers, one per function.
pub struct Streams {
    switch: StreamSwitch,
    polling: Vec<JoinHandle<()>>,
}

/// Pauses and resumes all streams. Clones share it.
#[derive(Debug, Clone)]
pub struct StreamSwitch(watch::Sender<bool>);

impl StreamSwitch {
    /// Stops delivery after the batch in progress.
    pub fn pause(&self) {
        self.0.send_replace(true);
    }

    /// Continues where delivery stopped.
    pub fn resume(&self) {
        self.0.send_replace(false);
    }
}

impl Streams {
    /// Starts a poller for each source, from the position that the last run stored in `folder`.
    pub fn start(
        database: &Database,
        sources: Vec<(StreamFunction, EventSource)>,
        handlers: &Arc<Handlers>,
        folder: &Path,
    ) -> Result<Streams, StreamError> {
        let (sender, paused) = watch::channel(false);
        let poller = |(function, source): (StreamFunction, EventSource)| {
            let shard = Shard::of(database.clone(), &source.table)?;
            let position = Position::load(folder, function.name())?;
            let (handlers, paused) = (Arc::clone(handlers), paused.clone());
            Ok(Poller { shard, source, function, handlers, position, paused, failing: None })
        };
        let pollers: Vec<Poller> = sources.into_iter().map(poller).collect::<Result<_, StreamError>>()?;
        let polling = pollers.into_iter().map(|poller| tokio::spawn(poller.run()));
        let redelivery = tokio::spawn(redeliver(Arc::clone(handlers), sender.subscribe()));
        let polling = polling.chain([redelivery]).collect();
        Ok(Streams { switch: StreamSwitch(sender), polling })
    }

    /// The switch of all streams and of the redelivery.
    pub fn switch(&self) -> &StreamSwitch {
        &self.switch
    }

    /// Stops the pollers. The next start delivers the rest.
    pub async fn stop(self) {
        for polling in self.polling {
            polling.abort();
            // The result is always "cancelled".
            let _ = polling.await;
        }
    }
}
