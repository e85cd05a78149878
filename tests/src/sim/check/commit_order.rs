//! The order of pushes that were committed together.

use std::collections::BTreeSet;

use functions::dynamo::item::Item;
use functions::sync::items::to_marker;
use functions::sync::keys;
use protocol::wire::push::PushRequest;

use crate::sim::event_log::{EventLog, PushCall};
use crate::sim::storage;

/// The pushes of one commit in their order. Of a group, those whose markers the commit has put, and that were
/// not refused. A marker that belongs to none of them is a violation.
pub(crate) fn in_commit_order(
    log: &EventLog,
    pushes: Vec<(u64, PushCall)>,
    puts: &[Item],
) -> Vec<(u64, PushCall)> {
    if pushes.len() < 2 {
        return pushes;
    }
    let refused = log.entries().refused();
    let mut seen = BTreeSet::new();
    let span = |(number, push): (u64, PushCall)| {
        let body = serde_json::from_str::<PushRequest>(&push.body).ok()?;
        let key = keys::batch(&body.device_id.parse().ok()?, &body.batch_id?.parse().ok()?);
        // A group commits the first push of a device: a till that crashed may have sent the same batch again.
        if refused.contains(&number) || !seen.insert(key.clone()) {
            return None;
        }
        let marker = to_marker(puts.iter().find(|put| storage::key(put, "sk") == key)?).ok()?;
        Some(((marker.prev, marker.stamp), (number, push)))
    };
    let mut committed: Vec<_> = pushes.into_iter().filter_map(span).collect();
    committed.sort_by_key(|(span, _)| *span);
    let markers = puts.iter().filter(|put| storage::key(put, "sk").starts_with("BATCH#")).count();
    if markers != committed.len() {
        let what = format!("a group put {markers} markers for {} of its pushes", committed.len());
        log.violation("commit", what);
    }
    committed.into_iter().map(|(_, push)| push).collect()
}

#[cfg(test)]
mod tests;
