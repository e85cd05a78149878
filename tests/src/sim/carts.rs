//! Tills that write, read and remove the carts of their branch.

use std::sync::Arc;

use functions::carts::keys::cart_of;
use protocol::endpoints::Endpoint;
use protocol::ids::{CartId, Room};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::api::ApiCall;
use super::environment::CARTS_TABLE;
use super::lock;
use super::rng::Rng;
use super::server::{ApiRequest, Reply};
use super::world::World;

/// The carts of each room: few, so that tills meet on them.
const IDS: [&str; 2] = ["counter-1", "counter-2"];

/// A stored change to a cart.
#[derive(Clone, Debug)]
pub(crate) struct CartWrite {
    pub(crate) call: u64,
    pub(crate) room: Room,
    pub(crate) id: CartId,
    pub(crate) stamp: u64,
    /// `None` if the cart was removed.
    pub(crate) data: Option<String>,
    pub(crate) at: Instant,
    /// The key of its item, as the stream has it.
    pub(crate) key: Value,
}

impl CartWrite {
    /// The change that a `PutItem` has stored.
    pub(crate) fn of(call: u64, body: &str) -> Option<CartWrite> {
        let body: Value = serde_json::from_str(body).ok()?;
        if body.get("TableName")? != CARTS_TABLE {
            return None;
        }
        let item = body.get("Item")?;
        let text = |path: &str| item.pointer(path).and_then(Value::as_str);
        let (room, id) = cart_of(text("/pk/S")?)?;
        let (stamp, data) = (text("/stamp/N")?.parse().ok()?, text("/data/S").map(str::to_owned));
        let key = json!({ "pk": item.get("pk")?, "sk": item.get("sk")? });
        Some(CartWrite { call, room, id, stamp, data, at: Instant::now(), key })
    }
}

/// Lets a random device do something to a cart of its branch.
pub(crate) fn act(world: &Arc<World>, mut rng: Rng) {
    let devices: Vec<usize> = (0..world.devices.len()).collect();
    let Some(index) = rng.pick(&devices).copied() else { return };
    let Some(caller) = world.devices.get(index).map(|device| device.caller()) else { return };
    let id = rng.pick(&IDS).copied().unwrap_or_default();
    let seen = lock(&world.carts_seen).get(&(index, id)).copied();
    let query = format!("id={id}&branch_id={}", caller.room.branch);
    let all = [(6, Endpoint::PutCart), (7, Endpoint::GetCart), (1, Endpoint::DeleteCart)];
    let request = match rng.weighted(&all, Endpoint::GetCart) {
        Endpoint::DeleteCart => ApiCall::new(Endpoint::DeleteCart, query),
        Endpoint::PutCart => {
            let lines: Vec<Value> = (0..rng.below(4)).map(|i| json!({ "product": i, "n": "1.10" })).collect();
            let after = seen.filter(|_| rng.chance(700));
            let body = json!({ "data": { "lines": lines, "till": rng.below(1000) }, "after_stamp": after });
            ApiCall { body: body.to_string(), ..ApiCall::new(Endpoint::PutCart, query) }
        }
        endpoint => {
            let min = seen.filter(|_| rng.chance(400)).map(|stamp| format!("&min={stamp}"));
            ApiCall::new(endpoint, query + min.as_deref().unwrap_or_default())
        }
    };
    let world = world.clone();
    tokio::spawn(async move {
        let reply = world.server.call(&caller, ApiRequest::Api(request), &mut rng).await;
        if let Some(stamp) = reply.as_ref().and_then(stamp) {
            let mut seen = lock(&world.carts_seen);
            let known = seen.entry((index, id)).or_default();
            *known = stamp.max(*known);
        }
    });
}

fn stamp(reply: &Reply) -> Option<u64> {
    let body: Value = serde_json::from_str(&reply.body).ok()?;
    body.get("stamp").and_then(Value::as_u64).filter(|_| reply.status == 200)
}
