//! Groups inside a batch: each is applied as a whole, or as if it had not been sent.

use std::collections::{BTreeMap, BTreeSet};

use protocol::wire::push::{PushRecord, PushRequest};

use crate::batch::{Batch, Decided};
use crate::room::ExpectedResult;
use crate::write::Write;

/// Decides a batch. Each round undoes one group and begins again without it: of those that fail, the one
/// whose first record comes first.
pub(crate) fn decide(mut batch: Batch<'_>, writes: &[Result<Write, &str>]) -> Decided {
    let body = batch.body;
    let mut undone: BTreeMap<&str, BTreeMap<usize, ExpectedResult>> = BTreeMap::new();
    loop {
        let mut results = Vec::new();
        for (index, (record, write)) in body.records.iter().zip(writes).enumerate() {
            let known = group(record).and_then(|group| undone.get(group)?.get(&index).cloned());
            results.push(known.unwrap_or_else(|| batch.record(write.clone())));
        }
        let failing = body.records.iter().filter_map(group).filter(|_| !batch.is_committed()).find(|group| {
            let fails = results_of(body, &results, group).any(|(_, result)| !is_success(result));
            fails && !body.atomic && !undone.contains_key(group)
        });
        let Some(failing) = failing else { return batch.end(results, undone.len()) };
        let of_group = results_of(body, &results, failing);
        let lost = of_group.map(|(index, result)| (index, undo(result))).collect();
        undone.insert(failing, lost);
        batch.begin_again();
    }
}

/// Whether a group of several records was applied.
pub(crate) fn is_applied(body: &PushRequest, results: &[ExpectedResult]) -> bool {
    let groups: BTreeSet<&str> = body.records.iter().filter_map(group).collect();
    groups.into_iter().any(|group| {
        let of_group = || results_of(body, results, group);
        of_group().count() > 1 && of_group().all(|(_, result)| is_success(result))
    })
}

/// The group of a record. A name that is refused is none.
pub(crate) fn group(record: &PushRecord) -> Option<&str> {
    record.group.as_deref().filter(|name| is_name(name))
}

/// Whether a group may have this name.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=128).contains(&name.len()) && !name.chars().any(char::is_control)
}

fn results_of<'a>(
    body: &'a PushRequest,
    results: &'a [ExpectedResult],
    name: &'a str,
) -> impl Iterator<Item = (usize, &'a ExpectedResult)> {
    let places = body.records.iter().zip(results).enumerate();
    places
        .filter(move |(_, (record, _))| group(record) == Some(name))
        .map(|(index, (_, result))| (index, result))
}

fn is_success(result: &ExpectedResult) -> bool {
    matches!(result, ExpectedResult::Applied { .. })
}

fn undo(result: &ExpectedResult) -> ExpectedResult {
    ExpectedResult::Rejected(match result {
        ExpectedResult::Applied { .. } => "group_undone".to_owned(),
        ExpectedResult::Conflict { .. } => "group_conflict".to_owned(),
        ExpectedResult::Rejected(code) => code.clone(),
    })
}
