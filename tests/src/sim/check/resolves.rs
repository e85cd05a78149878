//! A resolved conflict is a push of the whole record over the server's version, and never claims what it did
//! not do.

use model::{ExpectedResult, Key, Model, Prediction, member, table_rule};
use protocol::endpoints::Endpoint;
use protocol::ids::Room;
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::push::{PushRecord, PushRequest};
use protocol::wire::resolve::{Resolution, ResolveRequest, ResolveResponse, VersionChangedDetails};
use serde::Deserialize;

use super::model_run::ModelRun;
use super::pages::may_read;
use super::reads::{code, refusal};
use super::timeline::{Seen, Timeline};
use crate::sim::api::ApiReply;
use crate::sim::event_log::{EventLog, PushCall};
use crate::sim::release::Release;

/// The body of `version_changed`, with numbers as they are written.
#[derive(Deserialize)]
struct VersionChangedBody {
    error: VersionChangedError,
}

#[derive(Deserialize)]
struct VersionChangedError {
    details: VersionChangedDetails,
}

/// A function call that resolves a conflict.
#[derive(Clone, Debug)]
pub(crate) struct ResolveCall {
    pub(crate) room: Room,
    pub(crate) role: Role,
    /// The function's time.
    pub(crate) now: Timestamp,
    pub(crate) release: Release,
    pub(crate) body: String,
}

impl ResolveCall {
    /// The push that resolves the conflict in a room in the state of `model`.
    pub(crate) fn push(&self, model: &Model) -> Option<PushCall> {
        let request: ResolveRequest = serde_json::from_str(&self.body).ok()?;
        let key = (request.table_name.clone(), request.record_id.clone());
        let row = model.rooms.get(&self.room).and_then(|room| room.rows.get(&key));
        let (base, now) = (row.map(|row| row.version), self.now);
        let body = serde_json::to_string(&push_request(&request, base, now)).ok()?;
        let (room, role, release) = (self.room.clone(), self.role, self.release);
        Some(PushCall { room, role, arrived_at: now, now, body, release })
    }
}

fn push_request(request: &ResolveRequest, base_version: Option<u64>, now: Timestamp) -> PushRequest {
    let record = PushRecord {
        table_name: request.table_name.clone(),
        record_id: request.record_id.clone(),
        data: request.client_data.clone(),
        local_updated_at: Some(now.to_string()),
        base_version,
        ..PushRecord::default()
    };
    PushRequest {
        device_id: request.device_id.to_string(),
        batch_id: request.batch_id.as_ref().map(ToString::to_string),
        device_seq: None,
        base_stamp: None,
        atomic: false,
        branch_id: None,
        device_time: None,
        records: vec![record],
    }
}

/// Whether a resolution may write what the model `predicts`: everything, as it was sent.
pub(crate) fn is_whole(prediction: &Prediction) -> bool {
    prediction.results.iter().all(|result| match result {
        ExpectedResult::Applied { flags, .. } => !flags.iter().any(|flag| flag == "clamped_to_floor"),
        _ => false,
    })
}

pub(crate) fn check(run: &ModelRun, timeline: &Timeline, log: &EventLog) {
    let replies = log.entries().api_replies.clone();
    let of_resolve = |reply: &&ApiReply| reply.request.endpoint == Endpoint::ResolveConflict;
    for reply in replies.iter().filter(of_resolve) {
        let Ok(request) = serde_json::from_str::<ResolveRequest>(&reply.request.body) else { continue };
        let case = Case { run, timeline, log, reply, request: &request };
        if let Some(what) =
            case.difference().filter(|_| !timeline.is_restored_between(reply.began, reply.ended))
        {
            let (call, room, body) = (reply.call, &reply.room, &reply.request.body);
            log.violation("resolve", format!("call {call} in {room}, {body}: {what}"));
        }
    }
}

struct Case<'a> {
    run: &'a ModelRun,
    timeline: &'a Timeline,
    log: &'a EventLog,
    reply: &'a ApiReply,
    request: &'a ResolveRequest,
}

impl Case<'_> {
    fn difference(&self) -> Option<String> {
        let (reply, own) = (self.reply, self.run.predictions.get(&self.reply.call));
        let code = code(reply);
        if let Some(expected) = self.refusal_by_role() {
            return (code != expected).then(|| format!("expected {expected}, got {}", reply.body));
        }
        if let Some(refusal) = refusal(self.timeline, reply) {
            return refusal;
        }
        if reply.status == 200 {
            return self.difference_of_response(own);
        }
        // What a call did not see of its own commit, it meets as another's.
        if own.is_some() && !self.log.has_read_again(reply.call) {
            return Some(format!("it is committed and answered {}", reply.body));
        }
        match (reply.status, code.as_str()) {
            (409, "version_changed") => self.difference_of_version(),
            (404, "record_not_found") => {
                let states = self.states();
                (!states.contains(&None)).then(|| format!("there is a record: {states:?}"))
            }
            (409, "batch_id_reused") => {
                (!self.is_id_reused()).then(|| "no other resolution has its batch id".to_owned())
            }
            (422, "record_rejected") => None,
            (status, _) => Some(format!("it is answered {status}: {}", reply.body)),
        }
    }

    /// Whether another resolution was sent with the same batch id.
    fn is_id_reused(&self) -> bool {
        let entries = self.log.entries();
        let others = entries
            .resolves
            .values()
            .filter(|other| other.room == self.reply.room && other.body != self.reply.request.body);
        let mut requests =
            others.filter_map(|other| serde_json::from_str::<ResolveRequest>(&other.body).ok());
        requests.any(|other| other.batch_id.is_some() && other.batch_id == self.request.batch_id)
    }

    /// The code that the role or the release requires.
    fn refusal_by_role(&self) -> Option<&'static str> {
        let (release, role, table) = (self.reply.release, self.reply.role, self.request.table_name.as_str());
        if release.unknown_tables().contains(&table) {
            return Some("unknown_table");
        }
        let writes = self.request.resolution == Resolution::AcceptClient;
        let may = match table_rule(table) {
            Some(rule) if writes => rule.may_write(role),
            _ => may_read(release, role, table),
        };
        let is_hidden = self.reply.status == 503 || code(self.reply) == "token_expired";
        (!may && !is_hidden).then_some("table_forbidden")
    }

    fn difference_of_response(&self, own: Option<&Prediction>) -> Option<String> {
        let Ok(response) = serde_json::from_str::<ResolveResponse>(&self.reply.body) else {
            return Some(format!("its response is malformed: {}", self.reply.body));
        };
        let shown = Seen {
            data: response.data.as_str().to_owned(),
            version: response.version,
            stamp: 0,
            deleted: response.is_deleted,
        };
        let states = self.states();
        if !states.iter().flatten().any(|state| same(state, &shown)) {
            return Some(format!("it shows {shown:?}, which none is of {states:?}"));
        }
        let writes = self.request.resolution == Resolution::AcceptClient;
        let push = push_request(self.request, None, self.reply.now);
        let earlier = || {
            let name = (push.device_id.clone(), push.batch_id.clone()?);
            self.run.model_of(self.reply.call).rooms.get(&self.reply.room)?.responses.get(&name)
        };
        match own.or_else(earlier) {
            _ if self.run.has_lost_marker(&self.reply.room, &push) => None,
            Some(commit) => {
                let (found, expected) = ((response.prev.0, response.stamp.0), (commit.prev, commit.stamp));
                let is_own = own.is_some() && !self.log.has_read_again(self.reply.call);
                let is_unnamed = own.is_some() && push.batch_id.is_none() && !is_own;
                if found != expected && !is_unnamed {
                    return Some(format!("it spans {found:?}, not {expected:?}"));
                }
                (is_own && !self.has_all(&shown)).then(|| format!("it stored {shown:?}"))
            }
            None if response.prev != response.stamp => Some("it claims a commit that never was".to_owned()),
            None => (writes && !self.has_all(&shown)).then(|| format!("it claims to have written {shown:?}")),
        }
    }

    /// Whether `shown` has everything that was sent, except changes of sums.
    fn has_all(&self, shown: &Seen) -> bool {
        let Some(data) = &self.request.client_data else { return true };
        let (sent, found) = (member::parse(data.as_str()), member::parse(&shown.data));
        let (Some(sent), Some(found)) = (sent, found) else { return false };
        let is_plain = |value: &str| !value.starts_with("{\"$");
        let is_there = |(name, value): (&String, &String)| found.get(name) == Some(value);
        !shown.deleted && sent.iter().filter(|(_, value)| is_plain(value)).all(is_there)
    }

    fn difference_of_version(&self) -> Option<String> {
        let Ok(body) = serde_json::from_str::<VersionChangedBody>(&self.reply.body) else {
            return Some(format!("its details are malformed: {}", self.reply.body));
        };
        let details = body.error.details;
        let VersionChangedDetails { version, is_deleted: deleted, .. } = details;
        let shown = Seen { data: details.data.as_str().to_owned(), version, stamp: 0, deleted };
        let states = self.states();
        if self.request.expected_version == Some(version) {
            return Some("the version is as expected".to_owned());
        }
        let is_true = states.iter().flatten().any(|state| same(state, &shown));
        (!is_true).then(|| format!("it shows {shown:?}, which none is of {states:?}"))
    }

    /// The states of the record while the function ran.
    fn states(&self) -> Vec<Option<Seen>> {
        let key: Key = (self.request.table_name.clone(), self.request.record_id.clone());
        let (began, ended) = (self.reply.began.events, self.reply.ended.events);
        self.timeline.records(&self.reply.room, &key, began, ended)
    }
}

/// Whether two are the same record; a response shows no stamp.
fn same(state: &Seen, shown: &Seen) -> bool {
    (state.version, &state.data, state.deleted) == (shown.version, &shown.data, shown.deleted)
}
