//! The dataset of Workers Analytics Engine.

use std::cell::OnceCell;

use js_sys::{JSON, Reflect};
use serde::Serialize;
use worker::Env;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::worker_sys::AnalyticsEngineDataset;

thread_local! {
    // Looking for a binding is several calls of the runtime, and an isolate's bindings stay the same.
    static DATASET: OnceCell<Option<AnalyticsEngineDataset>> = const { OnceCell::new() };
}

/// Writes a point into the dataset that is bound to `binding`, if there is one. The crate's builder makes a
/// call of the runtime for each value.
pub(super) fn write<P: Serialize>(env: &Env, binding: &str, point: impl Fn() -> P) -> worker::Result<()> {
    DATASET.with(|dataset| {
        let Some(dataset) = dataset.get_or_init(|| find(env, binding)) else { return Ok(()) };
        Ok(dataset.write_data_point(JSON::parse(&serde_json::to_string(&point())?)?)?)
    })
}

fn find(env: &Env, binding: &str) -> Option<AnalyticsEngineDataset> {
    let found = Reflect::get(env, &JsValue::from_str(binding)).ok()?;
    found.is_object().then(|| found.unchecked_into())
}
