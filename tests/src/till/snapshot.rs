//! A snapshot while a till receives it. Records that it does not contain are removed at its end.

use std::collections::BTreeSet;

use protocol::wire::pull::{PullResponse, PulledChange};

use super::rows::{Row, Rows};

/// A snapshot that is not complete yet.
#[derive(Clone, Debug)]
pub struct Snapshot {
    id: String,
    /// The records that came since the snapshot began: from it, its tail or a push of this till.
    received: BTreeSet<(String, String)>,
}

impl Snapshot {
    /// The id of the snapshot that `page` belongs to.
    pub fn id_of(page: &PullResponse) -> Option<&str> {
        page.snapshot_id.as_deref().filter(|_| page.mode == "snapshot")
    }

    /// Begins a snapshot.
    pub fn new(id: &str) -> Snapshot {
        Snapshot { id: id.to_owned(), received: BTreeSet::new() }
    }

    /// Whether this snapshot has the id.
    pub fn has_id(&self, id: &str) -> bool {
        self.id == id
    }

    /// Notes that a record came.
    pub fn mark(&mut self, table: &str, id: &str) {
        self.received.insert((table.to_owned(), id.to_owned()));
    }

    /// Replaces a row by that of the snapshot, unless a newer one came since it began.
    pub fn replace(&mut self, rows: &mut Rows, change: &PulledChange, row: Row) -> bool {
        let (table, id) = (&change.table_name, &change.record_id);
        let came = self.received.contains(&(table.clone(), id.clone()));
        if came && rows.get(table, id).is_some_and(|known| known.stamp >= row.stamp) {
            return false;
        }
        self.mark(table, id);
        rows.replace(table, id, row)
    }

    /// Removes the records that did not come: the server no longer has them.
    pub fn finish(self, rows: &mut Rows) {
        rows.retain(|key| self.received.contains(key));
    }
}
