//! Tests of the queue.

use super::*;

/// A queue of one batch, whose records are in these groups; a space is none.
fn queue(groups: &str) -> Queue {
    let group = |name: char| (name != ' ').then(|| name.to_string());
    let record = |name| PushRecord { group: group(name), ..PushRecord::default() };
    let records = groups.chars().map(record).collect();
    let batch_id = Some("b".to_owned());
    let (device_id, device_seq, device_time, branch_id) = ("d".to_owned(), None, None, None);
    let mut queue = Queue::default();
    queue.add(PushRequest {
        device_id,
        batch_id,
        device_seq,
        base_stamp: None,
        atomic: false,
        device_time,
        branch_id,
        records,
    });
    queue
}

#[test]
fn a_batch_keeps_the_number_of_its_first_attempt_and_its_halves_leave_no_hole() {
    let mut queue = queue("  ");
    queue.add(queue.first().unwrap());
    for _ in 0..2 {
        assert_eq!(queue.send_first().unwrap().device_seq, Some(1));
    }
    queue.split_first(["b1".into(), "b2".into()]);
    let mut numbers = Vec::new();
    while let Some(batch) = queue.send_first() {
        numbers.extend(batch.device_seq);
        queue.waiting.pop_front();
    }
    assert_eq!(numbers, [1, 2, 3]);
}

#[test]
fn a_batch_is_split_between_its_groups() {
    for (groups, parts) in
        [("    ", [2, 2]), ("aaab", [3, 1]), ("abbb ", [1, 4]), ("aabbbc", [2, 4]), ("a bbcc", [2, 4])]
    {
        let mut queue = queue(groups);
        assert_eq!(queue.split_first(["b1".into(), "b2".into()]), Split::Done, "{groups}");
        assert_eq!(queue.iter().map(|batch| batch.records.len()).collect::<Vec<_>>(), parts, "{groups}");
        let ids: Vec<_> = queue.iter().map(|batch| batch.batch_id.as_deref().unwrap()).collect();
        assert_eq!(ids, ["b1", "b2"]);
    }
    for groups in [" ", "aaaa", "abab", ""] {
        let split = queue(groups).split_first(["b1".into(), "b2".into()]);
        assert_eq!(split, Split::Impossible, "{groups}");
    }
}

fn batch(id: &str, records: &[&str]) -> PushRequest {
    let record = |id: &&str| PushRecord { record_id: (*id).to_owned(), ..PushRecord::default() };
    PushRequest {
        batch_id: Some(id.to_owned()),
        records: records.iter().map(record).collect(),
        ..queue(" ").first().unwrap()
    }
}

fn all(queue: &Queue) -> Vec<String> {
    let of = |batch: &PushRequest| {
        let ids: Vec<&str> = batch.records.iter().map(|record| record.record_id.as_str()).collect();
        format!("{}: {}", batch.batch_id.clone().unwrap_or_default(), ids.join(" "))
    };
    queue.iter().map(of).collect()
}

#[test]
fn what_a_full_branch_cannot_keep_stays_with_the_till_and_blocks_nothing() {
    let mut queue = Queue::default();
    for batch in [batch("b1", &["a", "b", "c"]), batch("b2", &["d"]), batch("b3", &["e"])] {
        queue.add(batch);
    }
    queue.set_aside(&[0, 2], ["rest".into(), "aside".into()]);
    assert_eq!(all(&queue), ["rest: b", "b2: d", "b3: e"]);
    queue.offer_aside();
    queue.set_aside(&[0], ["none".into(), "whole".into()]);
    assert_eq!(all(&queue), ["b2: d", "b3: e", "aside: a c"]);
    queue.offer_aside();
    queue.offer_aside();
    assert_eq!(all(&queue), ["b2: d", "b3: e", "aside: a c", "whole: b"]);
}
