//! Several commands in one round trip, each with its own typed reply.

use std::fmt;
use std::marker::PhantomData;

use super::arguments::Arguments;
use super::command::{Command, Repeat};
use super::error::RedisError;
use super::reply::Reply;

/// Commands that are sent together, in order: one after the other with [`super::client::Client::pipeline`], as one
/// with [`super::client::Client::transaction`].
#[derive(Clone, Debug, Default)]
pub struct Pipeline {
    items: Vec<Item>,
}

/// One command of a pipeline.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) arguments: Arguments,
    pub(super) in_full: Option<Arguments>,
    repeat: Repeat,
}

impl Pipeline {
    /// No commands yet.
    pub fn new() -> Pipeline {
        Pipeline::default()
    }

    /// Adds a command; the slot takes its reply out of [`Replies`].
    pub fn push<C: Command>(&mut self, command: &C) -> Slot<C> {
        let (arguments, in_full, repeat) = (command.arguments(), command.in_full(), command.repeat());
        self.items.push(Item { arguments, in_full, repeat });
        Slot { at: self.items.len() - 1, command: PhantomData }
    }

    /// How many commands there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether all of it may run twice: only if each command may.
    pub fn repeat(&self) -> Repeat {
        let safe = self.items.iter().all(|item| item.repeat == Repeat::Safe);
        if safe { Repeat::Safe } else { Repeat::Unsafe }
    }

    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }
}

/// Where a command's reply will be.
pub struct Slot<C> {
    at: usize,
    command: PhantomData<fn() -> C>,
}

impl<C> fmt::Debug for Slot<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slot {}", self.at)
    }
}

/// The replies to a pipeline, to be taken one by one: a command that failed fails nobody else's reply.
#[derive(Debug)]
pub struct Replies(Vec<Option<Reply>>);

impl Replies {
    pub(super) fn new(replies: Vec<Reply>) -> Replies {
        Replies(replies.into_iter().map(Some).collect())
    }

    /// Takes the reply to the command that `slot` was given for.
    #[expect(clippy::needless_pass_by_value, reason = "a slot is good for one reply")]
    pub fn take<C: Command>(&mut self, slot: Slot<C>) -> Result<C::Reply, RedisError> {
        let reply = self.0.get_mut(slot.at).and_then(Option::take).ok_or(RedisError::NoReply)?;
        decode::<C>(reply)
    }
}

/// The typed reply, or the error that Redis answered with.
pub(super) fn decode<C: Command>(reply: Reply) -> Result<C::Reply, RedisError> {
    match reply {
        Reply::Error(error) => Err(RedisError::Refused(error)),
        reply => Ok(C::decode(reply)?),
    }
}
