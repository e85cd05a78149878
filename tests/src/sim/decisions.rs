//! The decisions on single records that runs reach, by the policy of their table. They follow the branches of
//! `sync::decide`, which a code alone does not tell apart.

use std::fmt::Display;
use std::sync::LazyLock;

use protocol::wire::push::PushResponse;
use sync::policy::Policy;
use sync::tables::Tables;

use super::coverage::{Coverage, Kind};

/// `None` if the file is malformed. Then no decision is counted, and the coverage is incomplete.
static TABLES: LazyLock<Option<Tables>> = LazyLock::new(|| Tables::parse(include_str!("tables.toml")).ok());

/// Of every policy.
const OF_ALL: [&str; 9] = [
    "applied",
    "applied, clock_clamped",
    "already applied",
    "rejected bad_record_id",
    "rejected bad_time",
    "rejected group_undone",
    "rejected malformed",
    "rejected record_too_large",
    "rejected too_deep",
];
/// Of every policy whose records change.
const OF_CHANGING: [&str; 6] = [
    "conflict already_exists",
    "conflict deleted_on_server",
    "conflict deleted_on_server, deleted",
    "conflict unknown_version",
    "rejected group_conflict",
    "rejected too_old",
];
/// Of every policy in whose tables the simulation adds up members.
const OF_SUMS: [&str; 3] = ["rejected bad_delta", "rejected delta_needs_batch", "rejected delta_required"];
/// Of single policies.
const OF_ONE: [(Policy, &[&str]); 6] = [
    (
        Policy::LastWriterWins,
        &[
            "applied, below_floor",
            "conflict newer_on_server",
            "rejected bad_transition",
            "rejected clock_ahead",
            "rejected forbidden",
            "rejected unknown_table",
        ],
    ),
    (
        Policy::FieldMerge,
        &[
            "applied, clamped_to_floor",
            "conflict fields_conflict",
            "conflict newer_on_server",
            "rejected clock_ahead",
        ],
    ),
    (Policy::AppendOnly, &["rejected append_only", "rejected bad_transition", "rejected forbidden"]),
    (Policy::ServerWins, &["conflict server_wins"]),
    (Policy::ClientWins, &["rejected below_floor"]),
    (Policy::Manual, &["conflict manual"]),
];

/// Every decision that many seeds must reach.
pub(super) fn required() -> impl Iterator<Item = String> {
    OF_ONE.into_iter().flat_map(|(policy, of_one)| {
        let changing = if policy == Policy::AppendOnly { &[][..] } else { &OF_CHANGING };
        let sums = matches!(policy, Policy::LastWriterWins | Policy::FieldMerge | Policy::ClientWins);
        let sums = if sums { &OF_SUMS[..] } else { &[] };
        [&OF_ALL, changing, sums, of_one].concat().into_iter().map(move |outcome| name(policy, outcome))
    })
}

/// The name of a decision in [`Coverage`].
fn name(policy: Policy, outcome: impl Display) -> String {
    format!("{}: {outcome}", policy.as_str())
}

/// Counts the decision on each record of a push.
pub(super) fn count(coverage: &mut Coverage, response: &PushResponse) {
    let mut count = |table: Option<&str>, outcome: String| {
        let table = table.and_then(|name| TABLES.as_ref()?.get(name));
        if let Some(table) = table {
            coverage.count(Kind::Decision, name(table.policy, outcome));
        }
    };
    for applied in &response.applied {
        let table = Some(applied.table_name.as_str());
        match applied.stamp <= response.prev {
            true => count(table, "already applied".to_owned()),
            false if applied.flags.is_empty() => count(table, "applied".to_owned()),
            false => applied.flags.iter().for_each(|flag| count(table, format!("applied, {flag}"))),
        }
    }
    for conflict in &response.conflicts {
        let side = if conflict.server_is_deleted { ", deleted" } else { "" };
        count(Some(&conflict.table_name), format!("conflict {}{side}", conflict.reason));
    }
    for rejected in &response.errors {
        count(rejected.table_name.as_deref(), format!("rejected {}", rejected.code));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_counts_under_the_policy_of_its_table() {
        let error = r#"{"index":0,"table_name":"promotions","record_id":"p","code":"too_old","message":""}"#;
        let response = format!(
            r#"{{"success":true,"synced_count":0,"conflicts":[],"errors":[{error}],"applied":[],"prev":0,"stamp":0,
                "cursor":"","server_time":""}}"#
        );
        let mut coverage = Coverage::default();
        let before = coverage.missing();
        coverage.push("", &response, false);
        let found = |missing: &[(Kind, String)], name: &str| missing.contains(&(Kind::Decision, name.into()));
        let after = coverage.missing();
        assert!(found(&before, "manual: rejected too_old") && !found(&after, "manual: rejected too_old"));
        assert!(found(&after, "server-wins: rejected too_old"));
    }
}
