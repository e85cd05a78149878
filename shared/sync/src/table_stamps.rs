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
mod tests;
