use super::*;

#[test]
fn the_columns_of_a_point_are_pinned() {
    let line = EdgeLine {
        route: "pullChanges".into(),
        status: 200,
        client: Some("7".parse().unwrap()),
        cache: Some("room".into()),
        times: EdgeTimes {
            edge_micros: 5,
            gate_micros: 4,
            room_micros: 3,
            function_micros: 2,
            storage_micros: 1,
        },
        ..EdgeLine::default()
    };
    let blobs = ["request", "pullChanges", "200", "room"].map(str::to_owned).into();
    let expected = Point { indexes: ["7".into()], blobs, doubles: vec![5, 4, 3, 2, 1] };
    assert_eq!(point(&LogEvent::Edge(line)), expected);
    let none = point(&LogEvent::Edge(EdgeLine::default()));
    assert_eq!((none.indexes[0].as_str(), none.blobs[3].as_str()), (NONE, NONE));
    let (client, branch) = ("1".parse().unwrap(), Some("2".parse().unwrap()));
    let room = RoomLine { client, branch, sockets: 3, changes: 4, delay_micros: Some(u64::MAX) };
    let expected = Point {
        indexes: ["1".into()],
        blobs: ["room", "2"].map(str::to_owned).into(),
        doubles: vec![3, 4, u32::MAX],
    };
    assert_eq!(point(&LogEvent::Room(room.clone())), expected);
    let hub = point(&LogEvent::Room(RoomLine { branch: None, ..room }));
    assert_eq!((&hub.indexes, hub.blobs[1].as_str()), (&expected.indexes, "*"));
}
