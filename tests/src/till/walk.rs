//! A snapshot on its way into a till: what it did not have is swept when its tail is through.

use std::collections::BTreeSet;

use protocol::wire::pull::{PullResponse, PulledChange};

use super::rows::{Row, Rows};

/// A snapshot that is being walked.
#[derive(Clone, Debug)]
pub struct Walk {
    id: String,
    /// The records that the walk, its tail or a push of the till's own has brought since it began.
    marked: BTreeSet<(String, String)>,
}

impl Walk {
    /// The snapshot that `page` belongs to, if it belongs to one.
    pub fn of(page: &PullResponse) -> Option<&str> {
        page.snapshot_id.as_deref().filter(|_| page.mode == "snapshot")
    }

    /// Begins to walk the snapshot `id`.
    pub fn start(id: &str) -> Walk {
        Walk { id: id.to_owned(), marked: BTreeSet::new() }
    }

    /// Whether this is the walk of the snapshot `id`.
    pub fn is(&self, id: &str) -> bool {
        self.id == id
    }

    /// Notes that the server has this record.
    pub fn mark(&mut self, table: &str, id: &str) {
        self.marked.insert((table.to_owned(), id.to_owned()));
    }

    /// Puts a row of the snapshot in the place of what the till has, unless that came during this walk and is newer.
    pub fn replace(&mut self, rows: &mut Rows, change: &PulledChange, row: Row) -> bool {
        let (table, id) = (&change.table_name, &change.record_id);
        let came = self.marked.contains(&(table.clone(), id.clone()));
        if came && rows.get(table, id).is_some_and(|known| known.stamp >= row.stamp) {
            return false;
        }
        self.mark(table, id);
        rows.replace(table, id, row)
    }

    /// Drops what nothing brought: the server has it no longer.
    pub fn sweep(self, rows: &mut Rows) {
        rows.retain(|key| self.marked.contains(key));
    }
}
