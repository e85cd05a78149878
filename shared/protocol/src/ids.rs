//! Who data belongs to, and the ids that may become part of a key.
//!
//! Each id is a type of its own that only its check can make, so a key is never built from raw input.

use std::marker::PhantomData;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::limits::{DEVICE_ID_BYTES_MAX, TENANT_ID_BYTES_MAX};

/// An id that may not be used, with the sentence that says what may.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("failed to read {what}: {rule}")]
pub struct BadId {
    /// Which id it is, as the caller knows it.
    pub what: &'static str,
    /// What the id must look like.
    pub rule: &'static str,
}

/// What tells one sort of id from another: its name, its alphabet and its length.
pub trait IdKind: Clone + std::fmt::Debug + Ord + std::hash::Hash {
    /// The id's name on the wire.
    const NAME: &'static str;
    /// What the id must look like, as a sentence that ends an error message.
    const RULE: &'static str;
    /// Bytes, at most.
    const BYTES_MAX: usize;
    /// Whether the id may contain `c`.
    fn allows(c: char) -> bool;
}

/// An id that was checked. The only way to make one is to read it from text.
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
        let fits = !text.is_empty() && text.len() <= K::BYTES_MAX && text.chars().all(K::allows);
        if fits { Ok(Self(text, PhantomData)) } else { Err(BadId { what: K::NAME, rule: K::RULE }) }
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

const TENANT_RULE: &str = "it must be 1 to 64 of A-Z a-z 0-9 _ -";
const NAME_RULE: &str = "it must be 1 to 128 bytes without control characters";

fn tenant_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// The kind of [`ClientId`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Client;

impl IdKind for Client {
    const NAME: &'static str = "client_id";
    const RULE: &'static str = TENANT_RULE;
    const BYTES_MAX: usize = TENANT_ID_BYTES_MAX;
    fn allows(c: char) -> bool {
        tenant_char(c)
    }
}

/// The kind of [`BranchId`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Branch;

impl IdKind for Branch {
    const NAME: &'static str = "branch_id";
    const RULE: &'static str = TENANT_RULE;
    const BYTES_MAX: usize = TENANT_ID_BYTES_MAX;
    fn allows(c: char) -> bool {
        tenant_char(c)
    }
}

/// The kind of [`DeviceId`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Device;

impl IdKind for Device {
    const NAME: &'static str = "device_id";
    const RULE: &'static str = NAME_RULE;
    const BYTES_MAX: usize = DEVICE_ID_BYTES_MAX;
    fn allows(c: char) -> bool {
        !c.is_control()
    }
}

/// The kind of [`BatchId`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Batch;

impl IdKind for Batch {
    const NAME: &'static str = "batch_id";
    const RULE: &'static str = NAME_RULE;
    const BYTES_MAX: usize = DEVICE_ID_BYTES_MAX;
    fn allows(c: char) -> bool {
        !c.is_control()
    }
}

/// The kind of [`SessionId`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session;

impl IdKind for Session {
    const NAME: &'static str = "session id";
    const RULE: &'static str = TENANT_RULE;
    const BYTES_MAX: usize = TENANT_ID_BYTES_MAX;
    fn allows(c: char) -> bool {
        tenant_char(c)
    }
}

/// The kind of [`CartId`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cart;

impl IdKind for Cart {
    const NAME: &'static str = "cart id";
    const RULE: &'static str = TENANT_RULE;
    const BYTES_MAX: usize = TENANT_ID_BYTES_MAX;
    fn allows(c: char) -> bool {
        tenant_char(c)
    }
}

/// A client: the company whose shops these are. Nothing is ever shared between two of them.
pub type ClientId = Id<Client>;
/// A branch of a client: one shop.
pub type BranchId = Id<Branch>;
/// A device: one till, or one browser.
pub type DeviceId = Id<Device>;
/// A batch, named by the device that sends it, so that it can send it again.
pub type BatchId = Id<Batch>;
/// A session: one sign-in on one device, for as long as its user's privileges stay the same.
pub type SessionId = Id<Session>;
/// A cart of a branch: what somebody is about to buy.
pub type CartId = Id<Cart>;

impl SessionId {
    /// The id made of 16 random bytes.
    pub fn of(bytes: [u8; 16]) -> SessionId {
        Id(URL_SAFE_NO_PAD.encode(bytes), PhantomData)
    }
}

/// A room: one branch of one client. What is pushed in a room is heard in that room alone.
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
    fn no_id_can_carry_a_separator_of_our_keys() {
        for bad in ["", "a#b", "a:b", "a b", "ä", &"x".repeat(65)] {
            assert!(bad.parse::<ClientId>().is_err(), "{bad}");
            assert!(bad.parse::<BranchId>().is_err(), "{bad}");
        }
        assert!("x".repeat(64).parse::<ClientId>().is_ok());
    }

    #[test]
    fn device_and_batch_ids_are_any_text_without_control_characters() {
        assert!("Kasse 1 – Büro".parse::<DeviceId>().is_ok());
        for bad in ["", "a\nb", "a\u{7f}", &"x".repeat(129)] {
            assert!(bad.parse::<DeviceId>().is_err(), "{bad:?}");
            assert!(bad.parse::<BatchId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_session_made_of_bytes_is_an_id_like_any_other() {
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
