//! Where the project is.

use std::path::PathBuf;

/// The checkout with `template.yaml`, `wrangler.toml` and `node_modules`: `TILLSYNC_ROOT`, or the one this
/// was built from.
pub(crate) fn root() -> PathBuf {
    match std::env::var_os("TILLSYNC_ROOT") {
        Some(root) => PathBuf::from(root),
        None => PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")),
    }
}
