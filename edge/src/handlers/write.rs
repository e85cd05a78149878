//! Endpoints that write: the function's response, and the commit beside it.

use protocol::claims::Claims;
use protocol::error::ErrorCode;
use protocol::ids::{BranchId, Room};
use protocol::role::Role;
use protocol::wire::{COST_HEADER, WRITE_RESULT_CONTENT_TYPE};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::body::{self, BodyOwner};
use crate::context::RequestContext;
use crate::error::RequestError;
use crate::handlers::publish::{self, Commit};
use crate::query;
use crate::response::Response;
use crate::room::{Turn, WriteTurn};
use crate::telemetry::Part;
use crate::upstream::{CallError, Credentials, UpstreamResponse};

mod group;

use group::Grouped;

/// Forwards the request in its turn, and publishes the commit to its room after the response. The function
/// decides which branch the commit belongs to, since a super admin names it in the body.
pub(crate) async fn handle(context: &RequestContext) -> Result<Response, RequestError> {
    let caller = context.caller().await?;
    let query = context.upstream_query()?;
    let body = context.body(BodyOwner::Client(caller.claims.client_id.clone())).await?;
    // A client that disconnects in its turn would block the others until the lease ends.
    let _running = context.keep_running();
    let of_bytes = |bytes: Option<&[u8]>| room_of(&caller.claims, &query, bytes);
    let room = match &body {
        Some(body) => body.with(|bytes| of_bytes(Some(bytes))).ok_or_else(body::incomplete)?,
        None => of_bytes(None),
    };
    let (mut turn, mut has_called) = (None, false);
    if let Some(room) = room {
        let sender = caller.claims.sid.as_ref().map_or(&*caller.claims.sub, |session| session.as_str());
        let offer = || group::offer(context, &query, &caller.token, body.as_ref()?);
        let taking = WriteTurn::take(&context.env, room, sender, &context.id, offer);
        match context.observation.timed(Part::Room, taking).await? {
            Turn::Answered(answer) => return Ok(group::response(&answer)),
            Turn::Own(own) => turn = Some(own),
        }
    }
    if let Some(own) = turn.take_if(|turn| !turn.group.is_empty()) {
        has_called = true;
        match group::push(context, own, Credentials::Token(&caller.token), &caller.claims).await? {
            Grouped::Answered(answer) => return Ok(group::response(&answer)),
            Grouped::Alone(own) => turn = own,
        }
    }
    let written = match context.forward(&query, body.as_ref(), Credentials::Token(&caller.token)).await {
        Ok(upstream) => written(&caller.claims, upstream),
        Err(error) => Err(error),
    };
    match written {
        Ok((response, Some(commit))) => {
            publish::after_response(context, commit, turn);
            Ok(response)
        }
        other => {
            let is_over = match &other {
                Ok((response, _)) => is_over(response.status),
                // The edge has refused it, and called no function unless for a group.
                Err(RequestError::Caller(_)) => !has_called,
                Err(_) => false,
            };
            match turn {
                // Its commit may be too large to publish, or an earlier one that was not published.
                Some(turn) if other.as_ref().is_ok_and(|(response, _)| response.status < 300) => {
                    publish::nothing_after_response(context, turn);
                }
                Some(turn) => give_back(context, turn, is_over),
                None => {}
            }
            other.map(|(response, _)| response)
        }
    }
}

/// Whether a write that failed with `status` has surely committed nothing.
fn is_over(status: u16) -> bool {
    status < 500 || status == ErrorCode::DeadLettersFull.status()
}

/// Ends a turn without a commit to publish, after the response.
fn give_back(context: &RequestContext, turn: WriteTurn, is_over: bool) {
    let env = context.env.clone();
    context.execution.wait_until(async move { turn.give_back(&env, is_over).await });
}

/// The room of a write, as far as the edge can tell: a super admin names the branch in the query or the body.
/// `None` for a branch that the function will refuse; the write then needs no turn.
fn room_of(claims: &Claims, query: &str, body: Option<&[u8]>) -> Option<Room> {
    /// The only member that the edge reads.
    #[derive(Deserialize)]
    struct NamedBranch {
        branch_id: Option<BranchId>,
    }
    let named = || match query::value(query, "branch_id") {
        Some(branch) => branch.parse().ok(),
        None => serde_json::from_slice::<NamedBranch>(body?).ok()?.branch_id,
    };
    let branch = if claims.role == Role::SuperAdmin { named()? } else { claims.branch_id.clone()? };
    Some(Room { client: claims.client_id.clone(), branch })
}

/// The response for the client, and the commit that the function has put beside it.
fn written(claims: &Claims, upstream: UpstreamResponse) -> Result<(Response, Option<Commit>), RequestError> {
    if upstream.header("content-type") != Some(WRITE_RESULT_CONTENT_TYPE) {
        return Ok((upstream.into_response()?, None));
    }
    // The batch may be committed; a retry finds its marker and gets the response.
    let result: WriteResultText<'_> =
        serde_json::from_slice(&upstream.body).map_err(CallError::Unreadable)?;
    let mut response = Response::json(200, result.answer.get().as_bytes().to_vec());
    if let Some(cost) = upstream.header(COST_HEADER) {
        response.set(COST_HEADER, cost.to_owned());
    }
    Ok((response, Commit::of(&claims.client_id, &result.publications)?))
}

/// `protocol::wire::push::WriteResult` with both halves as text: the edge passes them on, and parsing every
/// record would only delay the response.
#[derive(Deserialize)]
struct WriteResultText<'a> {
    #[serde(borrow)]
    answer: &'a RawValue,
    #[serde(borrow)]
    publications: Vec<&'a RawValue>,
}

#[cfg(test)]
mod tests {
    use protocol::json::JsonText;
    use protocol::wire::push::WriteResult;

    use super::*;

    #[test]
    fn a_refusal_is_over_and_a_failure_may_have_committed() {
        for (status, expected) in [(400, true), (409, true), (507, true), (500, false), (503, false)] {
            assert_eq!(is_over(status), expected, "{status}");
        }
    }

    #[test]
    fn the_response_passes_unchanged() {
        let answer = JsonText::from_text(r#"{"success":true,"price":1.10}"#.into()).unwrap();
        let text = serde_json::to_string(&WriteResult { answer, publications: Vec::new() }).unwrap();
        let read: WriteResultText<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!(read.answer.get(), r#"{"success":true,"price":1.10}"#);
        assert!(read.publications.is_empty());
    }

    fn claims(role: &str, branch: Option<&str>) -> Claims {
        serde_json::from_value(serde_json::json!({
            "sub": "u1", "client_id": "1", "branch_id": branch, "role": role, "device": null, "iss": "i",
            "aud": "a", "exp": 2, "iat": 1, "jti": "j",
        }))
        .unwrap()
    }

    #[test]
    fn a_write_takes_its_turn_in_the_room_of_the_token_or_of_the_branch_that_a_super_admin_names() {
        let room = |claims: &Claims, query: &str, body: &str| {
            room_of(claims, query, Some(body.as_bytes())).map(|room| room.to_string())
        };
        let (cashier, admin) = (claims("cashier", Some("2")), claims("super_admin", None));
        let names_three = r#"{"records":[{"branch_id":"9"}],"branch_id":"3"}"#;
        assert_eq!(room(&cashier, "", names_three).as_deref(), Some("1:2"));
        assert_eq!(room(&admin, "", names_three).as_deref(), Some("1:3"));
        assert_eq!(room(&admin, "id=7&branch_id=4", "").as_deref(), Some("1:4"));
        for (query, body) in [("", ""), ("", "{}"), ("", r#"{"branch_id":"a:b"}"#), ("branch_id=a%3Ab", "{}")]
        {
            assert_eq!(room(&admin, query, body), None, "{query} {body}");
        }
        assert_eq!(room_of(&claims("cashier", None), "", None), None);
    }
}
