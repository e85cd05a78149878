//! Tickets, each of which opens one socket. They are in the storage of the room, because a room may lose its
//! memory between a ticket and its use. The room handles one event at a time, so a ticket is used once.

use protocol::ids::SessionId;
use protocol::limits::TICKET_SECS;
use protocol::timestamp::Timestamp;
use worker::{ListOptions, State};

use super::call::ConnectRequest;
use super::storage::{self, KEYS_MAX};
use super::ticket::{KeptTicket, Redemption, TicketId};

/// Begins the keys of tickets. The time of expiry follows, so the first key expires first.
const PREFIX: &str = "ticket:";

/// Keeps a ticket, and deletes some that have expired. Returns its id.
pub(super) async fn issue(state: &State, ticket: &KeptTicket, now: Timestamp) -> worker::Result<TicketId> {
    // A second more, because it expires with the beginning of a second.
    let id = TicketId::new(now.plus_secs(TICKET_SECS + 1))?;
    delete_some_expired(state, now).await?;
    state.storage().put(&key(&id), ticket.encode()).await?;
    Ok(id)
}

/// Takes a ticket. Returns the connection that it allows, if it was kept until now and is one of this device
/// and page. Right or wrong, it is used.
pub(super) async fn redeem(
    state: &State,
    redemption: Redemption,
    now: Timestamp,
) -> worker::Result<Option<ConnectRequest>> {
    let (storage, key) = (state.storage(), key(&redemption.id));
    let kept: Option<String> = storage.get(&key).await?;
    // Of two uses at once, one deletes it.
    let is_taken = kept.is_some() && storage.delete(&key).await?;
    let valid = kept.filter(|_| is_taken && now < redemption.id.expires_at());
    let connect = valid.and_then(|text| redemption.connection(KeptTicket::decode(&text)?));
    // It ends with its token.
    Ok(connect.filter(|connect| now < connect.expires_at))
}

/// Deletes tickets that have expired, some in one alarm. Returns when to do so again, if there are others.
pub(super) async fn delete_expired(state: &State, now: Timestamp) -> worker::Result<Option<Timestamp>> {
    let deleted = delete_some_expired(state, now).await?;
    Ok(is_any_kept(state).await?.then(|| next_sweep(deleted, now)))
}

/// Deletes [`KEYS_MAX`] tickets at most that have expired, the oldest first. Returns how many it has deleted.
async fn delete_some_expired(state: &State, now: Timestamp) -> worker::Result<usize> {
    let end = expired_end(now);
    let expired = keys(state, ListOptions::new().start(PREFIX).end(&end).limit(KEYS_MAX)).await?;
    storage::delete_all(&state.storage(), &expired).await?;
    Ok(expired.len())
}

/// The keys of tickets that have expired at `now` are before this one.
fn expired_end(now: Timestamp) -> String {
    format!("{PREFIX}{:012}", now.as_secs() + 1)
}

/// When to look for expired tickets again after `deleted` of them: at once if others are left.
fn next_sweep(deleted: usize, now: Timestamp) -> Timestamp {
    if deleted < KEYS_MAX { now.plus_secs(TICKET_SECS) } else { now }
}

/// Whether the room keeps a ticket.
pub(super) async fn is_any_kept(state: &State) -> worker::Result<bool> {
    Ok(!keys(state, ListOptions::new().prefix(PREFIX).limit(1)).await?.is_empty())
}

/// Deletes the tickets of `sessions`.
pub(super) async fn end_sessions(state: &State, sessions: &[SessionId]) -> worker::Result<()> {
    let kept = state.storage().list_with_options(ListOptions::new().prefix(PREFIX)).await?;
    let mut ended = Vec::new();
    kept.for_each(&mut |ticket, key| {
        let ticket = ticket.as_string().and_then(|ticket| KeptTicket::decode(&ticket));
        let session = ticket.and_then(|ticket| ticket.connect.session);
        let is_ended = session.is_some_and(|session| sessions.contains(&session));
        ended.extend(key.as_string().filter(|_| is_ended));
    });
    storage::delete_all(&state.storage(), &ended).await
}

async fn keys(state: &State, which: ListOptions<'_>) -> worker::Result<Vec<String>> {
    let found = state.storage().list_with_options(which).await?;
    Ok(found.keys().into_iter().flatten().filter_map(|key| key.as_string()).collect())
}

fn key(id: &TicketId) -> String {
    format!("{PREFIX}{}", id.stored_name())
}

#[cfg(test)]
mod tests;
