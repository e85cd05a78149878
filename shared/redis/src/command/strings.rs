//! Commands on single values.

use serde::de::DeserializeOwned;

use super::{Command, Ttl};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};
use crate::value::Value;

/// When a value expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// After this time.
    In(Ttl),
    /// When the value that it replaces would have expired.
    Keep,
    /// Never.
    Never,
}

/// GET: reads a value.
pub fn get(key: &Key) -> Command<Option<Vec<u8>>> {
    Command::idempotent(Arguments::new("GET").key(key), Reply::bytes_or_nil)
}

/// GET: reads a value that [`Value::json`] wrote.
pub fn get_json<V: DeserializeOwned>(key: &Key) -> Command<Option<V>> {
    fn decode<V: DeserializeOwned>(reply: Reply) -> Result<Option<V>, ReplyError> {
        let text = reply.bytes_or_nil()?;
        Ok(text.map(|text| serde_json::from_slice(&text)).transpose()?)
    }
    Command::idempotent(Arguments::new("GET").key(key), decode)
}

/// GETEX: reads a value and sets its time to live.
pub fn get_and_expire(key: &Key, ttl: Ttl) -> Command<Option<Vec<u8>>> {
    Command::idempotent(Arguments::new("GETEX").key(key).with("PX").with(ttl), Reply::bytes_or_nil)
}

/// GETDEL: reads a value and deletes it.
pub fn get_and_delete(key: &Key) -> Command<Option<Vec<u8>>> {
    Command::once(Arguments::new("GETDEL").key(key), Reply::bytes_or_nil)
}

/// MGET: reads several values. Replies in the order of `keys`, which must not be empty.
pub fn mget<'a>(keys: impl IntoIterator<Item = &'a Key>) -> Command<Vec<Option<Vec<u8>>>> {
    Command::idempotent(Arguments::new("MGET").keys(keys), Reply::all_bytes_or_nil)
}

/// SET: writes a value. Always replies `true`.
pub fn set(key: &Key, value: &Value, expiry: Expiry) -> Command<bool> {
    Command::idempotent(set_arguments(key, value, expiry), Reply::ok_or_nil)
}

/// SET with NX: writes a value if the key does not exist; replies whether it wrote. Must not be repeated: the
/// second try would find the first one's value.
pub fn set_if_missing(key: &Key, value: &Value, expiry: Expiry) -> Command<bool> {
    Command::once(set_arguments(key, value, expiry).with("NX"), Reply::ok_or_nil)
}

/// SET with XX: writes a value if the key exists; replies whether it wrote.
pub fn set_if_present(key: &Key, value: &Value, expiry: Expiry) -> Command<bool> {
    Command::idempotent(set_arguments(key, value, expiry).with("XX"), Reply::ok_or_nil)
}

/// SET with GET: writes a value and replies the previous one. Must not be repeated: the second try would
/// reply the first one's value.
pub fn set_and_get_previous(key: &Key, value: &Value, expiry: Expiry) -> Command<Option<Vec<u8>>> {
    Command::once(set_arguments(key, value, expiry).with("GET"), Reply::bytes_or_nil)
}

/// INCRBY: adds to a counter and replies the sum.
pub fn incr_by(key: &Key, by: i64) -> Command<i64> {
    Command::once(Arguments::new("INCRBY").key(key).with(by), Reply::int)
}

fn set_arguments(key: &Key, value: &Value, expiry: Expiry) -> Arguments {
    let set = Arguments::new("SET").key(key).value(value);
    match expiry {
        Expiry::In(ttl) => set.with("PX").with(ttl),
        Expiry::Keep => set.with("KEEPTTL"),
        Expiry::Never => set,
    }
}
