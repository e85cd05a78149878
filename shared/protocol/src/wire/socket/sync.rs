//! The frames of a commit: one for each change, or one for all of them.

use serde::{Deserialize, Serialize};

use crate::json::JsonText;
use crate::record::Operation;
use crate::role::Role;
use crate::stamp::Stamp;
use crate::wire::publication::{Publication, PublishedChange};
use crate::wire::pull::PulledChange;
#[cfg(feature = "schema")]
use crate::wire::schema;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct SyncFrame {
    /// The record's table.
    pub table_name: String,
    /// The record's id.
    pub record_id: String,
    /// The operation.
    pub operation: Operation,
    /// The record after the change.
    pub data: JsonText,
    /// The record's version after the change.
    pub version: u64,
    /// The time of the commit.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub server_updated_at: String,
    /// The stamp of the change.
    pub stamp: Stamp,
    /// Whether `operation` is `delete`.
    pub is_deleted: bool,
    /// The device that wrote it.
    pub device_id: String,
    /// The stamp before the change.
    pub prev: Stamp,
    /// `client:branch`
    pub room: String,
}

/// The changes of one commit, or those after the last one that the user's role may not read. A commit of
/// several log items has a frame for each, so a frame stays far below 1 MiB, the default limit of common
/// WebSocket libraries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct SyncBatchFrame {
    /// In commit order, as in a page of a pull. Empty if the role may not read the last one.
    pub changes: Vec<PulledChange>,
    /// The stamp before the first of `changes`; `stamp` if there are none.
    pub prev: Stamp,
    /// The stamp of the commit's last change.
    pub stamp: Stamp,
    /// `client:branch`
    pub room: String,
}

/// The frames of a commit in order; each has its stamp and the one before it.
pub fn frames(publication: &Publication) -> Vec<SyncFrame> {
    let room = publication.room().to_string();
    let mut prev = publication.prev;
    let frame = |(i, change): (usize, &PublishedChange)| {
        let stamp = publication.first.plus(i);
        let before = std::mem::replace(&mut prev, stamp);
        SyncFrame {
            table_name: change.table_name.clone(),
            record_id: change.record_id.clone(),
            operation: change.operation,
            data: change.data.clone(),
            version: change.version,
            server_updated_at: stamp.time().to_string(),
            stamp,
            is_deleted: change.operation == Operation::Delete,
            device_id: publication.device_id.to_string(),
            prev: before,
            room: room.clone(),
        }
    };
    publication.changes.iter().enumerate().map(frame).collect()
}

/// The frame of a commit for `role`.
///
/// It passes over no change: while a deployment opens a table to the role, only a pull knows whether the
/// reader has to get a hidden change. So a hidden change makes a gap, and the reader pulls.
pub fn batch_frame(publication: &Publication, role: Role) -> SyncBatchFrame {
    let changes = &publication.changes;
    let from = changes.iter().rposition(|change| change.read > role).map_or(0, |hidden| hidden + 1);
    let stamped = changes.iter().enumerate().skip(from);
    SyncBatchFrame {
        changes: stamped
            .map(|(i, change)| PulledChange::published(publication, change, publication.first.plus(i)))
            .collect(),
        prev: from.checked_sub(1).map_or(publication.prev, |hidden| publication.first.plus(hidden)),
        stamp: publication.last(),
        room: publication.room().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::socket::ServerFrame;

    fn change(id: &str, data: JsonText, read: Role) -> PublishedChange {
        let (table_name, operation) = ("products".into(), Operation::Create);
        PublishedChange { table_name, record_id: id.into(), operation, data, version: 1, read }
    }

    fn publication(changes: Vec<PublishedChange>) -> Publication {
        Publication {
            client_id: "1".parse().unwrap(),
            branch_id: "2".parse().unwrap(),
            device_id: "till-1".parse().unwrap(),
            prev: Stamp(7),
            first: Stamp(100),
            changes,
        }
    }

    #[test]
    fn each_frame_links_to_the_one_before() {
        let change = change("p1", JsonText::null(), Role::Cashier);
        let publication = publication(vec![change.clone(), change]);
        let pairs: Vec<_> = frames(&publication).iter().map(|frame| (frame.prev, frame.stamp)).collect();
        assert_eq!(pairs, [(Stamp(7), Stamp(100)), (Stamp(100), Stamp(101))]);
        assert_eq!(publication.last(), Stamp(101));
        let frame = ServerFrame::Sync(Box::new(frames(&publication).remove(0)));
        assert_eq!(
            frame.to_json(),
            r#"{"type":"sync","table_name":"products","record_id":"p1","operation":"create","data":null,"version":1,"server_updated_at":"1970-01-01T00:00:00.000100Z","stamp":100,"is_deleted":false,"device_id":"till-1","prev":7,"room":"1:2"}"#
        );
        assert_eq!(ServerFrame::parse(&frame.to_json()), Some(frame));
    }

    #[test]
    fn a_commit_is_one_frame_and_what_the_role_may_not_read_makes_a_gap() {
        let exact = JsonText::from_text(r#"{"price":1.10}"#.into()).unwrap();
        let hidden = change("a1", JsonText::null(), Role::Manager);
        let open = change("p1", exact, Role::Cashier);
        let publish = |changes: &[&PublishedChange]| publication(changes.iter().copied().cloned().collect());
        let one = |publication: &Publication, role| {
            let frame = batch_frame(publication, role);
            assert_eq!(frame.stamp, publication.last());
            let stamps: Vec<_> = frame.changes.iter().map(|change| change.stamp.0).collect();
            let prev = frame.prev.0;
            let frame = ServerFrame::SyncBatch(frame);
            assert_eq!(ServerFrame::parse(&frame.to_json()).as_ref(), Some(&frame));
            (frame.to_json(), prev, stamps)
        };
        let (text, prev, stamps) = one(&publish(&[&hidden, &open]), Role::Cashier);
        assert_eq!((prev, stamps), (100, vec![101]));
        assert_eq!(
            text,
            r#"{"type":"sync_batch","changes":[{"table_name":"products","record_id":"p1","data":{"price":1.10},"version":1,"stamp":101,"server_updated_at":"1970-01-01T00:00:00.000101Z","operation":"create","is_deleted":false,"device_id":"till-1","branch_id":"2"}],"prev":100,"stamp":101,"room":"1:2"}"#
        );
        for (changes, prev, stamps) in [
            (&[&open, &open][..], 7, vec![100, 101]),
            (&[&open, &hidden, &open], 101, vec![102]),
            (&[&open, &hidden], 101, vec![]),
            (&[&hidden], 100, vec![]),
        ] {
            let (_, of_cashier, shown) = one(&publish(changes), Role::Cashier);
            assert_eq!((of_cashier, shown), (prev, stamps));
            let (_, of_manager, all) = one(&publish(changes), Role::Manager);
            assert_eq!((of_manager, all.len()), (7, changes.len()), "a manager may read all");
        }
    }
}
