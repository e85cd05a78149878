//! What the edge does for an endpoint: forward it to a function, or answer by itself.

pub(crate) mod events;
pub(crate) mod openapi;
pub(crate) mod presence;
pub(crate) mod publish;
pub(crate) mod pull;
pub(crate) mod sign_in;
pub(crate) mod socket;
pub(crate) mod socket_ticket;
pub(crate) mod write;
