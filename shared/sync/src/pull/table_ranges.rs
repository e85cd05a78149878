//! The ranges of tables that a walk reads: only what is asked for.

use std::collections::BTreeSet;

use crate::tables::Tables;
use protocol::record::RecordKey;

/// Tables that follow one another by name, and so in the key order of their records: one Query reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRange {
    /// The name of the first table.
    pub first: String,
    /// The name of the last table; may be the first one.
    pub last: String,
}

impl TableRange {
    /// The range of one table.
    pub fn of(table: &str) -> TableRange {
        TableRange { first: table.to_owned(), last: table.to_owned() }
    }
}

/// The ranges that have `wanted` and no other known table, in order, from the table of `after` on.
///
/// There are at most half as many ranges as tables. An unknown table may lie within a range.
pub fn ranges(tables: &Tables, wanted: &BTreeSet<String>, after: Option<&RecordKey>) -> Vec<TableRange> {
    let mut ranges: Vec<TableRange> = Vec::new();
    let mut extend = false;
    for name in tables.names().filter(|&name| after.is_none_or(|after| name >= after.table.as_str())) {
        if !wanted.contains(name) {
            extend = false;
            continue;
        }
        match ranges.last_mut().filter(|_| extend) {
            Some(range) => range.last = name.to_owned(),
            None => ranges.push(TableRange::of(name)),
        }
        extend = true;
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tables() -> Tables {
        let text: String =
            ["a", "b", "b_c", "bc", "d", "e"].map(|name| format!("[{name}]\npolicy = \"manual\"\n")).concat();
        Tables::parse(&text).unwrap()
    }

    fn names(wanted: &[&str], after: Option<&str>) -> Vec<String> {
        let wanted = wanted.iter().map(|&name| name.to_owned()).collect();
        let after = after.map(|table| RecordKey { table: table.to_owned(), id: "x".into() });
        let name = |range: TableRange| format!("{}-{}", range.first, range.last);
        ranges(&tables(), &wanted, after.as_ref()).into_iter().map(name).collect()
    }

    #[test]
    fn neighbours_share_a_range_and_other_tables_part_them() {
        assert_eq!(names(&["a", "b", "b_c", "bc", "d", "e"], None), ["a-e"]);
        assert_eq!(names(&["a", "b", "bc", "e"], None), ["a-b", "bc-bc", "e-e"]);
        assert_eq!(names(&["a", "b", "bc", "e"], Some("b")), ["b-b", "bc-bc", "e-e"]);
        assert_eq!(names(&["a", "b", "bc", "e"], Some("d")), ["e-e"]);
        assert_eq!(names(&["a"], Some("b")), Vec::<String>::new());
        assert_eq!(names(&["unknown"], None), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn ranges_have_exactly_the_wanted_tables(wanted in prop::collection::btree_set(prop::sample::select(vec!["a", "b", "b_c", "bc", "d", "e"]), 0..6)) {
            let (tables, wanted) = (tables(), wanted.into_iter().map(str::to_owned).collect::<BTreeSet<_>>());
            let ranges = ranges(&tables, &wanted, None);
            let read: Vec<&str> = ranges
                .iter()
                .flat_map(|range| tables.names().filter(move |&name| *range.first <= *name && *name <= *range.last))
                .collect();
            prop_assert_eq!(read, wanted.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
}
