//! Several pushes of one room in one call, from the edge to the function that pushes. Clients never see it.

use serde::{Deserialize, Serialize};

use crate::json::JsonText;
use crate::timestamp::Timestamp;
use crate::wire::publication::Publication;

/// The operation id of the call. A function of the release before does not know it and answers with an error,
/// as to every unknown operation.
pub const OPERATION: &str = "pushGroup";
/// The content type of a [`PushGroupResult`].
pub const CONTENT_TYPE: &str = "application/vnd.tillsync.push-group+json";

/// The pushes in the order of their arrival.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct PushGroup {
    /// At most [`crate::limits::GROUP_PUSHES_MAX`].
    pub pushes: Vec<GroupedPush>,
}

/// One push, as its client sent it to the edge.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupedPush {
    /// The id of its request.
    pub request_id: String,
    /// When it arrived at the edge: see [`crate::wire::ARRIVED_HEADER`].
    pub arrived_at: Timestamp,
    /// Its access token.
    pub token: String,
    /// Its body: a [`crate::wire::push::PushRequest`].
    pub body: String,
}

/// Shows neither the token nor the data.
impl std::fmt::Debug for GroupedPush {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GroupedPush").field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

/// What the function answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct PushGroupResult {
    /// The answers in the order of the pushes. `None` for a push that did not fit, or that is not to be
    /// answered in a group: it must be sent again.
    pub answers: Vec<Option<GroupedResponse>>,
    /// The commits in their order, one publication per log item; empty if nothing was written or they are too
    /// large.
    pub publications: Vec<Publication>,
}

/// The answer to one push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupedResponse {
    /// The HTTP status.
    pub status: u16,
    /// The seconds of `Retry-After`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// What the call cost it, as in [`crate::wire::COST_HEADER`].
    pub cost: String,
    /// The body, passed on unparsed: a [`crate::wire::push::PushResponse`] or an error.
    pub body: JsonText,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push() -> GroupedPush {
        let (token, body) = ("a.secret.token".into(), r#"{"device_id":"till-1"}"#.into());
        GroupedPush { request_id: "7f".into(), arrived_at: Timestamp(1_765_103_400_000_000), token, body }
    }

    #[test]
    fn debug_shows_neither_the_token_nor_the_data_of_a_push() {
        let shown = format!("{:?}", PushGroup { pushes: vec![push()] });
        assert!(shown.contains("7f"));
        assert!(!shown.contains("secret") && !shown.contains("till-1"), "{shown}");
    }

    #[test]
    fn a_group_is_read_as_the_release_that_began_with_groups_wrote_it() {
        let group = r#"{"pushes":[{"request_id":"7f","arrived_at":1765103400000000,"token":"a.secret.token","body":"{\"device_id\":\"till-1\"}"}]}"#;
        assert_eq!(serde_json::to_string(&PushGroup { pushes: vec![push()] }).unwrap(), group);
        assert_eq!(serde_json::from_str::<PushGroup>(group).unwrap().pushes, [push()]);
        let result = r#"{"answers":[{"status":503,"retry_after":2,"cost":"requests=2; write=0; read=1","body":{"a": 1.10}},null],"publications":[]}"#;
        let read: PushGroupResult = serde_json::from_str(result).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), result);
        // A later release may add members.
        let later = result.replace(r#""status""#, r#""later":1,"status""#);
        assert_eq!(serde_json::from_str::<PushGroupResult>(&later).unwrap().answers, read.answers);
    }
}
