//! Ending sessions: durably in the accounts table, then announced to the edge.

use protocol::timestamp::Timestamp;
use protocol::wire::session_end::EndedSessions;

use super::Accounts;
use super::family::{EndedSession, Family};
use super::session_registry::SessionRegistry;
use crate::dynamo::error::StoreError;

/// Revokes families of `user`, up to the first error; returns the sessions that ended.
pub(super) async fn revoke_families(
    accounts: &Accounts,
    user: &str,
    families: &[Family],
    now: Timestamp,
) -> (Vec<EndedSession>, Option<StoreError>) {
    let mut ended = Vec::with_capacity(families.len());
    for family in families {
        match accounts.revoke(user, &family.id, now).await {
            // A concurrent refresh may have begun another session of the family.
            Ok(revoked) => ended.extend(revoked.as_ref().unwrap_or(family).all_ended()),
            Err(error) => return (ended, Some(error)),
        }
    }
    (ended, None)
}

/// Tells the edge that `sessions` have ended: in Redis, where it checks every request, and beside the
/// response, so that it refuses them at once and closes their sockets. Returns whether Redis accepted the
/// ends.
pub(super) async fn announce(
    registry: &SessionRegistry,
    sessions: &[EndedSession],
    ended: &mut EndedSessions,
) -> bool {
    report(sessions, ended);
    registry.end(sessions).await
}

/// Adds `sessions` to the ends beside the response.
pub(super) fn report(sessions: &[EndedSession], ended: &mut EndedSessions) {
    for EndedSession { session, client, branch } in sessions {
        ended.add(client.clone(), branch.clone(), session.clone());
    }
}
