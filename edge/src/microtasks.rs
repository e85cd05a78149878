//! The turns of the executor. Each time a future may go on, it asks the runtime for a microtask, three times
//! for a read. The runtime's own `queueMicrotask` makes a function and several objects for each, which took a
//! tenth of such a read; the continuation of a promise costs next to nothing.

use worker::event;
use worker::wasm_bindgen;
use worker::wasm_bindgen::prelude::wasm_bindgen;

// Like the runtime's own, it reports what a task throws: the worker starts its wasm again after a panic.
#[wasm_bindgen(inline_js = "
const settled = Promise.resolve();
const report = (error) => reportError(error);
export function queueMicrotasksByPromise() {
    globalThis.queueMicrotask = (task) => { settled.then(task).catch(report); };
}
")]
extern "C" {
    #[wasm_bindgen(js_name = queueMicrotasksByPromise)]
    fn queue_microtasks_by_promise();
}

#[event(start)]
fn start() {
    queue_microtasks_by_promise();
}
