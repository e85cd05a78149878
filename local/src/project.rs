//! Where the project is.

use std::path::PathBuf;

/// The checkout with `template.yaml`, `wrangler.toml` and `node_modules`: `TILLSYNC_ROOT`, or the one this
/// was built from.
pub(crate) fn root() -> PathBuf {
    let root = match std::env::var_os("TILLSYNC_ROOT") {
        Some(root) => PathBuf::from(root),
        None => PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")),
    };
    // Only for the looks of it in messages; what is not there is noticed by whoever reads from it.
    root.canonicalize().unwrap_or(root)
}
