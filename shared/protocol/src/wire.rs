//! What goes over the wire. Only these types are serialised to clients; golden fixtures pin them.

pub mod auth;
pub mod cache;
pub mod carts;
pub mod dead_letters;
pub mod error_response;
pub mod health;
pub mod outcome;
pub mod publication;
pub mod pull;
pub mod push;
pub mod rate_limit;
pub mod record;
pub mod resolve;
#[cfg(feature = "schema")]
pub mod schema;
pub mod session_end;
pub mod sessions;
pub mod socket;
pub mod stats;

/// The header by which edge and functions name one request, in answers and logs.
pub const REQUEST_ID_HEADER: &str = "x-request-id";
/// The header that carries the caller's access token from the edge to a function, where `Authorization`
/// is taken by AWS's signature.
pub const TOKEN_HEADER: &str = "x-tillsync-token";
/// The header by which the edge tells a function the address of who asks.
pub const ADDRESS_HEADER: &str = "x-tillsync-address";
/// The header by which the edge tells a function what the caller's program calls itself.
pub const AGENT_HEADER: &str = "x-tillsync-agent";
/// The header that says what an answer cost at DynamoDB: `requests=2; write=112; read=53`, in capacity units.
pub const COST_HEADER: &str = "tillsync-cost";
/// The header that says where the content of an answer was found: `fresh`, `stale`, `loaded`, `shared` or `memory`.
pub const CACHE_HEADER: &str = "tillsync-cache";
/// The header by which a function tells the edge which sessions it has ended: [`session_end::EndedSessions`].
pub const ENDED_HEADER: &str = "x-tillsync-ended";
/// The content type of a push's answer with the committed changes beside it, from a function to the edge.
pub const PUSHED_CONTENT_TYPE: &str = "application/vnd.tillsync.pushed+json";

#[cfg(test)]
mod golden;
