//! Requests that must be refused, each with the code that says why.

use std::sync::Arc;

use config::Secret;
use functions::accounts::signer::Signer;
use functions::sync::keys;
use protocol::endpoints::Endpoint;
use protocol::ids::Room;
use protocol::role::Role;
use protocol::timestamp::{DAY_SECS, Timestamp};
use protocol::wire::auth::User;
use protocol::wire::push::PushRequest;

use super::actors::Caller;
use super::api::ApiCall;
use super::event_log::Event;
use super::lock;
use super::rng::Rng;
use super::server::ApiRequest;
use super::world::World;
use super::{SimError, storage};

/// The device that a token of [`Tokens`] belongs to.
const BOUND_DEVICE: &str = "till-9";

/// Tokens of a cashier in the room `a:1`.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    expired: Secret,
    /// Bound to [`BOUND_DEVICE`].
    bound: Secret,
}

impl Tokens {
    pub(crate) fn sign(signer: &Signer) -> Result<Tokens, SimError> {
        let room: Room = "a:1".parse()?;
        let user = User {
            id: "user-of-probes".into(),
            username: "user".into(),
            role: Role::Cashier,
            client_id: room.client,
            branch_id: Some(room.branch),
        };
        let until = Timestamp(4_000_000_000_000_000);
        Ok(Tokens {
            expired: Secret::new(signer.sign(&user, None, None, Timestamp(1_000_000_000_000_000))?),
            bound: Secret::new(signer.sign(&user, Some(BOUND_DEVICE.parse()?), None, until)?),
        })
    }
}

/// Sends a random one of the requests.
pub(crate) fn send(world: &Arc<World>, mut rng: Rng) {
    let all = requests(world, &mut rng);
    let Some((expected, caller, request)) = rng.pick(&all).cloned() else { return };
    let world = world.clone();
    tokio::spawn(async move {
        let Some(reply) = world.server.call(&caller, request, &mut rng).await else { return };
        // A fault of the database or an expired token may hide the refusal.
        let is_hidden = reply.status == 503 || reply.body.contains("\"token_expired\"");
        if !is_hidden && !reply.body.contains(&format!("\"{expected}\"")) {
            let (status, body) = (reply.status, &reply.body);
            let what = format!("a request that is {expected} is answered {status}: {body}");
            world.log.violation("probe", what);
        }
    });
}

fn requests(world: &World, rng: &mut Rng) -> Vec<(&'static str, Caller, ApiRequest)> {
    let (Some(manager), Some(cashier)) = (world.devices.first(), world.devices.get(1)) else { return vec![] };
    let Some(office) = &world.head_office else { return vec![] };
    let (manager, cashier, office) = (&manager.actor.caller, &cashier.actor.caller, &office.caller);
    let with = |token: &Secret| Caller { token: token.clone(), ..cashier.clone() };
    let text = |token: &str| Secret::new(token.to_owned());
    let pull = |query: &str| ApiRequest::Pull(query.to_owned());
    let push = |body: &str| ApiRequest::Push(body.to_owned());
    let stats = |query: &str| ApiRequest::Api(ApiCall::new(Endpoint::GetSyncStats, query.to_owned()));
    let records = vec!["{}"; 51].join(",");
    let mut all = vec![
        ("bad_json", cashier.clone(), push("{")),
        ("bad_request", cashier.clone(), push(r#"{"records":[]}"#)),
        ("bad_since", cashier.clone(), pull("since=yesterday")),
        ("bad_cursor", cashier.clone(), pull("cursor=x")),
        ("bad_limit", cashier.clone(), pull("limit=0")),
        ("unknown_table", cashier.clone(), pull("tables=dreams")),
        ("table_forbidden", cashier.clone(), pull("tables=employee_advances")),
        ("token_missing", with(&text("")), pull("")),
        ("token_invalid", with(&text("a.b.c")), pull("")),
        ("token_expired", with(&world.tokens.expired), pull("")),
        ("device_mismatch", with(&world.tokens.bound), push(r#"{"device_id":"till-1","records":[]}"#)),
        ("branch_required", office.clone(), push(r#"{"device_id":"office","records":[]}"#)),
        ("branch_forbidden", cashier.clone(), pull("branch_id=none")),
        ("branch_not_found", office.clone(), pull("branch_id=none")),
        ("bad_min", cashier.clone(), stats("min=x")),
        ("reset_required", cashier.clone(), stats("min=9000000000000000")),
        ("batch_too_large", cashier.clone(), push(&format!(r#"{{"device_id":"d","records":[{records}]}}"#))),
        ("forbidden_role", cashier.clone(), ApiRequest::DeadLetters("listDeadLetters", String::new())),
        (
            "dead_letter_not_found",
            manager.clone(),
            ApiRequest::DeadLetters("discardDeadLetter", "id=1".into()),
        ),
    ];
    all.extend(reused_batch(world, rng));
    all
}

/// Another batch under the id of one that was answered, and whose marker lives for a while.
fn reused_batch(world: &World, rng: &mut Rng) -> Option<(&'static str, Caller, ApiRequest)> {
    // A restore may have lost the batch, and damage its hash.
    let is_damaged = |event: &Event| matches!(event, Event::Damaged { .. });
    if lock(&world.copy).is_some() || world.log.entries().events.iter().any(is_damaged) {
        return None;
    }
    let device = rng.pick(&world.devices)?;
    let batch = device.old_batch(world.clock.now(), rng)?;
    let name = keys::batch(&batch.device_id.parse().ok()?, &batch.batch_id.as_ref()?.parse().ok()?);
    let expires_at = storage::expires_at(world.network.tables(), &device.actor.caller.room, &name)?;
    if expires_at < world.clock.now().plus_secs(DAY_SECS) {
        return None;
    }
    let other = PushRequest { atomic: !batch.atomic, ..batch };
    let body = serde_json::to_string(&other).ok()?;
    Some(("batch_id_reused", device.caller(), ApiRequest::Push(body)))
}
