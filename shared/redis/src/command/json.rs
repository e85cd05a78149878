//! GET of a value that is stored as JSON text.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use super::{Command, Repeat};
use crate::arguments::Arguments;
use crate::keys::Key;
use crate::reply::{Reply, ReplyError};

/// Reads a value that [`crate::value::Value::json`] wrote; nothing if there is none.
#[derive(Debug)]
pub struct GetJson<V> {
    key: Key,
    value: PhantomData<fn() -> V>,
}

impl<V: DeserializeOwned> GetJson<V> {
    /// Reads the value of `key`.
    pub fn new(key: &Key) -> GetJson<V> {
        GetJson { key: key.clone(), value: PhantomData }
    }
}

impl<V: DeserializeOwned> Command for GetJson<V> {
    type Reply = Option<V>;

    fn arguments(&self) -> Arguments {
        Arguments::of("GET").key(&self.key)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Safe
    }

    fn decode(reply: Reply) -> Result<Self::Reply, ReplyError> {
        let text = reply.bytes_or_nil()?;
        Ok(text.map(|text| serde_json::from_slice(&text)).transpose()?)
    }
}
