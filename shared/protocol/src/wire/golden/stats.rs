use super::text;
use crate::wire::stats::{DeviceClock, StatsResponse, TableStats};

#[test]
fn the_figures_of_a_room() {
    let at = "2025-12-07T10:30:01.000123Z";
    let stats = StatsResponse {
        pending_queue_count: 3,
        last_sync_at: Some(at.into()),
        tables_stats: vec![TableStats { table_name: "products".into(), record_count: 2 }],
        clocks: vec![DeviceClock { device_id: "till-1".into(), skew_millis: -1123, at: at.into() }],
    };
    assert_eq!(
        text(&stats),
        r#"{"pending_queue_count":3,"last_sync_at":"2025-12-07T10:30:01.000123Z","tables_stats":[{"table_name":"products","record_count":2}],"clocks":[{"device_id":"till-1","skew_millis":-1123,"at":"2025-12-07T10:30:01.000123Z"}]}"#
    );
    let empty = StatsResponse {
        pending_queue_count: 0,
        last_sync_at: None,
        tables_stats: Vec::new(),
        clocks: Vec::new(),
    };
    assert_eq!(
        text(&empty),
        r#"{"pending_queue_count":0,"last_sync_at":null,"tables_stats":[],"clocks":[]}"#
    );
}
