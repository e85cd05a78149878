//! Where a sign-in came from. Users see it in their list of sessions.

use protocol::wire::{ADDRESS_HEADER, AGENT_HEADER};

use crate::http::request::FunctionRequest;

/// Address and user agent of a client, as the edge saw them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientInfo {
    /// The IP address.
    pub address: Option<String>,
    /// The user agent.
    pub agent: Option<String>,
}

/// The client that sent `request`. The edge sets these headers, and only the edge can call a function.
pub fn of(request: &FunctionRequest<'_>) -> ClientInfo {
    let text = |name| request.header(name).map(str::to_owned);
    ClientInfo { address: text(ADDRESS_HEADER), agent: text(AGENT_HEADER) }
}
