//! What kinds of things are cached, and what differs from one to the next: one table.

/// A kind of entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A product, as tills and shops read it.
    Product,
    /// A record of any other table.
    Record,
    /// A user, without what proves who it is.
    User,
    /// A cart; its truth is elsewhere and newer versions replace older ones.
    Cart,
    /// Figures that cost more to add up than to be some seconds late.
    Stats,
}

/// What a kind asks of its entries. Times are milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long an entry is fresh, before jitter.
    pub fresh_millis: u64,
    /// How long after that it may still be served while somebody loads it anew.
    pub stale_millis: u64,
    /// How long it is remembered that there is none.
    pub negative_millis: u64,
    /// Whether the entry is encrypted.
    pub sealed: bool,
    /// Whether one process at a time loads an entry, at the price of one more command per miss.
    pub locked: bool,
    /// Whether the process may answer from its own memory while Redis is away. What a user is or has in the cart
    /// must not come back seconds after it was changed elsewhere.
    pub memory: bool,
}

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

const PRODUCT: Rules = Rules {
    fresh_millis: 30 * MINUTE,
    stale_millis: 5 * MINUTE,
    negative_millis: MINUTE,
    sealed: false,
    locked: false,
    memory: true,
};
const RECORD: Rules = Rules {
    fresh_millis: 5 * MINUTE,
    stale_millis: MINUTE,
    negative_millis: 30 * SECOND,
    // Customers and employees are records.
    sealed: true,
    locked: false,
    memory: true,
};
const USER: Rules = Rules {
    fresh_millis: HOUR,
    stale_millis: MINUTE,
    negative_millis: MINUTE,
    sealed: true,
    locked: false,
    memory: false,
};
const CART: Rules = Rules {
    fresh_millis: HOUR,
    stale_millis: 0,
    negative_millis: HOUR,
    sealed: true,
    locked: false,
    memory: false,
};
// A sum over many items: worth a lock, and worth an answer that is some seconds older.
const STATS: Rules = Rules {
    fresh_millis: 5 * SECOND,
    stale_millis: 5 * SECOND,
    negative_millis: 2 * SECOND,
    sealed: false,
    locked: true,
    memory: true,
};

/// How far jitter moves a time: a tenth either way.
const JITTER_PERMILLE: u64 = 100;

/// For how long an entry is what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// Milliseconds it is fresh.
    pub fresh_millis: u64,
    /// Milliseconds after which it is gone; the TTL of its key.
    pub gone_millis: u64,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 5] = [Kind::Product, Kind::Record, Kind::User, Kind::Cart, Kind::Stats];

    /// The kind's name in keys and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Product => "product",
            Kind::Record => "record",
            Kind::User => "user",
            Kind::Cart => "cart",
            Kind::Stats => "stats",
        }
    }

    /// What the kind asks of its entries.
    pub const fn rules(self) -> Rules {
        match self {
            Kind::Product => PRODUCT,
            Kind::Record => RECORD,
            Kind::User => USER,
            Kind::Cart => CART,
            Kind::Stats => STATS,
        }
    }

    /// Milliseconds after which an entry of this kind is gone whatever jitter says.
    pub const fn gone_millis_max(self) -> u64 {
        self.rules().fresh_millis + self.rules().stale_millis
    }

    /// How long an entry lives, moved by `random` so that what was loaded together does not expire together. Never
    /// nothing, and never longer than [`Kind::gone_millis_max`].
    pub fn lifetime(self, negative: bool, random: u64) -> Lifetime {
        let rules = self.rules();
        let (base, stale) =
            if negative { (rules.negative_millis, 0) } else { (rules.fresh_millis, rules.stale_millis) };
        let permille = 1000 - JITTER_PERMILLE + random % (2 * JITTER_PERMILLE + 1);
        let fresh_millis = (base * permille / 1000).clamp(1, self.gone_millis_max());
        Lifetime { fresh_millis, gone_millis: (fresh_millis + stale).min(self.gone_millis_max()) }
    }
}

impl std::str::FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Kind, UnknownKind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownKind)
    }
}

/// A name that no kind has.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("failed to read the kind of a cache entry: it must be product, record, user, cart or stats")]
pub struct UnknownKind;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_those_that_were_promised() {
        let minutes = |kind: Kind| kind.rules().fresh_millis / MINUTE;
        assert_eq!(
            [Kind::Product, Kind::Record, Kind::User, Kind::Cart].map(minutes),
            [30, 5, 60, 60],
            "products 30 min, other records 5 min, users and carts 1 h"
        );
        assert_eq!(Kind::Stats.rules().fresh_millis, 5 * SECOND);
    }

    #[test]
    fn what_may_be_about_people_is_sealed_and_what_users_are_and_have_is_not_kept_in_memory() {
        for kind in Kind::ALL {
            let rules = kind.rules();
            assert_eq!(rules.sealed, !matches!(kind, Kind::Product | Kind::Stats), "{kind:?}");
            assert_eq!(rules.memory, !matches!(kind, Kind::User | Kind::Cart), "{kind:?}");
        }
    }

    #[test]
    fn a_name_reads_back() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!("session".parse::<Kind>(), Err(UnknownKind));
    }

    #[test]
    fn jitter_reaches_both_ends() {
        let life = |random| Kind::Product.lifetime(false, random).fresh_millis;
        assert_eq!((life(0), life(100), life(200)), (27 * MINUTE, 30 * MINUTE, 33 * MINUTE));
    }

    proptest! {
        #[test]
        fn no_ttl_is_nothing_or_above_the_bound(random: u64, negative: bool, place in 0_usize..5) {
            let kind = Kind::ALL[place];
            let life = kind.lifetime(negative, random);
            let base = if negative { kind.rules().negative_millis } else { kind.rules().fresh_millis };
            prop_assert!(life.fresh_millis >= 1 && life.fresh_millis <= life.gone_millis);
            prop_assert!(life.gone_millis <= kind.gone_millis_max());
            prop_assert!(life.fresh_millis * 10 >= base * 9 && life.fresh_millis * 10 <= base * 11);
        }
    }
}
