//! Failed sign-ins in the accounts table, so that guessing stays slow without Redis.
//!
//! An attempt counts before its password is verified, so that concurrent guesses count too, and is taken back
//! by a success. Names are stored as hashes: most of them belong to no user.

use auth::failures::{Failures, refusal};
use auth::limits::{LOGIN_FAILURES_FREE, LOGIN_FAILURES_SECS};
use protocol::error::ApiError;
use protocol::timestamp::Timestamp;
use sha2::{Digest, Sha256};

use super::{Accounts, keys};
use crate::dynamo::cost::Cost;
use crate::dynamo::damage::readable;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, as_number, get, number};
use crate::dynamo::kind::ItemKind;
use crate::dynamo::table::if_condition_held;
use crate::http::error::HandlerError;

/// A counter of failed sign-ins.
const FAILURES: ItemKind =
    ItemKind { name: "failed sign-ins", format: 1, attributes: &["failures", "last_at", "ttl"] };

/// What failures are counted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Counter {
    /// A device that holds a refresh token of the user, by the id of the token's family.
    Device(String),
    /// A name at one address.
    NameAtAddress(String, String),
    /// A name, wherever it is used.
    Name(String),
}

impl Counter {
    fn key(&self) -> Item {
        let (kind, parts) = match self {
            Counter::Device(family) => ("device", vec![family.as_str()]),
            Counter::NameAtAddress(name, address) => ("address", vec![name.as_str(), address.as_str()]),
            Counter::Name(name) => ("name", vec![name.as_str()]),
        };
        keys::failures(kind, &hex::encode(Sha256::digest(parts.join("\n"))))
    }
}

impl Accounts {
    /// Counts an attempt at `now` with every one of `counters`; refused while one of them demands a delay.
    pub async fn attempt(&self, counters: &[Counter], now: Timestamp) -> Result<(), HandlerError> {
        let mut seen = Vec::with_capacity(counters.len());
        for counter in counters {
            let item = self.table.get(counter.key(), &mut Cost::default()).await?;
            let failures = item.as_ref().map(|item| readable(&FAILURES, item, to_failures)).transpose()?;
            if let Some(None) = failures {
                // Damaged: it must not shut its user out.
                self.forgive(std::slice::from_ref(counter), now).await?;
            }
            seen.push(failures.flatten());
        }
        let wait_secs = seen.iter().flatten().map(|failures| failures.wait_secs(now)).max().unwrap_or(0);
        if wait_secs > 0 {
            return Err(refusal(wait_secs).into());
        }
        for (counter, seen) in counters.iter().zip(seen) {
            self.count(counter, seen, now).await?;
        }
        Ok(())
    }

    /// Forgets the failures of `counters` at `now`, after a success.
    pub async fn forgive(&self, counters: &[Counter], now: Timestamp) -> Result<(), StoreError> {
        for counter in counters {
            let request = self.table.client.update_item().table_name(&self.table.name);
            let request = request
                .set_key(Some(counter.key()))
                .update_expression("SET failures = :none, last_at = :now")
                .condition_expression("attribute_exists(pk)")
                .expression_attribute_values(":now", number(now.0))
                .expression_attribute_values(":none", number(0));
            if_condition_held(request.send().await, &mut Cost::default())?;
        }
        Ok(())
    }

    /// Adds a failure. Free ones only add up; after a delay, and where old ones are forgotten, it must still
    /// be the next one, so that one delay allows one attempt.
    async fn count(
        &self,
        counter: &Counter,
        seen: Option<Failures>,
        now: Timestamp,
    ) -> Result<(), HandlerError> {
        let request = self.table.client.update_item().table_name(&self.table.name);
        let request = request
            .set_key(Some(counter.key()))
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":now", number(now.0))
            .expression_attribute_values(":ttl", number(now.plus_secs(LOGIN_FAILURES_SECS).as_secs()));
        let next = seen.unwrap_or(Failures { count: 0, last: now }).and_one_more(now);
        let request = match seen.filter(|failures| !failures.is_free() || failures.is_forgotten(now)) {
            None => request
                .update_expression(
                    "SET failures = if_not_exists(failures, :none) + :one, last_at = :now, #ttl = :ttl",
                )
                .condition_expression("attribute_not_exists(failures) OR failures < :free")
                .expression_attribute_values(":none", number(0))
                .expression_attribute_values(":one", number(1))
                .expression_attribute_values(":free", number(LOGIN_FAILURES_FREE.into())),
            Some(failures) => request
                .update_expression("SET failures = :next, last_at = :now, #ttl = :ttl")
                .condition_expression("failures = :seen AND last_at = :last")
                .expression_attribute_values(":next", number(next.count.into()))
                .expression_attribute_values(":seen", number(failures.count.into()))
                .expression_attribute_values(":last", number(failures.last.0)),
        };
        let counted = if_condition_held(request.send().await, &mut Cost::default())?;
        // Another attempt came first; the next is due after its delay.
        counted.map(drop).ok_or_else(|| late(next, now).into())
    }
}

fn late(next: Failures, now: Timestamp) -> ApiError {
    refusal(Failures { count: next.count.max(LOGIN_FAILURES_FREE), last: now }.wait_secs(now))
}

fn to_failures(item: &Item) -> Result<Failures, StoreError> {
    FAILURES.read(item, |item| {
        let count: u64 = get(item, "failures", as_number)?;
        let last = Timestamp(get(item, "last_at", as_number)?);
        Ok(Failures { count: u32::try_from(count).unwrap_or(u32::MAX), last })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::item::dynamo_json;

    #[test]
    fn each_counter_has_a_key_of_its_own_that_hides_the_name() {
        let (name, address) = ("anna".to_owned(), "203.0.113.7".to_owned());
        let counters = [
            Counter::Name(name.clone()),
            Counter::NameAtAddress(name.clone(), address.clone()),
            Counter::NameAtAddress(name.clone(), "203.0.113.8".into()),
            Counter::Device(name.clone()),
        ];
        let keys: Vec<_> = counters.iter().map(|counter| format!("{:?}", counter.key())).collect();
        for (i, key) in keys.iter().enumerate() {
            assert!(!key.contains(&name) && !key.contains(&address), "{key}");
            assert!(!keys[i + 1..].contains(key), "{key}");
        }
    }

    #[test]
    fn counters_are_read_as_before() {
        let item = dynamo_json(include_str!("../../golden/failures.jsonl").trim_end());
        assert!(Counter::Name("anna".into()).key().iter().all(|(name, value)| item[name] == *value));
        let rest = item.keys().filter(|name| !["pk", "sk"].contains(&name.as_str()));
        assert!(rest.into_iter().all(|name| FAILURES.attributes.contains(&name.as_str())));
        let failures = Failures { count: 3, last: Timestamp(1_765_103_401_000_123) };
        assert_eq!(to_failures(&item).unwrap(), failures);
        let newer = Item::from([("format".to_owned(), number(2))]);
        assert!(matches!(to_failures(&newer), Err(StoreError::Newer { format: 2, .. })));
    }

    #[test]
    fn a_stored_counter_reads_back() {
        let mut item = Counter::Name("anna".into()).key();
        item.insert("failures".into(), number(3));
        item.insert("last_at".into(), number(7));
        assert_eq!(to_failures(&item).unwrap(), Failures { count: 3, last: Timestamp(7) });
        item.remove("last_at");
        assert!(to_failures(&item).is_err());
    }
}
