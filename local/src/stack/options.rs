//! What a stack is to be.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a stack is to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where its data is; in a temporary directory, if nowhere.
    pub data: Option<PathBuf>,
    /// Where the edge listens; 0 for a free port.
    pub edge_port: u16,
    /// Whether to forget the data of earlier runs.
    pub fresh: bool,
    /// Which tables are synced; the built-in ones, if there is no file.
    pub tables: Option<PathBuf>,
    /// What the edge is told beside what it must know.
    pub edge_variables: BTreeMap<&'static str, String>,
    /// Told of each step, and of each line that the edge prints.
    pub say: fn(&str),
}

impl Default for Options {
    /// Kept nowhere, on any port, silent: what tests want.
    fn default() -> Options {
        Options {
            data: None,
            edge_port: 0,
            fresh: false,
            tables: None,
            edge_variables: BTreeMap::new(),
            say: |_| {},
        }
    }
}
