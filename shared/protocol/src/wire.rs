//! The messages on the wire. Only these types are serialised to clients; golden tests pin them.

pub mod auth;
pub mod branches;
pub mod cache;
pub mod carts;
pub mod close_code;
pub mod dead_letters;
pub mod device;
pub mod error_response;
pub mod health;
pub mod outcome;
pub mod presence;
pub mod publication;
pub mod pull;
pub mod push;
pub mod push_group;
pub mod record;
pub mod resolve;
#[cfg(feature = "schema")]
pub mod schema;
pub mod session_end;
pub mod sessions;
pub mod socket;
pub mod stats;
pub mod ticket;

/// Identifies a request in responses and logs.
pub const REQUEST_ID_HEADER: &str = "x-request-id";
/// The caller's access token, from the edge to a function; `Authorization` carries AWS's signature there.
pub const TOKEN_HEADER: &str = "x-tillsync-token";
/// The caller's address, from the edge to a function.
pub const ADDRESS_HEADER: &str = "x-tillsync-address";
/// The caller's `User-Agent`, from the edge to a function.
pub const AGENT_HEADER: &str = "x-tillsync-agent";
/// When the request arrived at the edge, from the edge to a function, in microseconds since the epoch.
/// Between them a slow body arrives, and a write waits for its turn.
pub const ARRIVED_HEADER: &str = "x-tillsync-arrived";
/// The cost of a response at DynamoDB in requests and capacity units: `requests=2; write=112; read=53`.
pub const COST_HEADER: &str = "tillsync-cost";
/// Where the content of a response was found: `fresh`, `stale`, `loaded`, `shared` or `memory`.
pub const CACHE_HEADER: &str = "tillsync-cache";
/// Sessions that a function has ended, for the edge: [`session_end::EndedSessions`].
pub const ENDED_HEADER: &str = "x-tillsync-ended";
/// The content type of a [`push::WriteResult`], from a function to the edge.
pub const WRITE_RESULT_CONTENT_TYPE: &str = "application/vnd.tillsync.pushed+json";

#[cfg(test)]
mod golden;
