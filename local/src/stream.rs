//! DynamoDB Streams and Lambda's event source mapping: polls the table's stream, filters, calls
//! `change-stream`, and comes back to what failed.
//!
//! In reading order: `poller` is the loop, `batch` one answer of the stream, `position` what it
//! remembers over a restart.

use std::path::Path;
use std::sync::Arc;

use dynoxide::Database;
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

/// Why the stream is not read.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// The table has none, or it cannot be read.
    #[error("failed to read the stream: {0}")]
    Database(#[from] dynoxide::DynoxideError),
    /// The table has none.
    #[error("failed to read the stream: {0} has none")]
    None(String),
    /// The position cannot be read.
    #[error(transparent)]
    Position(#[from] PrivateFileError),
}

/// A stream that is being delivered.
pub struct Stream {
    switch: StreamSwitch,
    polling: JoinHandle<()>,
}

/// Holds the stream back and lets it go on. Clones share it.
#[derive(Debug, Clone)]
pub struct StreamSwitch(watch::Sender<bool>);

impl StreamSwitch {
    /// No further batch is delivered; one that is under way is.
    pub fn pause(&self) {
        self.0.send_replace(true);
    }

    /// Goes on where it was.
    pub fn resume(&self) {
        self.0.send_replace(false);
    }
}

impl Stream {
    /// Delivers the stream that `source` names, from where the last run stopped according to `folder`.
    pub fn start(
        database: Database,
        source: EventSource,
        handlers: Arc<Handlers>,
        folder: &Path,
    ) -> Result<Stream, StreamError> {
        let shard = Shard::of(database, &source.table)?;
        let position = Position::load(folder)?;
        let (sender, paused) = watch::channel(false);
        let poller = Poller::new(shard, source, handlers, position, paused);
        Ok(Stream { switch: StreamSwitch(sender), polling: tokio::spawn(poller.run()) })
    }

    /// Its switch.
    pub fn switch(&self) -> &StreamSwitch {
        &self.switch
    }

    /// Stops; what was not delivered comes with the next start.
    pub async fn stop(self) {
        self.polling.abort();
        // It ends as "cancelled", which is what was asked for.
        let _ = self.polling.await;
    }
}
