use super::super::frame_options::FrameOptions;
use super::*;
use protocol::claims::{AUDIENCE, ISSUER};
use protocol::ids::Room;
use protocol::json::JsonText;
use protocol::limits::FRAMES_BURST_MAX;
use protocol::record::Operation;

pub(in crate::room) const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

pub(in crate::room) fn connect_request() -> ConnectRequest {
    ConnectRequest {
        room: "1:2".parse().unwrap(),
        user: "u1".into(),
        device: "till-1".parse().unwrap(),
        role: Role::Cashier,
        session: Some("s1".parse().unwrap()),
        expires_at: NOW.plus_secs(900),
        author: "till-1".parse().unwrap(),
        options: FrameOptions::default(),
    }
}

pub(in crate::room) fn socket_state() -> SocketState {
    SocketState::new(connect_request(), NOW)
}

/// The reply to a frame of a room without a head.
fn reply(socket_state: &mut SocketState, text: &str, now: Timestamp) -> Option<ServerFrame> {
    match socket_state.on_frame(Some(text), None, now) {
        Ok(Reaction::Reply(reply)) => reply,
        other => panic!("{other:?}"),
    }
}

pub(in crate::room) fn commit(room: &str, device: &str) -> Publication {
    let room: Room = room.parse().unwrap();
    let (client_id, branch_id) = (room.client, room.branch);
    let device_id = device.parse().unwrap();
    Publication { client_id, branch_id, device_id, prev: Stamp(0), first: Stamp(1), changes: Vec::new() }
}

#[test]
fn a_socket_gets_commits_of_other_devices_of_its_room_until_its_token_expires() {
    let socket_state = socket_state();
    assert!(socket_state.should_deliver(&commit("1:2", "till-2"), NOW));
    assert!(!socket_state.should_deliver(&commit("1:2", "till-1"), NOW));
    assert!(!socket_state.should_deliver(&commit("1:3", "till-2"), NOW));
    assert!(!socket_state.should_deliver(&commit("2:2", "till-2"), NOW));
    assert!(!socket_state.should_deliver(&commit("1:2", "till-2"), NOW.plus_secs(900)));
}

#[test]
fn a_socket_gets_its_own_commits_only_if_it_asks() {
    let state_of = |author: &str, own| {
        let (author, options) = (author.parse().unwrap(), FrameOptions { own, ..FrameOptions::default() });
        SocketState::new(ConnectRequest { author, options, ..connect_request() }, NOW)
    };
    for (author, own, bound, free) in [
        ("till-1", false, false, true),
        ("till-1", true, true, true),
        ("free:till-1", false, true, false),
        ("free:till-1", true, true, true),
    ] {
        let state = state_of(author, own);
        assert_eq!(state.should_deliver(&commit("1:2", "till-1"), NOW), bound, "{author} {own}");
        assert_eq!(state.should_deliver(&commit("1:2", "free:till-1"), NOW), free, "{author} {own}");
    }
}

#[test]
fn a_socket_belongs_to_the_session_of_its_token() {
    let ids = |ids: &[&str]| ids.iter().map(|id| id.parse().unwrap()).collect::<Vec<SessionId>>();
    assert!(socket_state().belongs_to(&ids(&["s2", "s1"])));
    assert!(!socket_state().belongs_to(&ids(&["s2"])) && !socket_state().belongs_to(&[]));
    assert!(!SocketState { session: None, ..socket_state() }.belongs_to(&ids(&["s1"])));
}

#[test]
fn a_socket_gets_what_the_role_of_its_user_may_read() {
    let change = |read| PublishedChange {
        table_name: "settings".into(),
        record_id: "s1".into(),
        operation: Operation::Update,
        data: JsonText::null(),
        version: 2,
        read,
    };
    let manager = SocketState { role: Role::Manager, ..socket_state() };
    for (read, cashier_reads, manager_reads) in
        [(Role::Cashier, true, true), (Role::Manager, false, true), (Role::Admin, false, false)]
    {
        assert_eq!(socket_state().may_read(&change(read)), cashier_reads);
        assert_eq!(manager.may_read(&change(read)), manager_reads);
    }
}

#[test]
fn unsubscribing_ends_delivery_until_the_next_subscribe() {
    let mut socket_state = socket_state();
    let commit = commit("1:2", "till-2");
    for (text, answer, delivers) in [
        (r#"{"type":"unsubscribe","room":"1:2"}"#, r#"{"type":"unsubscribed","room":"1:2"}"#, false),
        (r#"{"type":"subscribe","room":"1:2"}"#, r#"{"type":"subscribed","room":"1:2"}"#, true),
    ] {
        assert_eq!(reply(&mut socket_state, text, NOW).unwrap().to_json(), answer);
        assert_eq!(socket_state.should_deliver(&commit, NOW), delivers);
    }
    let foreign = reply(&mut socket_state, r#"{"type":"unsubscribe","room":"1:3"}"#, NOW);
    assert!(foreign.unwrap().to_json().contains("room_forbidden"));
    assert!(socket_state.should_deliver(&commit, NOW));
}

#[test]
fn every_frame_counts_as_activity_and_a_bad_one_is_answered() {
    let mut socket_state = socket_state();
    let later = NOW.plus_secs(7);
    assert_eq!(reply(&mut socket_state, r#"{"type":"pong"}"#, later), None);
    assert_eq!(socket_state.heard_at, later);
    let head = Some(Stamp(7));
    let pong = socket_state.on_frame(Some(r#"{ "type": "ping" }"#), head, later);
    assert_eq!(pong, Ok(Reaction::Reply(Some(ServerFrame::Pong { head }))));
    let bad = Ok(Reaction::Reply(Some(BadFrame::Unknown.reply())));
    for text in [None, Some(""), Some("{}")] {
        assert_eq!(socket_state.on_frame(text, None, later), bad);
    }
}

#[test]
fn a_status_is_kept_once_in_five_seconds() {
    let mut socket_state = socket_state();
    let text = |pending: u32| format!(r#"{{"type":"status","pending":{pending},"more":1}}"#);
    let kept = |socket_state: &SocketState| socket_state.status.clone().unwrap().json;
    assert_eq!(reply(&mut socket_state, &text(1), NOW), None);
    let too_soon = reply(&mut socket_state, &text(2), NOW.plus_secs(STATUS_EVERY_SECS - 1));
    assert_eq!(too_soon, Some(BadFrame::StatusTooSoon.reply()));
    assert_eq!(kept(&socket_state), r#"{"pending":1,"conflicts":0,"rejected":0}"#);
    assert_eq!(reply(&mut socket_state, &text(3), NOW.plus_secs(STATUS_EVERY_SECS)), None);
    // An isolate whose clock was ahead had kept it.
    assert_eq!(reply(&mut socket_state, &text(4), NOW), None);
    assert_eq!(kept(&socket_state), r#"{"pending":4,"conflicts":0,"rejected":0}"#);
}

#[test]
fn the_longest_status_fits_its_share_of_an_attachment() {
    let mut socket_state = socket_state();
    let empty = r#"{"type":"status","pending":4294967295,"app":""}"#;
    let app = "ü".repeat((STATUS_BYTES_MAX - empty.len()) / 2);
    let text = empty.replace(r#""""#, &format!("\"{app}\""));
    assert_eq!(reply(&mut socket_state, &text, NOW), None);
    assert!(socket_state.status.unwrap().json.len() <= STATUS_BYTES_MAX + STATUS_SURPLUS_BYTES);
}

#[test]
fn a_token_of_the_same_caller_renews_the_socket_and_shortens_nothing() {
    let own = Claims {
        sub: "u1".into(),
        client_id: "1".parse().unwrap(),
        branch_id: Some("2".parse().unwrap()),
        role: Role::Cashier,
        device: None,
        sid: Some("s1".parse().unwrap()),
        iss: ISSUER.into(),
        aud: AUDIENCE.into(),
        exp: 0,
        iat: 0,
        jti: "j".into(),
    };
    let device = |device: &str| Some(device.parse().unwrap());
    let socket_state = socket_state();
    assert!(socket_state.is_of(&own));
    assert!(socket_state.is_of(&Claims { device: device("till-1"), ..own.clone() }));
    for other in [
        Claims { sub: "u2".into(), ..own.clone() },
        Claims { client_id: "2".parse().unwrap(), ..own.clone() },
        Claims { branch_id: Some("3".parse().unwrap()), ..own.clone() },
        Claims { branch_id: None, ..own.clone() },
        Claims { role: Role::Manager, ..own.clone() },
        Claims { device: device("till-2"), ..own.clone() },
        Claims { sid: Some("s2".parse().unwrap()), ..own.clone() },
        Claims { sid: None, ..own },
    ] {
        assert!(!socket_state.is_of(&other), "{other:?}");
    }
    let mut renewed = socket_state;
    let later = NOW.plus_secs(1000);
    assert!(!renewed.is_news(NOW.plus_secs(900)), "the token that it was opened with");
    assert_eq!((renewed.is_news(later), renewed.is_news(later)), (true, false));
    let answer = |at: Timestamp| ServerFrame::Authenticated { expires_at: at.to_string() };
    assert_eq!(renewed.renew(NOW.plus_secs(1000)), answer(NOW.plus_secs(1000)));
    assert_eq!(renewed.renew(NOW), answer(NOW.plus_secs(1000)));
    assert_eq!(renewed.expires_at, NOW.plus_secs(1000));
}

#[test]
fn one_frame_too_many_closes_the_socket_whatever_it_says() {
    for text in [Some(r#"{"type":"subscribe","room":"1:2"}"#), Some("{}"), None] {
        let mut socket_state = socket_state();
        for _ in 0..FRAMES_BURST_MAX {
            assert!(socket_state.on_frame(text, None, NOW).is_ok());
        }
        assert_eq!(socket_state.on_frame(text, None, NOW), Err(TOO_MANY_FRAMES));
        assert!(socket_state.on_frame(text, None, NOW.plus_secs(1)).is_ok());
    }
}

#[test]
fn a_state_of_the_previous_version_is_readable() {
    let stored = serde_json::json!({
        "client": "1", "branch": "2", "device": "till-1", "role": "cashier", "session": "s1",
        "expires_at": NOW, "subscribed": true, "heard_at": NOW, "pinged_at": null,
    });
    let read: SocketState = serde_json::from_value(stored).unwrap();
    assert_eq!((read.opened_at, read.frame_rate), (Timestamp(0), FrameRate::default()));
    assert!(!read.takes_batches && read.omits.is_none() && read.status.is_none());
}
