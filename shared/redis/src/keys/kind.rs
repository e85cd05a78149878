//! The kinds of entries.

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A record of a room.
    Record,
    /// A user of a client.
    User,
    /// A room's figures.
    Stats,
    /// A cart of a room.
    Cart,
    /// A session of a user.
    Session,
    /// The version stamp of a tag.
    Tag,
    /// The lock of another entry.
    Lock,
    /// How often somebody has come of late.
    Rate,
    /// A channel, which is no entry but has a name like one.
    Channel,
    /// What the cache did on one day.
    CacheStatistics,
    /// Where the cache's maintenance goes on.
    Maintenance,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 11] = [
        Kind::Record,
        Kind::User,
        Kind::Stats,
        Kind::Cart,
        Kind::Session,
        Kind::Tag,
        Kind::Lock,
        Kind::Rate,
        Kind::Channel,
        Kind::CacheStatistics,
        Kind::Maintenance,
    ];

    /// The kind as it stands in a key.
    pub fn segment(self) -> &'static str {
        match self {
            Kind::Record => "record",
            Kind::User => "user",
            Kind::Stats => "stats",
            Kind::Cart => "cart",
            Kind::Session => "session",
            Kind::Tag => "tag",
            Kind::Lock => "lock",
            Kind::Rate => "rate",
            Kind::Channel => "channel",
            Kind::CacheStatistics => "cache-statistics",
            Kind::Maintenance => "maintenance",
        }
    }
}
