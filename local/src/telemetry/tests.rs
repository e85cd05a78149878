use super::*;

fn edge(status: u16, cache: Option<&str>) -> String {
    let cache = cache.map(str::to_owned);
    let route = "pullChanges".to_owned();
    LogEvent::Edge(EdgeLine { status, cache, route, ..EdgeLine::default() }).to_json()
}

fn room(sockets: usize, delay_micros: Option<u64>) -> String {
    let (client, branch) = ("1".parse().unwrap(), Some("2".parse().unwrap()));
    LogEvent::Room(RoomLine { client, branch, sockets, changes: 0, delay_micros }).to_json()
}

#[test]
fn lines_are_counted_and_everything_else_is_left() {
    let telemetry = Telemetry::default();
    let lines = [
        edge(200, Some("room")),
        edge(200, Some("room")),
        edge(200, Some("loaded")),
        edge(503, None),
        room(3, Some(7000)),
        room(2, None),
    ];
    assert!(lines[1..].iter().all(|line| telemetry.edge_line(line)));
    assert!(telemetry.edge_line(&format!("▲ [WARNING] {}", lines[0])));
    assert!(!telemetry.edge_line("ready") && !telemetry.edge_line(r#"{"line":"other"}"#));
    let figures =
        Figures { requests: 4, cached: 2, cacheable: 3, errors: 1, sockets: 2, delay_micros: Some(7000) };
    assert_eq!(telemetry.figures(), figures);
    assert_eq!(telemetry.counted().delays, [("1:2".parse().unwrap(), 7000)].into());
    telemetry.edge_line(&room(0, None));
    assert_eq!(telemetry.figures().sockets, 0);
    telemetry.function_lines(&RequestLines(vec![FunctionLine::new("r1", "pushBatch", 200, 0)]));
    assert_eq!(telemetry.counted().functions.values().sum::<u64>(), 1);
}
