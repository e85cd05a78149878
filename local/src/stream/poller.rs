//! Polls a stream and delivers its records, as Lambda's event source mapping does.

use std::sync::Arc;
use std::time::Duration;

use dynoxide::actions::get_records::Record;
use functions::context::kind::StreamFunction;
use tokio::sync::watch;

use super::batch::{self, Entry};
use super::position::Position;
use super::shard::Shard;
use crate::handlers::Handlers;
use crate::template::event_source::EventSource;

/// Pause after a read without new records.
const IDLE: Duration = Duration::from_millis(25);
/// Delay before the first retry; doubled for each further one.
const BACKOFF_MIN: Duration = Duration::from_millis(50);
/// Maximum delay between two retries.
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// The state of one event source mapping.
pub(super) struct Poller {
    pub(super) shard: Shard,
    pub(super) source: EventSource,
    pub(super) function: StreamFunction,
    pub(super) handlers: Arc<Handlers>,
    pub(super) position: Position,
    pub(super) paused: watch::Receiver<bool>,
    pub(super) failing: Option<Failing>,
}

/// The record that failed last. All later records wait for it.
#[derive(Debug)]
pub(super) struct Failing {
    sequence_number: String,
    retries: u32,
}

impl Poller {
    /// Runs until the [`StreamSwitch`](super::StreamSwitch) is dropped.
    pub(super) async fn run(mut self) {
        while self.paused.wait_for(|paused| !paused).await.is_ok() {
            match self.shard.read(self.position.after()).await {
                Ok(records) if records.is_empty() => tokio::time::sleep(IDLE).await,
                Ok(records) => self.deliver(&records).await,
                Err(error) => {
                    tracing::warn!(%error, "the stream cannot be read");
                    tokio::time::sleep(BACKOFF_MAX).await;
                }
            }
        }
    }

    /// Delivers the records that pass the filter, and advances past those that are done.
    async fn deliver(&mut self, records: &[Record]) {
        let entries = match batch::entries(records, &self.source, &self.shard.arn) {
            Ok(entries) => entries,
            Err(error) => {
                tracing::error!(%error, "stream records do not serialise and are left out");
                Vec::new()
            }
        };
        for entries in entries.chunks(self.source.batch_size) {
            if let Some(failed) = self.call(entries).await {
                return self.retry(failed, records).await;
            }
        }
        self.failing = None;
        if let Some(last) = records.last() {
            self.position.advance(last.dynamodb.sequence_number.clone());
        }
    }

    /// Calls the function and returns the first entry to deliver again, if any.
    async fn call<'a>(&self, entries: &'a [Entry]) -> Option<&'a Entry> {
        let event = match batch::event(entries) {
            Ok(event) => event,
            Err(error) => {
                tracing::error!(%error, "stream records do not become an event");
                return entries.first();
            }
        };
        let (function, handlers) = (self.function, Arc::clone(&self.handlers));
        // In a task of its own, so that a panic counts as a failure and does not end the poller.
        let running =
            tokio::spawn(async move { handlers.deliver(function, event, functions::start::now()).await });
        match running.await {
            Ok(Ok(response)) => entries.get(batch::first_failed(entries, &response)?),
            Ok(Err(error)) => {
                tracing::error!(?error, function = self.function.name(), "a stream function failed");
                entries.first()
            }
            Err(_) => entries.first(),
        }
    }

    /// Moves the position before `failed` to retry it, or past it after too many retries or too much time.
    async fn retry(&mut self, failed: &Entry, records: &[Record]) {
        let name = &failed.sequence_number;
        let retries = match self.failing.take() {
            Some(failing) if failing.sequence_number == *name => failing.retries.saturating_add(1),
            _ => 0,
        };
        let age = functions::start::now().as_secs().saturating_sub(failed.created);
        if retries >= self.source.retries || age > self.source.age_secs {
            // AWS would send its position to the failure queue.
            tracing::warn!(sequence_number = name, retries, age, "a stream record was given up");
            self.position.advance(name.clone());
            return;
        }
        let before = records.iter().take_while(|record| record.dynamodb.sequence_number != *name).last();
        if let Some(before) = before {
            self.position.advance(before.dynamodb.sequence_number.clone());
        }
        self.failing = Some(Failing { sequence_number: name.clone(), retries });
        tokio::time::sleep(backoff(retries)).await;
    }
}

fn backoff(retries: u32) -> Duration {
    BACKOFF_MIN.saturating_mul(2_u32.saturating_pow(retries)).min(BACKOFF_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_delays_double_up_to_a_maximum() {
        assert_eq!(backoff(0), BACKOFF_MIN);
        assert_eq!(backoff(2), BACKOFF_MIN * 4);
        assert_eq!(backoff(200), BACKOFF_MAX);
    }
}
