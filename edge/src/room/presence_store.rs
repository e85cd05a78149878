//! The devices that a room has announced, in its storage: one row for each.

use js_sys::{Array, Object, Reflect};
use worker::wasm_bindgen::JsValue;
use worker::{ListOptions, State, Storage};

use super::presence::{AnnouncedDevice, AnnouncedDevices};
use super::storage;

const PREFIX: &str = "device\n";

/// Reads all of them. A row that cannot be read, of another release, is no device: it is announced again.
pub(super) async fn load(state: &State) -> worker::Result<AnnouncedDevices> {
    let rows = state.storage().list_with_options(ListOptions::new().prefix(PREFIX)).await?;
    let rows = Array::from(&rows.values());
    let texts = rows.iter().filter_map(|row| row.as_string());
    Ok(texts.filter_map(|text| serde_json::from_str::<AnnouncedDevice>(&text).ok()).collect())
}

/// Stores devices that joined.
pub(super) async fn add(storage: &Storage, joined: &[AnnouncedDevice]) -> worker::Result<()> {
    for some in joined.chunks(storage::KEYS_MAX) {
        let rows = Object::new();
        for device in some {
            let row = JsValue::from_str(&serde_json::to_string(device)?);
            Reflect::set(&rows, &JsValue::from_str(&key(device)), &row)?;
        }
        storage.put_multiple_raw(rows).await?;
    }
    Ok(())
}

/// Deletes devices that left.
pub(super) async fn remove(storage: &Storage, left: &[AnnouncedDevice]) -> worker::Result<()> {
    let keys: Vec<String> = left.iter().map(key).collect();
    storage::delete_all(storage, &keys).await
}

/// A device id holds no control character, so each device of a user has a key of its own.
fn key(device: &AnnouncedDevice) -> String {
    format!("{PREFIX}{}\n{}", device.user, device.device)
}
