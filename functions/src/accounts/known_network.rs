//! Networks from which a user has signed in: wrong passwords of strangers do not delay the user there, even
//! without a live sign-in. Stored as hashes, like the counters of failures.

use auth::limits::{KNOWN_NETWORK_AGAIN_SECS, KNOWN_NETWORK_SECS};
use protocol::timestamp::Timestamp;
use sha2::{Digest, Sha256};

use super::{Accounts, keys};
use crate::dynamo::cost::Cost;
use crate::dynamo::damage::readable;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, as_number, get, item, number};
use crate::dynamo::kind::ItemKind;

/// A network from which a user has signed in.
const KNOWN_NETWORK: ItemKind =
    ItemKind { name: "known network", format: 1, attributes: &["noted_at", "ttl"] };

/// A user's network, as it was read before a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownNetwork {
    /// When a sign-in from there was noted last; `None` if there is no note that still counts.
    noted_at: Option<Timestamp>,
}

impl KnownNetwork {
    /// Whether the user has signed in from there in the last [`KNOWN_NETWORK_SECS`].
    pub fn is_known(self) -> bool {
        self.noted_at.is_some()
    }

    /// Whether a sign-in at `now` has something new to note. Usually it has not, which keeps it cheap.
    fn is_news(self, now: Timestamp) -> bool {
        self.noted_at.is_none_or(|noted| noted.plus_secs(KNOWN_NETWORK_AGAIN_SECS) <= now)
    }
}

impl Accounts {
    /// What is known at `now` of `user` at `network`. A damaged note counts as missing.
    pub async fn known_network(
        &self,
        user: &str,
        network: &str,
        now: Timestamp,
    ) -> Result<KnownNetwork, StoreError> {
        let item = self.table.get(key(user, network), &mut Cost::default()).await?;
        let noted = item.map(|item| readable(&KNOWN_NETWORK, &item, to_noted_at)).transpose()?.flatten();
        // DynamoDB deletes late.
        Ok(KnownNetwork { noted_at: noted.filter(|noted| noted.plus_secs(KNOWN_NETWORK_SECS) > now) })
    }

    /// Notes that `user` has signed in from `network` at `now`, if that says more than `known`.
    pub async fn note_network(
        &self,
        user: &str,
        network: &str,
        known: KnownNetwork,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if known.is_news(now) {
            self.table.rewrite_request(key(user, network), &KNOWN_NETWORK, attributes(now)).send().await?;
        }
        Ok(())
    }
}

fn key(user: &str, network: &str) -> Item {
    keys::known_network(user, &hex::encode(Sha256::digest(format!("{user}\n{network}"))))
}

fn attributes(noted_at: Timestamp) -> Item {
    let ttl = noted_at.plus_secs(KNOWN_NETWORK_SECS).as_secs();
    item([("noted_at", number(noted_at.0)), ("ttl", number(ttl))])
}

fn to_noted_at(item: &Item) -> Result<Timestamp, StoreError> {
    KNOWN_NETWORK.read(item, |item| Ok(Timestamp(get(item, "noted_at", as_number)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::item::dynamo_json;

    const NOW: Timestamp = Timestamp(1_765_103_401_000_123);

    #[test]
    fn a_network_is_noted_at_most_once_a_day() {
        let noted = KnownNetwork { noted_at: Some(NOW) };
        let day = NOW.plus_secs(KNOWN_NETWORK_AGAIN_SECS);
        assert!(!noted.is_news(Timestamp(day.0 - 1)) && noted.is_news(day));
        assert!(KnownNetwork { noted_at: None }.is_news(NOW));
    }

    #[test]
    fn the_key_hides_the_address() {
        let shown = format!("{:?}", key("u1", "203.0.113.7"));
        assert!(!shown.contains("203.0.113.7"), "{shown}");
        assert_ne!(key("u1", "203.0.113.7"), key("u1", "203.0.113.8"));
    }

    #[test]
    fn known_networks_are_read_and_written_as_before() {
        let stored = dynamo_json(include_str!("../../golden/known_network.jsonl").trim_end());
        let mut written = attributes(to_noted_at(&stored).unwrap());
        assert!(written.keys().all(|name| KNOWN_NETWORK.attributes.contains(&name.as_str())));
        written.extend(key("u1", "203.0.113.7"));
        assert_eq!(written, stored);
        let newer = Item::from([("format".to_owned(), number(2))]);
        assert!(matches!(to_noted_at(&newer), Err(StoreError::Newer { format: 2, .. })));
        assert!(to_noted_at(&Item::new()).unwrap_err().is_damage());
    }
}
