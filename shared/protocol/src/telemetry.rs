//! What edge and functions tell of their requests: one line of JSON each, with the same request id, and never
//! a token or a body. Times are in microseconds.
//!
//! In production the platforms keep the lines and count them: see OPERATIONS.md. The local stack counts them
//! itself.

use serde::{Deserialize, Serialize};

use crate::ids::{BranchId, ClientId};

pub mod function_line;
pub mod server_timing;
pub mod trace_context;

/// A line about a request that the edge has answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeLine {
    /// The id in the response, and in the line of the function that the edge has called.
    pub request_id: String,
    /// The trace that it is part of (W3C Trace Context).
    pub trace_id: String,
    /// The operation id of its endpoint; [`NO_ROUTE`] or [`PREFLIGHT`] without one.
    pub route: String,
    /// The HTTP status.
    pub status: u16,
    /// The tenant, if the token is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientId>,
    /// The header `Tillsync-Cache` of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<String>,
    /// The header `Tillsync-Cost` of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<String>,
    /// Its times.
    #[serde(flatten)]
    pub times: EdgeTimes,
}

/// Where the time of a request went, as far as the edge can tell. Its clock stands still while it computes,
/// so these are the times of its input and output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeTimes {
    /// From its arrival to its response.
    pub edge_micros: u64,
    /// Session and rate limits, in Redis.
    pub gate_micros: u64,
    /// Its room: a turn, a page or a socket.
    pub room_micros: u64,
    /// The calls of functions, from the edge and back.
    pub function_micros: u64,
    /// The part of it in DynamoDB, as the function has measured it.
    pub storage_micros: u64,
}

/// A line about a room: its sockets have changed, or it has broadcast a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomLine {
    /// The tenant.
    pub client: ClientId,
    /// Its branch; `None` for the hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<BranchId>,
    /// Its open sockets.
    pub sockets: usize,
    /// The changes of the commit; 0 if only the sockets have changed.
    pub changes: usize,
    /// From the stamp of the commit, which is the server's time, to its broadcast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_micros: Option<u64>,
}

/// The route of an address without an endpoint.
pub const NO_ROUTE: &str = "none";
/// The route of a browser's question whether a page may call an endpoint.
pub const PREFLIGHT: &str = "preflight";

/// A line of the edge. Its tag tells it from other lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum LogEvent {
    /// A request.
    Edge(EdgeLine),
    /// A room.
    Room(RoomLine),
}

/// How each line of the edge begins.
const LINE: &str = r#"{"line":""#;

impl LogEvent {
    /// The line as text, without a line break.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a line of a log; `None` for every other line.
    pub fn parse(text: &str) -> Option<LogEvent> {
        text.starts_with(LINE).then(|| serde_json::from_str(text).ok())?
    }
}

#[cfg(test)]
mod tests;
