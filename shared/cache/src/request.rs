//! What is asked of the cache, and what it answers.

use std::sync::Arc;

use super::kind::Kind;
use protocol::ids::{ClientId, Room};
use protocol::timestamp::Timestamp;
use redis_client::keys::{Key, Keys};

/// The table whose records are of the kind [`Kind::Product`].
const PRODUCTS: &str = "products";

/// One entry, by name. Every entry has a tag of its own, by which it is invalidated when its record is written; what it
/// is made from beyond that must be named with [`Request::tagged`], always in the same order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub(super) key: Key,
    pub(super) kind: Kind,
    pub(super) client: ClientId,
    /// The entry's own tag first.
    pub(super) tags: Vec<Key>,
    pub(super) min: u64,
}

impl Request {
    /// A record of a room.
    pub fn record(keys: &Keys, room: &Room, table: &str, id: &str) -> Request {
        let kind = if table == PRODUCTS { Kind::Product } else { Kind::Record };
        Request::of(kind, &room.client, keys.record(room, table, id), keys.record_tag(room, table, id))
    }

    /// A user of a client.
    pub fn user(keys: &Keys, client: &ClientId, user_id: &str) -> Request {
        Request::of(Kind::User, client, keys.user(client, user_id), keys.user_tag(client, user_id))
    }

    /// A room's figures, which any commit in the room changes.
    pub fn stats(keys: &Keys, room: &Room) -> Request {
        Request::of(Kind::Stats, &room.client, keys.stats(room), keys.room_tag(room))
    }

    /// A cart of a room, for [`super::Cache::put_newest`] and [`super::Cache::newest`], which use versions and no tags.
    pub fn cart(keys: &Keys, room: &Room, id: &str) -> Request {
        Request::of(Kind::Cart, &room.client, keys.cart(room, id), keys.record_tag(room, "carts", id))
    }

    fn of(kind: Kind, client: &ClientId, key: Key, own_tag: Key) -> Request {
        Request { key, kind, client: client.clone(), tags: vec![own_tag], min: 0 }
    }

    /// The same, which is also invalidated with `tag`.
    pub fn tagged(mut self, tag: Key) -> Request {
        self.tags.push(tag);
        self
    }

    /// The same, to be answered from nothing older than `min`.
    pub fn min(self, min: Option<u64>) -> Request {
        Request { min: min.unwrap_or(0), ..self }
    }

    /// The tag that goes with the entry's own record.
    pub fn own_tag(&self) -> Option<&Key> {
        self.tags.first()
    }

    /// The kind of entry.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

/// What the source said. Cheap to clone; `Debug` does not show the content.
#[derive(Clone, PartialEq, Eq)]
pub struct Loaded {
    pub(super) payload: Option<Arc<[u8]>>,
    pub(super) as_of: u64,
}

impl Loaded {
    /// Content of version `as_of`: for data of a room, the stamp of the room's head, read **before** the data.
    pub fn some(payload: impl Into<Arc<[u8]>>, as_of: u64) -> Loaded {
        Loaded { payload: Some(payload.into()), as_of }
    }

    /// There was none as of this version, which is remembered too, though shorter.
    pub fn none(as_of: u64) -> Loaded {
        Loaded { payload: None, as_of }
    }

    /// Bytes of the content.
    pub(super) fn len(&self) -> usize {
        self.payload.as_ref().map_or(0, |payload| payload.len())
    }
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Loaded as of {} with {} bytes", self.as_of, self.len())
    }
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A fresh entry.
    Fresh,
    /// An entry past its time, while somebody loads it anew or because that failed.
    Stale,
    /// The source.
    Loaded,
    /// The source, asked by another reader of this process.
    Shared,
    /// The process's own memory, because Redis is away.
    Memory,
}

impl Source {
    /// The source's name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Fresh => "fresh",
            Source::Stale => "stale",
            Source::Loaded => "loaded",
            Source::Shared => "shared",
            Source::Memory => "memory",
        }
    }
}

/// An answer. `Debug` does not show the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub(super) loaded: Loaded,
    /// Where it came from.
    pub source: Source,
    /// When it was read from the source.
    pub made_at: Timestamp,
}

impl Found {
    /// The content; nothing if there is none.
    pub fn payload(&self) -> Option<&[u8]> {
        self.loaded.payload.as_deref()
    }

    /// The version of the content.
    pub fn as_of(&self) -> u64 {
        self.loaded.as_of
    }
}
