//! The calls that the edge makes to a room, and their encoding.

use std::collections::BTreeMap;

use protocol::author::unbound;
use protocol::claims::Claims;
use protocol::ids::{DeviceId, SessionId, SocketRoom};
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::publication::Publication;
use protocol::wire::push_group::GroupedResponse;
use protocol::wire::socket::PresenceFrame;
use serde::{Deserialize, Serialize};

use super::frame_options::FrameOptions;
use super::page_call::{self, PageCall};
use super::ticket::TicketCall;
use super::turn_call::TurnCall;
use crate::query;

pub(super) const ACCEPTED: u16 = 204;
/// The status of a connection to a full room.
pub(super) const FULL: u16 = 503;
/// The status of a connection whose session has ended.
pub(super) const SESSION_ENDED: u16 = 410;

/// A call of a room. Only the edge can make one: objects have no public address.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RoomCall {
    Connect(ConnectRequest),
    /// Keeps or takes a ticket.
    Ticket(TicketCall),
    /// Broadcasts the commits in the body. A write that names its request gives back its turn first.
    Publish(Option<String>),
    /// Broadcasts in the hub what the body says, a [`RelayedToHub`].
    Relay,
    /// Asks which devices are online.
    Online,
    /// Ends the turn of a push that took others along. The body, a [`FinishedGroup`], has their answers and
    /// the commits to broadcast.
    Finish(String),
    /// A write takes or gives back its turn.
    Turn(TurnCall),
    /// Asks for the page of a pull, or keeps one.
    Page(PageCall),
    /// Closes the sockets of ended sessions.
    End(Vec<SessionId>),
}

/// What happens in the branches of a hub. A `PublishRequest` is one too.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RelayedToHub {
    #[serde(default)]
    pub(super) publications: Vec<Publication>,
    #[serde(default)]
    pub(super) presence: Vec<PresenceFrame>,
}

/// What came of a group of pushes.
#[derive(Debug, Deserialize)]
pub(super) struct FinishedGroup {
    /// The answers by the ids of their requests. A push without one is pushed again.
    pub(super) answers: BTreeMap<String, GroupedResponse>,
    pub(super) publications: Vec<Publication>,
}

/// A device that the edge has authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConnectRequest {
    pub(crate) room: SocketRoom,
    /// The id of the user.
    pub(crate) user: String,
    pub(crate) device: DeviceId,
    pub(crate) role: Role,
    /// The session of its token, if it has one.
    pub(crate) session: Option<SessionId>,
    pub(crate) expires_at: Timestamp,
    /// The device that its writes count as.
    pub(crate) author: DeviceId,
    pub(crate) options: FrameOptions,
}

// A stub needs a URL with a host, and ignores the host.
const HOST: &str = "http://room";
/// The URL of no call.
pub(super) const UNKNOWN_URL: &str = "http://room/";
const CONNECT: &str = "/connect";
const PUBLISH: &str = "/publish";
const RELAY: &str = "/relay";
const ONLINE: &str = "/online";
const FINISH: &str = "/finish";
const END: &str = "/end";

impl RoomCall {
    /// Parses a call; `None` for anything else.
    pub(super) fn parse(method: &str, path: &str, url_query: &str) -> Option<RoomCall> {
        match (method, path) {
            ("GET", CONNECT) => ConnectRequest::from_query(url_query).map(RoomCall::Connect),
            ("POST", PUBLISH) => Some(RoomCall::Publish(query::value(url_query, "turn"))),
            ("POST", RELAY) => Some(RoomCall::Relay),
            ("POST", ONLINE) => Some(RoomCall::Online),
            ("POST", FINISH) => query::value(url_query, "turn").map(RoomCall::Finish),
            ("POST", END) => {
                let sessions = query::value(url_query, "sessions")?;
                Some(RoomCall::End(sessions.split(',').map(str::parse).collect::<Result<_, _>>().ok()?))
            }
            // A request without a body costs the runtime less.
            ("GET", page_call::LOOK) => PageCall::parse(path, url_query).map(RoomCall::Page),
            ("GET", _) => TicketCall::parse(path, url_query).map(RoomCall::Ticket),
            ("POST", _) => {
                let turn = TurnCall::parse(path, url_query).map(RoomCall::Turn);
                let page = || PageCall::parse(path, url_query).map(RoomCall::Page);
                turn.or_else(page).or_else(|| TicketCall::parse(path, url_query).map(RoomCall::Ticket))
            }
            _ => None,
        }
    }
}

/// The URL of [`RoomCall::Publish`]. `turn` is the request of the write that gives back its turn.
pub(super) fn publish_url(turn: Option<&str>) -> String {
    let pairs = query::write(turn.map(|turn| ("turn", turn)));
    format!("{HOST}{PUBLISH}?{pairs}")
}

/// The URL of [`RoomCall::Relay`].
pub(super) fn relay_url() -> String {
    format!("{HOST}{RELAY}")
}

/// The URL of [`RoomCall::Online`].
pub(super) fn online_url() -> String {
    format!("{HOST}{ONLINE}")
}

/// The URL of [`RoomCall::Finish`].
pub(super) fn finish_url(turn: &str) -> String {
    format!("{HOST}{FINISH}?{}", query::write([("turn", turn)]))
}

/// The URL of [`RoomCall::Turn`].
pub(super) fn turn_url(call: &TurnCall) -> String {
    format!("{HOST}{}", call.target())
}

/// The URL of [`RoomCall::Page`].
pub(super) fn page_url(call: &PageCall) -> String {
    format!("{HOST}{}", call.target())
}

/// The URL of [`RoomCall::Ticket`].
pub(super) fn ticket_url(call: &TicketCall) -> String {
    format!("{HOST}{}", call.target())
}

/// The URL of [`RoomCall::End`]. All sessions of a user fit a URL.
pub(super) fn end_url(sessions: &[SessionId]) -> String {
    let sessions: Vec<&str> = sessions.iter().map(|session| session.as_str()).collect();
    format!("{HOST}{END}?{}", query::write([("sessions", sessions.join(",").as_str())]))
}

impl ConnectRequest {
    /// The request of `device` with a token of `claims`.
    pub(crate) fn new(
        claims: Claims,
        room: SocketRoom,
        device: DeviceId,
        options: FrameOptions,
    ) -> ConnectRequest {
        let author = if claims.device.is_none() { unbound(&device) } else { device.clone() };
        let expires_at = claims.expires_at();
        let Claims { sub: user, role, sid: session, .. } = claims;
        ConnectRequest { room, user, device, role, session, expires_at, author, options }
    }

    /// The URL of [`RoomCall::Connect`]. The query can carry every device id, a header cannot.
    pub(super) fn url(&self) -> String {
        format!("{HOST}{CONNECT}?{}", self.query())
    }

    pub(super) fn query(&self) -> String {
        let (room, role, expires_at) =
            (self.room.to_string(), self.role.to_string(), self.expires_at.0.to_string());
        let pairs = [
            ("room", room.as_str()),
            ("user", &self.user),
            ("device", self.device.as_str()),
            ("author", self.author.as_str()),
            ("role", &role),
            ("expires_at", &expires_at),
        ];
        let session = self.session.as_ref().map(|session| ("session", session.as_str()));
        query::write(pairs.into_iter().chain(session).chain(self.options.pairs()))
    }

    pub(super) fn from_query(url_query: &str) -> Option<ConnectRequest> {
        let device = query::value(url_query, "device")?;
        // A worker of the release before names no author.
        let author = query::value(url_query, "author").unwrap_or_else(|| device.clone());
        Some(ConnectRequest {
            room: query::value(url_query, "room")?.parse().ok()?,
            user: query::value(url_query, "user")?,
            device: device.parse().ok()?,
            role: query::value(url_query, "role")?.parse().ok()?,
            session: query::value(url_query, "session").map(|session| session.parse()).transpose().ok()?,
            expires_at: Timestamp(query::value(url_query, "expires_at")?.parse().ok()?),
            author: author.parse().ok()?,
            options: FrameOptions::parse(url_query).ok()?,
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
    fn every_device_id_survives_encoding() {
        for (device, session) in
            [("till-1", None), ("Kasse 1 – Büro", Some("k3J-_")), ("a&room=9:9#?", Some("s")), ("100%", None)]
        {
            let connect = ConnectRequest {
                room: if session.is_some() { "1:2" } else { "1:*" }.parse().unwrap(),
                user: "u:1".into(),
                device: device.parse().unwrap(),
                role: Role::SuperAdmin,
                session: session.map(|session| session.parse().unwrap()),
                expires_at: Timestamp(1_765_103_400_000_000),
                author: "free:till-1".parse().unwrap(),
                options: FrameOptions {
                    batched: session.is_some(),
                    own: session.is_none(),
                    branch: Some("2".parse().unwrap()),
                },
            };
            let url = connect.url();
            let (path, url_query) = path_and_query(&url);
            assert_eq!(RoomCall::parse("GET", path, url_query), Some(RoomCall::Connect(connect)));
        }
    }

    #[test]
    fn ended_sessions_survive_encoding() {
        let sessions: Vec<SessionId> = ["k3J-_", "s2"].map(|session| session.parse().unwrap()).into();
        let url = end_url(&sessions);
        let (path, url_query) = path_and_query(&url);
        assert_eq!(RoomCall::parse("POST", path, url_query), Some(RoomCall::End(sessions)));
        for bad in ["", "sessions=", "sessions=a,", "sessions=a%2Fb"] {
            assert_eq!(RoomCall::parse("POST", path, bad), None, "{bad}");
        }
    }

    #[test]
    fn a_publication_is_posted_and_other_requests_are_no_call() {
        for turn in [None, Some("7f")] {
            let url = publish_url(turn);
            let (path, url_query) = path_and_query(&url);
            let parsed = RoomCall::parse("POST", path, url_query);
            assert_eq!(parsed, Some(RoomCall::Publish(turn.map(str::to_owned))));
        }
        let url = relay_url();
        assert_eq!(RoomCall::parse("POST", path_and_query(&url).0, ""), Some(RoomCall::Relay));
        assert_eq!(RoomCall::parse("POST", path_and_query(&online_url()).0, ""), Some(RoomCall::Online));
        let url = finish_url("7f");
        let (path, url_query) = path_and_query(&url);
        assert_eq!(RoomCall::parse("POST", path, url_query), Some(RoomCall::Finish("7f".into())));
        let url = turn_url(&TurnCall::Wait("7f".into()));
        let (path, url_query) = path_and_query(&url);
        let parsed = RoomCall::parse("POST", path, url_query);
        assert_eq!(parsed, Some(RoomCall::Turn(TurnCall::Wait("7f".into()))));
        let others = [
            ("POST", "/connect"),
            ("GET", "/publish"),
            ("GET", "/relay"),
            ("GET", "/turn/wait"),
            ("GET", "/connect"),
            ("POST", "/finish"),
        ];
        for (method, path) in others {
            assert_eq!(RoomCall::parse(method, path, "room=1:2&device=d"), None);
        }
    }
}
