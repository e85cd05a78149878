//! How to start a stack.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// How to start a stack.
#[derive(Debug, Clone)]
pub struct Options {
    /// The data directory; a temporary one by default.
    pub data: Option<PathBuf>,
    /// The edge's port; 0 picks a free one.
    pub edge_port: u16,
    /// Whether to remove the data of earlier runs first.
    pub fresh: bool,
    /// A file with the tables to sync instead of the built-in ones.
    pub tables: Option<PathBuf>,
    /// Additional variables for the edge.
    pub edge_variables: BTreeMap<&'static str, String>,
    /// Configurations of wrangler instead of `wrangler.toml`: the worker's, then those of workers that it
    /// calls.
    pub edge_configs: Vec<PathBuf>,
    /// Receives a line per step and the edge's output.
    pub say: fn(&str),
}

impl Default for Options {
    /// For tests: temporary data, any port, silent.
    fn default() -> Options {
        Options {
            data: None,
            edge_port: 0,
            fresh: false,
            tables: None,
            edge_variables: BTreeMap::new(),
            edge_configs: Vec::new(),
            say: |_| {},
        }
    }
}
