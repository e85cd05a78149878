//! A value to store: always text, because a request to the service is JSON.
//!
//! The REST protocol carries bytes only in the body of a path-style request, which cannot be part of a
//! pipeline and puts the key into the URL. So bytes are stored as base64url text, which is a third longer.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;

/// A value to store. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Value(String);

impl Value {
    /// Text, stored as it is.
    pub fn text(text: impl Into<String>) -> Value {
        Value(text.into())
    }

    /// Bytes, stored as base64url text; [`Value::bytes_of`] reads them back.
    pub fn binary(bytes: &[u8]) -> Value {
        Value(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// A serialisable value, stored as JSON text; [`super::command::get_json`] reads it back.
    pub fn json(value: &impl Serialize) -> Result<Value, serde_json::Error> {
        serde_json::to_string(value).map(Value)
    }

    /// The bytes that [`Value::binary`] stored; `None` if `stored` is not base64url.
    pub fn bytes_of(stored: &[u8]) -> Option<Vec<u8>> {
        BASE64_URL_SAFE_NO_PAD.decode(stored).ok()
    }

    /// The stored text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value(number.to_string())
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value of {} bytes", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_value_is_not_shown() {
        assert_eq!(format!("{:?}", Value::text("s3cret")), "Value of 6 bytes");
        assert_eq!(Value::bytes_of(b"not base64!"), None);
    }

    proptest! {
        #[test]
        fn bytes_round_trip(bytes: Vec<u8>) {
            let stored = Value::binary(&bytes);
            prop_assert_eq!(Value::bytes_of(stored.as_str().as_bytes()), Some(bytes));
        }
    }
}
