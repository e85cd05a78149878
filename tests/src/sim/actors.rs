//! The users and devices of a run: two clients whose branches have equal ids, and devices with equal ids in
//! both.

use config::Secret;
use functions::accounts::signer::Signer;
use protocol::ids::Room;
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::timestamp::device_time::DeviceTime;
use protocol::wire::auth::User;

use super::SimError;
use super::clock::{BEGINNING, TillClock, YEARS};
use super::rng::Rng;

/// A signed-in user.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The room of the user. Head office has no branch of its own; its room names the branch it works on.
    pub(crate) room: Room,
    pub(crate) role: Role,
    pub(crate) token: Secret,
}

/// A device and its user.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub(crate) device: String,
    pub(crate) caller: Caller,
    /// Who signs in when the caller's token has expired, perhaps with another role.
    pub(crate) next: Option<Caller>,
    /// The user at the desk where people decide.
    pub(crate) desk: Caller,
    /// The device's clock when the run begins.
    pub(crate) clock: TillClock,
}

/// The device on which people resolve conflicts. It is no till, so that every till hears of it.
pub(crate) const DESK: &str = "desk";

/// Most tokens last for a run, however long it is.
const TOKENS_UNTIL: Timestamp = Timestamp(4_000_000_000_000_000);
/// Share of the tills whose first token expires in mid-run.
const EXPIRIES_PERMILLE: u64 = 400;

/// Branches with tills.
const BRANCHES_OF_TILLS: u64 = 2;
/// One in so many runs has 200 branches, and some others have a dozen or two.
const MANY_BRANCHES_EACH: u64 = 25;
/// Branches that head office writes into. The others of a run stay empty.
const OFFICES_MAX: usize = 6;

/// The room of till `i`. Most tills share one; one is in another branch of that client, and one in the branch
/// with the same id of another client.
fn room(i: usize, tills: usize) -> &'static str {
    match tills.saturating_sub(i) {
        1 if tills >= 3 => "b:1",
        2 if tills >= 4 => "a:2",
        _ => "a:1",
    }
}

pub(crate) fn tills(signer: &Signer, rng: &mut Rng, tills: usize) -> Result<Vec<Actor>, SimError> {
    let till = |i| {
        let room: Room = room(i, tills).parse()?;
        let role = if i == 0 { Role::Manager } else { Role::Cashier };
        // Two clients have a device with the same id, so a storage key without the client would mix them up.
        let device = if i + 1 == tills { "till-0".to_owned() } else { format!("till-{i}") };
        // The first two tills also send requests whose refusal is checked.
        let until = if i > 1 && rng.chance(EXPIRIES_PERMILLE) { expiry(rng) } else { TOKENS_UNTIL };
        let (first, next) = (caller(signer, &room, &device, role, until)?, next_role(role, rng));
        let next = caller(signer, &room, &device, next, TOKENS_UNTIL)?;
        let desk = caller(signer, &room, DESK, role, TOKENS_UNTIL)?;
        Ok(Actor { device, caller: first, next: Some(next), desk, clock: clock(rng) })
    };
    (0..tills).map(till).collect()
}

/// The number of branches of head office's client: those of tills, and in some runs many more.
fn branch_count(seed: u64) -> u64 {
    let mut rng = Rng::derived(seed, 2);
    match seed % MANY_BRANCHES_EACH {
        0 => rng.between(200, 210),
        10..=16 => rng.between(12, 30),
        _ => BRANCHES_OF_TILLS,
    }
}

/// The rooms of head office's client.
pub(crate) fn branches(seed: u64) -> Result<Vec<Room>, SimError> {
    (1..=branch_count(seed)).map(|i| Ok(format!("a:{i}").parse()?)).collect()
}

/// Whether head office has branches without tills.
pub(crate) fn has_many_branches(seed: u64) -> bool {
    branch_count(seed) > BRANCHES_OF_TILLS
}

/// Head office's devices, one for each of the first of its `branches`.
pub(crate) fn offices(signer: &Signer, rng: &mut Rng, branches: &[Room]) -> Result<Vec<Actor>, SimError> {
    let office = |room: &Room| {
        let device = "office".to_owned();
        let caller = caller(signer, room, &device, Role::SuperAdmin, TOKENS_UNTIL)?;
        let desk = self::caller(signer, room, DESK, Role::SuperAdmin, TOKENS_UNTIL)?;
        Ok(Actor { device, caller, next: None, desk, clock: clock(rng) })
    };
    branches.iter().take(OFFICES_MAX).map(office).collect()
}

/// A user of `room`, signed in at `device`. Head office's token names the client without a branch.
fn caller(
    signer: &Signer,
    room: &Room,
    device: &str,
    role: Role,
    until: Timestamp,
) -> Result<Caller, SimError> {
    let user = User {
        id: format!("user-of-{room}"),
        username: "user".into(),
        role,
        client_id: room.client.clone(),
        branch_id: (role != Role::SuperAdmin).then(|| room.branch.clone()),
    };
    let token = signer.sign(&user, Some(device.parse()?), None, until)?;
    Ok(Caller { room: room.clone(), role, token: Secret::new(token) })
}

/// When a token expires: soon after the run has begun, or in some days.
fn expiry(rng: &mut Rng) -> Timestamp {
    const HOUR_SECS: u64 = 3600;
    let (soon, later) = (rng.between(60, 4 * HOUR_SECS), rng.between(HOUR_SECS, 200 * HOUR_SECS));
    BEGINNING.plus_secs(rng.weighted(&[(2, soon), (1, later)], soon))
}

/// The role after the next sign-in: mostly the same.
fn next_role(role: Role, rng: &mut Rng) -> Role {
    let other = if role == Role::Manager { Role::Cashier } else { Role::Manager };
    if rng.chance(300) { other } else { role }
}

fn clock(rng: &mut Rng) -> TillClock {
    const HOUR_MICROS: u64 = 3_600_000_000;
    let signed = |micros: u64| i64::try_from(micros).unwrap_or_default();
    let small = signed(rng.between(0, 4_000_000)) - 2_000_000;
    let behind = -signed(rng.between(0, 30 * HOUR_MICROS));
    let ahead = signed(rng.between(0, 10 * 60_000_000));
    let [first, last] = YEARS;
    let any = DeviceTime(first.0.saturating_add(signed(rng.between(0, last.since(first).unsigned_abs()))));
    let skew = |skew_micros| TillClock { skew_micros, begins: None };
    let reset = TillClock { skew_micros: 0, begins: Some(any) };
    let any_year = skew(any.since(BEGINNING));
    let clocks = [(12, skew(small)), (4, skew(behind)), (4, skew(ahead)), (1, any_year), (2, reset)];
    let mut clock = rng.weighted(&clocks, TillClock::default());
    clock.switch_on(BEGINNING);
    clock
}
