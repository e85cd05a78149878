//! Connections to the engine, one for each exchange at a time.
//!
//! An exchange has its connection to itself, so what it sends between MULTI and EXEC is its own. One that
//! failed, or was given up in the middle, takes its connection with it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;

use crate::connection::{Connection, ExchangeError};
use crate::redis_url::RedisUrl;
use crate::resp::Reply;

/// Exchanges at once; the others wait for their turn within their deadline.
const EXCHANGES_MAX: usize = 256;

/// The engine as the front reaches it.
pub(crate) struct Pool {
    url: RedisUrl,
    deadline: Duration,
    turns: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub(crate) fn new(url: RedisUrl, deadline: Duration) -> Pool {
        Pool { url, deadline, turns: Semaphore::new(EXCHANGES_MAX), idle: Mutex::new(Vec::new()) }
    }

    /// Sends commands together and comes back with their replies, one each, or within the deadline with
    /// the reason why not.
    pub(crate) async fn exchange(&self, commands: &[Vec<Bytes>]) -> Result<Vec<Reply>, ExchangeError> {
        let exchange = async {
            // Never closed; if it were, there would be no limit, which harms nothing.
            let _turn = self.turns.acquire().await;
            let mut connection = match self.idle_connection() {
                Some(connection) => connection,
                None => Connection::open(&self.url).await?,
            };
            let replies = connection.exchange(commands).await?;
            self.idle().push(connection);
            Ok(replies)
        };
        tokio::time::timeout(self.deadline, exchange).await.unwrap_or(Err(ExchangeError::Deadline))
    }

    /// A connection for something that lasts.
    pub(crate) async fn dedicated(&self) -> Result<Connection, ExchangeError> {
        let open = Connection::open(&self.url);
        tokio::time::timeout(self.deadline, open).await.unwrap_or(Err(ExchangeError::Deadline))
    }

    /// One that the engine has not closed: after a restart all are closed.
    fn idle_connection(&self) -> Option<Connection> {
        let mut idle = self.idle();
        while let Some(connection) = idle.pop() {
            if connection.is_open() {
                return Some(connection);
            }
        }
        None
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        // Nothing is done under the lock that could leave it half done.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
