//! Every Redis key of the product.
//!
//! A key is the deployment's prefix, the tenant, the kind of entry, and what names the entry within it, with `:` in
//! between. Prefix and tenant cannot hold a `:`; whatever else is named is escaped, so no two entries have one key and
//! no name reaches into another's. Nor does any name hold a character that means something in a pattern.

mod escape;
mod key;
mod kind;
mod pattern;

use std::fmt::Display;

use crate::limits::REDIS_PREFIX_BYTES_MAX;
use escape::escaped;
pub use key::Key;
pub use kind::Kind;
pub use pattern::{BadGlob, Pattern};
use protocol::ids::{ClientId, Room};
use protocol::timestamp::Timestamp;

/// The tenant of those who are at the door, and whom nobody knows yet. No [`ClientId`] can be it.
const DOOR: &str = "@door";
/// The tenant of what belongs to the deployment as a whole. No [`ClientId`] can be it.
const HOUSE: &str = "@house";

/// A prefix that may not be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("failed to read the prefix of the Redis keys: it must be 1 to {REDIS_PREFIX_BYTES_MAX} of a-z 0-9 -")]
pub struct BadPrefix;

/// Builds the keys of one deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    prefix: String,
}

impl Keys {
    /// The keys of the deployment with `prefix`, by which several share a database.
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
        self.key(&room.client, Kind::Record, &[room.branch.as_str(), table, id])
    }

    /// A user of a client.
    pub fn user(&self, client: &ClientId, user_id: &str) -> Key {
        self.key(client, Kind::User, &[user_id])
    }

    /// A room's figures.
    pub fn stats(&self, room: &Room) -> Key {
        self.key(&room.client, Kind::Stats, &[room.branch.as_str()])
    }

    /// A cart of a room.
    pub fn cart(&self, room: &Room, id: &str) -> Key {
        self.key(&room.client, Kind::Cart, &[room.branch.as_str(), id])
    }

    /// A session of a client's user.
    pub fn session(&self, client: &ClientId, session_id: &str) -> Key {
        self.key(client, Kind::Session, &[session_id])
    }

    /// The version stamp of everything that was made from one record.
    pub fn record_tag(&self, room: &Room, table: &str, id: &str) -> Key {
        self.key(&room.client, Kind::Tag, &["record", room.branch.as_str(), table, id])
    }

    /// The version stamp of everything that was made from a room.
    pub fn room_tag(&self, room: &Room) -> Key {
        self.key(&room.client, Kind::Tag, &["room", room.branch.as_str()])
    }

    /// The version stamp of everything that was made from one table of a room.
    pub fn table_tag(&self, room: &Room, table: &str) -> Key {
        self.key(&room.client, Kind::Tag, &["table", room.branch.as_str(), table])
    }

    /// The version stamp of everything that was made from one user.
    pub fn user_tag(&self, client: &ClientId, user_id: &str) -> Key {
        self.key(client, Kind::Tag, &["user", user_id])
    }

    /// The lock under which one process replaces what `state` says is at `key` while others wait; it is the same
    /// tenant's. Once that has changed, the lock of what was there before holds nobody up.
    pub fn lock(&self, key: &Key, state: &str) -> Key {
        key.lock(state)
    }

    /// How often a user has come of late, by the name of the limit.
    pub fn rate(&self, client: &ClientId, user_id: &str, limit: &str) -> Key {
        self.key(client, Kind::Rate, &[limit, user_id])
    }

    /// How often somebody has tried to sign in by a name, of which `hash` is the hash.
    pub fn door_name(&self, hash: &str) -> Key {
        self.key(DOOR, Kind::Rate, &["name", hash])
    }

    /// How often somebody has tried to sign in from an address, of which `hash` is the hash.
    pub fn door_address(&self, hash: &str) -> Key {
        self.key(DOOR, Kind::Rate, &["address", hash])
    }

    /// A channel of a client on which messages are published, by its name.
    pub fn channel(&self, client: &ClientId, name: &str) -> Key {
        self.key(client, Kind::Channel, &[name])
    }

    /// What the cache did for a client on the day of `at`, in UTC.
    pub fn cache_statistics(&self, client: &ClientId, at: Timestamp) -> Key {
        self.key(client, Kind::CacheStatistics, &[&at.date()])
    }

    /// Where the maintenance of all keys goes on the next time.
    pub fn maintenance(&self) -> Key {
        self.key(HOUSE, Kind::Maintenance, &["next"])
    }

    /// What every key of a client begins with.
    pub fn prefix_of(&self, client: &ClientId) -> String {
        format!("{}:{client}:", self.prefix)
    }

    /// The keys of a client and a kind whose rest matches `glob`, in which `*`, `?`, `[…]` and `\` mean what they do
    /// to Redis, and `*` also crosses separators.
    pub fn pattern(&self, client: &ClientId, kind: Kind, glob: &str) -> Result<Pattern, BadGlob> {
        Pattern::new(&format!("{}{}:", self.prefix_of(client), kind.segment()), glob)
    }

    /// A key that Redis has found, if it is the client's: nothing else comes out of a scan as a [`Key`].
    pub fn found(&self, client: &ClientId, bytes: &[u8]) -> Option<Key> {
        let text = std::str::from_utf8(bytes).ok()?;
        let rest = text.strip_prefix(&self.prefix_of(client))?;
        Some(Key::new(&self.prefix, client, rest))
    }

    /// Every key of this deployment, whoever's: for looking after them, and for nothing that answers anybody.
    pub fn everything(&self) -> Pattern {
        Pattern::all(&self.prefix)
    }

    /// A key that Redis has found among [`Keys::everything`], with its kind, if we know that.
    pub fn of_anybody(&self, bytes: &[u8]) -> Option<(Key, Kind)> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (tenant, rest) = text.strip_prefix(&self.prefix)?.strip_prefix(':')?.split_once(':')?;
        let segment = rest.split(':').next()?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.segment() == segment)?;
        Some((Key::new(&self.prefix, tenant, rest), kind))
    }

    fn key(&self, tenant: impl Display, kind: Kind, names: &[&str]) -> Key {
        let rest: String = names.iter().map(|name| format!(":{}", escaped(name))).collect();
        Key::new(&self.prefix, tenant, &format!("{}{rest}", kind.segment()))
    }
}

#[cfg(test)]
mod tests;
