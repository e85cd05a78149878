//! DynamoDB Streams and Lambda's event source mappings: polls a table's stream for each function that reads it,
//! filters, calls the function, and comes back to what failed.
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

use poller::{Poller, Target};
use position::Position;
use shard::Shard;

use crate::handlers::{Handlers, StreamFunction};
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

/// The streams that are being delivered, each function's by itself.
pub struct Streams {
    switch: StreamSwitch,
    polling: Vec<JoinHandle<()>>,
}

/// Holds all streams back and lets them go on. Clones share it.
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

impl Streams {
    /// Delivers to each function what its source names, from where the last run stopped according to `folder`.
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
            let handlers = Arc::clone(handlers);
            Ok(Poller::new(shard, source, Target { function, handlers }, position, paused.clone()))
        };
        let pollers: Vec<Poller> = sources.into_iter().map(poller).collect::<Result<_, StreamError>>()?;
        let polling = pollers.into_iter().map(|poller| tokio::spawn(poller.run())).collect();
        Ok(Streams { switch: StreamSwitch(sender), polling })
    }

    /// Their switch.
    pub fn switch(&self) -> &StreamSwitch {
        &self.switch
    }

    /// Stops; what was not delivered comes with the next start.
    pub async fn stop(self) {
        for polling in self.polling {
            polling.abort();
            // It ends as "cancelled", which is what was asked for.
            let _ = polling.await;
        }
    }
}
