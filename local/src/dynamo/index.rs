//! An index that dynoxide lacks: without it, every write reads the table's whole stream.
//!
//! dynoxide 3.2 selects `MAX(CAST(sequence_number AS INTEGER))` of a table's stream records for each write.
//! After a few hundred pushes, a transaction of fifty items takes a hundred milliseconds instead of ten.

use std::path::Path;

use rusqlite::Connection;

const CREATE: &str = "CREATE INDEX IF NOT EXISTS tillsync_stream_order
    ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";

/// Adds the index to the database in `file`, whose tables must exist.
pub(super) fn create(file: &Path) -> Result<(), rusqlite::Error> {
    Connection::open(file)?.execute_batch(CREATE)
}
