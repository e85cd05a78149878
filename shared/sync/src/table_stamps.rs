//! When the tables of a room were changed last, so that a pull of few tables does not read the log of all.

use std::collections::BTreeMap;

use crate::limits::TABLE_STAMPS_MAX;
use crate::pull::query::Selection;
use crate::snapshot::Head;
use crate::tables::Tables;
use protocol::record::Change;
use protocol::stamp::Stamp;

/// The last changes of a room's tables, stored in HEAD. Small, because each commit rewrites HEAD: it names
/// the tables that changed last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableStamps {
    /// The stamp of the HEAD that they were written with. A release that does not know of them moves HEAD
    /// alone: they are true only while HEAD has this stamp.
    pub as_of: Stamp,
    /// No table that `last` does not name was changed after this stamp.
    pub others: Stamp,
    /// The stamps of the last changes.
    pub last: BTreeMap<String, Stamp>,
}

impl TableStamps {
    /// Of a room at `head` after a commit of `changes`.
    pub fn after(head: &Head, changes: &[Change]) -> TableStamps {
        let mut stamps = TableStamps::of(head)
            .cloned()
            .unwrap_or_else(|| TableStamps { others: head.stamp, ..TableStamps::default() });
        stamps.last.extend(changes.iter().map(|change| (change.key.table.clone(), change.stamp)));
        stamps.as_of = changes.last().map_or(head.stamp, |change| change.stamp);
        while stamps.last.len() > TABLE_STAMPS_MAX
            && let Some((table, stamp)) = stamps.last.iter().min_by_key(|(_, stamp)| **stamp)
        {
            stamps.others = stamps.others.max(*stamp);
            stamps.last.remove(&table.clone());
        }
        stamps
    }

    /// The stamps in `head`, if they are true.
    fn of(head: &Head) -> Option<&TableStamps> {
        head.table_stamps.as_ref().filter(|stamps| stamps.as_of == head.stamp)
    }

    /// A stamp after which nothing of `selection` was changed in a room at `head`. A table that `tables`
    /// lacks counts in a selection of all tables: nothing unknown is passed over.
    pub fn latest(head: &Head, selection: &Selection, tables: &Tables) -> Stamp {
        let Some(stamps) = TableStamps::of(head) else { return head.stamp };
        let named = stamps.last.iter().filter(|(table, _)| selection.concerns(table, tables));
        let names_all =
            !selection.all && selection.tables.iter().all(|table| stamps.last.contains_key(table));
        let others = if names_all { Stamp::ZERO } else { stamps.others };
        named.map(|(_, stamp)| *stamp).max().unwrap_or_default().max(others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pull::tests::shop::selection;
    use crate::tests::rules;
    use protocol::json::JsonText;
    use protocol::record::{Operation, RecordKey};

    fn change(table: &str, stamp: u64) -> Change {
        let key = RecordKey { table: table.to_owned(), id: "r".to_owned() };
        Change { key, operation: Operation::Update, data: JsonText::null(), version: 1, stamp: Stamp(stamp) }
    }

    /// HEAD after a commit of `tables`, whose first change has the stamp `first`.
    fn commit(head: &Head, first: u64, tables: &[&str]) -> Head {
        let changes: Vec<Change> = (first..).zip(tables).map(|(stamp, table)| change(table, stamp)).collect();
        let stamp = changes.last().unwrap().stamp;
        Head { stamp, table_stamps: Some(TableStamps::after(head, &changes)), ..head.clone() }
    }

    fn latest(head: &Head, tables: &[&str], all: bool) -> u64 {
        let selection =
            Selection { all, tables: tables.iter().map(|&name| name.to_owned()).collect(), ..selection(1) };
        TableStamps::latest(head, &selection, &rules().tables).0
    }

    #[test]
    fn each_table_has_the_stamp_of_its_last_change() {
        let head = commit(&Head::default(), 10, &["products", "halls", "products"]);
        assert_eq!((latest(&head, &["products"], false), latest(&head, &["halls"], false)), (12, 11));
        assert_eq!(latest(&head, &["customers"], false), 0, "never changed");
        assert_eq!(latest(&head, &["customers", "halls"], false), 11);
        let head = commit(&head, 20, &["customers"]);
        assert_eq!((latest(&head, &["halls"], false), latest(&head, &["customers"], false)), (11, 20));
    }

    /// The release before moves HEAD and leaves the attribute as it was.
    #[test]
    fn stamps_are_true_only_for_the_head_that_they_were_written_with() {
        let known = commit(&Head::default(), 10, &["products", "halls"]);
        let moved = Head { stamp: Stamp(30), ..known };
        assert_eq!(latest(&moved, &["customers"], false), 30);
        let again = commit(&moved, 40, &["halls"]);
        assert_eq!((latest(&again, &["halls"], false), latest(&again, &["products"], false)), (40, 30));
        let before = Head { stamp: Stamp(30), ..Head::default() };
        assert_eq!(latest(&before, &["products"], false), 30, "a HEAD without stamps");
    }

    #[test]
    fn head_names_few_tables_and_the_others_have_a_bound() {
        let names: Vec<String> = (0..TABLE_STAMPS_MAX + 2).map(|i| format!("t{i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let head = commit(&Head::default(), 1, &names);
        let stamps = head.table_stamps.as_ref().unwrap();
        assert_eq!((stamps.last.len(), stamps.others), (TABLE_STAMPS_MAX, Stamp(2)));
        assert_eq!((latest(&head, &["t0"], false), latest(&head, &["t2"], false)), (2, 3));
        assert_eq!(latest(&head, &["products"], false), 2, "it may be one of those that are not named");
    }

    #[test]
    fn a_pull_of_all_tables_passes_over_none_that_is_unknown() {
        let head = commit(&Head::default(), 10, &["halls", "products", "of_a_newer_server"]);
        assert_eq!((latest(&head, &["halls"], true), latest(&head, &["halls"], false)), (12, 10));
        assert_eq!(latest(&commit(&head, 20, &["products"]), &["halls"], true), 12, "products are hidden");
    }
}
