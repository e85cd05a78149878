//! The devices that a room has announced, in its storage: one row for each.

use js_sys::Array;
use worker::{ListOptions, State};

use super::presence::{AnnouncedDevice, AnnouncedDevices, Changes};
use super::storage;

const PREFIX: &str = "device\n";

/// Reads all of them. A row that cannot be read, of another release, is no device: it is announced again.
pub(super) async fn load(state: &State) -> worker::Result<AnnouncedDevices> {
    let rows = state.storage().list_with_options(ListOptions::new().prefix(PREFIX)).await?;
    let rows = Array::from(&rows.values());
    let texts = rows.iter().filter_map(|row| row.as_string());
    Ok(texts.filter_map(|text| serde_json::from_str::<AnnouncedDevice>(&text).ok()).collect())
}

/// Stores `changes`.
pub(super) async fn save(state: &State, changes: &Changes) -> worker::Result<()> {
    for device in &changes.stored {
        state.storage().put(&key(device), serde_json::to_string(device)?).await?;
    }
    let left: Vec<String> = changes.left.iter().map(key).collect();
    storage::delete_all(state, &left).await
}

/// A device id holds no control character, so each device of a user has a key of its own.
fn key(device: &AnnouncedDevice) -> String {
    format!("{PREFIX}{}\n{}", device.user, device.device)
}
