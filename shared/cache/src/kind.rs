//! The kinds of cache entries and their rules: one table.

/// The kind of a cache entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// A product.
    Product,
    /// A record of any other table.
    Record,
    /// A user, without credentials.
    User,
    /// A cart. Entries have versions, and a newer one replaces an older one.
    Cart,
    /// Statistics that are expensive to compute.
    Stats,
}

/// The rules for entries of one kind. Times are milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryRules {
    /// How long an entry is fresh, before jitter.
    pub fresh_millis: u64,
    /// How much longer a stale entry may be served while it is loaded again.
    pub stale_millis: u64,
    /// How long a missing record is cached as missing.
    pub negative_millis: u64,
    /// Whether entries are encrypted.
    pub encrypted: bool,
    /// Whether only one process at a time loads an entry, which costs one more command per miss.
    pub locked: bool,
    /// Whether a process may serve entries from its own memory while Redis is down. Not for users and carts:
    /// a value that was changed elsewhere must not reappear.
    pub memory: bool,
}

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

const PRODUCT: EntryRules = EntryRules {
    fresh_millis: 30 * MINUTE,
    stale_millis: 5 * MINUTE,
    negative_millis: MINUTE,
    encrypted: false,
    locked: false,
    memory: true,
};
const RECORD: EntryRules = EntryRules {
    fresh_millis: 5 * MINUTE,
    stale_millis: MINUTE,
    negative_millis: 30 * SECOND,
    // Customers and employees are records.
    encrypted: true,
    locked: false,
    memory: true,
};
const USER: EntryRules = EntryRules {
    fresh_millis: HOUR,
    stale_millis: MINUTE,
    negative_millis: MINUTE,
    encrypted: true,
    locked: false,
    memory: false,
};
const CART: EntryRules = EntryRules {
    fresh_millis: HOUR,
    stale_millis: 0,
    negative_millis: HOUR,
    encrypted: true,
    locked: false,
    memory: false,
};
// A sum over many items: worth a lock, and a few seconds of staleness do no harm.
const STATS: EntryRules = EntryRules {
    fresh_millis: 5 * SECOND,
    stale_millis: 5 * SECOND,
    negative_millis: 2 * SECOND,
    encrypted: false,
    locked: true,
    memory: true,
};

/// How far jitter moves a time: a tenth either way.
const JITTER_PERMILLE: u64 = 100;

/// Fresh and total lifetime of a cache entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryLifetime {
    /// Milliseconds for which it is fresh.
    pub fresh_millis: u64,
    /// Milliseconds after which it expires: the TTL of its key.
    pub total_millis: u64,
}

impl EntryKind {
    /// Every kind.
    pub const ALL: [EntryKind; 5] =
        [EntryKind::Product, EntryKind::Record, EntryKind::User, EntryKind::Cart, EntryKind::Stats];

    /// The kind's name in keys and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            EntryKind::Product => "product",
            EntryKind::Record => "record",
            EntryKind::User => "user",
            EntryKind::Cart => "cart",
            EntryKind::Stats => "stats",
        }
    }

    /// The kind's rules.
    pub const fn rules(self) -> EntryRules {
        match self {
            EntryKind::Product => PRODUCT,
            EntryKind::Record => RECORD,
            EntryKind::User => USER,
            EntryKind::Cart => CART,
            EntryKind::Stats => STATS,
        }
    }

    /// Maximum total lifetime of an entry of this kind, in milliseconds.
    pub const fn total_millis_max(self) -> u64 {
        self.rules().fresh_millis + self.rules().stale_millis
    }

    /// The lifetime of a new entry, with jitter from `random` so that entries that were loaded together do
    /// not expire together. At least 1 ms, at most [`EntryKind::total_millis_max`].
    pub fn lifetime(self, negative: bool, random: u64) -> EntryLifetime {
        let rules = self.rules();
        let (base, stale) =
            if negative { (rules.negative_millis, 0) } else { (rules.fresh_millis, rules.stale_millis) };
        let permille = 1000 - JITTER_PERMILLE + random % (2 * JITTER_PERMILLE + 1);
        let fresh_millis = (base * permille / 1000).clamp(1, self.total_millis_max());
        EntryLifetime { fresh_millis, total_millis: (fresh_millis + stale).min(self.total_millis_max()) }
    }
}

impl std::str::FromStr for EntryKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<EntryKind, UnknownKind> {
        EntryKind::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownKind)
    }
}

/// Not the name of a kind.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("failed to read the kind of a cache entry: it must be product, record, user, cart or stats")]
pub struct UnknownKind;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fresh_times_are_the_documented_ones() {
        let minutes = |kind: EntryKind| kind.rules().fresh_millis / MINUTE;
        assert_eq!(
            [EntryKind::Product, EntryKind::Record, EntryKind::User, EntryKind::Cart].map(minutes),
            [30, 5, 60, 60],
            "products 30 min, other records 5 min, users and carts 1 h"
        );
        assert_eq!(EntryKind::Stats.rules().fresh_millis, 5 * SECOND);
    }

    #[test]
    fn personal_data_is_encrypted_and_users_and_carts_are_not_kept_in_memory() {
        for kind in EntryKind::ALL {
            let rules = kind.rules();
            let personal = !matches!(kind, EntryKind::Product | EntryKind::Stats);
            assert_eq!(rules.encrypted, personal, "{kind:?}");
            assert_eq!(rules.memory, !matches!(kind, EntryKind::User | EntryKind::Cart), "{kind:?}");
        }
    }

    #[test]
    fn a_name_reads_back() {
        for kind in EntryKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!("session".parse::<EntryKind>(), Err(UnknownKind));
    }

    #[test]
    fn jitter_reaches_both_ends() {
        let fresh = |random| EntryKind::Product.lifetime(false, random).fresh_millis;
        assert_eq!((fresh(0), fresh(100), fresh(200)), (27 * MINUTE, 30 * MINUTE, 33 * MINUTE));
    }

    proptest! {
        #[test]
        fn lifetimes_are_positive_and_limited(random: u64, negative: bool, at in 0_usize..5) {
            let kind = EntryKind::ALL[at];
            let life = kind.lifetime(negative, random);
            let base = if negative { kind.rules().negative_millis } else { kind.rules().fresh_millis };
            prop_assert!(life.fresh_millis >= 1 && life.fresh_millis <= life.total_millis);
            prop_assert!(life.total_millis <= kind.total_millis_max());
            prop_assert!(life.fresh_millis * 10 >= base * 9 && life.fresh_millis * 10 <= base * 11);
        }
    }
}
