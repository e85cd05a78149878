//! The stored form of a family. Secrets are stored as hashes only.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use protocol::ids::SessionId;
use protocol::timestamp::Timestamp;

use super::client_info::ClientInfo;
use super::family::{EndedSession, Family, Privileges};
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{
    Item, as_bool, as_bytes, as_number, as_parsed, as_text, get, number, optional, text,
};
use crate::dynamo::kind::ItemKind;

/// A family of refresh tokens.
pub(super) const FAMILY: ItemKind = ItemKind {
    name: "family",
    format: 1,
    attributes: &[
        "id",
        "user",
        "session",
        "role",
        "client_id",
        "started_at",
        "current",
        "salt",
        "rotated_at",
        "ttl",
        "revoked",
        "previous",
        "ended_session",
        "ended_branch",
        "branch_id",
        "device",
        "address",
        "agent",
        "tag_key",
    ],
};

/// Writes a family, without its key.
pub(super) fn attributes(family: &Family) -> Item {
    let mut item = Item::new();
    let mut put = |name: &str, value: AttributeValue| item.insert(name.to_owned(), value);
    put("id", text(&family.id));
    put("user", text(&family.user));
    put("session", text(family.session.as_str()));
    put("role", text(family.privileges.role.to_string()));
    put("client_id", text(family.privileges.client.as_str()));
    put("started_at", number(family.started_at.0));
    put("current", AttributeValue::B(Blob::new(family.current)));
    put("salt", AttributeValue::B(Blob::new(family.salt)));
    put("rotated_at", number(family.rotated_at.0));
    put("ttl", number(family.expires_at.as_secs()));
    put("revoked", AttributeValue::Bool(family.revoked));
    for (name, bytes) in [("previous", family.previous), ("tag_key", family.tag_key)] {
        bytes.map(|bytes| put(name, AttributeValue::B(Blob::new(bytes))));
    }
    let optional = [
        ("ended_session", family.before.as_ref().map(|ended| ended.session.as_str())),
        ("ended_branch", family.before.as_ref().and_then(|ended| Some(ended.branch.as_ref()?.as_str()))),
        ("branch_id", family.privileges.branch.as_ref().map(|id| id.as_str())),
        ("device", family.device.as_ref().map(|id| id.as_str())),
        ("address", family.client.address.as_deref()),
        ("agent", family.client.agent.as_deref()),
    ];
    for (name, value) in optional {
        value.map(|value| put(name, text(value)));
    }
    item
}

/// Reads a family.
pub(super) fn to_family(item: &Item) -> Result<Family, StoreError> {
    FAMILY.read(item, read_family)
}

fn read_family(item: &Item) -> Result<Family, StoreError> {
    Ok(Family {
        id: get(item, "id", as_text)?.clone(),
        user: get(item, "user", as_text)?.clone(),
        session: get(item, "session", as_parsed)?,
        before: optional(item, "ended_session", as_parsed)?
            .map(|session| to_ended(item, session))
            .transpose()?,
        privileges: Privileges {
            role: get(item, "role", as_parsed)?,
            client: get(item, "client_id", as_parsed)?,
            branch: optional(item, "branch_id", as_parsed)?,
        },
        device: optional(item, "device", as_parsed)?,
        client: ClientInfo {
            address: optional(item, "address", as_owned)?,
            agent: optional(item, "agent", as_owned)?,
        },
        started_at: Timestamp(get(item, "started_at", as_number)?),
        current: get(item, "current", as_hash)?,
        previous: optional(item, "previous", as_hash)?,
        salt: get(item, "salt", as_hash)?,
        tag_key: optional(item, "tag_key", as_hash)?,
        rotated_at: Timestamp(get(item, "rotated_at", as_number)?),
        expires_at: Timestamp(0).plus_secs(get(item, "ttl", as_number)?),
        revoked: get(item, "revoked", as_bool)?,
    })
}

/// The previous session. It has the same client, because a user never changes its client.
fn to_ended(item: &Item, session: SessionId) -> Result<EndedSession, StoreError> {
    let (client, branch) = (get(item, "client_id", as_parsed)?, optional(item, "ended_branch", as_parsed)?);
    Ok(EndedSession { session, client, branch })
}

fn as_owned(value: &AttributeValue) -> Option<String> {
    as_text(value).cloned()
}

fn as_hash(value: &AttributeValue) -> Option<[u8; 32]> {
    as_bytes(value)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::item::dynamo_json;
    use protocol::role::Role;

    fn family() -> Family {
        Family {
            id: "f1".into(),
            user: "u1".into(),
            session: "s2".parse().unwrap(),
            before: Some(EndedSession {
                session: "s1".parse().unwrap(),
                client: "1".parse().unwrap(),
                branch: Some("3".parse().unwrap()),
            }),
            privileges: Privileges {
                role: Role::Manager,
                client: "1".parse().unwrap(),
                branch: Some("2".parse().unwrap()),
            },
            device: Some("Kasse 1".parse().unwrap()),
            client: ClientInfo { address: Some("192.0.2.7".into()), agent: Some("till/1".into()) },
            started_at: Timestamp(1_765_103_400_000_001),
            current: [1; 32],
            previous: Some([2; 32]),
            salt: [3; 32],
            tag_key: Some([4; 32]),
            rotated_at: Timestamp(1_765_103_400_000_002),
            expires_at: Timestamp(1_765_103_400_000_000),
            revoked: true,
        }
    }

    #[test]
    fn a_family_reads_back_with_and_without_optional_attributes() {
        assert_eq!(to_family(&attributes(&family())).unwrap(), family());
        let privileges = Privileges { role: Role::SuperAdmin, branch: None, ..family().privileges };
        let bare = Family {
            privileges,
            before: None,
            device: None,
            client: ClientInfo::default(),
            previous: None,
            tag_key: None,
            ..family()
        };
        assert_eq!(to_family(&attributes(&bare)).unwrap(), bare);
    }

    #[test]
    fn a_damaged_family_is_an_error() {
        for name in ["session", "role", "client_id", "ttl", "revoked", "started_at"] {
            let mut item = attributes(&family());
            item.remove(name);
            assert!(matches!(to_family(&item), Err(StoreError::Corrupt(lacking)) if lacking == name));
        }
        let mut item = attributes(&family());
        item.insert("device".into(), AttributeValue::S(String::new()));
        assert!(to_family(&item).is_err());
    }

    #[test]
    fn families_are_read_and_written_as_before() {
        for item in include_str!("../../golden/family.jsonl").lines().map(dynamo_json) {
            let mut written = attributes(&to_family(&item).unwrap());
            assert!(written.keys().all(|name| FAMILY.attributes.contains(&name.as_str())));
            written.extend(["pk", "sk"].map(|name| (name.to_owned(), item[name].clone())));
            assert_eq!(written, item);
        }
    }
}
