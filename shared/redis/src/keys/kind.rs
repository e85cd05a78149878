//! The kinds of keys.

/// The kind of a key, which is its third segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// A record of a room.
    Record,
    /// A user of a client.
    User,
    /// A room's statistics.
    Stats,
    /// A cart of a room.
    Cart,
    /// A session of a user.
    Session,
    /// When the devices of a room were seen last.
    LastSeen,
    /// The version of a tag.
    Tag,
    /// The lock of an entry.
    Lock,
    /// The state of a rate limit.
    Rate,
    /// The cache's statistics of one client and day.
    CacheStatistics,
    /// The position of the cache's maintenance.
    Maintenance,
}

impl KeyKind {
    /// All kinds.
    pub const ALL: [KeyKind; 11] = [
        KeyKind::Record,
        KeyKind::User,
        KeyKind::Stats,
        KeyKind::Cart,
        KeyKind::Session,
        KeyKind::LastSeen,
        KeyKind::Tag,
        KeyKind::Lock,
        KeyKind::Rate,
        KeyKind::CacheStatistics,
        KeyKind::Maintenance,
    ];

    /// The kind's text in a key.
    pub fn segment(self) -> &'static str {
        match self {
            KeyKind::Record => "record",
            KeyKind::User => "user",
            KeyKind::Stats => "stats",
            KeyKind::Cart => "cart",
            KeyKind::Session => "session",
            KeyKind::LastSeen => "last-seen",
            KeyKind::Tag => "tag",
            KeyKind::Lock => "lock",
            KeyKind::Rate => "rate",
            KeyKind::CacheStatistics => "cache-statistics",
            KeyKind::Maintenance => "maintenance",
        }
    }
}
