//! The mutations of what is cached, of statistics, and of resolved conflicts.

use protocol::endpoints::Endpoint;
use protocol::role::Role;
use protocol::timestamp::Timestamp;

use super::api::ApiCall;
use super::clock::BEGINNING;
use super::mutation::Mutation;
use super::redis::commands::Words;

/// The response to `commands` in place of Redis's. `None` if Redis responds.
pub(crate) fn response(mutation: Mutation, commands: &[Words]) -> Option<&'static str> {
    let is_invalidation = matches!(commands, [words] if words.first().is_some_and(|name| name == "DEL"));
    (mutation == Mutation::NoInvalidation && is_invalidation).then_some(r#"{"result":1}"#)
}

/// The time by the cache's clock.
pub(crate) fn time(mutation: Mutation, now: Timestamp) -> Timestamp {
    if mutation == Mutation::EternalEntries { BEGINNING } else { now }
}

/// The request that the function handles in place of `request`.
pub(crate) fn request(mutation: Mutation, role: Role, request: &ApiCall) -> Option<ApiCall> {
    match (mutation, request.endpoint) {
        (Mutation::IgnoredMin, _) => {
            let others = request.query.split('&').filter(|pair| !pair.starts_with("min="));
            Some(ApiCall { query: others.collect::<Vec<_>>().join("&"), ..request.clone() })
        }
        (Mutation::ClaimedResolutions, Endpoint::ResolveConflict) => {
            let body = request.body.replace("accept_client", "accept_server");
            Some(ApiCall { body, ..request.clone() })
        }
        (Mutation::OthersStatistics, Endpoint::GetSyncStats) if role == Role::SuperAdmin => {
            let query = request.query.replace("branch_id=1", "branch_id=2");
            Some(ApiCall { query, ..request.clone() })
        }
        _ => None,
    }
}
