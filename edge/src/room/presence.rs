//! Which devices a room has announced as online.
//!
//! A device joins with its first socket, and leaves some seconds after its last one has ended, so that a page
//! that is loaded again makes no noise. What was announced is stored: the end of a device is told although
//! the room has lost its memory since.

use std::collections::{BTreeMap, BTreeSet};

use protocol::ids::DeviceId;
use protocol::limits::PRESENCE_LEAVE_SECS;
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::socket::PresenceFrame;
use serde::{Deserialize, Serialize};

use super::socket_state::SocketState;

/// A device that was announced as online.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AnnouncedDevice {
    /// `client:branch`
    pub(super) room: String,
    pub(super) user: String,
    pub(super) device: DeviceId,
    pub(super) role: Role,
    /// When its last socket had ended; `None` while it has one.
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
    /// Devices to store, those that joined included; those that left are deleted.
    pub(super) stored: Vec<AnnouncedDevice>,
}

impl AnnouncedDevice {
    fn key(&self) -> DeviceKey {
        (self.user.clone(), self.device.clone())
    }

    fn leave_at(&self) -> Option<Timestamp> {
        self.ended_at.map(|ended_at| ended_at.plus_secs(PRESENCE_LEAVE_SECS))
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
                changes.stored.push(device.clone());
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
            if known.ended_at.take().is_some() {
                changes.stored.push(known.clone());
            }
        } else {
            changes.joined.push(device.clone());
            changes.stored.push(device.clone());
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

        let ended = announced.check([&two], NOW);
        assert_eq!((names(&ended.stored), ended.joined.len(), ended.left.len()), (vec!["till-1"], 0, 0));
        assert_eq!(announced.next_leave(), Some(at(PRESENCE_LEAVE_SECS)));
        assert_eq!(announced.check([&two], at(PRESENCE_LEAVE_SECS - 1)), Changes::default());
        let left = announced.check([&two], at(PRESENCE_LEAVE_SECS));
        assert_eq!((names(&left.left), left.stored.len()), (vec!["till-1"], 0));
        assert_eq!((left.left[0].ended_at, announced.next_leave()), (Some(NOW), None));
        // The next socket is a first one.
        assert_eq!(names(&announced.connected(&one).joined), ["till-1"]);
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
            let changes = back(&mut announced, &one);
            assert_eq!(
                (names(&changes.stored), changes.joined.len(), changes.left.len()),
                (vec!["till-1"], 0, 0)
            );
            assert_eq!((changes.stored[0].ended_at, announced.next_leave()), (None, None));
        }
        assert_eq!(announced.check([&one], at(60)), Changes::default());
    }

    #[test]
    fn a_leave_outlives_the_memory_of_the_room() {
        let mut announced = AnnouncedDevices::default();
        announced.connected(&socket("till-1"));
        let stored = announced.check([], NOW).stored;
        let text = serde_json::to_string(&stored).unwrap();
        let read: Vec<AnnouncedDevice> = serde_json::from_str(&text).unwrap();
        let mut again: AnnouncedDevices = read.into_iter().collect();
        assert_eq!(names(&again.check([], at(PRESENCE_LEAVE_SECS)).left), ["till-1"]);
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
