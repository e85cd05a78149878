//! The state of one socket. It is stored in the socket's attachment, which survives hibernation.

use auth::limits::TOKEN_BYTES_MAX;
use protocol::ids::{BranchId, ClientId, DeviceId, Room, SessionId};
use protocol::limits::{DEVICE_ID_BYTES_MAX, TENANT_ID_BYTES_MAX};
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::publication::{Publication, PublishedChange};
use protocol::wire::socket::{BadFrame, ClientFrame, ServerFrame};
use serde::{Deserialize, Serialize};

use super::call::ConnectRequest;
use super::close_reason::{CloseReason, TOO_MANY_FRAMES};
use super::frame_rate::FrameRate;

/// Maximum bytes of an attachment; a larger one throws.
const ATTACHMENT_BYTES_MAX: usize = 16 * 1024;
// Five ids of up to two bytes per character, the user's as long as its token at most, and room for names and
// numbers.
const _: () = assert!(
    2 * (3 * TENANT_ID_BYTES_MAX + DEVICE_ID_BYTES_MAX + TOKEN_BYTES_MAX) + 1024 < ATTACHMENT_BYTES_MAX
);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SocketState {
    client: ClientId,
    branch: BranchId,
    #[serde(default)]
    user: String,
    device: DeviceId,
    pub(super) role: Role,
    #[serde(default)]
    pub(super) session: Option<SessionId>,
    /// The epoch for a socket of the previous version.
    #[serde(default = "epoch")]
    pub(super) opened_at: Timestamp,
    /// The expiry of its token, and so of the socket.
    pub(super) expires_at: Timestamp,
    subscribed: bool,
    /// Whether the device takes the changes of a commit in one frame.
    #[serde(default)]
    pub(super) takes_batches: bool,
    /// The time of the last frame from the device.
    pub(super) heard_at: Timestamp,
    /// The time of the last ping to the device.
    pub(super) pinged_at: Option<Timestamp>,
    #[serde(default)]
    frame_rate: FrameRate,
}

fn epoch() -> Timestamp {
    Timestamp(0)
}

impl SocketState {
    /// The state of a new connection, subscribed to its own room.
    pub(super) fn new(connect: ConnectRequest, now: Timestamp) -> SocketState {
        SocketState {
            client: connect.room.client,
            branch: connect.room.branch,
            user: connect.user,
            device: connect.device,
            role: connect.role,
            session: connect.session,
            opened_at: now,
            expires_at: connect.expires_at,
            subscribed: true,
            takes_batches: connect.takes_batches,
            heard_at: now,
            pinged_at: None,
            frame_rate: FrameRate::default(),
        }
    }

    /// The first frame of the connection.
    pub(super) fn greeting(&self, head: Option<Stamp>) -> ServerFrame {
        ServerFrame::Connected { room: self.room().to_string(), head }
    }

    fn room(&self) -> Room {
        Room { client: self.client.clone(), branch: self.branch.clone() }
    }

    /// Handles a frame, `None` if it is binary; returns the answer, or why to close the socket. `head` is the
    /// room's.
    pub(super) fn on_frame(
        &mut self,
        text: Option<&str>,
        head: Option<Stamp>,
        now: Timestamp,
    ) -> Result<Option<ServerFrame>, CloseReason> {
        if !self.frame_rate.count(now) {
            return Err(TOO_MANY_FRAMES);
        }
        self.heard_at = now;
        let own = self.room();
        let frame = text.ok_or(BadFrame::Unknown).and_then(ClientFrame::parse);
        let answer = frame.map_or_else(|bad| Some(bad.reply()), |frame| frame.reply(&own, head));
        match answer {
            Some(ServerFrame::Subscribed { .. }) => self.subscribed = true,
            Some(ServerFrame::Unsubscribed { .. }) => self.subscribed = false,
            _ => {}
        }
        Ok(answer)
    }

    /// Whether the socket is of the same device and user. A device id alone can be claimed by any user.
    pub(super) fn is_device_of(&self, connect: &ConnectRequest) -> bool {
        self.user == connect.user && self.device == connect.device
    }

    pub(super) fn belongs_to(&self, sessions: &[SessionId]) -> bool {
        self.session.as_ref().is_some_and(|session| sessions.contains(session))
    }

    /// Whether to deliver a commit: it is of the socket's room and of another device, and the token is valid.
    pub(super) fn should_deliver(&self, publication: &Publication, now: Timestamp) -> bool {
        self.subscribed
            && publication.client_id == self.client
            && publication.branch_id == self.branch
            && publication.device_id != self.device
            && now < self.expires_at
    }

    /// Whether the user's role may read a change.
    pub(super) fn may_read(&self, change: &PublishedChange) -> bool {
        change.read <= self.role
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
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
            takes_batches: false,
        }
    }

    pub(in crate::room) fn socket_state() -> SocketState {
        SocketState::new(connect_request(), NOW)
    }

    fn commit(room: &str, device: &str) -> Publication {
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
            assert_eq!(socket_state.on_frame(Some(text), None, NOW).unwrap().unwrap().to_json(), answer);
            assert_eq!(socket_state.should_deliver(&commit, NOW), delivers);
        }
        let foreign = socket_state.on_frame(Some(r#"{"type":"unsubscribe","room":"1:3"}"#), None, NOW);
        assert!(foreign.unwrap().unwrap().to_json().contains("room_forbidden"));
        assert!(socket_state.should_deliver(&commit, NOW));
    }

    #[test]
    fn every_frame_counts_as_activity_and_a_bad_one_is_answered() {
        let mut socket_state = socket_state();
        let later = NOW.plus_secs(7);
        assert_eq!(socket_state.on_frame(Some(r#"{"type":"pong"}"#), None, later), Ok(None));
        assert_eq!(socket_state.heard_at, later);
        let head = Some(Stamp(7));
        let pong = socket_state.on_frame(Some(r#"{ "type": "ping" }"#), head, later);
        assert_eq!(pong, Ok(Some(ServerFrame::Pong { head })));
        for bad in [None, Some(""), Some("{}")] {
            assert!(
                socket_state.on_frame(bad, None, later).unwrap().unwrap().to_json().contains("bad_frame")
            );
        }
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
        assert!(!read.takes_batches);
    }
}
