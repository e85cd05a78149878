//! What a room knows of one socket. It is the socket's attachment, because memory does not survive
//! hibernation.

use protocol::ids::{BranchId, ClientId, DeviceId, Room, SessionId};
use protocol::limits::{DEVICE_ID_BYTES_MAX, TENANT_ID_BYTES_MAX};
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::publication::{Publication, PublishedChange};
use protocol::wire::socket::{BadFrame, ClientFrame, ServerFrame};
use serde::{Deserialize, Serialize};

use super::call::Guest;

/// Bytes of an attachment, at most; a larger one throws.
const ATTACHMENT_BYTES_MAX: usize = 16 * 1024;
// Four ids, two bytes per character at worst, with names and figures in what is left.
const _: () = assert!(2 * (3 * TENANT_ID_BYTES_MAX + DEVICE_ID_BYTES_MAX) + 1024 < ATTACHMENT_BYTES_MAX);

/// One socket's place in its room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seat {
    client: ClientId,
    branch: BranchId,
    device: DeviceId,
    role: Role,
    /// The session of the token, and of the socket.
    #[serde(default)]
    session: Option<SessionId>,
    /// When the token expires, and the socket with it.
    pub(super) expires_at: Timestamp,
    subscribed: bool,
    /// When the device last sent anything.
    pub(super) heard_at: Timestamp,
    /// When it was last asked whether it is still there.
    pub(super) pinged_at: Option<Timestamp>,
}

impl Seat {
    /// The seat of a device that has just come in: in its own room from the start.
    pub(super) fn new(guest: Guest, now: Timestamp) -> Seat {
        Seat {
            client: guest.room.client,
            branch: guest.room.branch,
            device: guest.device,
            role: guest.role,
            session: guest.session,
            expires_at: guest.expires_at,
            subscribed: true,
            heard_at: now,
            pinged_at: None,
        }
    }

    /// Takes note of a frame, which is text unless `None`, and says what to answer.
    pub(super) fn hear(&mut self, text: Option<&str>, now: Timestamp) -> Option<ServerFrame> {
        self.heard_at = now;
        let own = Room { client: self.client.clone(), branch: self.branch.clone() };
        let frame = text.ok_or(BadFrame::Unknown).and_then(ClientFrame::parse);
        let answer = frame.map_or_else(|bad| Some(bad.answer()), |frame| frame.answer(&own));
        match answer {
            Some(ServerFrame::Subscribed { .. }) => self.subscribed = true,
            Some(ServerFrame::Unsubscribed { .. }) => self.subscribed = false,
            _ => {}
        }
        answer
    }

    /// Whether it is of one of these sessions.
    pub(super) fn is_of(&self, sessions: &[SessionId]) -> bool {
        self.session.as_ref().is_some_and(|session| sessions.contains(session))
    }

    /// Whether a commit is for this socket: its room's, not its own device's, and while its token is valid.
    pub(super) fn wants(&self, publication: &Publication, now: Timestamp) -> bool {
        self.subscribed
            && publication.client_id == self.client
            && publication.branch_id == self.branch
            && publication.device_id != self.device
            && now < self.expires_at
    }

    /// Whether a change of a commit that it wants is for this user's eyes.
    pub(super) fn may_hear(&self, change: &PublishedChange) -> bool {
        change.read <= self.role
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use protocol::json::JsonText;
    use protocol::record::Operation;
    use protocol::stamp::Stamp;

    pub(in crate::room) const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

    pub(in crate::room) fn seat() -> Seat {
        let guest = Guest {
            room: "1:2".parse().unwrap(),
            device: "till-1".parse().unwrap(),
            role: Role::Cashier,
            session: Some("s1".parse().unwrap()),
            expires_at: NOW.plus_secs(900),
        };
        Seat::new(guest, NOW)
    }

    fn commit(room: &str, device: &str) -> Publication {
        let room: Room = room.parse().unwrap();
        let (client_id, branch_id) = (room.client, room.branch);
        let device_id = device.parse().unwrap();
        Publication { client_id, branch_id, device_id, prev: Stamp(0), first: Stamp(1), changes: Vec::new() }
    }

    #[test]
    fn a_seat_wants_what_others_of_its_room_commit_until_its_token_expires() {
        let seat = seat();
        assert!(seat.wants(&commit("1:2", "till-2"), NOW));
        assert!(!seat.wants(&commit("1:2", "till-1"), NOW));
        assert!(!seat.wants(&commit("1:3", "till-2"), NOW));
        assert!(!seat.wants(&commit("2:2", "till-2"), NOW));
        assert!(!seat.wants(&commit("1:2", "till-2"), NOW.plus_secs(900)));
    }

    #[test]
    fn a_seat_is_of_the_session_of_its_token() {
        let ids = |ids: &[&str]| ids.iter().map(|id| id.parse().unwrap()).collect::<Vec<SessionId>>();
        assert!(seat().is_of(&ids(&["s2", "s1"])));
        assert!(!seat().is_of(&ids(&["s2"])) && !seat().is_of(&[]));
        assert!(!Seat { session: None, ..seat() }.is_of(&ids(&["s1"])));
    }

    #[test]
    fn a_seat_hears_what_the_role_of_its_user_may_read() {
        let change = |read| PublishedChange {
            table_name: "settings".into(),
            record_id: "s1".into(),
            operation: Operation::Update,
            data: JsonText::null(),
            version: 2,
            read,
        };
        let manager = Seat { role: Role::Manager, ..seat() };
        for (read, cashier_hears, manager_hears) in
            [(Role::Cashier, true, true), (Role::Manager, false, true), (Role::Admin, false, false)]
        {
            assert_eq!(seat().may_hear(&change(read)), cashier_hears);
            assert_eq!(manager.may_hear(&change(read)), manager_hears);
        }
    }

    #[test]
    fn unsubscribing_from_the_own_room_ends_delivery_until_the_next_subscribe() {
        let mut seat = seat();
        let commit = commit("1:2", "till-2");
        for (text, answer, wants) in [
            (r#"{"type":"unsubscribe","room":"1:2"}"#, r#"{"type":"unsubscribed","room":"1:2"}"#, false),
            (r#"{"type":"subscribe","room":"1:2"}"#, r#"{"type":"subscribed","room":"1:2"}"#, true),
        ] {
            assert_eq!(seat.hear(Some(text), NOW).unwrap().to_json(), answer);
            assert_eq!(seat.wants(&commit, NOW), wants);
        }
        let foreign = seat.hear(Some(r#"{"type":"unsubscribe","room":"1:3"}"#), NOW);
        assert!(foreign.unwrap().to_json().contains("room_forbidden"));
        assert!(seat.wants(&commit, NOW));
    }

    #[test]
    fn every_frame_is_a_sign_of_life_and_a_strange_one_is_answered() {
        let mut seat = seat();
        let later = NOW.plus_secs(7);
        assert_eq!(seat.hear(Some(r#"{"type":"pong"}"#), later), None);
        assert_eq!(seat.heard_at, later);
        assert_eq!(seat.hear(Some(r#"{ "type": "ping" }"#), later), Some(ServerFrame::Pong));
        for strange in [None, Some(""), Some("{}")] {
            assert!(seat.hear(strange, later).unwrap().to_json().contains("bad_frame"));
        }
    }
}
