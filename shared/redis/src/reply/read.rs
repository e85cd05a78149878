//! Reads a response's body: `{"result": …}`, `{"error": "…"}`, or a list of them.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;

use super::{Reply, ServerError};
use crate::limits::{REDIS_REPLY_DEPTH_MAX, REDIS_REPLY_ITEMS_MAX};
use protocol::json::nests_deeper;

/// Why a body is not a response of the service. Does not quote the body.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Arrays nest deeper than [`REDIS_REPLY_DEPTH_MAX`].
    #[error("failed to read the answer: it nests deeper than {REDIS_REPLY_DEPTH_MAX}")]
    TooDeep,
    /// The body is not the service's JSON.
    #[error("failed to read the answer: it is not the service's JSON, at byte {at}")]
    Json {
        /// Column of the error; a response is one line.
        at: usize,
    },
}

/// Reads the reply to one command, or the error of the whole request.
pub fn read_one(body: &[u8]) -> Result<Reply, Unreadable> {
    read(body, |budget, json| Item(budget).deserialize(json))
}

/// Reads the replies to several commands. The inner `Err` is the error of the whole request.
pub fn read_many(body: &[u8]) -> Result<Result<Vec<Reply>, ServerError>, Unreadable> {
    read(body, |budget, json| json.deserialize_any(Items(budget)))
}

fn read<'a, T>(
    body: &'a [u8],
    seed: impl FnOnce(
        &Cell<usize>,
        &mut serde_json::Deserializer<serde_json::de::SliceRead<'a>>,
    ) -> serde_json::Result<T>,
) -> Result<T, Unreadable> {
    if nests_deeper(body, REDIS_REPLY_DEPTH_MAX) {
        return Err(Unreadable::TooDeep);
    }
    let budget = Cell::new(REDIS_REPLY_ITEMS_MAX);
    let mut json = serde_json::Deserializer::from_slice(body);
    // The parser's error text may quote the body, which holds customers' data.
    let value = seed(&budget, &mut json).map_err(|error| Unreadable::Json { at: error.column() })?;
    json.end().map_err(|error| Unreadable::Json { at: error.column() })?;
    Ok(value)
}

/// The replies to several commands.
struct Items<'b>(&'b Cell<usize>);

impl<'de> Visitor<'de> for Items<'_> {
    type Value = Result<Vec<Reply>, ServerError>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of answers or an error")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Item(self.0))? {
            items.push(item);
        }
        Ok(Ok(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        match Item(self.0).visit_map(map)? {
            Reply::Error(error) => Ok(Err(error)),
            _ => Err(A::Error::custom("one answer to several commands")),
        }
    }
}

/// The reply to one command: an object with `result` or `error`.
struct Item<'b>(&'b Cell<usize>);

impl<'de> DeserializeSeed<'de> for Item<'_> {
    type Value = Reply;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Reply, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Item<'_> {
    type Value = Reply;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with result or error")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Reply, A::Error> {
        let (mut result, mut failure) = (None, None);
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "result" => result = Some(map.next_value_seed(One(self.0))?),
                "error" => failure = map.next_value::<Option<String>>()?,
                _ => {
                    map.next_value::<serde::de::IgnoredAny>()?;
                }
            }
        }
        match (failure, result) {
            (Some(text), _) => Ok(Reply::Error(ServerError::read(text))),
            (None, Some(reply)) => Ok(reply),
            (None, None) => Err(A::Error::custom("neither result nor error")),
        }
    }
}

/// One value.
struct One<'b>(&'b Cell<usize>);

impl<'de> DeserializeSeed<'de> for One<'_> {
    type Value = Reply;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Reply, D::Error> {
        let left = self.0.get().checked_sub(1).ok_or_else(|| D::Error::custom("too many values"))?;
        self.0.set(left);
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for One<'_> {
    type Value = Reply;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null, an integer of 64 bits, a string in base64 or a list")
    }

    fn visit_unit<E: Error>(self) -> Result<Reply, E> {
        Ok(Reply::Nil)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Reply, E> {
        Ok(Reply::Int(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Reply, E> {
        i64::try_from(number).map(Reply::Int).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Reply, E> {
        if text == "OK" {
            return Ok(Reply::Ok);
        }
        BASE64_STANDARD.decode(text).map(Reply::Bytes).map_err(|_| E::custom("no base64"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Reply, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(One(self.0))? {
            items.push(item);
        }
        Ok(Reply::Array(items))
    }
}
