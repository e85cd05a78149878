//! Several commands in one round trip, each with its own typed reply.

use std::fmt;

use super::arguments::Arguments;
use super::command::{Command, Decode, Repeat};
use super::error::RedisError;
use super::reply::Reply;

/// Commands to send together, in order: with [`super::client::Client::pipeline`], or atomically with
/// [`super::client::Client::transaction`].
#[derive(Clone, Debug, Default)]
pub struct Pipeline {
    items: Vec<Item>,
}

/// One command of a pipeline.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) arguments: Arguments,
    pub(super) with_script_text: Option<Arguments>,
    repeat: Repeat,
}

impl Pipeline {
    /// An empty pipeline.
    pub fn new() -> Pipeline {
        Pipeline::default()
    }

    /// Adds a command. The slot takes its reply out of [`Replies`].
    pub fn push<R>(&mut self, command: Command<R>) -> Slot<R> {
        let Command { arguments, with_script_text, repeat, decode } = command;
        self.items.push(Item { arguments, with_script_text, repeat });
        Slot { at: self.items.len() - 1, decode }
    }

    /// Number of commands.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are no commands.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether the pipeline may run twice: only if each command may.
    pub fn repeat(&self) -> Repeat {
        let safe = self.items.iter().all(|item| item.repeat == Repeat::Safe);
        if safe { Repeat::Safe } else { Repeat::Unsafe }
    }

    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }
}

/// The place of a command's reply, and how to read it.
pub struct Slot<R> {
    at: usize,
    decode: Decode<R>,
}

impl<R> fmt::Debug for Slot<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slot {}", self.at)
    }
}

/// The replies to a pipeline. Each is taken by itself: a failed command does not affect the others' replies.
#[derive(Debug)]
pub struct Replies(Vec<Option<Reply>>);

impl Replies {
    pub(super) fn new(replies: Vec<Reply>) -> Replies {
        Replies(replies.into_iter().map(Some).collect())
    }

    /// Takes the reply to the command of `slot`.
    #[expect(clippy::needless_pass_by_value, reason = "a slot is good for one reply")]
    pub fn take<R>(&mut self, slot: Slot<R>) -> Result<R, RedisError> {
        let reply = self.0.get_mut(slot.at).and_then(Option::take).ok_or(RedisError::NoReply)?;
        typed(reply, slot.decode)
    }
}

/// The typed reply, or Redis's error.
pub(super) fn typed<R>(reply: Reply, decode: Decode<R>) -> Result<R, RedisError> {
    match reply {
        Reply::Error(error) => Err(RedisError::Refused(error)),
        reply => Ok(decode(reply)?),
    }
}
