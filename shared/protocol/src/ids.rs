//! Ids that may become part of a key.
//!
//! Each id has its own type that only its check can make, so raw input never becomes part of a key.

use std::marker::PhantomData;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

mod socket_room;

pub use socket_room::SocketRoom;

use crate::limits::{DEVICE_ID_BYTES_MAX, TENANT_ID_BYTES_MAX};

/// An invalid id, with the rule it breaks.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("failed to read {what}: {rule}")]
pub struct BadId {
    /// The id's name on the wire.
    pub what: &'static str,
    /// What the id must look like.
    pub rule: &'static str,
}

/// What an id may look like.
#[derive(Debug)]
pub struct IdRule {
    /// The rule as the end of an error message.
    text: &'static str,
    /// Maximum number of bytes.
    pub bytes_max: usize,
    allows: fn(char) -> bool,
}

/// A kind of id: a marker type with a name and a rule.
pub trait IdKind: Clone + std::fmt::Debug + Ord + std::hash::Hash {
    /// The id's name on the wire.
    const NAME: &'static str;
    /// What the id may look like.
    const RULE: IdRule;
}

/// A checked id; it can only be made by parsing text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String", bound = "K: IdKind")]
pub struct Id<K: IdKind>(String, PhantomData<K>);

impl<K: IdKind> Id<K> {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<K: IdKind> TryFrom<String> for Id<K> {
    type Error = BadId;

    fn try_from(text: String) -> Result<Self, BadId> {
        let rule = K::RULE;
        let fits = !text.is_empty() && text.len() <= rule.bytes_max && text.chars().all(rule.allows);
        if fits { Ok(Self(text, PhantomData)) } else { Err(BadId { what: K::NAME, rule: rule.text }) }
    }
}

impl<K: IdKind> From<Id<K>> for String {
    fn from(id: Id<K>) -> String {
        id.0
    }
}

impl<K: IdKind> FromStr for Id<K> {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        Self::try_from(text.to_owned())
    }
}

impl<K: IdKind> std::fmt::Display for Id<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Ids that become part of a key: no separator of our keys fits in.
const TENANT: IdRule = IdRule {
    text: "it must be 1 to 64 of A-Z a-z 0-9 _ -",
    bytes_max: TENANT_ID_BYTES_MAX,
    allows: |c| c.is_ascii_alphanumeric() || c == '_' || c == '-',
};

/// Ids that people may see and choose.
const TEXT: IdRule = IdRule {
    text: "it must be 1 to 128 bytes without control characters",
    bytes_max: DEVICE_ID_BYTES_MAX,
    allows: |c| !c.is_control(),
};

/// The kind of [`ClientId`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Client;

impl IdKind for Client {
    const NAME: &'static str = "client_id";
    const RULE: IdRule = TENANT;
}

/// The kind of [`BranchId`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Branch;

impl IdKind for Branch {
    const NAME: &'static str = "branch_id";
    const RULE: IdRule = TENANT;
}

/// The kind of [`DeviceId`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Device;

impl IdKind for Device {
    const NAME: &'static str = "device_id";
    const RULE: IdRule = TEXT;
}

/// The kind of [`BatchId`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Batch;

impl IdKind for Batch {
    const NAME: &'static str = "batch_id";
    const RULE: IdRule = TEXT;
}

/// The kind of [`GroupId`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group;

impl IdKind for Group {
    const NAME: &'static str = "group";
    const RULE: IdRule = TEXT;
}

/// The kind of [`SessionId`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session;

impl IdKind for Session {
    const NAME: &'static str = "session id";
    const RULE: IdRule = TENANT;
}

/// The kind of [`CartId`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cart;

impl IdKind for Cart {
    const NAME: &'static str = "cart id";
    const RULE: IdRule = TENANT;
}

/// A client: the company that owns the shops. Clients share no data.
pub type ClientId = Id<Client>;
/// A branch of a client: one shop.
pub type BranchId = Id<Branch>;
/// A device: one till or one browser.
pub type DeviceId = Id<Device>;
/// A batch; the device chooses the id so that it can retry.
pub type BatchId = Id<Batch>;
/// A group of records inside a batch, which are applied together or not at all.
pub type GroupId = Id<Group>;
/// A session: one sign-in on one device; a change of the user's privileges starts a new one.
pub type SessionId = Id<Session>;
/// A cart of a branch.
pub type CartId = Id<Cart>;

impl SessionId {
    /// The id made of 16 random bytes.
    pub fn of(bytes: [u8; 16]) -> SessionId {
        Id(URL_SAFE_NO_PAD.encode(bytes), PhantomData)
    }
}

/// A room: one branch of one client. Changes are visible in their room only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Room {
    /// The client, from the verified token.
    pub client: ClientId,
    /// The branch, from the verified token.
    pub branch: BranchId,
}

impl std::fmt::Display for Room {
    /// The room's name on the wire: `client:branch`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.client, self.branch)
    }
}

impl FromStr for Room {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let rule = "it must be a client and a branch, such as 1:2";
        let (client, branch) = text.split_once(':').ok_or(BadId { what: "room", rule })?;
        Ok(Room { client: client.parse()?, branch: branch.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_contains_a_separator_of_our_keys() {
        for bad in ["", "a#b", "a:b", "a b", "ä", &"x".repeat(65)] {
            assert!(bad.parse::<ClientId>().is_err(), "{bad}");
            assert!(bad.parse::<BranchId>().is_err(), "{bad}");
        }
        assert!("x".repeat(64).parse::<ClientId>().is_ok());
    }

    #[test]
    fn ids_of_devices_batches_and_groups_are_any_text_without_control_characters() {
        assert!("Kasse 1 – Büro".parse::<DeviceId>().is_ok());
        for bad in ["", "a\nb", "a\u{7f}", &"x".repeat(129)] {
            assert!(bad.parse::<DeviceId>().is_err(), "{bad:?}");
            assert!(bad.parse::<BatchId>().is_err(), "{bad:?}");
            assert!(bad.parse::<GroupId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_session_id_made_of_bytes_parses() {
        let session = SessionId::of([255; 16]);
        assert_eq!(session.as_str().parse(), Ok(session));
    }

    #[test]
    fn a_room_reads_back() {
        let room: Room = "1:2".parse().unwrap();
        assert_eq!(room.to_string(), "1:2");
        for bad in ["1", "1:", ":2", "1:2:3", "1:*"] {
            assert!(bad.parse::<Room>().is_err(), "{bad}");
        }
    }
}
