//! What the storages of a room have in common.

use worker::Storage;

/// Keys that the storage deletes in one call.
pub(super) const DELETED_MAX: usize = 128;

/// Deletes `keys`.
pub(super) async fn delete_all(storage: &Storage, keys: &[String]) -> worker::Result<()> {
    for some in keys.chunks(DELETED_MAX) {
        storage.delete_multiple(some.iter().map(String::as_str).collect()).await?;
    }
    Ok(())
}
