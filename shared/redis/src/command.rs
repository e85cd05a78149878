//! Redis commands: one function per command, which returns a typed [`Command`].
//!
//! Every command here has a caller in the product, except `exists`, `get_json`, `incr_by`, `set_if_present`,
//! [`Expiry::Keep`], [`Expiry::Never`], `hget`, `hmget`, `hincr_by` and the commands on sets and sorted sets:
//! sessions, presence and jobs need those. [`Command::idempotent`] and [`Command::once`] send any other
//! command.

use std::fmt;

use super::arguments::Arguments;
use super::reply::{Reply, ReplyError};

mod hashes;
mod keys;
mod server;
mod sets;
mod strings;
mod ttl;

pub use hashes::{hdel, hget, hgetall, hincr_by, hmget, hset};
pub use keys::{Page, Remaining, del, exists, expire, pttl, scan, unlink};
pub use server::{Sections, info, memory_usage, ping};
pub use sets::{Range, sadd, smembers, srem, zadd, zrange, zrem};
pub use strings::{
    Expiry, get, get_and_delete, get_and_expire, get_json, incr_by, mget, set, set_and_get_previous,
    set_if_missing, set_if_present,
};
pub use ttl::Ttl;

/// One command whose reply is read as an `R`. `Debug` shows the command's name and no data.
#[derive(Clone)]
pub struct Command<R> {
    pub(super) arguments: Arguments,
    /// Sent when the server does not know the script that `arguments` name by hash.
    pub(super) with_script_text: Option<Arguments>,
    pub(super) repeat: Repeat,
    pub(super) decode: Decode<R>,
}

/// Reads a reply that is not an error.
pub(super) type Decode<R> = fn(Reply) -> Result<R, ReplyError>;

impl<R> Command<R> {
    /// A command that leaves the same state behind however often it runs.
    pub fn idempotent(arguments: Arguments, decode: fn(Reply) -> Result<R, ReplyError>) -> Command<R> {
        Command { arguments, with_script_text: None, repeat: Repeat::Safe, decode }
    }

    /// Any other command.
    pub fn once(arguments: Arguments, decode: fn(Reply) -> Result<R, ReplyError>) -> Command<R> {
        Command { repeat: Repeat::Unsafe, ..Command::idempotent(arguments, decode) }
    }
}

impl<R> fmt::Debug for Command<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.arguments.fmt(f)
    }
}

/// Whether a command may be sent again when it is not known whether it ran.
///
/// A repeated command may still have another *reply*: a repeated DEL replies 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Running it twice leaves the same state behind.
    Safe,
    /// It counts, appends, removes what it replies, or decides on the present value.
    Unsafe,
}

#[cfg(test)]
mod tests;
