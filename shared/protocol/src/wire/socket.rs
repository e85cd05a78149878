//! Frames over `/ws`.

use serde::{Deserialize, Serialize};

use crate::ids::Room;
use crate::limits::FRAME_BYTES_MAX;
use crate::stamp::Stamp;

mod sync;

pub use sync::{SyncBatchFrame, SyncFrame, batch_frame, frames};

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
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// Asks a silent client for a `pong`.
    Ping,
    /// Answers a `ping`.
    Pong {
        /// The latest stamp that was published to the room; absent while the room knows none.
        #[serde(skip_serializing_if = "Option::is_none")]
        head: Option<Stamp>,
    },
    /// The first frame of a connection. The room's changes will follow.
    Connected {
        /// `client:branch`
        room: String,
        /// The latest stamp that was published to the room; absent while the room knows none.
        #[serde(skip_serializing_if = "Option::is_none")]
        head: Option<Stamp>,
    },
    /// The room's changes will follow.
    Subscribed {
        /// `client:branch`
        room: String,
        /// The latest stamp that was published to the room; absent while the room knows none.
        #[serde(skip_serializing_if = "Option::is_none")]
        head: Option<Stamp>,
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
    /// The changes of one commit, to a connection that asked for `frames=batch`.
    SyncBatch(SyncBatchFrame),
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

    /// The reply to a client of the room `own` with this `head`, if any.
    pub fn reply(&self, own: &Room, head: Option<Stamp>) -> Option<ServerFrame> {
        let forbidden = || ServerFrame::Error {
            code: "room_forbidden".into(),
            message: format!("This user may use the room {own} only."),
        };
        match self {
            ClientFrame::Ping => Some(ServerFrame::Pong { head }),
            ClientFrame::Pong => None,
            ClientFrame::Subscribe { room } | ClientFrame::Unsubscribe { room }
                if *room != own.to_string() =>
            {
                Some(forbidden())
            }
            ClientFrame::Subscribe { room } => Some(ServerFrame::Subscribed { room: room.clone(), head }),
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
            head: Option<Stamp>,
        }
        let Plain { r#type, room, code, message, head } = serde_json::from_str(text).ok()?;
        match r#type.as_str() {
            "ping" => Some(ServerFrame::Ping),
            "pong" => Some(ServerFrame::Pong { head }),
            "connected" => Some(ServerFrame::Connected { room, head }),
            "subscribed" => Some(ServerFrame::Subscribed { room, head }),
            "unsubscribed" => Some(ServerFrame::Unsubscribed { room }),
            "error" => Some(ServerFrame::Error { code, message }),
            "sync" => serde_json::from_str(text).ok().map(ServerFrame::Sync),
            "sync_batch" => serde_json::from_str(text).ok().map(ServerFrame::SyncBatch),
            _ => None,
        }
    }
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
            |room: &str| ClientFrame::Subscribe { room: room.into() }.reply(&own(), None).unwrap().to_json();
        assert_eq!(subscribe("1:2"), r#"{"type":"subscribed","room":"1:2"}"#);
        for other in ["1:3", "2:2", "1:*", ""] {
            assert!(subscribe(other).starts_with(r#"{"type":"error","code":"room_forbidden""#), "{other}");
        }
    }

    #[test]
    fn the_head_is_told_where_it_is_known() {
        let texts = |head: Option<Stamp>| {
            let subscribe = ClientFrame::Subscribe { room: "1:2".into() }.reply(&own(), head).unwrap();
            [ClientFrame::Ping.reply(&own(), head).unwrap().to_json(), subscribe.to_json()]
        };
        assert_eq!(texts(None), [r#"{"type":"pong"}"#, r#"{"type":"subscribed","room":"1:2"}"#]);
        let told = texts(Some(Stamp(7)));
        assert_eq!(told, [r#"{"type":"pong","head":7}"#, r#"{"type":"subscribed","room":"1:2","head":7}"#]);
        assert_eq!(ServerFrame::parse(&told[0]), Some(ServerFrame::Pong { head: Some(Stamp(7)) }));
        let of_old_server = ServerFrame::parse(r#"{"type":"pong"}"#);
        assert_eq!(of_old_server, Some(ServerFrame::Pong { head: None }));
    }
}
