//! Connections to the engine. A pool gives each exchange one of its own.
//!
//! Written here because no pool is in the lock file, and a transaction needs its connection to itself.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use thiserror::Error;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::codec::FramedRead;

use crate::redis_url::RedisUrl;
use crate::request::{Arguments, arguments};
use crate::resp::{DecodeError, Decoder, Reply, encode_command};

/// How long connecting may take. The engine is on this machine or near it.
const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
/// Initial size of the receive buffer.
const READ_BYTES: usize = 16 * 1024;
/// Concurrent exchanges; the others wait for their turn within their deadline.
const EXCHANGES_MAX: usize = 256;

/// Why an exchange with the engine failed.
#[derive(Debug, Error)]
pub(crate) enum ExchangeError {
    #[error("failed to reach Redis: {0}")]
    Io(#[from] io::Error),
    #[error("failed to reach Redis: no answer in time")]
    Deadline,
    #[error("failed to reach Redis: it refused the connection: {0}")]
    Greeting(String),
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Redis was ended with the script that it executed.
    #[error("a script ran longer than {} ms after it had written", .0.as_millis())]
    Script(Duration),
}

/// An authenticated connection. After an error it cannot be used again: its next reply may belong to an
/// earlier command.
pub(crate) struct Connection {
    replies: FramedRead<OwnedReadHalf, Decoder>,
    writer: OwnedWriteHalf,
}

impl Connection {
    pub(crate) async fn open(url: &RedisUrl) -> Result<Connection, ExchangeError> {
        let connect = TcpStream::connect((url.host.as_str(), url.port));
        let stream = timeout(CONNECT_DEADLINE, connect).await.map_err(|_| ExchangeError::Deadline)??;
        // On a free port of the ephemeral range, TCP may connect a client to itself.
        if stream.local_addr()? == stream.peer_addr()? {
            return Err(io::Error::from(io::ErrorKind::ConnectionRefused).into());
        }
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        let replies = FramedRead::with_capacity(reader, Decoder::default(), READ_BYTES);
        let mut connection = Connection { replies, writer };
        for reply in connection.exchange(&url.greeting).await? {
            if let Reply::Error(text) = reply {
                return Err(ExchangeError::Greeting(String::from_utf8_lossy(&text).into_owned()));
            }
        }
        Ok(connection)
    }

    /// Sends all commands and receives one reply for each. Reads while it writes: with both directions
    /// full, neither side would move.
    pub(crate) async fn exchange(&mut self, commands: &[Arguments]) -> Result<Vec<Reply>, ExchangeError> {
        let mut outgoing = Vec::new();
        for command in commands {
            encode_command(command, &mut outgoing);
        }
        let Connection { replies: incoming, writer } = self;
        let write = async { writer.write_all(&outgoing).await.map_err(ExchangeError::from) };
        let read = async {
            let mut replies = Vec::with_capacity(commands.len());
            while replies.len() < commands.len() {
                replies.push(next(incoming).await?);
            }
            Ok(replies)
        };
        let ((), replies) = tokio::try_join!(write, read)?;
        Ok(replies)
    }

    /// Receives the next reply that comes without a command. Safe to cancel.
    pub(crate) async fn receive(&mut self) -> Result<Reply, ExchangeError> {
        next(&mut self.replies).await
    }

    /// Whether the engine has not closed it, as far as is known.
    fn is_open(&self) -> bool {
        let mut nothing = [0];
        let read = self.replies.get_ref().try_read(&mut nothing);
        matches!(read, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

async fn next(replies: &mut FramedRead<OwnedReadHalf, Decoder>) -> Result<Reply, ExchangeError> {
    replies.next().await.unwrap_or_else(|| Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()))
}

/// Idle connections to one engine.
pub(crate) struct Pool {
    url: RedisUrl,
    deadline: Duration,
    turns: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    /// `deadline` limits each exchange, including the wait for a connection.
    pub(crate) fn new(url: RedisUrl, deadline: Duration) -> Pool {
        Pool { url, deadline, turns: Semaphore::new(EXCHANGES_MAX), idle: Mutex::default() }
    }

    /// Sends commands on one connection and receives one reply for each. A failed or cancelled exchange
    /// closes its connection.
    pub(crate) async fn exchange(&self, commands: &[Arguments]) -> Result<Vec<Reply>, ExchangeError> {
        let exchange = async {
            // The semaphore is never closed, so this cannot fail.
            let _turn = self.turns.acquire().await;
            let mut connection = match self.idle_connection() {
                Some(connection) => connection,
                None => Connection::open(&self.url).await?,
            };
            let replies = connection.exchange(commands).await?;
            self.idle().push(connection);
            Ok(replies)
        };
        timeout(self.deadline, exchange).await.unwrap_or(Err(ExchangeError::Deadline))
    }

    /// Subscribes on a connection of its own, by SUBSCRIBE or PSUBSCRIBE. Returns the connection and the
    /// first reply: a confirmation, or the engine's error.
    pub(crate) async fn subscribe(
        &self,
        command: &'static str,
        channels: Vec<Bytes>,
    ) -> Result<(Connection, Reply), ExchangeError> {
        let open = Connection::open(&self.url);
        let mut connection = timeout(self.deadline, open).await.unwrap_or(Err(ExchangeError::Deadline))?;
        let mut arguments = vec![Bytes::from_static(command.as_bytes())];
        arguments.extend(channels);
        // Redis confirms each channel; the other confirmations arrive like messages.
        let first = connection.exchange(&[arguments]).await?.pop().unwrap_or(Reply::Nil);
        Ok((connection, first))
    }

    /// Asks the engine to end the script or function that it executes. Returns whether it refuses, because
    /// the script has written. On a connection of its own, where a busy engine permits little: only AUTH and
    /// this.
    pub(crate) async fn kill_script(&self) -> Result<bool, ExchangeError> {
        let mut connection = Connection::open(&self.url.without_database()).await?;
        let kill = [arguments(["SCRIPT", "KILL"]), arguments(["FUNCTION", "KILL"])];
        let replies = connection.exchange(&kill).await?;
        let refuses = |reply: &Reply| matches!(reply, Reply::Error(text) if text.starts_with(b"UNKILLABLE"));
        Ok(replies.iter().any(refuses))
    }

    /// An idle connection that is still open: a restart of the engine closes all.
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
        // No code under the lock can leave the list half changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
