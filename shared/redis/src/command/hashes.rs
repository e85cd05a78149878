//! Commands on hashes.

use super::Command;
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};
use crate::value::Value;

/// HGET: reads one field.
pub fn hget(key: &Key, field: &str) -> Command<Option<Vec<u8>>> {
    Command::idempotent(Arguments::new("HGET").key(key).with(field), Reply::bytes_or_nil)
}

/// HMGET: reads `fields`, at least one. Replies in their order.
pub fn hmget(key: &Key, fields: &[String]) -> Command<Vec<Option<Vec<u8>>>> {
    Command::idempotent(Arguments::new("HMGET").key(key).texts(fields), Reply::all_bytes_or_nil)
}

/// HGETALL: reads all fields with their values; none if the key does not exist.
pub fn hgetall(key: &Key) -> Command<Vec<(Vec<u8>, Vec<u8>)>> {
    Command::idempotent(Arguments::new("HGETALL").key(key), |reply| {
        let mut flat = reply.all_bytes()?.into_iter();
        let mut pairs = Vec::with_capacity(flat.len() / 2);
        while let Some(field) = flat.next() {
            let value = flat.next().ok_or(ReplyError::Content { expected: "fields with their values" })?;
            pairs.push((field, value));
        }
        Ok(pairs)
    })
}

/// HSET: writes fields, at least one; replies how many are new.
pub fn hset<'a>(key: &Key, fields: impl IntoIterator<Item = (&'a str, &'a Value)>) -> Command<u64> {
    let hash = Arguments::new("HSET").key(key);
    let all = fields.into_iter().fold(hash, |all, (field, value)| all.with(field).value(value));
    Command::idempotent(all, Reply::count)
}

/// HDEL: removes `fields`, at least one; replies how many existed.
pub fn hdel(key: &Key, fields: &[String]) -> Command<u64> {
    Command::idempotent(Arguments::new("HDEL").key(key).texts(fields), Reply::count)
}

/// HINCRBY: adds to a counter in a hash and replies the sum.
pub fn hincr_by(key: &Key, field: &str, by: i64) -> Command<i64> {
    Command::once(Arguments::new("HINCRBY").key(key).with(field).with(by), Reply::int)
}
