//! Why a command has no reply.

use super::command::Repeat;
use super::reply::{ReplyError, ServerError, Unreadable};
use super::transport::TransportError;
use crate::limits::REDIS_REQUEST_BYTES_MAX;

/// Why a command has no reply. No text of it holds a token, a key or a value.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// Redis failed too often of late; nothing was sent.
    #[error("failed to ask Redis: it is taken for down")]
    Open,
    /// The request is larger than the service takes; nothing was sent.
    #[error("failed to ask Redis: a request of {0} bytes is over {REDIS_REQUEST_BYTES_MAX}")]
    TooLarge(usize),
    /// The arguments do not serialise; nothing was sent.
    #[error("failed to write the request to Redis: {0}")]
    Write(#[source] serde_json::Error),
    /// There is no answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Somebody before Redis answered: an overload (429), a fault (5xx), or what is not the service.
    #[error("failed to ask Redis: the service answered {0}")]
    Status(u16),
    /// The service does not know our token.
    #[error("failed to ask Redis: the service does not accept the token")]
    Unauthorized,
    /// Redis refused the command, or it failed.
    #[error("failed to run the command: Redis answered {0}")]
    Refused(#[source] ServerError),
    /// The body is no answer of the service; the command may have run.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The answers are not as many as the commands, which may have run.
    #[error("failed to read the answer: {answers} answers to {commands} commands")]
    Miscounted {
        /// Answers that came.
        answers: usize,
        /// Commands that were sent.
        commands: usize,
    },
    /// The reply is not what this command is answered with; the command did run.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// The slot belongs to another pipeline.
    #[error("failed to find the reply: the slot is of another pipeline")]
    NoReply,
}

impl RedisError {
    /// Whether the same request is worth another try, given whether it may run twice.
    pub(super) fn passes(&self, repeat: Repeat) -> bool {
        match self {
            RedisError::Transport(TransportError::NeverArrived(_)) => true,
            // The service describes neither 429 nor 5xx; whoever answers so may have passed the request on before.
            RedisError::Transport(_) => repeat == Repeat::Safe,
            RedisError::Status(status) => (*status == TOO_MANY || *status >= 500) && repeat == Repeat::Safe,
            _ => false,
        }
    }

    /// Whether it is Redis that ails, and not the command, the token or our reading.
    pub(super) fn ails(&self) -> bool {
        matches!(self, RedisError::Transport(_)) || matches!(self, RedisError::Status(500..))
    }
}

const TOO_MANY: u16 = 429;
