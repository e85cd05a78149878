//! Field-merge: members that only one side changed since the base version merge, in any order of arrival.

use std::collections::BTreeMap;

use crate::limits::{FIELD_VERSIONS_BYTES_MAX, FIELD_VERSIONS_MAX};

/// The version of each member's last change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldVersions {
    /// Every member counts as changed up to this version; 0 if nothing is known.
    pub since: u64,
    /// The members that changed later, with the version that changed them.
    pub changed: BTreeMap<String, u64>,
}

impl FieldVersions {
    /// The versions of a record that `version` created.
    pub fn made(version: u64) -> FieldVersions {
        FieldVersions { since: version, changed: BTreeMap::new() }
    }

    /// The versions of a record at `version`. If the record was written under another policy and has none,
    /// every member counts as changed at `version`.
    pub fn known(&self, version: u64) -> FieldVersions {
        if self.since == 0 { FieldVersions::made(version) } else { self.clone() }
    }

    /// Whether the member `name` changed after the version `base`. If unknown, true: a conflict rather than a
    /// lost write.
    pub fn changed_since(&self, name: &str, base: u64) -> bool {
        self.since > base || self.changed.get(name).is_some_and(|&version| version > base)
    }

    /// The same as a device sees it that knows of the versions for which `is_own` is true. `knows_since` says
    /// whether it knows of all versions up to [`FieldVersions::since`].
    pub fn seen(&self, knows_since: bool, is_own: impl Fn(u64) -> bool) -> FieldVersions {
        let since = if knows_since { 0 } else { self.since };
        let others = self.changed.iter().filter(|(_, version)| !is_own(**version));
        FieldVersions { since, changed: others.map(|(name, version)| (name.clone(), *version)).collect() }
    }

    /// Stores that `version` changed `names`. Over the limits, all members count as changed at `version`.
    pub fn note<'a>(&mut self, names: impl IntoIterator<Item = &'a str>, version: u64) {
        for name in names {
            self.changed.insert(name.to_owned(), version);
        }
        // DynamoDB does not allow an empty attribute name.
        let nameless = self.changed.contains_key("");
        if nameless || self.changed.len() > FIELD_VERSIONS_MAX || self.bytes() > FIELD_VERSIONS_BYTES_MAX {
            *self = FieldVersions::made(version);
        }
    }

    /// Bytes of the stored names.
    pub fn bytes(&self) -> usize {
        self.changed.keys().map(String::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Row = BTreeMap<String, u8>;

    /// A server with one record that merges writes as the policy says; `write` returns the members in
    /// conflict.
    struct Server {
        row: Row,
        version: u64,
        fields: FieldVersions,
    }

    impl Server {
        fn new(row: &Row) -> Server {
            Server { row: row.clone(), version: 1, fields: FieldVersions::made(1) }
        }

        fn write(&mut self, base: u64, changes: &Row) -> Vec<String> {
            let (kept, taken): (Vec<_>, Vec<_>) =
                changes.iter().partition(|(name, _)| self.fields.changed_since(name, base));
            self.version += 1;
            self.fields.note(taken.iter().map(|(name, _)| name.as_str()), self.version);
            self.row.extend(taken.into_iter().map(|(name, value)| (name.clone(), *value)));
            kept.into_iter().map(|(name, _)| name.clone()).collect()
        }
    }

    fn any_row() -> impl Strategy<Value = Row> {
        prop::collection::btree_map("[a-f]", 0..9_u8, 0..6)
    }

    proptest! {
        /// Commutative: writes from one base to different members give the same record in either order.
        #[test]
        fn writes_to_different_members_merge_in_any_order(row in any_row(), a in any_row(), b in any_row()) {
            let b: Row = b.into_iter().filter(|(name, _)| !a.contains_key(name)).collect();
            let (mut first, mut second) = (Server::new(&row), Server::new(&row));
            prop_assert!(first.write(1, &a).is_empty() && first.write(1, &b).is_empty());
            prop_assert!(second.write(1, &b).is_empty() && second.write(1, &a).is_empty());
            prop_assert_eq!(first.row, second.row);
        }

        /// The first write to a member stays and the second is reported as a conflict; none is lost silently.
        #[test]
        fn members_that_both_changed_conflict(row in any_row(), a in any_row(), b in any_row()) {
            let mut server = Server::new(&row);
            server.write(1, &a);
            let conflicts = server.write(1, &b);
            let both: Vec<String> = b.keys().filter(|name| a.contains_key(*name)).cloned().collect();
            prop_assert_eq!(conflicts, both);
            prop_assert!(a.iter().all(|(name, value)| server.row[name] == *value));
        }

        /// Idempotent: a write on the current base is applied whole, and again without effect.
        #[test]
        fn a_current_base_takes_everything(row in any_row(), a in any_row()) {
            let mut server = Server::new(&row);
            prop_assert!(server.write(1, &a).is_empty());
            let once = server.row.clone();
            prop_assert!(server.write(server.version, &a).is_empty());
            prop_assert_eq!(server.row, once);
        }

        #[test]
        fn unknown_members_count_as_changed(base in 0..9_u64, version in 1..9_u64) {
            let unknown = FieldVersions::default().known(version);
            prop_assert_eq!(unknown.changed_since("price", base), version > base);
            prop_assert_eq!(FieldVersions::made(3).known(version), FieldVersions::made(3));
        }

        #[test]
        fn dropping_versions_over_the_limit_causes_conflicts_and_never_merges(names in prop::collection::vec("[a-z]{1,4}", 1..600)) {
            let mut fields = FieldVersions::made(1);
            for (i, name) in names.iter().enumerate() {
                fields.note([name.as_str()], i as u64 + 2);
                prop_assert!(fields.changed_since(name, i as u64 + 1));
                prop_assert!(fields.changed.len() <= FIELD_VERSIONS_MAX);
            }
        }
    }
}
