//! Pull cursors: every position a pull can continue from, as opaque text.
//!
//! A cursor is neither secret nor signed. It is only used together with the tenant of the verified token, so
//! a forged one affects no other caller.

pub mod vector;
pub mod walk;

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::limits::CURSOR_BYTES_MAX;
use protocol::stamp::{NotACursor, Stamp, cursor, parse_cursor};
use vector::Vector;
use walk::Walk;

/// A position to continue from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// In the log of one room, after the change with this stamp: `v1.<stamp>`.
    Position(Stamp),
    /// In a snapshot of one room: `s1.<noted>.<started>.<key>`.
    Walk(Walk),
    /// In all rooms of a client: `v2.<bytes as base64>`.
    Vector(Vector),
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cursor::Position(stamp) => f.write_str(&cursor(*stamp)),
            Cursor::Walk(walk) => write!(f, "s1.{walk}"),
            Cursor::Vector(vector) => write!(f, "v2.{}", BASE64_URL_SAFE_NO_PAD.encode(vector.to_bytes())),
        }
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Cursor, NotACursor> {
        if text.len() > CURSOR_BYTES_MAX {
            return Err(NotACursor);
        }
        if let Some(walk) = text.strip_prefix("s1.") {
            return walk.parse().map(Cursor::Walk);
        }
        if let Some(vector) = text.strip_prefix("v2.") {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(vector).map_err(|_| NotACursor)?;
            return Vector::from_bytes(&bytes).map(Cursor::Vector).ok_or(NotACursor);
        }
        parse_cursor(text).map(Cursor::Position)
    }
}

#[cfg(test)]
mod tests;
