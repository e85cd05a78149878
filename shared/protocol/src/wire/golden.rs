//! The exact JSON of every type that clients see. A change here changes the protocol and PROTOCOL.md.
//!
//! A line of a fixture is one value. Its type must read it and write it back byte by byte.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::error::{ApiError, ErrorCode};
use crate::json::JsonText;
use crate::stamp::Stamp;
use crate::wire::auth::{MeResponse, SessionResponse};
use crate::wire::branches::BranchesResponse;
use crate::wire::cache::{
    CacheReportResponse, CacheStatsResponse, InvalidateRequest, InvalidateResponse, WarmRequest, WarmResponse,
};
use crate::wire::carts::{CartResponse, PutCartRequest, PutCartResponse};
use crate::wire::dead_letters::{DeadLetterEntry, DeadLettersResponse, ReplayRequest};
use crate::wire::device::DeviceResponse;
use crate::wire::error_response::{ErrorResponse, RateLimitDetails, TooLargeDetails};
use crate::wire::health::{BreakerState, OtherParts, ReadinessResponse};
use crate::wire::presence::PresenceResponse;
use crate::wire::pull::{CHANGES, PullResponse, SNAPSHOT};
use crate::wire::push::{
    AppliedRecord, Conflict, DeadLettersFullDetails, PushRequest, PushResponse, RejectedRecord,
};
use crate::wire::record::{BatchGetRequest, BatchGetResponse, RecordResponse};
use crate::wire::resolve::{Resolution, ResolveRequest, ResolveResponse, VersionChangedDetails};
use crate::wire::sessions::{EndSessionsResponse, SessionsResponse};
use crate::wire::socket::{BadFrame, ClientFrame, FrameToken, ServerFrame};
use crate::wire::stats::{StatsResponse, TablesResponse};
use crate::wire::ticket::{SocketTicketRequest, SocketTicketResponse};

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

fn read<T: DeserializeOwned>(line: &str) -> T {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// The line as a `T` writes it.
fn of<T: Serialize + DeserializeOwned>(line: &str) -> String {
    text(&read::<T>(line))
}

/// Reads and writes each line of `fixture` by the type at its position.
fn pin(fixture: &str, types: &[fn(&str) -> String]) {
    for (line, rewritten) in fixture.lines().zip(types) {
        assert_eq!(rewritten(line), line);
    }
    assert_eq!(types.len(), fixture.lines().count(), "every line has a type");
}

#[test]
fn pushes() {
    pin(
        include_str!("golden/push_responses.jsonl"),
        &[
            of::<AppliedRecord>,
            of::<AppliedRecord>,
            of::<AppliedRecord>,
            of::<AppliedRecord>,
            of::<Conflict>,
            of::<Conflict>,
            of::<Conflict>,
            of::<Conflict>,
            of::<Conflict>,
            of::<RejectedRecord>,
            of::<RejectedRecord>,
            of::<RejectedRecord>,
            of::<PushResponse>,
            of::<DeadLettersFullDetails>,
        ],
    );
    pin(include_str!("golden/push_request.jsonl"), &[of::<PushRequest>]);
    let least = r#"{"device_id":"d","records":[{"table_name":"t","record_id":"r"}]}"#;
    let least: PushRequest = read(least);
    assert_eq!((least.batch_id, least.atomic, least.device_time, least.branch_id), (None, false, None, None));
    assert_eq!((least.device_seq, least.base_stamp), (None, None));
    let record = &least.records[0];
    assert_eq!((record.base_version, record.is_deleted, &record.fields), (None, false, &None));
    assert_eq!((&record.data, &record.group, &record.local_updated_at), (&None, &None, &None));
}

/// A record has the same members wherever a message shows one. In the answers to a push, the names of the
/// server's copy begin with `server_`.
#[test]
fn a_record_has_one_shape() {
    const MEMBERS: [&str; 8] = [
        "table_name",
        "record_id",
        "data",
        "version",
        "stamp",
        "server_updated_at",
        "is_deleted",
        "device_id",
    ];
    let line = |fixture: &str, at: usize| read::<serde_json::Value>(fixture.lines().nth(at).unwrap());
    let pull = line(include_str!("golden/pull.jsonl"), 0);
    let data = include_str!("golden/data.jsonl");
    let resolve = include_str!("golden/resolve.jsonl");
    let frames: Vec<serde_json::Value> =
        include_str!("golden/frames.jsonl").lines().map(read::<serde_json::Value>).collect();
    let frame = |kind: &str| frames.iter().find(|frame| frame["type"] == kind).unwrap().clone();
    let places = [
        ("a change of a pull", pull["changes"][0].clone()),
        ("a frame of a change", frame("sync")),
        ("a change in the frame of a commit", frame("sync_batch")["changes"][0].clone()),
        ("a record by its id", line(data, 0)),
        ("a record of several", line(data, 2)["records"][0].clone()),
        ("a resolved conflict", line(resolve, 2)["record"].clone()),
        ("a changed version", line(resolve, 4)),
    ];
    for (place, record) in &places {
        let missing: Vec<_> = MEMBERS.iter().filter(|name| record.get(**name).is_none()).collect();
        assert!(missing.is_empty(), "{place} lacks {missing:?}");
    }
    let push = include_str!("golden/push_responses.jsonl");
    for (place, at) in [("a conflict", 5), ("a rejected record", 10)] {
        let record = line(push, at);
        for name in MEMBERS.iter().skip(2).filter(|name| **name != "is_deleted") {
            let name = format!("server_{}", name.trim_start_matches("server_"));
            assert!(record.get(&name).is_some(), "{place} lacks {name}");
        }
    }
    let deleted = [line(push, 7), line(push, 11)];
    assert!(deleted.iter().all(|record| record["server_is_deleted"] == true));
}

#[test]
fn pulls_and_statistics() {
    let fixture = include_str!("golden/pull.jsonl");
    pin(fixture, &[of::<PullResponse>, of::<PullResponse>]);
    let modes: Vec<String> = fixture.lines().map(|line| read::<PullResponse>(line).mode).collect();
    assert_eq!(modes, [CHANGES, SNAPSHOT]);
    let types: [fn(&str) -> String; 4] =
        [of::<StatsResponse>, of::<StatsResponse>, of::<TablesResponse>, of::<BranchesResponse>];
    pin(include_str!("golden/stats.jsonl"), &types);
}

#[test]
fn conflict_resolution() {
    let fixture = include_str!("golden/resolve.jsonl");
    pin(
        fixture,
        &[
            of::<ResolveRequest>,
            of::<ResolveRequest>,
            of::<ResolveResponse>,
            of::<ResolveResponse>,
            of::<VersionChangedDetails>,
        ],
    );
    let resolutions: Vec<_> =
        fixture.lines().take(2).map(|line| read::<ResolveRequest>(line).resolution).collect();
    assert_eq!(resolutions, [Resolution::AcceptClient, Resolution::AcceptServer]);
}

#[test]
fn dead_letters() {
    pin(
        include_str!("golden/dead_letters.jsonl"),
        &[
            of::<DeadLetterEntry>,
            of::<DeadLetterEntry>,
            of::<DeadLettersResponse>,
            |_| text(&ReplayRequest::default()),
            of::<ReplayRequest>,
            of::<ReplayRequest>,
        ],
    );
}

#[test]
fn accounts() {
    pin(
        include_str!("golden/accounts.jsonl"),
        &[
            of::<SessionResponse>,
            of::<MeResponse>,
            of::<SessionsResponse>,
            of::<EndSessionsResponse>,
            of::<SocketTicketRequest>,
            of::<SocketTicketResponse>,
        ],
    );
}

#[test]
fn records_and_carts() {
    pin(
        include_str!("golden/data.jsonl"),
        &[
            of::<RecordResponse>,
            of::<BatchGetRequest>,
            of::<BatchGetResponse>,
            of::<BatchGetResponse>,
            of::<PutCartRequest>,
            of::<PutCartRequest>,
            of::<CartResponse>,
            of::<PutCartResponse>,
        ],
    );
}

#[test]
fn errors() {
    let plain = ApiError::new(ErrorCode::NotFound, "There is nothing at this address.");
    let detailed = plain.clone().with_details(&json!({"limit": 50}));
    let exact = plain.clone().with_details(&JsonText::from_text(r#"{"price":1.10}"#.into()).unwrap());
    let errors = [plain, detailed, exact].map(|error| ErrorResponse::new(&error, "r1").to_json());
    let limit = RateLimitDetails { policy: "user", limit: 100, window_secs: 60, retry_after_secs: 3 };
    let lines: Vec<&str> = include_str!("golden/errors.jsonl").lines().collect();
    let sizes = [TooLargeDetails::records(50, 51), TooLargeDetails::bytes(4 << 20, None)];
    assert_eq!([&errors[..], &[text(&limit)], &sizes.map(|size| text(&size))].concat(), lines);
}

#[test]
fn readiness() {
    // The status follows from the parts.
    let ready = |line: &str| {
        let ReadinessResponse { redis, function, database, room, .. } = read(line);
        text(&ReadinessResponse::new(redis, OtherParts { function, database, room }))
    };
    pin(include_str!("golden/readiness.jsonl"), &[ready, ready, ready, |_| text(&BreakerState::Open)]);
}

#[test]
fn devices() {
    pin(include_str!("golden/device.jsonl"), &[of::<DeviceResponse>, of::<DeviceResponse>]);
}

#[test]
fn presence() {
    pin(include_str!("golden/presence.jsonl"), &[of::<PresenceResponse>]);
}

#[test]
fn cache() {
    pin(
        include_str!("golden/cache.jsonl"),
        &[
            of::<CacheReportResponse>,
            of::<CacheStatsResponse>,
            of::<InvalidateRequest>,
            of::<InvalidateRequest>,
            of::<InvalidateResponse>,
            of::<WarmRequest>,
            of::<WarmResponse>,
        ],
    );
}

#[test]
fn frames() {
    let room = || "1:2".to_owned();
    let mut frames = vec![
        text(&ClientFrame::Ping),
        text(&ClientFrame::Pong),
        text(&ClientFrame::Subscribe { room: room() }),
        text(&ClientFrame::Unsubscribe { room: room() }),
        text(&ClientFrame::Auth { token: FrameToken("a.b.c".into()) }),
        ServerFrame::Ping.to_json(),
        ServerFrame::Pong { head: None }.to_json(),
        ServerFrame::Pong { head: Some(Stamp(9)) }.to_json(),
        ServerFrame::Connected { room: room(), head: None }.to_json(),
        ServerFrame::Connected { room: room(), head: Some(Stamp(9)) }.to_json(),
        ServerFrame::Subscribed { room: room(), head: None }.to_json(),
        ServerFrame::Subscribed { room: room(), head: Some(Stamp(9)) }.to_json(),
        ServerFrame::Unsubscribed { room: room() }.to_json(),
        ServerFrame::Authenticated { expires_at: Stamp(9).time().to_string() }.to_json(),
        BadFrame::TooLarge.reply().to_json(),
        BadFrame::StatusTooLarge.reply().to_json(),
        BadFrame::StatusTooSoon.reply().to_json(),
        BadFrame::Unknown.reply().to_json(),
    ];
    let lines: Vec<&str> = include_str!("golden/frames.jsonl").lines().collect();
    let status = lines.get(frames.len()).and_then(|line| ClientFrame::parse(line).ok());
    frames.extend(status.map(|status| text(&status)));
    let syncs = lines.iter().skip(frames.len()).filter_map(|line| ServerFrame::parse(line));
    frames.extend(syncs.map(|sync| sync.to_json()).collect::<Vec<_>>());
    assert_eq!(frames, lines);
}
