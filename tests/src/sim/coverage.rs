//! What the responses of runs reached. A run of many seeds that never meets a part of the protocol proves
//! nothing about it, so `cargo xtask sim` counts, and fails below the floor.

use std::collections::BTreeMap;
use std::fmt;

use protocol::error::ErrorCode;
use protocol::wire::outcome::{ConflictReason, Flag, RejectionCode};
use protocol::wire::pull::PullResponse;
use protocol::wire::push::{PushRequest, PushResponse};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::decisions;

/// Seeds after which everything must have been reached.
pub(crate) const SEEDS_MIN: u64 = 100;
/// A page of at least this many bytes that has fewer changes than its limit was cut by its size.
const CUT_PAGE_BYTES_MIN: usize = 512 * 1024;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Kind {
    Status,
    Error,
    Outcome,
    Conflict,
    Rejection,
    Flag,
    Operation,
    Mode,
    Decision,
    Situation,
}

/// What has no `ALL` of its own.
const OTHERS: &[(Kind, &[&str])] = &[
    (Kind::Status, &["200", "204"]),
    (Kind::Outcome, &["applied", "conflict", "rejected"]),
    (Kind::Operation, &["create", "update", "delete"]),
    (Kind::Mode, &["changes", "snapshot"]),
    (
        Kind::Situation,
        &[
            "batch answered from its marker",
            "record already applied",
            "atomic batch rolled back",
            "batch split",
            "group applied",
            "group undone",
            "group replayed",
            "stored data shown",
            "stored data omitted",
            "page with more behind it",
            "page cut by its size",
            "page of a walk cut by its size",
            "token expired",
            "user with another role",
            "page of head office",
            "head office at the end of 200 branches",
            "cursor with a checkpoint",
            "commit found without its note",
            "frame applied",
            "frame dropped",
            "frame after a gap",
            "walk read an old record",
            "snapshot asked for",
            "record left out by a window",
            "dead letter replayed",
            "dead letter discarded",
            "log item damaged",
            "marker damaged",
            "record damaged",
            "device clock corrected",
            "base stamp that covers the record",
            "base stamp before the device's own writes",
            "base stamp before the writes of others",
            "base stamp beyond the head",
            "late batch that is new",
            "late batch that was applied before",
            "late batch that may be new",
            "batch without a time",
            "number of a batch that was applied before",
            "response fresh",
            "response stale",
            "response loaded",
            "response shared",
            "response memory",
            "conflict resolved by writing",
            "conflict resolved without writing",
            "cart written",
            "cart read from the cache",
            "cart removed",
        ],
    ),
];

/// Why the simulation cannot reach a code. Every other code must be reached.
const UNREACHED: &[(Kind, &str, &str)] = &[
    (Kind::Error, "too_many_branches", "a run has few branches: tests/e2e/sync/many_branches.rs"),
    (Kind::Error, "group_needs_batch", "tills name batches with groups: tests/e2e/sync/record_groups.rs"),
    (Kind::Error, "group_damaged", "a run damages no dead letters: tests/e2e/sync/record_groups.rs"),
    (Kind::Error, "session_revoked", "the edge checks sessions: tests/e2e/accounts"),
    (Kind::Error, "bad_credentials", "there are no accounts: tests/e2e/accounts"),
    (Kind::Error, "refresh_invalid", "there are no accounts: tests/e2e/accounts"),
    (Kind::Error, "refresh_reused", "there are no accounts: tests/e2e/accounts"),
    (Kind::Error, "session_not_found", "there are no accounts: tests/e2e/accounts"),
    (Kind::Error, "bad_signature", "the edge checks signatures: tests/e2e/edge"),
    (Kind::Error, "room_forbidden", "rooms of sockets are at the edge: tests/e2e/edge/sockets.rs"),
    (Kind::Error, "origin_forbidden", "the edge knows the origins of pages: tests/e2e/edge/browser.rs"),
    (Kind::Error, "dead_letters_full", "a run has few dead letters: tests/e2e/sync/counts.rs"),
    (Kind::Error, "room_full", "rooms of sockets are at the edge: edge/src/room/socket_caps.rs"),
    (Kind::Error, "ticket_invalid", "tickets open sockets at the edge: tests/e2e/edge/tickets.rs"),
    (Kind::Error, "upgrade_required", "sockets are at the edge: tests/e2e/edge/sockets.rs"),
    (Kind::Error, "not_found", "the edge finds the endpoint: tests/e2e/edge"),
    (Kind::Error, "method_not_allowed", "the edge finds the endpoint: tests/e2e/edge"),
    (Kind::Error, "body_too_large", "the edge limits bodies: tests/e2e/edge"),
    (Kind::Error, "body_incomplete", "the edge reads bodies: tests/e2e/edge/bodies.rs"),
    (Kind::Error, "rate_limited", "the edge counts requests: tests/e2e/edge"),
    (Kind::Error, "internal", "a fault of the product, which is a violation"),
];

/// How often each part of the protocol was reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<((Kind, String), u64)>", into = "Vec<((Kind, String), u64)>")]
pub(crate) struct Coverage(BTreeMap<(Kind, String), u64>);

impl From<Vec<((Kind, String), u64)>> for Coverage {
    fn from(counts: Vec<((Kind, String), u64)>) -> Coverage {
        Coverage(counts.into_iter().collect())
    }
}

impl From<Coverage> for Vec<((Kind, String), u64)> {
    fn from(coverage: Coverage) -> Vec<((Kind, String), u64)> {
        coverage.0.into_iter().collect()
    }
}

impl Coverage {
    pub(crate) fn count(&mut self, kind: Kind, name: impl Into<String>) {
        *self.0.entry((kind, name.into())).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Coverage) {
        for (key, count) in &other.0 {
            *self.0.entry(key.clone()).or_default() += count;
        }
    }

    /// Counts the status of a response, and its code if it is an error.
    pub(crate) fn response(&mut self, status: u16, body: &str) {
        self.count(Kind::Status, status.to_string());
        if status >= 400 {
            let body: Value = serde_json::from_str(body).unwrap_or_default();
            let code = body.pointer("/error/code").and_then(Value::as_str);
            self.count(Kind::Error, code.unwrap_or("a response without a code"));
        }
    }

    /// Counts the response to a push. `committed` tells whether this very call wrote.
    pub(crate) fn push(&mut self, request: &str, response: &str, committed: bool) {
        let Ok(body) = serde_json::from_str::<PushResponse>(response) else { return };
        for applied in &body.applied {
            self.count(Kind::Outcome, "applied");
            applied.flags.iter().for_each(|flag| self.count(Kind::Flag, flag));
            self.situation("record already applied", applied.stamp <= body.prev);
            self.situation("stored data shown", applied.data.is_some());
            self.situation("stored data omitted", applied.data_omitted);
        }
        for conflict in &body.conflicts {
            self.count(Kind::Outcome, "conflict");
            self.count(Kind::Conflict, &conflict.reason);
        }
        for error in &body.errors {
            self.count(Kind::Outcome, "rejected");
            self.count(Kind::Rejection, &error.code);
        }
        decisions::count(self, &body);
        self.situation("atomic batch rolled back", !body.success);
        let is_named = || serde_json::from_str::<PushRequest>(request).is_ok_and(|it| it.batch_id.is_some());
        let replayed = !committed && body.prev < body.stamp && is_named();
        self.situation("batch answered from its marker", replayed);
    }

    /// Counts a page of a pull that asked for at most `limit` changes.
    pub(crate) fn page(&mut self, limit: Option<usize>, response: &str) {
        let Ok(page) = serde_json::from_str::<PullResponse>(response) else { return };
        self.count(Kind::Mode, &page.mode);
        for change in &page.changes {
            let operation = serde_json::to_value(change.operation).unwrap_or_default();
            self.count(Kind::Operation, operation.as_str().unwrap_or_default());
        }
        self.situation("page with more behind it", page.has_more);
        self.situation("page of head office", page.branch_id.is_some());
        let is_short = limit.is_some_and(|limit| page.changes.len() < limit);
        let is_cut = page.has_more && is_short && response.len() >= CUT_PAGE_BYTES_MIN;
        self.situation("page cut by its size", is_cut);
        self.situation("page of a walk cut by its size", is_cut && page.mode == "snapshot");
    }

    pub(crate) fn situation(&mut self, name: &str, is_so: bool) {
        if is_so {
            self.count(Kind::Situation, name);
        }
    }

    /// What must be reached and was not.
    pub(crate) fn missing(&self) -> Vec<(Kind, String)> {
        required().into_iter().filter(|key| !self.0.contains_key(key)).collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|((kind, name), count)| {
            writeln!(f, "{count:>10}  {:<10}  {name}", format!("{kind:?}").to_lowercase())
        })
    }
}

/// Every code of the protocol.
fn codes() -> impl Iterator<Item = (Kind, &'static str)> {
    let errors = ErrorCode::ALL.iter().map(|code| (Kind::Error, code.as_str()));
    let reasons = ConflictReason::ALL.iter().map(|reason| (Kind::Conflict, reason.as_str()));
    let rejections = RejectionCode::ALL.iter().map(|code| (Kind::Rejection, code.as_str()));
    let flags = Flag::ALL.iter().map(|flag| (Kind::Flag, flag.as_str()));
    errors.chain(reasons).chain(rejections).chain(flags)
}

fn is_unreached(kind: Kind, name: &str) -> bool {
    UNREACHED.iter().any(|(known, code, _)| (*known, *code) == (kind, name))
}

/// Everything that many seeds must reach.
fn required() -> Vec<(Kind, String)> {
    let reached = codes().filter(|(kind, name)| !is_unreached(*kind, name));
    let others = OTHERS.iter().flat_map(|(kind, names)| names.iter().map(|name| (*kind, *name)));
    let decisions = decisions::required().map(|name| (Kind::Decision, name));
    reached.chain(others).map(|(kind, name)| (kind, name.to_owned())).chain(decisions).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_required_or_named_with_the_reason_that_it_is_not() {
        let known: Vec<(Kind, &str)> = codes().collect();
        for (kind, name, reason) in UNREACHED {
            assert!(known.contains(&(*kind, *name)), "{name} is no code of the protocol");
            assert!(!reason.is_empty(), "{name}");
        }
        let required = required();
        for (kind, name) in known {
            assert_ne!(required.contains(&(kind, name.to_owned())), is_unreached(kind, name), "{name}");
        }
    }

    #[test]
    fn what_was_not_reached_is_missing() {
        let mut coverage = Coverage::default();
        let before = coverage.missing();
        coverage.response(413, r#"{"error":{"code":"batch_too_large","message":"","request_id":""}}"#);
        coverage.count(Kind::Flag, "below_floor");
        let after = coverage.missing();
        assert_eq!(before.len() - after.len(), 2, "{after:?}");
        assert!(after.contains(&(Kind::Outcome, "applied".to_owned())));
    }
}
