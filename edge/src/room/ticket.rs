//! A ticket: its text, what the room keeps of it, and the calls about it.

use std::fmt;

use protocol::ids::DeviceId;
use protocol::timestamp::Timestamp;
use sha2::{Digest, Sha256};

use super::call::ConnectRequest;
use super::frame_options::FrameOptions;
use crate::query;

/// Random bytes of a ticket.
const SECRET_BYTES: usize = 16;

/// The status of a ticket that is not valid for the connection.
pub(super) const BAD_TICKET: u16 = 401;

/// Names a ticket in its room: the second in which it expires, and a secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct TicketId {
    expires_at_secs: u64,
    /// In hexadecimal.
    secret: String,
}

impl TicketId {
    /// A new one that is valid until the second of `expires_at`.
    pub(super) fn new(expires_at: Timestamp) -> worker::Result<TicketId> {
        let mut bytes = [0; SECRET_BYTES];
        let failed = |error| worker::Error::RustError(format!("no random bytes for a ticket: {error}"));
        getrandom::fill(&mut bytes).map_err(failed)?;
        Ok(TicketId { expires_at_secs: expires_at.as_secs(), secret: hex::encode(bytes) })
    }

    pub(super) fn expires_at(&self) -> Timestamp {
        Timestamp(0).plus_secs(self.expires_at_secs)
    }

    /// The name under which the room stores the ticket. It begins with the time of expiry, and does not show
    /// the secret.
    pub(super) fn stored_name(&self) -> String {
        format!("{:012}-{}", self.expires_at_secs, hex::encode(Sha256::digest(&self.secret)))
    }

    /// Parses what [`fmt::Display`] wrote; `None` for anything else.
    fn parse(text: &str) -> Option<TicketId> {
        let (expires_at_secs, secret) = text.split_once('.')?;
        let id = TicketId { expires_at_secs: expires_at_secs.parse().ok()?, secret: secret.to_owned() };
        let is_hex = secret.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (is_hex && secret.len() == 2 * SECRET_BYTES && id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.expires_at_secs, self.secret)
    }
}

impl fmt::Debug for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketId(…)")
    }
}

/// The whole ticket: `object`, by which the edge finds the room without showing its name, and the id.
pub(super) fn text(object: &str, id: &str) -> String {
    format!("{object}.{id}")
}

/// The object and the id of a ticket; `None` if it is malformed.
pub(crate) fn parse(ticket: &str) -> Option<(&str, TicketId)> {
    let (object, id) = ticket.split_once('.')?;
    Some((object, TicketId::parse(id)?))
}

/// What a room keeps of a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptTicket {
    pub(crate) connect: ConnectRequest,
    /// The origin of the page that asked for it.
    pub(crate) origin: Option<String>,
}

impl KeptTicket {
    /// As a query.
    pub(super) fn encode(&self) -> String {
        let connect = self.connect.query();
        match &self.origin {
            Some(origin) => format!("{connect}&{}", query::write([("origin", origin.as_str())])),
            None => connect,
        }
    }

    pub(super) fn decode(text: &str) -> Option<KeptTicket> {
        let connect = ConnectRequest::from_query(text)?;
        Some(KeptTicket { connect, origin: query::value(text, "origin") })
    }
}

/// The use of a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redemption {
    pub(crate) id: TicketId,
    pub(crate) device: DeviceId,
    /// The origin of the page that uses it.
    pub(crate) origin: Option<String>,
    pub(crate) options: FrameOptions,
}

impl Redemption {
    /// The connection that `ticket` allows, if it is one of this device, page and branch.
    pub(super) fn connection(self, ticket: KeptTicket) -> Option<ConnectRequest> {
        let is_own = ticket.connect.device == self.device && ticket.origin == self.origin;
        let is_own = is_own && self.options.are_of(&ticket.connect.room);
        is_own.then_some(ConnectRequest { options: self.options, ..ticket.connect })
    }

    fn query(&self) -> String {
        let id = self.id.to_string();
        let origin = self.origin.as_ref().map(|origin| ("origin", origin.as_str()));
        let pairs = [("ticket", id.as_str()), ("device", self.device.as_str())];
        query::write(pairs.into_iter().chain(origin).chain(self.options.pairs()))
    }

    fn from_query(url_query: &str) -> Option<Redemption> {
        Some(Redemption {
            id: TicketId::parse(&query::value(url_query, "ticket")?)?,
            device: query::value(url_query, "device")?.parse().ok()?,
            origin: query::value(url_query, "origin"),
            options: FrameOptions::parse(url_query).ok()?,
        })
    }
}

/// A call about a ticket.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TicketCall {
    /// Keeps a ticket; the answer is its id.
    Issue(KeptTicket),
    /// Connects with a ticket.
    Redeem(Redemption),
}

const ISSUE: &str = "/ticket/issue";
const REDEEM: &str = "/ticket/redeem";

impl TicketCall {
    /// Path and query of the call.
    pub(super) fn target(&self) -> String {
        match self {
            TicketCall::Issue(ticket) => format!("{ISSUE}?{}", ticket.encode()),
            TicketCall::Redeem(redemption) => format!("{REDEEM}?{}", redemption.query()),
        }
    }

    /// Parses a call; `None` for anything else.
    pub(super) fn parse(path: &str, url_query: &str) -> Option<TicketCall> {
        match path {
            ISSUE => KeptTicket::decode(url_query).map(TicketCall::Issue),
            REDEEM => Redemption::from_query(url_query).map(TicketCall::Redeem),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
