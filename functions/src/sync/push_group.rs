//! Several pushes of one room, which the edge collected while they waited for their turn, in one transaction.
//!
//! Each push has its own token, checks, decision, marker and answer. One that cannot be committed together
//! with the others is left unanswered and sent again alone, so no push harms its neighbours.

use std::collections::BTreeSet;

use protocol::endpoints::Endpoint;
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::{ClientId, DeviceId, Room};
use protocol::json::JsonText;
use protocol::limits::GROUP_PUSHES_MAX;
use protocol::record::RecordKey;
use protocol::timestamp::Timestamp;
use protocol::wire::error_response::ErrorResponse;
use protocol::wire::publication::Publication;
use protocol::wire::push::PushResponse;
use protocol::wire::push_group::{CONTENT_TYPE, GroupedPush, GroupedResponse, PushGroup, PushGroupResult};
use sync::decide::commit::Decided;
use sync::decide::group::Group;
use sync::marker::ReadMarker;
use sync::push::Push;
use sync::response;
use sync::snapshot::Snapshot;

use super::batch_push::{note_clocks, repeat};
use super::commit::{CommitRetry, commit, fast_path};
use crate::context::{Context, SyncContext};
use crate::dynamo::cost::Cost;
use crate::http::error::HandlerError;
use crate::http::request::{FunctionRequest, NoClaims, believed_arrival};
use crate::http::request_lines::AnsweredPush;
use crate::http::response::{HandlerResponse, HandlerResult, reported};
use crate::limits::{BATCH_GET_KEYS_MAX, GROUP_RESPONSE_BYTES_MAX};

/// Pushes a group. An error means that the group as a whole cannot be pushed; its pushes may still succeed
/// one by one. `answered` receives what was answered, and `client` whose pushes they are.
pub async fn handle(
    context: &Context,
    request: &FunctionRequest<'_>,
    cost: &mut Cost,
    answered: &mut Vec<AnsweredPush>,
    client: &mut Option<ClientId>,
) -> HandlerResult {
    let (sync, now) = (context.sync()?, request.now);
    let sent = parse(request.body())?;
    let mut answers = Answers::new(sent.pushes);
    let mut members = Members::default();
    for (index, sent) in answers.sent.iter().enumerate() {
        match read(context, sent, now, cost).await {
            Ok((room, push)) => members.add(index, room, push),
            Err(error) => answers.results.push((index, Err(error))),
        }
    }
    let mut publications = Vec::new();
    if let Some(room) = members.room {
        *client = Some(room.client.clone());
        let mut retry = CommitRetry::new(request, "group");
        let mut members = members.pushes;
        loop {
            let read = sync.store.load_group(&room, &pushes(&members), cost).await?;
            match attempt(sync, &room, &mut members, read, &mut answers, now, cost).await? {
                Some(published) => break publications = published,
                None => {
                    if let Err(busy) = retry.wait().await {
                        let results = members.iter().map(|(index, _)| (*index, Err(busy.clone().into())));
                        break answers.results.extend(results);
                    }
                }
            }
        }
        for (_, result) in &mut answers.results {
            if let Ok(response) = result {
                response.history = sync.store.history(&room);
            }
        }
    }
    let result =
        PushGroupResult { answers: answers.finish(cost, answered)?, publications: fast_path(publications) };
    Ok(HandlerResponse::json(&result)?.with_content_type(CONTENT_TYPE))
}

fn parse(body: &[u8]) -> Result<PushGroup, ApiError> {
    let bad = |what: String| ApiError::new(ErrorCode::BadRequest, what);
    let group: PushGroup = serde_json::from_slice(body).map_err(|error| bad(error.to_string()))?;
    if group.pushes.len() > GROUP_PUSHES_MAX {
        return Err(bad(format!("A group has at most {GROUP_PUSHES_MAX} pushes.")));
    }
    Ok(group)
}

/// Checks one push as if it had come alone.
async fn read(
    context: &Context,
    sent: &GroupedPush,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<(Room, Push), HandlerError> {
    let access = Endpoint::PushBatch.spec().access;
    let claims = context.caller(access, Some(&sent.token), now, &mut None)?;
    let claims = claims.ok_or_else(|| HandlerError::fault(NoClaims))?;
    let push = Push::parse(&context.sync()?.rules.tables, claims.role, sent.body.as_bytes())?;
    let push = push.by(claims.free_user()).arrived(believed_arrival(sent.arrived_at, now));
    claims.acts_as(&push.device)?;
    let room = context.room(&claims, push.branch.as_ref(), cost).await?;
    Ok((room, push))
}

/// A push that is not answered yet, with its place in the group.
type Member = (usize, Push);

fn pushes(members: &[Member]) -> Vec<&Push> {
    members.iter().map(|(_, push)| push).collect()
}

/// The pushes that can be loaded together.
#[derive(Default)]
struct Members {
    room: Option<Room>,
    pushes: Vec<Member>,
    /// The devices of all pushes so far, also of those left out: a device's pushes keep their order.
    devices: BTreeSet<DeviceId>,
    keys: BTreeSet<RecordKey>,
}

impl Members {
    /// Adds a push, or leaves it out: without a `batch_id` it could not be sent again safely, the first push
    /// names the room, and one BatchGetItem must load all.
    fn add(&mut self, index: usize, room: Room, push: Push) {
        let is_first_of_device = self.devices.insert(push.device.clone());
        let new: Vec<RecordKey> =
            push.keys_to_read().into_iter().filter(|key| !self.keys.contains(key)).cloned().collect();
        // HEAD, the markers, the numbers of the devices and the records.
        let keys = 1 + 2 * (self.pushes.len() + 1) + self.keys.len() + new.len();
        let is_same_room = self.room.as_ref().is_none_or(|known| *known == room);
        if !is_first_of_device || push.batch.is_none() || !is_same_room || keys > BATCH_GET_KEYS_MAX {
            return;
        }
        self.room = Some(room);
        self.keys.extend(new);
        self.pushes.push((index, push));
    }
}

/// Decides the pushes on what was read, and commits. Returns the commits; `None` if another commit came
/// first: load and decide those that are left in `members` again.
async fn attempt(
    sync: &SyncContext,
    room: &Room,
    members: &mut Vec<Member>,
    (read, markers): (Snapshot, Vec<ReadMarker>),
    answers: &mut Answers,
    now: Timestamp,
    cost: &mut Cost,
) -> Result<Option<Vec<Publication>>, HandlerError> {
    let mut new = Vec::new();
    for ((index, push), marker) in members.drain(..).zip(markers) {
        let known = match &marker {
            ReadMarker::Damaged => Some(Ok(Some(response::from_damaged_marker(&push, &read, now)))),
            ReadMarker::Found(marker) if marker.settles(&push.hash, push.user.as_deref()) => {
                Some(repeat(&push, marker, &read, now))
            }
            ReadMarker::Found(_) | ReadMarker::None => None,
        };
        match known.map(Result::transpose) {
            Some(Some(result)) => answers.results.push((index, result)),
            // Its commit happened during the read.
            Some(None) => {}
            None => new.push((index, push)),
        }
    }
    let mut group = Group::new(&sync.rules, read, now);
    let added: Vec<usize> = new.iter().filter(|(_, push)| group.add(push)).map(|(index, _)| *index).collect();
    let Some(plan) = group.commit(room) else { return Ok(Some(Vec::new())) };
    let committed = commit(sync, plan, now, cost).await?;
    if committed.is_some() {
        let decided = group.decided();
        note_clocks(&sync.store, room, &decided, now, cost).await;
        for (index, Decided { push, plan }) in added.into_iter().zip(decided) {
            answers.results.push((index, Ok(response::from_plan(push, plan, now))));
        }
    } else {
        drop(group);
        members.extend(new.into_iter().filter(|(index, _)| added.contains(index)));
    }
    Ok(committed)
}

/// The answers so far.
struct Answers {
    sent: Vec<GroupedPush>,
    /// The result of each push that is answered, by its place.
    results: Vec<(usize, Result<PushResponse, HandlerError>)>,
}

impl Answers {
    fn new(sent: Vec<GroupedPush>) -> Answers {
        Answers { sent, results: Vec::new() }
    }

    /// The answers in the order of the pushes. Those that would make the response too large are left out: a
    /// retry gets them from the marker.
    fn finish(
        self,
        cost: &Cost,
        answered: &mut Vec<AnsweredPush>,
    ) -> Result<Vec<Option<GroupedResponse>>, HandlerError> {
        let Answers { sent, mut results } = self;
        results.sort_unstable_by_key(|(index, _)| *index);
        let callers = results.len();
        let mut answers: Vec<Option<GroupedResponse>> = vec![None; sent.len()];
        let mut bytes = 0;
        for (nth, (index, result)) in results.into_iter().enumerate() {
            let (Some(sent), Some(answer)) = (sent.get(index), answers.get_mut(index)) else { continue };
            let (status, retry_after, text) = match result {
                Ok(response) => (200, None, serde_json::to_string(&response)?),
                Err(error) => {
                    let error = reported(error, &sent.request_id);
                    let text = ErrorResponse::new(&error, &sent.request_id).to_json();
                    (error.code.status(), error.retry_after_secs(), text)
                }
            };
            if bytes + text.len() <= GROUP_RESPONSE_BYTES_MAX {
                bytes += text.len();
                let (cost, body) = (cost.share(nth, callers), JsonText::from_text(text)?);
                answered.push(AnsweredPush { request_id: sent.request_id.clone(), status, cost });
                *answer = Some(GroupedResponse { status, retry_after, cost: cost.to_string(), body });
            }
        }
        Ok(answers)
    }
}

#[cfg(test)]
mod tests {
    use protocol::stamp::Stamp;

    use super::*;

    #[test]
    fn an_answer_that_is_too_large_leaves_the_others_their_place() {
        let response = |cursor: String| PushResponse {
            success: true,
            synced_count: 0,
            conflicts: Vec::new(),
            errors: Vec::new(),
            applied: Vec::new(),
            prev: Stamp::ZERO,
            stamp: Stamp::ZERO,
            cursor,
            server_time: String::new(),
            history: None,
        };
        let sent = |id: &str| GroupedPush {
            request_id: id.to_owned(),
            arrived_at: Timestamp(0),
            token: String::new(),
            body: String::new(),
        };
        let mut answers = Answers::new(["a", "b", "c"].map(sent).into());
        for (place, bytes) in [(0, 1), (1, GROUP_RESPONSE_BYTES_MAX), (2, 1)] {
            answers.results.push((place, Ok(response("x".repeat(bytes)))));
        }
        let mut answered = Vec::new();
        let answers = answers.finish(&Cost::default(), &mut answered).unwrap();
        assert_eq!(answers.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
        let ids: Vec<&str> = answered.iter().map(|answer| answer.request_id.as_str()).collect();
        assert_eq!(ids, ["a", "c"], "the other is answered when it comes alone");
    }
}
