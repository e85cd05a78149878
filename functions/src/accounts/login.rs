//! `POST /api/auth/login`

use auth::address::network;
use protocol::author::is_unbound;
use protocol::body::read_body;
use protocol::error::{ApiError, ErrorCode};
use protocol::limits::CREDENTIAL_BYTES_MAX;
use protocol::timestamp::Timestamp;
use protocol::wire::auth::LoginRequest;
use protocol::wire::session_end::EndedSessions;

use super::attempts::Counter;
use super::client_info;
use super::family::{Family, NewFamily, Token, surplus};
use super::{Accounts, credentials, password, session_end};
use crate::context::Context;
use crate::dynamo::error::StoreError;
use crate::http::error::HandlerError;
use crate::http::request::FunctionRequest;
use crate::http::response::{HandlerResponse, HandlerResult};
use crate::random;

/// Signs a user in, and ends the user's oldest sessions if there are too many.
pub async fn handle(
    context: &Context,
    request: &FunctionRequest<'_>,
    ended: &mut EndedSessions,
) -> HandlerResult {
    let (users, registry, now) = (context.accounts()?, context.sessions()?, request.now);
    let accounts = &users.accounts;
    let LoginRequest { username, password, device_id, refresh_token } = read_body(request.body())?;
    if username.len() > CREDENTIAL_BYTES_MAX || password.len() > CREDENTIAL_BYTES_MAX {
        return Err(bad_credentials().into());
    }
    if device_id.as_ref().is_some_and(is_unbound) {
        let message = "`device_id` must not begin with `free:`, which is for sign-ins without a device.";
        return Err(ApiError::new(ErrorCode::BadRequest, message).into());
    }
    let client = client_info::of(request);
    let found = accounts.user_and_hash(&username).await?;
    let user_id = found.as_ref().map_or("", |(user, _)| &user.id);
    let here = network(client.address.as_deref().unwrap_or_default());
    let known = accounts.known_network(user_id, &here, now).await?;
    let token = refresh_token.as_deref();
    let caller =
        Caller { user_id, username: &username, network: &here, is_known_here: known.is_known(), token };
    let counters = counters(accounts, &caller, now).await?;
    accounts.attempt(&counters, now).await?;
    let hash = found.as_ref().map(|(_, hash)| hash.clone());
    let verified = tokio::task::spawn_blocking(move || password::verify(&password, hash.as_deref())).await;
    let verified = verified.map_err(HandlerError::fault)?;
    let (user, _) = found.filter(|_| verified).ok_or_else(bad_credentials)?;
    accounts.forgive(&counters, now).await?;
    if client.address.is_some() {
        accounts.note_network(&user.id, &here, known, now).await?;
    }
    let (id, session) = (random::token::<16>(), random::session_id());
    let new = NewFamily { id, session, device: device_id, client };
    let signed_in = accounts.sign_in(user, new, now).await?;
    // Read after the new family is written, so that concurrent sign-ins find the same families.
    let families = accounts.live_families(&signed_in.user.id, now).await?;
    let surplus = surplus(families, users.sessions_per_user);
    let (revoked, error) = session_end::revoke_families(accounts, &signed_in.user.id, &surplus, now).await;
    session_end::report(&revoked, ended);
    registry.begin(&signed_in.family, &revoked).await;
    if let Some(error) = error {
        return Err(error.into());
    }
    HandlerResponse::json(&users.signer.session(signed_in, now).map_err(HandlerError::fault)?)
}

/// Who wants to sign in.
struct Caller<'a> {
    /// The id of the user with the name; empty if there is none.
    user_id: &'a str,
    username: &'a str,
    /// Where the request comes from; empty if that is not known.
    network: &'a str,
    /// Whether the user has signed in from there lately.
    is_known_here: bool,
    /// The refresh token that the device still has.
    token: Option<&'a str>,
}

/// What the attempt of `caller` counts for. Failures of strangers must not lock out a device that holds a
/// token of the user, nor an address at which the user is signed in or was lately; both count for themselves.
async fn counters(
    accounts: &Accounts,
    caller: &Caller<'_>,
    now: Timestamp,
) -> Result<Vec<Counter>, StoreError> {
    // An unknown name reads the families of no user, so that it takes the same time.
    let families = accounts.live_families(caller.user_id, now).await?;
    let token = caller.token.and_then(Token::read).filter(|token| token.user == caller.user_id);
    if let Some(token) = token
        && let Some(family) = families.iter().find(|family| family.is_held_by(&token))
    {
        return Ok(vec![Counter::Device(family.id.clone())]);
    }
    // A sign-in goes on at the address of its last refresh.
    let is_here = |family: &Family| {
        family.client.address.as_deref().is_some_and(|address| network(address) == caller.network)
    };
    let is_known = caller.is_known_here || families.iter().any(is_here);
    let name = credentials::composed_name(caller.username);
    let everywhere = (!is_known).then(|| Counter::Name(name.clone()));
    Ok(std::iter::once(Counter::NameAtAddress(name, caller.network.to_owned())).chain(everywhere).collect())
}

/// The same error for a wrong name and a wrong password.
fn bad_credentials() -> ApiError {
    ApiError::new(ErrorCode::BadCredentials, "User name and password do not belong together.")
}
