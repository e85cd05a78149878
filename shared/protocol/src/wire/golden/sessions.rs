use super::text;
use crate::wire::sessions::{SessionInfo, SessionsEnded, SessionsResponse};

#[test]
fn where_a_user_is_signed_in() {
    let at = "2025-12-07T10:30:01.000123Z";
    let session = SessionInfo {
        id: "s1".parse().unwrap(),
        device_id: Some("till-1".parse().unwrap()),
        address: Some("192.0.2.7".into()),
        agent: None,
        created_at: at.into(),
        last_activity_at: at.into(),
        idle: false,
        current: true,
    };
    assert_eq!(
        text(&SessionsResponse { sessions: vec![session], activity_known: true }),
        r#"{"sessions":[{"id":"s1","device_id":"till-1","address":"192.0.2.7","agent":null,"created_at":"2025-12-07T10:30:01.000123Z","last_activity_at":"2025-12-07T10:30:01.000123Z","idle":false,"current":true}],"activity_known":true}"#
    );
}

#[test]
fn sessions_that_were_ended() {
    assert_eq!(
        text(&SessionsEnded { ended: 2, effective_within_secs: 5 }),
        r#"{"ended":2,"effective_within_secs":5}"#
    );
}
