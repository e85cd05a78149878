//! What the storages of a room have in common.

use worker::Storage;

/// Keys that the storage takes in one call.
pub(super) const KEYS_MAX: usize = 128;

/// Deletes `keys`.
pub(super) async fn delete_all(storage: &Storage, keys: &[String]) -> worker::Result<()> {
    for some in keys.chunks(KEYS_MAX) {
        storage.delete_multiple(some.iter().map(String::as_str).collect()).await?;
    }
    Ok(())
}
