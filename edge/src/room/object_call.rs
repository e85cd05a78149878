//! Requests to the object of a room. They use the runtime's types: the crate's response reads a body chunk by
//! chunk, and each chunk is a turn of the event loop. One promise brings all of a response, because each
//! costs several objects of the runtime.

use std::cell::OnceCell;
use std::fmt::Display;
use std::time::Duration;

use js_sys::{Array, ArrayBuffer, Promise, Uint8Array};
use worker::wasm_bindgen::convert::TryFromJsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{self, JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::worker_sys::DurableObject;
use worker::{Env, Method, ObjectNamespace, Request, RequestInit, Stub};

use super::RoomError;
use crate::clock;

/// The binding in `wrangler.toml`.
const BINDING: &str = "ROOM";

thread_local! {
    // Looking for a binding is several calls of the runtime, and an isolate's bindings stay the same.
    static ROOMS: OnceCell<ObjectNamespace> = const { OnceCell::new() };
}

/// The object named `room`.
pub(super) fn stub(env: &Env, room: &impl Display) -> worker::Result<Stub> {
    ROOMS.with(|rooms| {
        let rooms = match rooms.get() {
            Some(rooms) => rooms,
            None => {
                let found = env.durable_object(BINDING)?;
                rooms.get_or_init(|| found)
            }
        };
        rooms.get_by_name(&room.to_string())
    })
}

/// The id of the object of `room`, which does not show its name.
pub(super) fn id(env: &Env, room: &impl Display) -> worker::Result<String> {
    Ok(env.durable_object(BINDING)?.id_from_name(&room.to_string())?.to_string())
}

/// The object with this id.
pub(super) fn stub_of(env: &Env, id: &str) -> worker::Result<Stub> {
    env.durable_object(BINDING)?.id_from_string(id)?.get_stub()
}

/// An object that is no room's: its name has no tenant.
pub(super) fn no_room(env: &Env) -> worker::Result<Stub> {
    env.durable_object(BINDING)?.get_by_name("readiness")
}

// It throws nothing at once, because it is asynchronous.
#[wasm_bindgen(inline_js = "
export async function askObject(object, target) {
    const response = await object.fetch(target);
    return [response.status, response.headers.get('etag'), await response.arrayBuffer()];
}
")]
extern "C" {
    #[wasm_bindgen(js_name = askObject)]
    fn ask_object(object: &DurableObject, target: &JsValue) -> Promise;
}

/// What an object has answered.
pub(super) struct ObjectResponse {
    pub(super) status: u16,
    pub(super) etag: Option<String>,
    /// In the memory of the runtime.
    pub(super) body: ArrayBuffer,
}

impl ObjectResponse {
    pub(super) fn bytes(&self) -> Vec<u8> {
        Uint8Array::new(&self.body).to_vec()
    }
}

/// `GET url`. The object may take `bound`.
pub(super) async fn get(
    env: &Env,
    room: &impl Display,
    url: &str,
    bound: Duration,
) -> Result<ObjectResponse, RoomError> {
    within(bound, ask(env, room, &JsValue::from_str(url))).await
}

/// `POST url` with `body`. Returns the status and the body. The object may take `bound`.
pub(super) async fn post(
    env: &Env,
    room: &impl Display,
    url: &str,
    body: &[u8],
    bound: Duration,
) -> Result<(u16, Vec<u8>), RoomError> {
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(Uint8Array::from(body).into()));
    let request = Request::new_with_init(url, &init)?;
    let response = within(bound, ask(env, room, request.inner())).await?;
    Ok((response.status, response.bytes()))
}

/// The result of `call`, unless it takes longer than `bound`.
pub(super) async fn within<T>(
    bound: Duration,
    call: impl Future<Output = worker::Result<T>>,
) -> Result<T, RoomError> {
    Ok(clock::within(bound, call).await.ok_or(RoomError::Late)??)
}

/// Sends `target`, a URL or a request.
async fn ask(env: &Env, room: &impl Display, target: &JsValue) -> worker::Result<ObjectResponse> {
    let object: DurableObject = stub(env, room)?.into_rpc();
    let response: Array = JsFuture::from(ask_object(&object, target)).await?.dyn_into()?;
    Ok(ObjectResponse {
        status: u16::try_from_js_value(response.get(0))?,
        etag: response.get(1).as_string(),
        body: response.get(2).dyn_into()?,
    })
}
