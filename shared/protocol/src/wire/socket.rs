//! Frames over `/ws`.

use serde::{Deserialize, Serialize};

use crate::ids::Room;
use crate::json::JsonText;
use crate::limits::FRAME_BYTES_MAX;
use crate::record::Operation;
use crate::stamp::Stamp;
use crate::wire::publication::Publication;
#[cfg(feature = "schema")]
use crate::wire::schema;

/// A frame from a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ClientFrame {
    /// Requests a `pong`.
    Ping,
    /// Answers a `ping`.
    Pong,
    /// Subscribes to the changes of a room.
    Subscribe {
        /// `client:branch`
        room: String,
    },
    /// Ends a subscription.
    Unsubscribe {
        /// `client:branch`
        room: String,
    },
}

/// A frame from the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ServerFrame {
    /// Asks a silent client for a `pong`.
    Ping,
    /// Answers a `ping`.
    Pong,
    /// The room's changes will follow.
    Subscribed {
        /// `client:branch`
        room: String,
    },
    /// The room's changes will no longer follow.
    Unsubscribed {
        /// `client:branch`
        room: String,
    },
    /// A frame was malformed or not allowed.
    Error {
        /// A stable code.
        code: String,
        /// What to do about it.
        message: String,
    },
    /// One change in the room.
    Sync(Box<SyncFrame>),
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct SyncFrame {
    /// The record's table.
    pub table_name: String,
    /// The record's id.
    pub record_id: String,
    /// The operation.
    pub operation: Operation,
    /// The record after the change.
    pub data: JsonText,
    /// The record's version after the change.
    pub version: u64,
    /// The time of the commit.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub server_updated_at: String,
    /// The stamp of the change.
    pub stamp: Stamp,
    /// The stamp before the change.
    pub prev: Stamp,
    /// `client:branch`
    pub room: String,
}

/// A frame that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadFrame {
    /// Over 4 KiB.
    TooLarge,
    /// Not JSON of a known type.
    Unknown,
}

impl BadFrame {
    /// The error frame.
    pub fn reply(self) -> ServerFrame {
        let (code, message) = match self {
            BadFrame::TooLarge => ("frame_too_large", "A frame may have 4 KiB; push records over HTTPS."),
            BadFrame::Unknown => {
                ("bad_frame", "Send JSON with a `type` of ping, pong, subscribe or unsubscribe.")
            }
        };
        ServerFrame::Error { code: code.into(), message: message.into() }
    }
}

impl ClientFrame {
    /// Parses a text frame.
    pub fn parse(text: &str) -> Result<ClientFrame, BadFrame> {
        if text.len() > FRAME_BYTES_MAX {
            return Err(BadFrame::TooLarge);
        }
        serde_json::from_str(text).map_err(|_| BadFrame::Unknown)
    }

    /// The reply to a client of the room `own`, if any.
    pub fn reply(&self, own: &Room) -> Option<ServerFrame> {
        let forbidden = || ServerFrame::Error {
            code: "room_forbidden".into(),
            message: format!("This user may use the room {own} only."),
        };
        match self {
            ClientFrame::Ping => Some(ServerFrame::Pong),
            ClientFrame::Pong => None,
            ClientFrame::Subscribe { room } | ClientFrame::Unsubscribe { room }
                if *room != own.to_string() =>
            {
                Some(forbidden())
            }
            ClientFrame::Subscribe { room } => Some(ServerFrame::Subscribed { room: room.clone() }),
            ClientFrame::Unsubscribe { room } => Some(ServerFrame::Unsubscribed { room: room.clone() }),
        }
    }
}

impl ServerFrame {
    /// The frame as text.
    pub fn to_json(&self) -> String {
        // Text, numbers and JSON texts always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Parses a frame as a client; `None` for an unknown type, which clients skip.
    ///
    /// In two steps, because a tagged enum would buffer `data` and lose the text of its numbers.
    pub fn parse(text: &str) -> Option<ServerFrame> {
        #[derive(Deserialize)]
        struct Plain {
            r#type: String,
            #[serde(default)]
            room: String,
            #[serde(default)]
            code: String,
            #[serde(default)]
            message: String,
        }
        let Plain { r#type, room, code, message } = serde_json::from_str(text).ok()?;
        match r#type.as_str() {
            "ping" => Some(ServerFrame::Ping),
            "pong" => Some(ServerFrame::Pong),
            "subscribed" => Some(ServerFrame::Subscribed { room }),
            "unsubscribed" => Some(ServerFrame::Unsubscribed { room }),
            "error" => Some(ServerFrame::Error { code, message }),
            "sync" => serde_json::from_str(text).ok().map(ServerFrame::Sync),
            _ => None,
        }
    }
}

/// The frames of a commit in order; each has its stamp and the one before it.
pub fn frames(publication: &Publication) -> Vec<SyncFrame> {
    let room = publication.room().to_string();
    let mut prev = publication.prev;
    let frame = |(i, change): (usize, &crate::wire::publication::PublishedChange)| {
        let stamp = publication.first.plus(i);
        let before = std::mem::replace(&mut prev, stamp);
        SyncFrame {
            table_name: change.table_name.clone(),
            record_id: change.record_id.clone(),
            operation: change.operation,
            data: change.data.clone(),
            version: change.version,
            server_updated_at: stamp.time().to_string(),
            stamp,
            prev: before,
            room: room.clone(),
        }
    };
    publication.changes.iter().enumerate().map(frame).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Room {
        "1:2".parse().unwrap()
    }

    #[test]
    fn only_the_documented_frames_are_parsed() {
        assert_eq!(ClientFrame::parse(r#"{"type":"ping"}"#), Ok(ClientFrame::Ping));
        assert_eq!(
            ClientFrame::parse(r#"{"type":"subscribe","room":"1:2"}"#),
            Ok(ClientFrame::Subscribe { room: "1:2".into() })
        );
        for bad in ["", "ping", "{}", r#"{"type":"sync"}"#, r#"{"type":"subscribe"}"#] {
            assert_eq!(ClientFrame::parse(bad), Err(BadFrame::Unknown), "{bad}");
        }
        assert_eq!(ClientFrame::parse(&" ".repeat(FRAME_BYTES_MAX + 1)), Err(BadFrame::TooLarge));
    }

    #[test]
    fn only_the_own_room_is_allowed() {
        let subscribe =
            |room: &str| ClientFrame::Subscribe { room: room.into() }.reply(&own()).unwrap().to_json();
        assert_eq!(subscribe("1:2"), r#"{"type":"subscribed","room":"1:2"}"#);
        for other in ["1:3", "2:2", "1:*", ""] {
            assert!(subscribe(other).starts_with(r#"{"type":"error","code":"room_forbidden""#), "{other}");
        }
    }

    #[test]
    fn each_frame_links_to_the_one_before() {
        let change = crate::wire::publication::PublishedChange {
            table_name: "products".into(),
            record_id: "p1".into(),
            operation: Operation::Create,
            data: JsonText::null(),
            version: 1,
            read: crate::role::Role::Cashier,
        };
        let publication = Publication {
            client_id: "1".parse().unwrap(),
            branch_id: "2".parse().unwrap(),
            device_id: "till-1".parse().unwrap(),
            prev: Stamp(7),
            first: Stamp(100),
            changes: vec![change.clone(), change],
        };
        let pairs: Vec<_> = frames(&publication).iter().map(|frame| (frame.prev, frame.stamp)).collect();
        assert_eq!(pairs, [(Stamp(7), Stamp(100)), (Stamp(100), Stamp(101))]);
        assert_eq!(publication.last(), Stamp(101));
        let frame = ServerFrame::Sync(Box::new(frames(&publication).remove(0)));
        assert_eq!(
            frame.to_json(),
            r#"{"type":"sync","table_name":"products","record_id":"p1","operation":"create","data":null,"version":1,"server_updated_at":"1970-01-01T00:00:00.000100Z","stamp":100,"prev":7,"room":"1:2"}"#
        );
        assert_eq!(ServerFrame::parse(&frame.to_json()), Some(frame));
    }
}
