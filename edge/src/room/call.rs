//! What the edge may ask a room, and how it is written down between the two.

use protocol::ids::{DeviceId, Room, SessionId};
use protocol::role::Role;
use protocol::timestamp::Timestamp;

use crate::query;

/// The status of a publication that was taken.
pub(super) const TAKEN: u16 = 204;
/// The status of a guest who found no seat.
pub(super) const FULL: u16 = 503;

/// A call of a room. Only the edge can make one: objects have no address of their own.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RoomCall {
    /// Lets a device in.
    Connect(Guest),
    /// Tells everyone about the commits in the body.
    Publish,
    /// Closes the sockets of sessions that have ended.
    End(Vec<SessionId>),
}

/// A device that the edge has let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Guest {
    /// The room of the verified token.
    pub(crate) room: Room,
    /// Which device it is.
    pub(crate) device: DeviceId,
    /// What its user may hear of.
    pub(crate) role: Role,
    /// The session of its token; none, if that was issued without.
    pub(crate) session: Option<SessionId>,
    /// When its token expires.
    pub(crate) expires_at: Timestamp,
}

// A stub's requests need a URL with a host; nothing looks at it.
const HOST: &str = "http://room";
const CONNECT: &str = "/connect";
const PUBLISH: &str = "/publish";
const END: &str = "/end";

impl RoomCall {
    /// Where [`RoomCall::Publish`] is posted.
    pub(super) const PUBLISH_URL: &str = "http://room/publish";

    /// Reads a call; `None` for anything the edge does not send.
    pub(super) fn parse(method: &str, path: &str, url_query: &str) -> Option<RoomCall> {
        match (method, path) {
            ("GET", CONNECT) => Guest::from_query(url_query).map(RoomCall::Connect),
            ("POST", PUBLISH) => Some(RoomCall::Publish),
            ("POST", END) => {
                let sessions = query::value(url_query, "sessions")?;
                Some(RoomCall::End(sessions.split(',').map(str::parse).collect::<Result<_, _>>().ok()?))
            }
            _ => None,
        }
    }
}

/// Where the call of [`RoomCall::End`] goes: as many sessions as a user may have fit a URL.
pub(super) fn end_url(sessions: &[SessionId]) -> String {
    let sessions: Vec<&str> = sessions.iter().map(|session| session.as_str()).collect();
    format!("{HOST}{END}?{}", query::write([("sessions", sessions.join(",").as_str())]))
}

impl Guest {
    /// Where the call of [`RoomCall::Connect`] goes. In the query rather than in headers, which could not
    /// carry the name of every device.
    pub(super) fn url(&self) -> String {
        let (room, role, expires_at) =
            (self.room.to_string(), self.role.to_string(), self.expires_at.0.to_string());
        let pairs = [
            ("room", room.as_str()),
            ("device", self.device.as_str()),
            ("role", &role),
            ("expires_at", &expires_at),
        ];
        let session = self.session.as_ref().map(|session| ("session", session.as_str()));
        format!("{HOST}{CONNECT}?{}", query::write(pairs.into_iter().chain(session)))
    }

    fn from_query(url_query: &str) -> Option<Guest> {
        Some(Guest {
            room: query::value(url_query, "room")?.parse().ok()?,
            device: query::value(url_query, "device")?.parse().ok()?,
            role: query::value(url_query, "role")?.parse().ok()?,
            session: query::value(url_query, "session").map(|session| session.parse()).transpose().ok()?,
            expires_at: Timestamp(query::value(url_query, "expires_at")?.parse().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path_and_query(url: &str) -> (&str, &str) {
        let rest = url.strip_prefix(HOST).unwrap();
        (rest.split('?').next().unwrap(), query::of(url))
    }

    #[test]
    fn a_guest_reads_back_whatever_the_device_is_called() {
        for (device, session) in
            [("till-1", None), ("Kasse 1 – Büro", Some("k3J-_")), ("a&room=9:9#?", Some("s")), ("100%", None)]
        {
            let guest = Guest {
                room: "1:2".parse().unwrap(),
                device: device.parse().unwrap(),
                role: Role::SuperAdmin,
                session: session.map(|session| session.parse().unwrap()),
                expires_at: Timestamp(1_765_103_400_000_000),
            };
            let url = guest.url();
            let (path, url_query) = path_and_query(&url);
            assert_eq!(RoomCall::parse("GET", path, url_query), Some(RoomCall::Connect(guest)));
        }
    }

    #[test]
    fn a_publication_is_posted() {
        let (path, _) = path_and_query(RoomCall::PUBLISH_URL);
        assert_eq!(RoomCall::parse("POST", path, ""), Some(RoomCall::Publish));
    }

    #[test]
    fn ended_sessions_read_back() {
        let sessions: Vec<SessionId> = ["k3J-_", "s2"].map(|session| session.parse().unwrap()).into();
        let url = end_url(&sessions);
        let (path, url_query) = path_and_query(&url);
        assert_eq!(RoomCall::parse("POST", path, url_query), Some(RoomCall::End(sessions)));
        for bad in ["", "sessions=", "sessions=a,", "sessions=a%2Fb"] {
            assert_eq!(RoomCall::parse("POST", path, bad), None, "{bad}");
        }
    }

    #[test]
    fn nothing_else_is_a_call() {
        for (method, path) in [("POST", "/connect"), ("GET", "/publish"), ("GET", "/connect"), ("GET", "/")] {
            assert_eq!(RoomCall::parse(method, path, "room=1:2&device=d"), None);
        }
    }
}
