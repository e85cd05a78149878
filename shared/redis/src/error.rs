//! Errors of a command.

use super::command::Repeat;
use super::reply::{ReplyError, ServerError, Unreadable};
use super::transport::TransportError;
use crate::limits::REDIS_REQUEST_BYTES_MAX;

/// Why a command has no reply. No error text holds a token, a key or a value.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// The circuit breaker is open; nothing was sent.
    #[error("failed to ask Redis: it is taken for down")]
    Open,
    /// The request is larger than the service accepts; nothing was sent.
    #[error("failed to ask Redis: a request of {0} bytes is over {REDIS_REQUEST_BYTES_MAX}")]
    TooLarge(usize),
    /// The arguments do not serialise; nothing was sent.
    #[error("failed to write the request to Redis: {0}")]
    Write(#[source] serde_json::Error),
    /// There is no response.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The response is not Redis's: an overload (429), a fault (5xx), or another server.
    #[error("failed to ask Redis: the service answered {0}")]
    Status(u16),
    /// The service does not accept the token.
    #[error("failed to ask Redis: the service does not accept the token")]
    Unauthorized,
    /// Redis rejected the command, or the command failed.
    #[error("failed to run the command: Redis answered {0}")]
    Refused(#[source] ServerError),
    /// The response body cannot be read; the command may have run.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// There are more or fewer replies than commands; the commands may have run.
    #[error("failed to read the answer: {answers} answers to {commands} commands")]
    Miscounted {
        /// Replies received.
        answers: usize,
        /// Commands sent.
        commands: usize,
    },
    /// The reply has another type than the command's; the command did run.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// The slot is of another pipeline.
    #[error("failed to find the reply: the slot is of another pipeline")]
    NoReply,
}

impl RedisError {
    /// Whether to send the same request again, given whether it may run twice.
    pub(super) fn is_transient(&self, repeat: Repeat) -> bool {
        match self {
            RedisError::Transport(TransportError::NeverArrived(_)) => true,
            // The service documents neither 429 nor 5xx; a proxy that responds so may have forwarded the
            // request.
            RedisError::Transport(_) => repeat == Repeat::Safe,
            RedisError::Status(status) => (*status == TOO_MANY || *status >= 500) && repeat == Repeat::Safe,
            _ => false,
        }
    }

    /// Whether the breaker counts it: Redis failed, and not the command, the token or the decoding.
    pub(super) fn counts_as_failure(&self) -> bool {
        matches!(self, RedisError::Transport(_)) || matches!(self, RedisError::Status(500..))
    }
}

const TOO_MANY: u16 = 429;
