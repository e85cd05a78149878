//! One connection to the engine.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::redis_url::RedisUrl;
use crate::resp::{DecodeError, Decoder, Reply, encode_command};

/// How long a connection may take. The engine is near: it takes no time or does not happen.
const CONNECT_DEADLINE: Duration = Duration::from_secs(2);
/// How much is asked of the socket at once, at least.
const READ_BYTES: usize = 16 * 1024;

/// Why the engine could not be asked.
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
}

/// A connection that has been greeted. After an error it is of no use: whose reply comes next is unknown.
pub(crate) struct Connection {
    stream: TcpStream,
    incoming: BytesMut,
    decoder: Decoder,
}

impl Connection {
    /// Connects, and says the password.
    pub(crate) async fn open(url: &RedisUrl) -> Result<Connection, ExchangeError> {
        let connect = TcpStream::connect((url.host.as_str(), url.port));
        let stream =
            tokio::time::timeout(CONNECT_DEADLINE, connect).await.map_err(|_| ExchangeError::Deadline)??;
        // With nobody listening on a port of the range that clients get theirs from, TCP may connect a
        // client to itself.
        if stream.local_addr()? == stream.peer_addr()? {
            return Err(io::Error::from(io::ErrorKind::ConnectionRefused).into());
        }
        stream.set_nodelay(true)?;
        let mut connection = Connection { stream, incoming: BytesMut::new(), decoder: Decoder::default() };
        for reply in connection.exchange(&url.greeting).await? {
            if let Reply::Error(text) = reply {
                return Err(ExchangeError::Greeting(String::from_utf8_lossy(&text).into_owned()));
            }
        }
        Ok(connection)
    }

    /// Sends all commands and takes as many replies, reading while it writes: with both directions full,
    /// neither side would move.
    pub(crate) async fn exchange(&mut self, commands: &[Vec<Bytes>]) -> Result<Vec<Reply>, ExchangeError> {
        let mut outgoing = Vec::new();
        for command in commands {
            encode_command(command, &mut outgoing);
        }
        let (mut reader, mut writer) = self.stream.split();
        let (incoming, decoder) = (&mut self.incoming, &mut self.decoder);
        let write = async { writer.write_all(&outgoing).await.map_err(ExchangeError::from) };
        let read = async {
            let mut replies = Vec::with_capacity(commands.len());
            while replies.len() < commands.len() {
                replies.push(next(&mut reader, incoming, decoder).await?);
            }
            Ok(replies)
        };
        let ((), replies) = tokio::try_join!(write, read)?;
        Ok(replies)
    }

    /// The next reply, of those that come without being asked for.
    pub(crate) async fn receive(&mut self) -> Result<Reply, ExchangeError> {
        next(&mut self.stream, &mut self.incoming, &mut self.decoder).await
    }

    /// Whether the engine has not closed it, as far as is known.
    pub(crate) fn is_open(&self) -> bool {
        let mut nothing = [0];
        matches!(self.stream.try_read(&mut nothing), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

async fn next(
    reader: &mut (impl AsyncReadExt + Unpin),
    incoming: &mut BytesMut,
    decoder: &mut Decoder,
) -> Result<Reply, ExchangeError> {
    loop {
        if let Some(reply) = decoder.decode(incoming)? {
            return Ok(reply);
        }
        incoming.reserve(READ_BYTES);
        if reader.read_buf(incoming).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
}
