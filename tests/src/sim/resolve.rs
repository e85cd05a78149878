//! People who resolve conflicts: of a till, or of any record, also twice, and with an old version in mind.

use std::sync::Arc;
use std::time::Duration;

use protocol::endpoints::Endpoint;
use protocol::json::JsonText;
use protocol::wire::resolve::{Resolution, ResolveRequest};

use super::actors::DESK;
use super::api::ApiCall;
use super::device::Device;
use super::reads;
use super::rng::Rng;
use super::server::ApiRequest;
use super::world::World;

/// What a person writes instead of either side.
const TEXTS: [&str; 8] = [
    r#"{"name":"settled"}"#,
    r#"{"size":7,"name":"settled"}"#,
    r#"{"name":"a","price":1.10,"stock":{"$set":"9"}}"#,
    r#"{"shelf":"b","quantity":{"$delta":"-3"}}"#,
    r#"{"quantity":5}"#,
    r#"{"total":3,"status":"paid"}"#,
    r#"{"name":"b","status":"ordered"}"#,
    r"{}",
];

/// Resolves a conflict, or what a person takes for one.
pub(crate) fn resolve(world: &Arc<World>, mut rng: Rng) {
    let Some(device) = rng.pick(&world.devices).cloned() else { return };
    let Some(request) = request(world, &device, &mut rng) else { return };
    // A manager decides, or who works at the till.
    let manager =
        world.devices.first().filter(|manager| manager.actor.caller.room == device.actor.caller.room);
    let caller = manager.filter(|_| rng.chance(700)).unwrap_or(&device).actor.desk.clone();
    let world = world.clone();
    tokio::spawn(async move {
        let sends = rng.weighted(&[(6, 1), (3, 2), (1, 3)], 1);
        for nth in 0..sends {
            // The same again, or seldom something else under the same id.
            let mut request = request.clone();
            if nth > 0 && rng.chance(100) {
                request.expected_version = Some(1000);
            }
            let body = serde_json::to_string(&request).unwrap_or_default();
            let (world, caller, mut rng) = (world.clone(), caller.clone(), Rng::new(rng.next_u64()));
            let call = ApiCall { body, ..ApiCall::new(Endpoint::ResolveConflict, String::new()) };
            let pause = Duration::from_millis(rng.weighted(&[(1, 0), (2, 800), (1, 600_000)], 0));
            let sending = async move {
                world.server.call(&caller, ApiRequest::Api(call), &mut rng).await;
            };
            if pause.is_zero() {
                tokio::spawn(sending);
            } else {
                sending.await;
                tokio::time::sleep(pause).await;
            }
        }
    });
}

fn request(world: &World, device: &Device, rng: &mut Rng) -> Option<ResolveRequest> {
    let room = &device.actor.caller.room;
    let conflicts: Vec<_> =
        device.answered().into_iter().flat_map(|(_, response)| response.conflicts).collect();
    let conflict = rng.pick(&conflicts).filter(|_| rng.chance(700)).cloned();
    let (key, seen, local) = match conflict {
        Some(conflict) => {
            ((conflict.table_name, conflict.record_id), conflict.server_version, conflict.local_data)
        }
        None => {
            let key = rng.pick(&reads::recent(world, room)).cloned()?;
            let known = device.read(|state| state.rows.get(&key.0, &key.1).map(|row| row.version));
            (key, known.unwrap_or(1), None)
        }
    };
    let text = JsonText::from_text(rng.pick(&TEXTS).copied().unwrap_or_default().to_owned()).ok()?;
    let local = local.filter(|local| local.is_object() && rng.chance(600));
    let accepts_client = rng.chance(750);
    let expected_version = rng.weighted(&[(5, Some(seen)), (5, None), (1, Some(seen + 7))], None);
    Some(ResolveRequest {
        device_id: DESK.parse().ok()?,
        batch_id: if rng.chance(700) { format!("r-{:x}", rng.next_u64()).parse().ok() } else { None },
        branch_id: Some(room.branch.clone()),
        table_name: key.0,
        record_id: key.1,
        resolution: if accepts_client { Resolution::AcceptClient } else { Resolution::AcceptServer },
        client_data: accepts_client.then(|| local.unwrap_or(text)),
        expected_version,
    })
}
