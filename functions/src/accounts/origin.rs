//! Where a user is: told to the user, who may find a sign-in there that is not his.

use lambda_http::Request;
use protocol::wire::{ADDRESS_HEADER, AGENT_HEADER};

/// Address and program of somebody who signed in, as the edge saw them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The address that the request came from.
    pub address: Option<String>,
    /// What the program calls itself.
    pub agent: Option<String>,
}

impl Origin {
    /// Where `request` came from. Only the edge can call a function, and it alone sets these headers.
    pub fn of(request: &Request) -> Origin {
        let text = |name| Some(request.headers().get(name)?.to_str().ok()?.to_owned());
        Origin { address: text(ADDRESS_HEADER), agent: text(AGENT_HEADER) }
    }
}
