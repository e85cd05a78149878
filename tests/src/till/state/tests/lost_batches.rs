//! Batches that a restore takes although the till never stood at their commits.

use super::*;

/// The id of the batch to send next.
fn first(state: &State) -> String {
    state.queue.first().and_then(|batch| batch.batch_id).unwrap()
}

/// A till at stamp 5 whose push was committed from 7 to 9.
fn ahead_of_its_position() -> State {
    let applied = json!([{ "index": 0, "table_name": "products", "record_id": "p0", "version": 1,
        "server_updated_at": Timestamp(9).to_string(), "stamp": 9 }]);
    let mut state = pulled(5);
    state.queue.add(batch(1, false));
    assert_eq!(state.take_push(&response(7, 9, &applied, &json!([]))), Follow::Pull);
    state
}

#[test]
fn a_batch_that_the_next_pull_does_not_bring_was_lost() {
    let mut state = ahead_of_its_position();
    let other = ("other", 7);
    // This pull began before the response.
    assert!(!state.take_page(&page("changes", None, 7, false, &[other])).more);
    assert_eq!(state.pull_query(), "cursor=c7&since=7");
    assert!(state.take_page(&page("changes", None, 7, false, &[])).more, "the room was put back to 7");
    assert!(state.is_in_snapshot());
    assert_eq!(state.on_frame(&frame("live", 7, 8)).0, Follow::Drop, "the snapshot brings it");
    assert_eq!(state.pull_query(), "since=9007199254740991");
    state.take_page(&page("snapshot", Some("s"), 8, false, &[other, ("live", 8)]));
    assert_eq!((held(&state), state.position), (vec![("live", 8), ("other", 7)], Stamp(8)));
    assert_eq!(first(&state), "b", "it is offered again under its id");
    assert_eq!(state.pull_query(), "cursor=c8&since=8");
}

#[test]
fn a_batch_that_a_pull_brings_or_a_snapshot_hides_is_not_lost() {
    let mut state = ahead_of_its_position();
    state.pull_query();
    assert!(state.take_page(&page("changes", None, 7, true, &[("other", 7)])).more);
    state.pull_query();
    assert!(!state.take_page(&page("changes", None, 9, false, &[("p0", 9)])).more);
    assert!(state.queue.is_empty());
    // Another till wrote over it, and the log has expired. It is offered again to be sure.
    let mut state = ahead_of_its_position();
    state.pull_query();
    assert!(!state.take_page(&page("snapshot", Some("s"), 20, false, &[("p0", 20)])).more);
    assert_eq!((state.queue.len(), state.position), (1, Stamp(20)));
}

/// The stamps of a restored room may fall between those of a commit that it lost.
#[test]
fn a_change_of_another_commit_does_not_show_that_an_awaited_batch_is_there() {
    for other in [("other", 8), ("other", 9), ("p0", 8)] {
        let mut state = ahead_of_its_position();
        state.pull_query();
        assert!(state.take_page(&page("changes", None, 20, false, &[other, ("live", 20)])).more);
        assert_eq!(state.pull_query(), "since=9007199254740991");
        state.take_page(&page("snapshot", Some("s"), 20, false, &[other, ("live", 20)]));
        assert_eq!(first(&state), "b", "{other:?}");
        // During a snapshot, the row that the response itself gave must not pass for the server's.
        let mut state = pulled(5);
        state.take_page(&page("snapshot", Some("s"), 6, true, &[]));
        state.queue.add(batch(1, false));
        let applied = json!([{ "index": 0, "table_name": "products", "record_id": "p0", "version": 1,
            "server_updated_at": Timestamp(9).to_string(), "stamp": 9 }]);
        state.take_push(&response(7, 9, &applied, &json!([])));
        state.pull_query();
        assert!(state.take_page(&page("changes", None, 20, false, &[other, ("live", 20)])).more);
        state.take_page(&page("snapshot", Some("t"), 20, false, &[other, ("live", 20)]));
        assert_eq!(first(&state), "b", "{other:?}");
    }
}

/// A record that was merged in part is no entry of `applied`, and a repeated response shows a later copy.
#[test]
fn the_last_change_of_a_batch_shows_that_it_is_there_also_if_the_response_does_not_name_it() {
    for (came, is_lost) in [(("p1", 9), false), (("other", 9), true), (("p1", 8), true)] {
        let mut state = pulled(5);
        state.queue.add(batch(2, false));
        assert_eq!(state.take_push(&response(7, 9, &json!([]), &json!([]))), Follow::Pull);
        state.pull_query();
        assert_eq!(state.take_page(&page("changes", None, 20, false, &[came])).more, is_lost, "{came:?}");
    }
}

#[test]
fn a_batch_that_was_answered_during_a_snapshot_must_come_with_its_tail() {
    let mut state = pulled(5);
    state.take_page(&page("snapshot", Some("s"), 6, true, &[("other", 6)]));
    state.queue.add(batch(1, false));
    let applied = json!([{ "index": 0, "table_name": "products", "record_id": "p0", "version": 1,
        "server_updated_at": Timestamp(9).to_string(), "stamp": 9 }]);
    state.take_push(&response(8, 9, &applied, &json!([])));
    state.pull_query();
    let mut same = state.clone();
    assert!(!same.take_page(&page("changes", None, 9, false, &[("p0", 9)])).more);
    assert_eq!((held(&same), same.queue.is_empty()), (vec![("other", 6), ("p0", 9)], true));
    // The room was put back to 8 in the meantime.
    assert!(state.take_page(&page("changes", None, 8, false, &[])).more);
    assert_eq!(state.pull_query(), "since=9007199254740991");
    state.take_page(&page("snapshot", Some("t"), 8, false, &[("other", 6)]));
    assert_eq!((held(&state), state.queue.len()), (vec![("other", 6)], 1));
}

#[test]
fn a_batch_that_was_answered_after_the_last_page_was_asked_for_is_awaited_beyond_the_snapshot() {
    let mut state = pulled(5);
    state.take_page(&page("snapshot", Some("s"), 6, true, &[("other", 6)]));
    state.pull_query();
    state.queue.add(batch(1, false));
    let applied = json!([{ "index": 0, "table_name": "products", "record_id": "p0", "version": 1,
        "server_updated_at": Timestamp(9).to_string(), "stamp": 9 }]);
    state.take_push(&response(8, 9, &applied, &json!([])));
    assert!(!state.take_page(&page("changes", None, 6, false, &[])).more);
    assert!(state.queue.is_empty() && !state.is_in_snapshot());
    state.pull_query();
    assert!(!state.clone().take_page(&page("changes", None, 9, false, &[("p0", 9)])).more);
    // The room was put back to 6 in the meantime.
    assert!(state.take_page(&page("changes", None, 20, false, &[("live", 20)])).more);
    state.take_page(&page("snapshot", Some("t"), 20, false, &[("other", 6), ("live", 20)]));
    assert_eq!(first(&state), "b");
}

#[test]
fn a_late_answer_of_a_lost_history_leads_to_one_offer() {
    let mut state = pulled(5);
    state.queue.add(batch(1, false));
    // Frames of the restored room have moved the till on before the answer came.
    assert_eq!(state.on_frame(&frame("live", 5, 20)).0, Follow::Apply);
    let applied = json!([{ "index": 0, "table_name": "products", "record_id": "p0", "version": 1,
        "server_updated_at": Timestamp(9).to_string(), "stamp": 9 }]);
    assert_eq!(state.take_push(&response(7, 9, &applied, &json!([]))), Follow::Pull);
    // A page that was asked for before tells nothing.
    assert!(state.take_page(&page("changes", None, 20, false, &[])).more);
    assert_eq!(state.pull_query(), "since=9007199254740991");
    assert!(!state.take_page(&page("snapshot", Some("s"), 20, false, &[("live", 20)])).more);
    assert_eq!(first(&state), "b");
    // If the server has it after all, its answer is the same again, and the till is at rest.
    assert_eq!(state.take_push(&response(7, 9, &applied, &json!([]))), Follow::Drop);
    assert_eq!((state.queue.is_empty(), state.pull_query().as_str()), (true, "cursor=c20&since=20"));
    // A batch that only changed sums shows no record, and a second restore may take what the offer committed.
    let mut sums = pulled(5);
    sums.queue.add(batch(1, false));
    sums.on_frame(&frame("live", 5, 20));
    assert_eq!(sums.take_push(&response(7, 9, &json!([]), &json!([]))), Follow::Pull);
    sums.pull_query();
    sums.take_page(&page("snapshot", Some("s"), 20, false, &[("live", 20)]));
    sums.on_frame(&frame("live", 20, 40));
    assert_eq!(sums.take_push(&response(25, 30, &json!([]), &json!([]))), Follow::Pull);
    // A record with the stamp of the batch shows that it is of the same history.
    let mut state = pulled(5);
    state.queue.add(batch(1, false));
    state.take_page(&page("changes", None, 20, false, &[("p0", 9), ("live", 20)]));
    assert_eq!(state.take_push(&response(7, 9, &applied, &json!([]))), Follow::Drop);
    assert!(!state.is_in_snapshot());
}

#[test]
fn acknowledged_batches_are_kept_for_35_days_before_the_last_pull() {
    let day = 24 * 3600 * 1_000_000;
    let applied = |stamp: u64| {
        json!([{ "index": 0, "table_name": "products", "record_id": "p0", "version": 1,
            "server_updated_at": Timestamp(stamp).to_string(), "stamp": stamp }])
    };
    let named = |name: &str| PushRequest { batch_id: Some(name.to_owned()), ..batch(1, false) };
    let mut state = pulled(0);
    state.queue.add(named("old"));
    state.take_push(&response(0, day, &applied(day), &json!([])));
    // The till is away for longer, and pushes before it pulls: the room was put back while it was away.
    state.queue.add(named("new"));
    state.take_push(&response(5, 50 * day, &applied(50 * day), &json!([])));
    let mut beyond = state.clone();
    beyond.pull_query();
    beyond.take_page(&page("snapshot", Some("s"), 50 * day, false, &[("p0", 50 * day)]));
    assert_eq!(first(&beyond), "old");
    // A pull knows the room up to its end, and a later restore takes at most 35 days of it.
    state.take_page(&page("changes", None, 50 * day, false, &[("p0", 50 * day)]));
    state.take_page(&page("snapshot", Some("s"), 50 * day, false, &[]));
    assert_eq!(first(&state), "new");
}

#[test]
fn the_repeated_response_to_an_early_batch_says_nothing_about_later_ones() {
    let mut state = pulled(0);
    let mut push = |name: &str, record: &str, prev: u64| {
        let applied = json!([{ "index": 0, "table_name": "products", "record_id": record, "version": 1,
            "server_updated_at": Timestamp(prev + 1).to_string(), "stamp": prev + 1 }]);
        let mut batch = batch(1, false);
        batch.batch_id = Some(name.to_owned());
        batch.records[0].record_id = record.to_owned();
        state.queue.add(batch);
        state.take_push(&response(prev, prev + 1, &applied, &json!([])))
    };
    assert_eq!([push("b1", "p0", 0), push("b2", "p1", 1)], [Follow::Apply, Follow::Apply]);
    assert_eq!(push("b1", "p0", 0), Follow::Drop);
    state.take_page(&page("changes", None, 2, false, &[]));
    // The room was put back to the commit of b1.
    state.take_page(&page("snapshot", Some("s"), 1, false, &[("p0", 1)]));
    assert_eq!((first(&state).as_str(), state.queue.len()), ("b2", 1));
}

/// The copy of a record that the server cannot read may be of a history that has ended.
#[test]
fn a_copy_of_an_unreadable_record_does_not_show_that_a_batch_is_there() {
    let mut state = pulled(0);
    state.queue.add(PushRequest { batch_id: Some("b1".to_owned()), ..batch(1, false) });
    let applied = json!([{ "index": 0, "table_name": "products", "record_id": "p0", "version": 1,
        "server_updated_at": Timestamp(1).to_string(), "stamp": 1 }]);
    state.take_push(&response(0, 1, &applied, &json!([])));
    let mut walk = page("snapshot", Some("restored"), 0, false, &[]);
    walk.damaged = serde_json::from_value(json!([{ "table_name": "products", "record_id": "p0" }])).unwrap();
    state.take_page(&walk);
    assert_eq!(first(&state), "b1");
    assert!(state.rows.get("products", "p0").is_some(), "the copy is kept");
}

#[test]
fn the_records_of_a_lost_batch_without_an_id_are_removed() {
    let applied = json!([{ "index": 0, "table_name": "products", "record_id": "p0", "version": 1,
        "server_updated_at": Timestamp(9).to_string(), "stamp": 9 }]);
    let push = |state: &mut State| {
        state.queue.add(PushRequest { batch_id: None, ..batch(1, false) });
        assert_eq!(state.take_push(&response(7, 9, &applied, &json!([]))), Follow::Pull);
        assert_eq!(held(state), [("p0", 9)]);
        state.pull_query();
    };
    // One that has never pulled begins at 0, which is no snapshot.
    for mut state in [State::default(), pulled(5)] {
        push(&mut state);
        assert!(state.take_page(&page("changes", None, 5, false, &[])).more, "the room was put back");
        assert_eq!(state.pull_query(), "since=9007199254740991");
        state.take_page(&page("snapshot", Some("s"), 5, false, &[]));
        assert!(held(&state).is_empty() && state.queue.is_empty());
    }
    let mut state = State::default();
    push(&mut state);
    assert!(!state.take_page(&page("changes", None, 9, false, &[("p0", 9)])).more, "it is there");
}
