//! Every Redis key of the product.
//!
//! A key is the deployment's prefix, the tenant, the [`KeyKind`] and the entry's names, separated by `:`.
//! Prefix and tenant cannot hold a `:`; names are escaped, so different entries have different keys, and no
//! name holds a special character of a pattern.

mod key;
mod kind;
mod pattern;

use std::fmt::Display;

use crate::limits::REDIS_PREFIX_BYTES_MAX;
pub use key::Key;
use key::escaped;
pub use kind::KeyKind;
pub use pattern::{BadGlob, Pattern};
use protocol::ids::{ClientId, Room};
use protocol::timestamp::Timestamp;

/// The tenant of sign-ins, whose client is not known yet. Not a valid [`ClientId`].
const SIGN_IN: &str = "@door";
/// The tenant of what belongs to the whole deployment. Not a valid [`ClientId`].
const DEPLOYMENT: &str = "@house";

/// An invalid prefix.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("failed to read the prefix of the Redis keys: it must be 1 to {REDIS_PREFIX_BYTES_MAX} of a-z 0-9 -")]
pub struct BadPrefix;

/// Builds the keys of one deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    prefix: String,
}

impl Keys {
    /// The keys of the deployment with `prefix`. Several deployments can share a database.
    pub fn new(prefix: &str) -> Result<Keys, BadPrefix> {
        let fits = (1..=REDIS_PREFIX_BYTES_MAX).contains(&prefix.len());
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if fits && prefix.bytes().all(allowed) {
            Ok(Keys { prefix: prefix.to_owned() })
        } else {
            Err(BadPrefix)
        }
    }

    /// A record of a room.
    pub fn record(&self, room: &Room, table: &str, id: &str) -> Key {
        self.key(&room.client, KeyKind::Record, &[room.branch.as_str(), table, id])
    }

    /// A user of a client.
    pub fn user(&self, client: &ClientId, user_id: &str) -> Key {
        self.key(client, KeyKind::User, &[user_id])
    }

    /// A room's statistics.
    pub fn stats(&self, room: &Room) -> Key {
        self.key(&room.client, KeyKind::Stats, &[room.branch.as_str()])
    }

    /// A cart of a room.
    pub fn cart(&self, room: &Room, id: &str) -> Key {
        self.key(&room.client, KeyKind::Cart, &[room.branch.as_str(), id])
    }

    /// A session of a client's user.
    pub fn session(&self, client: &ClientId, session_id: &str) -> Key {
        self.key(client, KeyKind::Session, &[session_id])
    }

    /// When the devices of a room were seen last.
    pub fn last_seen(&self, room: &Room) -> Key {
        self.key(&room.client, KeyKind::LastSeen, &[room.branch.as_str()])
    }

    /// The tag of every entry that depends on one record.
    pub fn record_tag(&self, room: &Room, table: &str, id: &str) -> Key {
        self.key(&room.client, KeyKind::Tag, &["record", room.branch.as_str(), table, id])
    }

    /// The tag of every entry that depends on a room.
    pub fn room_tag(&self, room: &Room) -> Key {
        self.key(&room.client, KeyKind::Tag, &["room", room.branch.as_str()])
    }

    /// The tag of every entry that depends on one table of a room.
    pub fn table_tag(&self, room: &Room, table: &str) -> Key {
        self.key(&room.client, KeyKind::Tag, &["table", room.branch.as_str(), table])
    }

    /// The tag of every entry that depends on one user.
    pub fn user_tag(&self, client: &ClientId, user_id: &str) -> Key {
        self.key(client, KeyKind::Tag, &["user", user_id])
    }

    /// The lock for replacing the entry at `key` that is in `state`; of the same tenant. An entry in another
    /// state has another lock, so an old lock does not block its replacement.
    pub fn lock(&self, key: &Key, state: &str) -> Key {
        key.lock(state)
    }

    /// The rate limit `limit` of a user.
    pub fn rate(&self, client: &ClientId, user_id: &str, limit: &str) -> Key {
        self.key(client, KeyKind::Rate, &[limit, user_id])
    }

    /// The rate limit of sign-ins from an address, given as its hash.
    pub fn rate_address(&self, hash: &str) -> Key {
        self.key(SIGN_IN, KeyKind::Rate, &["address", hash])
    }

    /// The cache's statistics for a client on the day of `at`, in UTC.
    pub fn cache_statistics(&self, client: &ClientId, at: Timestamp) -> Key {
        self.key(client, KeyKind::CacheStatistics, &[&at.date()])
    }

    /// The position at which the next maintenance continues.
    pub fn maintenance(&self) -> Key {
        self.key(DEPLOYMENT, KeyKind::Maintenance, &["next"])
    }

    /// The prefix of every key of a client.
    pub fn prefix_of(&self, client: &ClientId) -> String {
        format!("{}:{client}:", self.prefix)
    }

    /// The keys of a client and a kind whose names match `glob`, in Redis's syntax (`*`, `?`, `[…]`, `\`).
    /// `*` also matches separators.
    pub fn pattern(&self, client: &ClientId, kind: KeyKind, glob: &str) -> Result<Pattern, BadGlob> {
        Pattern::new(&format!("{}{}:", self.prefix_of(client), kind.segment()), glob)
    }

    /// A key that a scan has found; `None` if it is not the client's.
    pub fn parse(&self, client: &ClientId, bytes: &[u8]) -> Option<Key> {
        let text = std::str::from_utf8(bytes).ok()?;
        let rest = text.strip_prefix(&self.prefix_of(client))?;
        Some(Key::new(&self.prefix, client, rest))
    }

    /// All keys of this deployment, of every tenant. For maintenance only.
    pub fn all(&self) -> Pattern {
        Pattern::all(&self.prefix)
    }

    /// A key of any tenant that a scan has found, with its kind; `None` if the kind is unknown.
    pub fn parse_any(&self, bytes: &[u8]) -> Option<(Key, KeyKind)> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (tenant, rest) = text.strip_prefix(&self.prefix)?.strip_prefix(':')?.split_once(':')?;
        let segment = rest.split(':').next()?;
        let kind = KeyKind::ALL.into_iter().find(|kind| kind.segment() == segment)?;
        Some((Key::new(&self.prefix, tenant, rest), kind))
    }

    fn key(&self, tenant: impl Display, kind: KeyKind, names: &[&str]) -> Key {
        let rest: String = names.iter().map(|name| format!(":{}", escaped(name))).collect();
        Key::new(&self.prefix, tenant, &format!("{}{rest}", kind.segment()))
    }
}

#[cfg(test)]
mod tests;
