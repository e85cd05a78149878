//! Pull, conflicts, dead letters and statistics.

use super::{AT, data, pin, text};
use crate::record::Operation;
use crate::stamp::{Stamp, cursor};
use crate::wire::dead_letters::{DeadLetterEntry, DeadLettersResponse, ReplayRequest};
use crate::wire::pull::{CHANGES, PullResponse, PulledChange, SNAPSHOT};
use crate::wire::resolve::{Resolution, ResolveRequest, ResolveResponse, VersionChangedDetails};
use crate::wire::stats::{DeviceClock, StatsResponse, TableStats};

#[test]
fn pull_responses() {
    let change = PulledChange {
        table_name: "products".into(),
        record_id: "p1".into(),
        data: data(r#"{"price":1.10}"#),
        version: 4,
        stamp: Stamp(9),
        server_updated_at: Stamp(9).time().to_string(),
        operation: Operation::Delete,
        is_deleted: true,
        device_id: "till-1".into(),
        branch_id: "2".into(),
    };
    let changes = PullResponse {
        changes: vec![change],
        has_more: false,
        next_cursor: cursor(Stamp(9)),
        stamp: Stamp(9),
        mode: CHANGES.into(),
        snapshot_id: None,
        branch_id: None,
    };
    let first = text(&changes);
    let snapshot = PullResponse {
        changes: Vec::new(),
        has_more: true,
        next_cursor: "s1.9.11.".into(),
        mode: SNAPSHOT.into(),
        snapshot_id: Some("9-11".into()),
        branch_id: Some("2".into()),
        ..changes
    };
    pin(include_str!("pull.jsonl"), &[first, text(&snapshot)]);
}

#[test]
fn conflict_resolution() {
    let client = ResolveRequest {
        device_id: "till-1".parse().unwrap(),
        batch_id: Some("b1".parse().unwrap()),
        branch_id: Some("2".parse().unwrap()),
        table_name: "products".into(),
        record_id: "p1".into(),
        resolution: Resolution::AcceptClient,
        client_data: Some(data(r#"{"price":1.10}"#)),
        expected_version: Some(4),
    };
    let server = ResolveRequest {
        batch_id: None,
        branch_id: None,
        resolution: Resolution::AcceptServer,
        client_data: None,
        expected_version: None,
        ..client.clone()
    };
    let response = ResolveResponse {
        success: true,
        table_name: "products".into(),
        record_id: "p1".into(),
        version: 5,
        data: data(r#"{"price":1.10}"#),
        is_deleted: false,
        server_updated_at: Stamp(9).time().to_string(),
        stamp: Stamp(9),
        prev: Stamp(7),
        cursor: cursor(Stamp(9)),
    };
    let changed = VersionChangedDetails {
        table_name: "products".into(),
        record_id: "p1".into(),
        version: 5,
        data: data(r#"{"price":1.10}"#),
        is_deleted: false,
        server_updated_at: Stamp(9).time().to_string(),
    };
    let deleted = text(&ResolveResponse { is_deleted: true, ..response.clone() });
    let values = [text(&client), text(&server), text(&response), deleted, text(&changed)];
    pin(include_str!("resolve.jsonl"), &values);
}

#[test]
fn dead_letters() {
    let whole = DeadLetterEntry {
        id: "9.ab.0.1".into(),
        index: 1,
        device_id: "till-1".into(),
        batch_id: Some("b1".into()),
        received_at: Stamp(9).time().to_string(),
        table_name: Some("settings".into()),
        record_id: Some("s1".into()),
        code: "forbidden".into(),
        message: "m".into(),
        record: Some(data(r#"{"table_name":"settings","price":1.10}"#)),
        payload: None,
        bytes: 38,
        sha256: "ab".into(),
        is_cut: false,
    };
    let cut = DeadLetterEntry {
        batch_id: None,
        table_name: None,
        record_id: None,
        code: "record_too_large".into(),
        record: None,
        payload: Some(r#"{"data":"xxx"#.into()),
        bytes: 70_000,
        is_cut: true,
        ..whole.clone()
    };
    let page =
        DeadLettersResponse { dead_letters: Vec::new(), has_more: false, next_cursor: "d1.9.ab.0.1".into() };
    let corrected = ReplayRequest { data: Some(data(r#"{"price":1.10}"#)) };
    let values = [text(&whole), text(&cut), text(&page), text(&ReplayRequest::default()), text(&corrected)];
    pin(include_str!("dead_letters.jsonl"), &values);
}

#[test]
fn statistics() {
    let stats = StatsResponse {
        pending_queue_count: 3,
        last_sync_at: Some(AT.into()),
        tables_stats: vec![TableStats { table_name: "products".into(), record_count: 2 }],
        clocks: vec![DeviceClock { device_id: "till-1".into(), skew_millis: -1123, at: AT.into() }],
    };
    let (tables_stats, clocks) = (Vec::new(), Vec::new());
    let empty = StatsResponse { pending_queue_count: 0, last_sync_at: None, tables_stats, clocks };
    pin(include_str!("stats.jsonl"), &[text(&stats), text(&empty)]);
}
