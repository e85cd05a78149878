//! Pushes of one room that arrive at about the same time go to the function in one call, as from the edge.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use functions::http::dispatch;
use lambda_http::Body;
use protocol::ids::Room;
use protocol::limits::{GROUP_PUSHES_MAX, WRITE_WAIT_MILLIS};
use protocol::timestamp::Timestamp;
use protocol::wire::push_group::{
    CONTENT_TYPE, GroupedPush, GroupedResponse, OPERATION, PushGroup, PushGroupResult,
};
use sync::limits::WRITE_SECS_MAX;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::actors::Caller;
use super::event_log::PushCall;
use super::fault_rates::FaultRates;
use super::lock;
use super::network::CALL;
use super::release::Release;
use super::rng::Rng;
use super::server::{ApiRequest, Call, Reply, Server, call_context, http};

/// Milliseconds for which the first push of a group waits for others.
const WAIT_MILLIS_MAX: u64 = 400;

/// The pushes that wait, by room.
#[derive(Debug, Default)]
pub(crate) struct Groups(Mutex<BTreeMap<Room, Vec<Waiting>>>);

#[derive(Debug)]
struct Waiting {
    caller: Caller,
    body: String,
    arrived_at: Timestamp,
    reply: oneshot::Sender<Option<Reply>>,
}

impl Server {
    /// Pushes `body`, alone or in a group. Returns `None` if no response arrives.
    pub(super) async fn push(
        self: &Arc<Self>,
        caller: &Caller,
        body: String,
        arrived_at: Timestamp,
        rng: &mut Rng,
        rates: &FaultRates,
    ) -> Option<Reply> {
        if self.groups.is_some() {
            return self.push_together(caller, body, arrived_at, rng).await;
        }
        if rng.chance(60) {
            // It waits for its turn.
            sleep(Duration::from_millis(rng.between(1, WRITE_WAIT_MILLIS))).await;
        }
        self.start(caller, ApiRequest::Push(body), arrived_at, rng, rates).await.ok().flatten()
    }

    /// Pushes `body` together with the pushes of its room that arrive meanwhile.
    async fn push_together(
        self: &Arc<Self>,
        caller: &Caller,
        body: String,
        arrived_at: Timestamp,
        rng: &mut Rng,
    ) -> Option<Reply> {
        let (sender, reply) = oneshot::channel();
        let waiting = Waiting { caller: caller.clone(), body, arrived_at, reply: sender };
        let mut rng = Rng::new(rng.next_u64());
        let is_first = {
            let mut rooms = lock(&self.groups.as_ref()?.0);
            let group = rooms.entry(caller.room.clone()).or_default();
            group.push(waiting);
            group.len() == 1
        };
        if is_first {
            // Goes on if the device of the first push crashes.
            let (server, room) = (self.clone(), caller.room.clone());
            tokio::spawn(async move {
                sleep(Duration::from_millis(rng.below(WAIT_MILLIS_MAX))).await;
                let groups = server.groups.as_ref().and_then(|groups| lock(&groups.0).remove(&room));
                let mut group = groups.unwrap_or_default();
                while !group.is_empty() {
                    let rest = group.split_off(group.len().min(GROUP_PUSHES_MAX));
                    server.push_group(std::mem::replace(&mut group, rest), &mut rng).await;
                }
            });
        }
        reply.await.ok().flatten()
    }

    async fn push_group(self: &Arc<Self>, group: Vec<Waiting>, rng: &mut Rng) {
        let [first, _, ..] = group.as_slice() else { return self.push_alone(group, rng).await };
        let (number, rates) = (self.next_number(), self.fault_rates());
        let now = self.clock.of_function(rng, rates.skew_micros);
        let release = self.deployment.pick(rng);
        let call = Call { number, caller: first.caller.clone(), release, arrived_at: None, now };
        let calls = self.note_group(&call, &group);
        let body = serde_json::to_string(&push_group(&group, &calls)).unwrap_or_default();
        let context = call_context(number, release, rng);
        let crash = rng.chance(rates.crash).then(|| Duration::from_millis(rng.below(150)));
        let ends = crash.unwrap_or(Duration::from_secs(WRITE_SECS_MAX));
        let server = self.clone();
        let running = CALL.scope(context, async move {
            timeout(ends, server.call_group(&call, body)).await.unwrap_or_default()
        });
        let mut answers = tokio::spawn(running).await.unwrap_or_default();
        if let Some(mutation) = self.mutation {
            mutation.mutate_answers(&mut answers);
        }
        let mut alone = Vec::new();
        let answers = answers.into_iter().chain(std::iter::repeat(None));
        for ((waiting, call), answer) in group.into_iter().zip(calls).zip(answers) {
            match answer {
                Some(reply) => {
                    let reply = self.answered(&call, &ApiRequest::Push(waiting.body), reply);
                    // The device may have crashed.
                    let _ = waiting.reply.send(Some(reply));
                }
                None => alone.push(waiting),
            }
        }
        self.push_alone(alone, rng).await;
    }

    /// Notes the pushes of a group as calls of their own.
    fn note_group(&self, group: &Call, pushes: &[Waiting]) -> Vec<Call> {
        let mut entries = self.log.entries();
        let note = |Waiting { caller, body, arrived_at, .. }: &Waiting| {
            let (number, now, release) = (self.next_number(), group.now, group.release);
            let (room, role, body) = (caller.room.clone(), caller.role, body.clone());
            let push = PushCall { room, role, arrived_at: now.min(*arrived_at), now, body, release };
            entries.calls.insert(number, push);
            entries.groups.insert(number, group.number);
            Call { number, caller: caller.clone(), release, arrived_at: Some(*arrived_at), now }
        };
        pushes.iter().map(note).collect()
    }

    /// Calls the function. The answers are empty if it cannot push the group as a whole.
    async fn call_group(&self, call: &Call, body: String) -> Vec<Option<Reply>> {
        if call.release == Release::Before {
            // As an operation that the release does not know.
            return Vec::new();
        }
        let request = http::request(&format!("/{OPERATION}"), call, Body::Text(body));
        let functions = self.deployment.functions(call.release);
        let response = dispatch::handle(&functions.batch_push, request, call.now).await;
        let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
        if content_type != Some(CONTENT_TYPE) {
            self.log.trace(&format!("{} answers {}", call.number, response.status()));
            return Vec::new();
        }
        match serde_json::from_slice::<PushGroupResult>(response.body()) {
            Ok(result) => {
                // The receiver is gone once the run is over.
                result.publications.into_iter().for_each(|part| drop(self.published.send(part)));
                let reply = |answer: GroupedResponse| Reply {
                    status: answer.status,
                    body: answer.body.as_str().to_owned(),
                };
                result.answers.into_iter().map(|answer| answer.map(reply)).collect()
            }
            Err(error) => {
                self.log.violation("answer", format!("a response to a group is malformed: {error}"));
                Vec::new()
            }
        }
    }

    /// The number of the next call.
    pub(super) fn next_number(&self) -> u64 {
        self.calls.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Pushes each alone, one after the other.
    async fn push_alone(self: &Arc<Self>, pushes: Vec<Waiting>, rng: &mut Rng) {
        for Waiting { caller, body, arrived_at, reply } in pushes {
            let rates = self.fault_rates();
            let answer = self.start(&caller, ApiRequest::Push(body), arrived_at, rng, &rates);
            let _ = reply.send(answer.await.ok().flatten());
        }
    }
}

fn push_group(pushes: &[Waiting], calls: &[Call]) -> PushGroup {
    let push = |(waiting, call): (&Waiting, &Call)| GroupedPush {
        request_id: format!("call-{}", call.number),
        arrived_at: waiting.arrived_at,
        token: waiting.caller.token.expose().to_owned(),
        body: waiting.body.clone(),
    };
    PushGroup { pushes: pushes.iter().zip(calls).map(push).collect() }
}
