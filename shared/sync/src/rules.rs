//! What a deployment decides by: its tables and how long it keeps things.

use crate::retention::Retention;
use crate::tables::Tables;

/// The rules of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Which tables there are, and under which policies.
    pub tables: Tables,
    /// How long log, markers and tombstones are kept.
    pub retention: Retention,
}
