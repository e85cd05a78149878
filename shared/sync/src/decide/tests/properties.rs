//! Properties of every history.

use proptest::prelude::*;

use super::*;
use crate::batch_hash::BatchHash;
use crate::marker::Marker;

pub(super) fn any_record() -> impl Strategy<Value = serde_json::Value> {
    (0..3_u8, 0..4_u8, 0..6_u32, prop::option::of(0..4_u64), any::<bool>()).prop_map(
        |(id, name, second, base, deleted)| {
            let mut record = with(write(&format!("n{name}"), second), "record_id", format!("p{id}"));
            record["is_deleted"] = deleted.into();
            if let Some(base) = base {
                record["base_version"] = base.into();
            }
            record
        },
    )
}

proptest! {
    #[test]
    fn the_log_gives_the_stored_records_and_head_counts_them(
        pushes in prop::collection::vec((0..3_u8, any::<bool>(), prop::collection::vec(any_record(), 0..6)), 0..12),
    ) {
        let mut room = Room::default();
        for (device, atomic, records) in pushes {
            let before = room.snapshot.stamp();
            let plan = room.push_at(NOW, &format!("till-{device}"), atomic, &records);
            prop_assert_eq!(plan.outcomes.len(), records.len());
            let applied = plan.outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Applied { .. })).count();
            prop_assert!(applied == plan.changes.len() || atomic);
            prop_assert!(plan.changes.windows(2).all(|pair| pair[1].stamp == pair[0].stamp.plus(1)));
            prop_assert!(plan.changes.first().is_none_or(|change| change.stamp > before));
            let marker = Marker::new(BatchHash::exact([0; 32]), plan.prev, plan.stamp(), &plan.outcomes);
            prop_assert_eq!(marker.outcomes().map(|codes| codes.len()), Ok(records.len()));
        }
        let mut replayed: BTreeMap<RecordKey, &Change> = BTreeMap::new();
        for change in &room.log {
            let last = replayed.insert(change.key.clone(), change);
            prop_assert_eq!(change.version, last.map_or(1, |last| last.version + 1));
        }
        prop_assert_eq!(replayed.len(), room.snapshot.records.len());
        for (key, record) in &room.snapshot.records {
            let change = replayed[key];
            prop_assert_eq!(change.data.as_str(), record.data.as_str());
            prop_assert_eq!((change.version, change.stamp), (record.version, record.stamp));
            prop_assert_eq!(change.operation == Operation::Delete, record.deleted);
        }
        let head = room.snapshot.head.unwrap_or_default();
        let live = room.snapshot.records.values().filter(|record| !record.deleted).count();
        prop_assert_eq!(head.live.values().sum::<u64>(), live as u64);
        prop_assert_eq!(head.changes, room.log.len() as u64);
    }
}
