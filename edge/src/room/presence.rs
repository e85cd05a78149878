//! Which devices a room has announced as online.
//!
//! A device joins with its first socket, and leaves some seconds after its last one has ended, so that a page
//! that is loaded again makes no noise. What was announced is stored: the end of a device is told although
//! the room has lost its memory since. When the last socket ended is in memory only: after a deployment,
//! which ends all sockets, nothing is written for the devices that come back.

use std::collections::{BTreeMap, BTreeSet};

use protocol::ids::DeviceId;
use protocol::limits::PRESENCE_LEAVE_SECS;
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::socket::PresenceFrame;
use serde::{Deserialize, Serialize};

use super::socket_state::SocketState;

/// Devices leave at multiples of this time.
const LEAVE_STEP_MICROS: u64 = 250_000;

/// A device that was announced as online.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AnnouncedDevice {
    /// `client:branch`
    pub(super) room: String,
    pub(super) user: String,
    pub(super) device: DeviceId,
    pub(super) role: Role,
    /// When its last socket had ended, as far as the memory of the room goes; `None` while it has one.
    #[serde(skip)]
    pub(super) ended_at: Option<Timestamp>,
}

/// A device id, of a user.
type DeviceKey = (String, DeviceId);

/// All devices that the room has announced as online.
#[derive(Debug, Default)]
pub(super) struct AnnouncedDevices(BTreeMap<DeviceKey, AnnouncedDevice>);

/// What a comparison with the sockets has found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) joined: Vec<AnnouncedDevice>,
    pub(super) left: Vec<AnnouncedDevice>,
}

impl Changes {
    /// Adds what happened after it.
    pub(super) fn append(&mut self, later: Changes) {
        for device in &later.joined {
            self.left.retain(|left| left.key() != device.key());
        }
        for device in &later.left {
            self.joined.retain(|joined| joined.key() != device.key());
        }
        self.joined.extend(later.joined);
        self.left.extend(later.left);
    }
}

impl AnnouncedDevice {
    fn key(&self) -> DeviceKey {
        (self.user.clone(), self.device.clone())
    }

    /// When it leaves, rounded up so that many devices leave in one alarm.
    fn leave_at(&self) -> Option<Timestamp> {
        let leave_at = self.ended_at?.plus_secs(PRESENCE_LEAVE_SECS);
        Some(Timestamp(leave_at.0.next_multiple_of(LEAVE_STEP_MICROS)))
    }

    /// Tells what is true of the device since `at`.
    pub(super) fn frame(&self, online: bool, at: Timestamp) -> PresenceFrame {
        PresenceFrame {
            device_id: self.device.to_string(),
            user_id: self.user.clone(),
            role: self.role,
            online,
            at: at.to_string(),
            room: self.room.clone(),
        }
    }
}

impl FromIterator<AnnouncedDevice> for AnnouncedDevices {
    fn from_iter<I: IntoIterator<Item = AnnouncedDevice>>(devices: I) -> AnnouncedDevices {
        AnnouncedDevices(devices.into_iter().map(|device| (device.key(), device)).collect())
    }
}

impl AnnouncedDevices {
    /// Notes a new socket.
    pub(super) fn connected(&mut self, socket: &SocketState) -> Changes {
        let mut changes = Changes::default();
        self.note_online(socket, &mut changes);
        changes
    }

    /// Notes that `socket` has ended; `others` are still open.
    pub(super) fn closed<'a>(
        &mut self,
        socket: &SocketState,
        others: impl IntoIterator<Item = &'a SocketState>,
        now: Timestamp,
    ) {
        let Some(key) = socket.announced().map(|device| device.key()) else { return };
        let has_another = others.into_iter().any(|other| other.is_same_device(socket));
        if let Some(device) = self.0.get_mut(&key).filter(|_| !has_another) {
            device.ended_at.get_or_insert(now);
        }
    }

    /// Compares with all open sockets at `now`.
    pub(super) fn check<'a>(
        &mut self,
        open: impl IntoIterator<Item = &'a SocketState>,
        now: Timestamp,
    ) -> Changes {
        let mut changes = Changes::default();
        let mut online = BTreeSet::new();
        for socket in open {
            if let Some(key) = self.note_online(socket, &mut changes) {
                online.insert(key);
            }
        }
        for (key, device) in &mut self.0 {
            if device.ended_at.is_none() && !online.contains(key) {
                device.ended_at = Some(now);
            }
        }
        let has_left = |device: &AnnouncedDevice| device.leave_at().is_some_and(|leave_at| leave_at <= now);
        changes.left =
            self.0.extract_if(.., |_, device| has_left(device)).map(|(_, device)| device).collect();
        changes
    }

    /// The time of the next leave; `None` if every device is online.
    pub(super) fn next_leave(&self) -> Option<Timestamp> {
        self.0.values().filter_map(AnnouncedDevice::leave_at).min()
    }

    /// Returns the key of the device; `None` for a socket of the hub, which is of no branch.
    fn note_online(&mut self, socket: &SocketState, changes: &mut Changes) -> Option<DeviceKey> {
        let device = socket.announced()?;
        let key = device.key();
        if let Some(known) = self.0.get_mut(&key) {
            known.ended_at = None;
        } else {
            changes.joined.push(device.clone());
            self.0.insert(key.clone(), device);
        }
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::super::socket_state::tests::{NOW, connect_request};
    use super::*;
    use crate::room::ConnectRequest;

    fn socket(device: &str) -> SocketState {
        let connect = ConnectRequest { device: device.parse().unwrap(), ..connect_request() };
        SocketState::new(connect, NOW)
    }

    fn names(devices: &[AnnouncedDevice]) -> Vec<&str> {
        devices.iter().map(|device| device.device.as_str()).collect()
    }

    #[test]
    fn a_device_that_comes_and_goes_in_one_batch_only_leaves() {
        let device = || vec![socket("till-1").announced().unwrap()];
        let mut all = Changes { joined: device(), left: vec![] };
        all.append(Changes { joined: vec![], left: device() });
        assert_eq!((all.joined.len(), all.left.len()), (0, 1));
        all.append(Changes { joined: device(), left: vec![] });
        assert_eq!((all.joined.len(), all.left.len()), (1, 0));
    }

    fn at(secs: u64) -> Timestamp {
        NOW.plus_secs(secs)
    }

    #[test]
    fn a_device_joins_with_its_first_socket_and_leaves_three_seconds_after_its_last() {
        let mut announced = AnnouncedDevices::default();
        let (one, two) = (socket("till-1"), socket("till-2"));
        assert_eq!(names(&announced.connected(&one).joined), ["till-1"]);
        assert_eq!(announced.connected(&one), Changes::default());
        assert_eq!(names(&announced.check([&one, &one, &two], NOW).joined), ["till-2"]);
        assert_eq!(announced.next_leave(), None);

        assert_eq!(announced.check([&two], NOW), Changes::default());
        assert_eq!(announced.next_leave(), Some(at(PRESENCE_LEAVE_SECS)));
        assert_eq!(announced.check([&two], at(PRESENCE_LEAVE_SECS - 1)), Changes::default());
        let left = announced.check([&two], at(PRESENCE_LEAVE_SECS));
        assert_eq!((names(&left.left), left.joined.len()), (vec!["till-1"], 0));
        assert_eq!((left.left[0].ended_at, announced.next_leave()), (Some(NOW), None));
        // The next socket is a first one.
        assert_eq!(names(&announced.connected(&one).joined), ["till-1"]);
    }

    #[test]
    fn only_the_last_of_the_sockets_of_a_device_ends_it() {
        let mut announced = AnnouncedDevices::default();
        let (one, two) = (socket("till-1"), socket("till-2"));
        announced.check([&one, &two], NOW);
        announced.closed(&one, [&two, &one], NOW);
        assert_eq!(announced.next_leave(), None);
        announced.closed(&one, [&two], at(1));
        announced.closed(&one, [&two], at(2));
        assert_eq!(announced.next_leave(), Some(at(1 + PRESENCE_LEAVE_SECS)));
    }

    #[test]
    fn devices_leave_at_shared_moments_and_never_too_early() {
        let mut announced = AnnouncedDevices::default();
        let one = socket("till-1");
        announced.connected(&one);
        announced.closed(&one, [], Timestamp(NOW.0 + 1));
        let leave_at = announced.next_leave().unwrap();
        assert_eq!(leave_at, Timestamp(at(PRESENCE_LEAVE_SECS).0 + LEAVE_STEP_MICROS));
        assert!(announced.check([], Timestamp(leave_at.0 - 1)).left.is_empty());
        assert_eq!(names(&announced.check([], leave_at).left), ["till-1"]);
    }

    #[test]
    fn a_device_that_is_back_in_time_has_not_left() {
        let mut announced = AnnouncedDevices::default();
        let one = socket("till-1");
        announced.connected(&one);
        for back in [AnnouncedDevices::connected, |announced: &mut _, socket: &_| {
            AnnouncedDevices::check(announced, [socket], at(2))
        }] {
            announced.check([], NOW);
            assert_eq!((back(&mut announced, &one), announced.next_leave()), (Changes::default(), None));
        }
        assert_eq!(announced.check([&one], at(60)), Changes::default());
    }

    #[test]
    fn a_leave_outlives_the_memory_of_the_room() {
        let mut announced = AnnouncedDevices::default();
        let joined = announced.connected(&socket("till-1")).joined;
        announced.check([], NOW);
        let text = serde_json::to_string(&joined).unwrap();
        let read: Vec<AnnouncedDevice> = serde_json::from_str(&text).unwrap();
        let mut again: AnnouncedDevices = read.into_iter().collect();
        // The alarm rings at the time of the leave, finds no socket, and waits once more.
        assert_eq!(again.check([], at(PRESENCE_LEAVE_SECS)), Changes::default());
        assert_eq!(again.next_leave(), Some(at(2 * PRESENCE_LEAVE_SECS)));
        assert_eq!(names(&again.check([], at(2 * PRESENCE_LEAVE_SECS)).left), ["till-1"]);
    }

    #[test]
    fn one_device_id_of_two_users_is_two_devices_and_a_socket_of_the_hub_is_none() {
        let mut announced = AnnouncedDevices::default();
        let own = socket("till-1");
        let other = SocketState::new(ConnectRequest { user: "u2".into(), ..connect_request() }, NOW);
        let hub = SocketState::new(ConnectRequest { room: "1:*".parse().unwrap(), ..connect_request() }, NOW);
        let joined = announced.check([&own, &other, &hub], NOW).joined;
        let users: Vec<&str> = joined.iter().map(|device| device.user.as_str()).collect();
        assert_eq!(users, ["u1", "u2"]);
        announced.check([&other], NOW);
        assert_eq!(announced.check([&other], at(3)).left[0].user, "u1");
    }
}
