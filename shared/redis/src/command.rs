//! The commands we use, one type each, and one for what has no type yet.

use super::arguments::Arguments;
use super::reply::{Reply, ReplyError};

mod del;
mod eval;
mod exists;
mod expire;
mod get;
mod getdel;
mod getex;
mod hdel;
mod hget;
mod hgetall;
mod hincrby;
mod hmget;
mod hset;
mod incrby;
mod info;
mod json;
mod life;
mod memory_usage;
mod mget;
mod mset;
mod ping;
mod pttl;
mod publish;
mod raw;
mod sadd;
mod scan;
mod script_load;
mod set;
mod set_get;
mod smembers;
mod srem;
mod time;
mod unlink;
mod zadd;
mod zrange;
mod zrem;

pub use del::Del;
pub use eval::Eval;
pub use exists::Exists;
pub use expire::Expire;
pub use get::Get;
pub use getdel::GetDel;
pub use getex::GetEx;
pub use hdel::HDel;
pub use hget::HGet;
pub use hgetall::HGetAll;
pub use hincrby::HIncrBy;
pub use hmget::HMGet;
pub use hset::HSet;
pub use incrby::IncrBy;
pub use info::{Info, Sections};
pub use json::GetJson;
pub use life::Life;
pub use memory_usage::MemoryUsage;
pub use mget::MGet;
pub use mset::MSet;
pub use ping::Ping;
pub use pttl::{PTtl, Remaining};
pub use publish::Publish;
pub use raw::Raw;
pub use sadd::SAdd;
pub use scan::{Page, Scan};
pub use script_load::ScriptLoad;
pub use set::{Keeping, Only, Set};
pub use set_get::SetGet;
pub use smembers::SMembers;
pub use srem::SRem;
pub use time::Time;
pub use unlink::Unlink;
pub use zadd::ZAdd;
pub use zrange::{Span, ZRange};
pub use zrem::ZRem;

/// One command, with the type of its reply.
pub trait Command {
    /// What Redis answers.
    type Reply;

    /// What is sent.
    fn arguments(&self) -> Arguments;

    /// What is sent when the server does not know the script that [`Command::arguments`] names; nothing otherwise.
    fn in_full(&self) -> Option<Arguments> {
        None
    }

    /// Whether it may be sent again when nobody knows whether it has run.
    fn repeat(&self) -> Repeat;

    /// Reads the reply, which is no error.
    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError>;
}

/// Whether a command may run twice where once was meant.
///
/// What a repeated command *answers* may differ: a DEL that ran unheard answers 0 the second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// It leaves the same behind.
    Safe,
    /// It counts, appends, takes away what it answers, or decides on what is there.
    Unsafe,
}

#[cfg(test)]
mod tests;
