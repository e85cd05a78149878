//! Who takes part in a run: two clients whose branches have the same names, tills whose devices do too.

use functions::accounts::signer::Signer;
use protocol::ids::{BadId, Room};
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::auth::User;

use super::dice::Dice;

/// Somebody with a token.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The room; for head office, one of its client.
    pub room: Room,
    /// What the user is.
    pub role: Role,
    /// The access token.
    pub token: String,
}

/// A till, before anything happened to it.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its device.
    pub device: String,
    /// Who is signed in.
    pub caller: Caller,
    /// Microseconds by which its clock is ahead.
    pub skew_micros: i64,
    /// The branch that it names in its requests: head office has none of its own.
    pub branch: Option<String>,
}

/// Why nobody can take part.
#[derive(Debug, thiserror::Error)]
pub enum CastError {
    /// An id of our own is none.
    #[error(transparent)]
    Id(#[from] BadId),
    /// A token cannot be signed.
    #[error("failed to sign a token: {0}")]
    Sign(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Tokens are signed once for a run, however long it lasts.
const TOKENS_UNTIL: Timestamp = Timestamp(4_000_000_000_000_000);

/// The branch of till `i` of `tills`: most share one; one is of another branch of that client, and one of another
/// client's branch with the same name.
fn room(i: usize, tills: usize) -> &'static str {
    match tills.saturating_sub(i) {
        1 if tills >= 3 => "b:1",
        2 if tills >= 4 => "a:2",
        _ => "a:1",
    }
}

/// The tills of a run.
pub fn tills(signer: &Signer, dice: &mut Dice, tills: usize) -> Result<Vec<Part>, CastError> {
    let mut till = |i| {
        let room: Room = room(i, tills).parse()?;
        let role = if i == 0 { Role::Manager } else { Role::Cashier };
        // The same device name in two tenants, and names that a careless key would confuse.
        let device = if i + 1 == tills { "till-0".to_owned() } else { format!("till-{i}") };
        Ok(Part { device, caller: caller(signer, &room, role)?, skew_micros: skew(dice), branch: None })
    };
    (0..tills).map(&mut till).collect()
}

/// Head office's own devices, one for each branch of the first client.
pub fn offices(signer: &Signer, dice: &mut Dice) -> Result<Vec<Part>, CastError> {
    let mut office = |room: &str| {
        let room: Room = room.parse()?;
        let branch = Some(room.branch.to_string());
        let caller = caller(signer, &room, Role::SuperAdmin)?;
        Ok(Part { device: "office".to_owned(), caller, skew_micros: skew(dice), branch })
    };
    ["a:1", "a:2"].into_iter().map(&mut office).collect()
}

/// A user of `room`; head office has the client without the branch.
pub fn caller(signer: &Signer, room: &Room, role: Role) -> Result<Caller, CastError> {
    let user = User {
        id: format!("user-of-{room}"),
        username: "somebody".into(),
        role,
        client_id: room.client.clone(),
        branch_id: (role != Role::SuperAdmin).then(|| room.branch.clone()),
    };
    let token =
        signer.sign(&user, None, None, TOKENS_UNTIL).map_err(|error| CastError::Sign(error.into()))?;
    Ok(Caller { room: room.clone(), role, token })
}

fn skew(dice: &mut Dice) -> i64 {
    const HOUR_MICROS: u64 = 3_600_000_000;
    let seconds = dice.between(0, 4_000_000);
    let behind = dice.between(0, 30 * HOUR_MICROS);
    let ahead = dice.between(0, 10 * 60_000_000);
    let signed = |micros: u64| i64::try_from(micros).unwrap_or_default();
    dice.weighted(&[(6, signed(seconds) - 2_000_000), (2, -signed(behind)), (2, signed(ahead))], 0)
}
