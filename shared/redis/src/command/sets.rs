//! Commands on sets and sorted sets.

use super::Command;
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::Reply;

/// SADD: adds `members`, at least one, to a set; replies how many are new.
pub fn sadd(key: &Key, members: &[String]) -> Command<u64> {
    Command::idempotent(Arguments::new("SADD").key(key).texts(members), Reply::count)
}

/// SREM: removes `members`, at least one, from a set; replies how many existed.
pub fn srem(key: &Key, members: &[String]) -> Command<u64> {
    Command::idempotent(Arguments::new("SREM").key(key).texts(members), Reply::count)
}

/// SMEMBERS: reads all members of a set.
pub fn smembers(key: &Key) -> Command<Vec<Vec<u8>>> {
    Command::idempotent(Arguments::new("SMEMBERS").key(key), Reply::all_bytes)
}

/// ZADD: adds members with their scores, at least one, or changes their scores; replies how many are new.
/// Scores are integers: Redis keeps them exact up to 2^53.
pub fn zadd<'a>(key: &Key, members: impl IntoIterator<Item = (i64, &'a str)>) -> Command<u64> {
    let set = Arguments::new("ZADD").key(key);
    let all = members.into_iter().fold(set, |all, (score, member)| all.with(score).with(member));
    Command::idempotent(all, Reply::count)
}

/// ZREM: removes `members`, at least one, from a sorted set; replies how many existed.
pub fn zrem(key: &Key, members: &[String]) -> Command<u64> {
    Command::idempotent(Arguments::new("ZREM").key(key).texts(members), Reply::count)
}

/// A range of a sorted set; both ends are included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// By position, from 0, or from -1 at the end.
    Ranks(i64, i64),
    /// By score.
    Scores(i64, i64),
}

/// ZRANGE: reads the members in `range`, lowest score first.
pub fn zrange(key: &Key, range: Range) -> Command<Vec<Vec<u8>>> {
    let set = Arguments::new("ZRANGE").key(key);
    let all = match range {
        Range::Ranks(first, last) => set.with(first).with(last),
        Range::Scores(lowest, highest) => set.with(lowest).with(highest).with("BYSCORE"),
    };
    Command::idempotent(all, Reply::all_bytes)
}
