//! Requests to the cache and its answers.

use std::sync::Arc;

use super::kind::EntryKind;
use protocol::ids::{ClientId, Room};
use protocol::timestamp::Timestamp;
use redis_client::keys::{Key, Keys};

/// The table of kind [`EntryKind::Product`].
const PRODUCTS: &str = "products";

/// A request for one entry. Every entry has its own tag, which is invalidated when its record is written.
/// Whatever else the entry depends on must be added with [`Request::tagged`], always in the same order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub(super) key: Key,
    pub(super) kind: EntryKind,
    pub(super) client: ClientId,
    /// The entry's own tag first.
    pub(super) tags: Vec<Key>,
    pub(super) min: u64,
}

impl Request {
    /// A record of a room.
    pub fn record(keys: &Keys, room: &Room, table: &str, id: &str) -> Request {
        let kind = if table == PRODUCTS { EntryKind::Product } else { EntryKind::Record };
        Request::of(kind, &room.client, keys.record(room, table, id), keys.record_tag(room, table, id))
    }

    /// A user of a client.
    pub fn user(keys: &Keys, client: &ClientId, user_id: &str) -> Request {
        Request::of(EntryKind::User, client, keys.user(client, user_id), keys.user_tag(client, user_id))
    }

    /// A room's statistics, which any commit in the room changes.
    pub fn stats(keys: &Keys, room: &Room) -> Request {
        Request::of(EntryKind::Stats, &room.client, keys.stats(room), keys.room_tag(room))
    }

    /// A cart of a room, for [`super::Cache::put_latest`] and [`super::Cache::latest`], which use versions
    /// and no tags.
    pub fn cart(keys: &Keys, room: &Room, id: &str) -> Request {
        Request::of(EntryKind::Cart, &room.client, keys.cart(room, id), keys.record_tag(room, "carts", id))
    }

    fn of(kind: EntryKind, client: &ClientId, key: Key, own_tag: Key) -> Request {
        Request { key, kind, client: client.clone(), tags: vec![own_tag], min: 0 }
    }

    /// The same entry, which also depends on `tag`.
    pub fn tagged(mut self, tag: Key) -> Request {
        self.tags.push(tag);
        self
    }

    /// The same entry, in version `min` or later.
    pub fn min(self, min: Option<u64>) -> Request {
        Request { min: min.unwrap_or(0), ..self }
    }

    /// The tag of the entry's own record.
    pub fn own_tag(&self) -> Option<&Key> {
        self.tags.first()
    }

    /// The kind of entry.
    pub fn kind(&self) -> EntryKind {
        self.kind
    }
}

/// What the source returned. Cheap to clone; `Debug` does not show the content.
#[derive(Clone, PartialEq, Eq)]
pub struct Loaded {
    pub(super) payload: Option<Arc<[u8]>>,
    /// Text about a record that is missing.
    pub(super) note: Option<Arc<str>>,
    pub(super) as_of: u64,
}

impl Loaded {
    /// Content of version `as_of`: for data of a room, the room's stamp, read **before** the data.
    pub fn some(payload: impl Into<Arc<[u8]>>, as_of: u64) -> Loaded {
        Loaded { payload: Some(payload.into()), note: None, as_of }
    }

    /// No record as of this version. Cached too, but for a shorter time.
    pub fn none(as_of: u64) -> Loaded {
        Loaded { payload: None, note: None, as_of }
    }

    /// The same as [`Loaded::none`], with a text that tells more about the missing record.
    pub fn none_with(note: impl Into<Arc<str>>, as_of: u64) -> Loaded {
        Loaded { payload: None, note: Some(note.into()), as_of }
    }

    /// Length of the content in bytes.
    pub(super) fn len(&self) -> usize {
        let note = self.note.as_ref().map_or(0, |note| note.len());
        self.payload.as_ref().map_or(note, |payload| payload.len())
    }
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Loaded as of {} with {} bytes", self.as_of, self.len())
    }
}

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A fresh entry.
    Fresh,
    /// A stale entry, because another reader loads it or because the load failed.
    Stale,
    /// The source.
    Loaded,
    /// The source, by another reader of this process.
    Shared,
    /// The process's own memory, because Redis is down.
    Memory,
}

impl Source {
    /// The name in responses.
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

/// An answer of the cache. `Debug` does not show the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub(super) loaded: Loaded,
    /// Where it comes from.
    pub source: Source,
    /// When its load began.
    pub(super) loaded_at: Timestamp,
}

impl Found {
    /// The content; `None` if the record is missing.
    pub fn payload(&self) -> Option<&[u8]> {
        self.loaded.payload.as_deref()
    }

    /// What the source told about a record that is missing.
    pub fn note(&self) -> Option<&str> {
        self.loaded.note.as_deref()
    }

    /// Version of the content.
    pub fn as_of(&self) -> u64 {
        self.loaded.as_of
    }
}
