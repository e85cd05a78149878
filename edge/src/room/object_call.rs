//! Requests to the object of a room. They use the runtime's types: the crate's response reads a body chunk by
//! chunk, and each chunk is a turn of the event loop.

use std::fmt::Display;

use js_sys::{Promise, Uint8Array};
use worker::wasm_bindgen::JsCast;
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys;
use worker::worker_sys::DurableObject;
use worker::{Env, Method, Request, RequestInit, Stub};

/// The binding in `wrangler.toml`.
const BINDING: &str = "ROOM";

/// The object named `room`.
pub(super) fn stub(env: &Env, room: &impl Display) -> worker::Result<Stub> {
    env.durable_object(BINDING)?.get_by_name(&room.to_string())
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

/// `GET url`. Returns the status and the body.
pub(super) async fn get(env: &Env, room: &impl Display, url: &str) -> worker::Result<(u16, Vec<u8>)> {
    let object: DurableObject = stub(env, room)?.into_rpc();
    read(object.fetch_with_str(url)?).await
}

/// `POST url` with `body`. Returns the status and the body.
pub(super) async fn post(
    env: &Env,
    room: &impl Display,
    url: &str,
    body: &[u8],
) -> worker::Result<(u16, Vec<u8>)> {
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(Uint8Array::from(body).into()));
    let request = Request::new_with_init(url, &init)?;
    let object: DurableObject = stub(env, room)?.into_rpc();
    read(object.fetch_with_request(request.inner())?).await
}

async fn read(response: Promise) -> worker::Result<(u16, Vec<u8>)> {
    let response: web_sys::Response = JsFuture::from(response).await?.dyn_into()?;
    let body: JsValue = JsFuture::from(response.array_buffer()?).await?;
    Ok((response.status(), Uint8Array::new(&body).to_vec()))
}
