//! Frames over `/ws`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::{FRAME_BYTES_MAX, STATUS_BYTES_MAX};
use crate::stamp::Stamp;
use crate::timestamp::device_time::DeviceTime;
#[cfg(feature = "schema")]
use crate::wire::schema;

mod presence;
mod status;
mod sync;

pub use presence::PresenceFrame;
pub use status::{DeviceStatus, StorageStatus};

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
    /// Renews the connection with the next access token of the same session.
    Auth {
        /// The token.
        token: FrameToken,
    },
    /// Tells the state of the device.
    Status(DeviceStatus),
}

/// An access token in a frame. `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(transparent)]
pub struct FrameToken(pub String);

impl fmt::Debug for FrameToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FrameToken(…)")
    }
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
    /// The connection is renewed.
    Authenticated {
        /// When it ends unless it is renewed again.
        #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
        expires_at: String,
    },
    /// A frame was malformed or not allowed.
    Error {
        /// A stable code.
        code: String,
        /// What to do about it.
        message: String,
    },
    /// Another device of the branch went online or offline.
    Presence(PresenceFrame),
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
    /// A status over 1 KiB.
    StatusTooLarge,
    /// A status too soon after the last one.
    StatusTooSoon,
    /// Not JSON of a known type.
    Unknown,
}

impl BadFrame {
    /// The error frame.
    pub fn reply(self) -> ServerFrame {
        let (code, message) = match self {
            BadFrame::TooLarge => ("frame_too_large", "A frame may have 4 KiB; push records over HTTPS."),
            BadFrame::StatusTooLarge => ("frame_too_large", "A status may have 1 KiB."),
            BadFrame::StatusTooSoon => ("rate_limited", "Send a status once in 5 seconds at most."),
            BadFrame::Unknown => ("bad_frame", "Send JSON with a documented `type` and its members."),
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
        let frame = serde_json::from_str(text).map_err(|_| BadFrame::Unknown)?;
        if let ClientFrame::Status(status) = &frame {
            if text.len() > STATUS_BYTES_MAX {
                return Err(BadFrame::StatusTooLarge);
            }
            let oldest = status.oldest_pending_at.as_deref();
            oldest.map_or(Ok(()), |time| DeviceTime::parse(time).map(drop)).map_err(|_| BadFrame::Unknown)?;
        }
        Ok(frame)
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
            #[serde(default)]
            expires_at: String,
        }
        let Plain { r#type, room, code, message, head, expires_at } = serde_json::from_str(text).ok()?;
        match r#type.as_str() {
            "ping" => Some(ServerFrame::Ping),
            "pong" => Some(ServerFrame::Pong { head }),
            "connected" => Some(ServerFrame::Connected { room, head }),
            "subscribed" => Some(ServerFrame::Subscribed { room, head }),
            "unsubscribed" => Some(ServerFrame::Unsubscribed { room }),
            "authenticated" => Some(ServerFrame::Authenticated { expires_at }),
            "error" => Some(ServerFrame::Error { code, message }),
            "presence" => serde_json::from_str(text).ok().map(ServerFrame::Presence),
            "sync" => serde_json::from_str(text).ok().map(ServerFrame::Sync),
            "sync_batch" => serde_json::from_str(text).ok().map(ServerFrame::SyncBatch),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_status_has_numbers_and_times_in_a_kibibyte() {
        let least = ClientFrame::parse(r#"{"type":"status","pending":0,"more":[1]}"#).unwrap();
        let ClientFrame::Status(status) = &least else { panic!("{least:?}") };
        assert_eq!((status.pending, status.conflicts, status.rejected), (0, 0, 0));
        for bad in [
            r#"{"type":"status"}"#,
            r#"{"type":"status","pending":-1}"#,
            r#"{"type":"status","pending":"1"}"#,
            r#"{"type":"status","pending":1,"oldest_pending_at":"yesterday"}"#,
            r#"{"type":"status","pending":1,"storage":7}"#,
        ] {
            assert_eq!(ClientFrame::parse(bad), Err(BadFrame::Unknown), "{bad}");
        }
        let long = |bytes: usize| {
            let empty = r#"{"type":"status","pending":1,"app":""}"#;
            empty.replace(r#""""#, &format!("\"{}\"", "x".repeat(bytes - empty.len())))
        };
        assert!(ClientFrame::parse(&long(STATUS_BYTES_MAX)).is_ok());
        assert_eq!(ClientFrame::parse(&long(STATUS_BYTES_MAX + 1)), Err(BadFrame::StatusTooLarge));
    }

    #[test]
    fn a_frame_does_not_show_its_token() {
        let frame = ClientFrame::parse(r#"{"type":"auth","token":"a.b.c"}"#).unwrap();
        assert_eq!(frame, ClientFrame::Auth { token: FrameToken("a.b.c".into()) });
        assert!(!format!("{frame:?}").contains("a.b.c"));
        assert_eq!(ClientFrame::parse(r#"{"type":"auth"}"#), Err(BadFrame::Unknown));
    }

    #[test]
    fn the_head_is_told_where_it_is_known() {
        let pong = |head: Option<Stamp>| ServerFrame::Pong { head };
        for (head, text) in [(None, r#"{"type":"pong"}"#), (Some(Stamp(7)), r#"{"type":"pong","head":7}"#)] {
            assert_eq!(pong(head).to_json(), text);
            assert_eq!(ServerFrame::parse(text), Some(pong(head)));
        }
    }
}
