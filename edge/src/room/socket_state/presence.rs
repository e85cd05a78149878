//! What a socket says about its device.

use std::collections::BTreeMap;

use protocol::ids::Room;
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::presence::OnlineDevice;
use protocol::wire::socket::PresenceFrame;

use super::SocketState;
use crate::room::presence::AnnouncedDevice;

/// The lowest role that is told who is online.
const TOLD: Role = Role::Manager;

impl SocketState {
    /// The device as its room announces it; `None` in the hub, which belongs to no branch.
    pub(in crate::room) fn announced(&self) -> Option<AnnouncedDevice> {
        self.branch.as_ref()?;
        Some(AnnouncedDevice {
            room: self.room().to_string(),
            user: self.user.clone(),
            device: self.device.clone(),
            role: self.role,
            ended_at: None,
        })
    }

    /// Whether to tell the socket about a device of `room`: another one, of a branch to which it is
    /// subscribed.
    pub(in crate::room) fn should_tell(&self, frame: &PresenceFrame, room: &Room, now: Timestamp) -> bool {
        let is_own = frame.user_id == self.user && frame.device_id == self.device.as_str();
        self.role >= TOLD && !is_own && self.hears(&room.client, &room.branch) && now < self.expires_at
    }
}

/// The devices of open sockets, by device and user.
pub(in crate::room) fn online<'a>(sockets: impl IntoIterator<Item = &'a SocketState>) -> Vec<OnlineDevice> {
    let mut devices = BTreeMap::<_, Vec<&SocketState>>::new();
    for socket in sockets {
        devices.entry((&socket.device, &socket.user)).or_default().push(socket);
    }
    devices.into_values().filter_map(|sockets| online_device(&sockets)).collect()
}

/// The device of `sockets`.
fn online_device(sockets: &[&SocketState]) -> Option<OnlineDevice> {
    let first = sockets.iter().min_by_key(|socket| socket.opened_at)?;
    let latest =
        sockets.iter().filter_map(|socket| socket.status.as_ref()).max_by_key(|status| status.told_at);
    let status = latest.and_then(|status| serde_json::from_str(&status.json).ok());
    Some(OnlineDevice {
        device_id: first.device.to_string(),
        user_id: first.user.clone(),
        role: first.role,
        since: first.opened_at.to_string(),
        status_at: latest.filter(|_| status.is_some()).map(|status| status.told_at.to_string()),
        status,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, connect_request};
    use super::*;
    use crate::room::ConnectRequest;

    #[test]
    fn managers_and_head_office_hear_of_other_devices_of_branches_that_they_hear() {
        let socket = |room: &str, role| {
            let room = room.parse().unwrap();
            SocketState::new(ConnectRequest { room, role, ..connect_request() }, NOW)
        };
        let told = |socket: &SocketState, device: &str, room: &str| {
            let other = SocketState { device: device.parse().unwrap(), ..self::tests::socket(room) };
            let frame = other.announced().unwrap().frame(true, NOW);
            socket.should_tell(&frame, &room.parse().unwrap(), NOW)
        };
        let manager = socket("1:2", Role::Manager);
        assert!(told(&manager, "till-2", "1:2") && !told(&manager, "till-1", "1:2"));
        assert!(!told(&manager, "till-2", "1:3") && !told(&manager, "till-2", "2:2"));
        assert!(!told(&socket("1:2", Role::Cashier), "till-2", "1:2"));
        let mut hub = socket("1:*", Role::SuperAdmin);
        assert!(told(&hub, "till-2", "1:2") && told(&hub, "till-2", "1:3") && !told(&hub, "till-2", "2:2"));
        hub.subscribe("1:3", None);
        assert!(!told(&hub, "till-2", "1:2") && told(&hub, "till-2", "1:3"));
        let expired = SocketState { expires_at: NOW, ..manager };
        assert!(!told(&expired, "till-2", "1:2"));
    }

    fn socket(room: &str) -> SocketState {
        SocketState::new(ConnectRequest { room: room.parse().unwrap(), ..connect_request() }, NOW)
    }

    #[test]
    fn a_device_is_online_once_with_its_latest_status() {
        let status = |secs: u64, pending: u32| {
            let json = format!(r#"{{"pending":{pending},"app":"till 1"}}"#);
            Some(super::super::KnownStatus { told_at: NOW.plus_secs(secs), json })
        };
        let one = SocketState { opened_at: NOW.plus_secs(1), status: status(5, 3), ..socket("1:2") };
        let two = SocketState { status: status(4, 9), ..socket("1:2") };
        let other = SocketState { device: "till-0".parse().unwrap(), ..socket("1:2") };
        let devices = online([&one, &two, &other]);
        let names: Vec<&str> = devices.iter().map(|device| device.device_id.as_str()).collect();
        assert_eq!(names, ["till-0", "till-1"]);
        assert_eq!((&devices[0].status, &devices[0].status_at), (&None, &None));
        assert_eq!(devices[1].since, NOW.to_string());
        assert_eq!(devices[1].status.as_ref().unwrap().pending, 3);
        assert_eq!(devices[1].status_at, Some(NOW.plus_secs(5).to_string()));
    }
}
