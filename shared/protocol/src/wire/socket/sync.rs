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
    /// The stamp before the change.
    pub prev: Stamp,
    /// `client:branch`
    pub room: String,
}

/// The changes of one commit that the user's role may read. A commit of several log items has a frame for
/// each, so a frame stays far below 1 MiB, the default limit of common WebSocket libraries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct SyncBatchFrame {
    /// In commit order, as in a page of a pull. Empty if the role may read none of them.
    pub changes: Vec<PulledChange>,
    /// The stamp before the first change of the commit.
    pub prev: Stamp,
    /// The stamp of its last change, whether the role may read that or not.
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
            prev: before,
            room: room.clone(),
        }
    };
    publication.changes.iter().enumerate().map(frame).collect()
}

/// The frame of a commit for `role`.
pub fn batch_frame(publication: &Publication, role: Role) -> SyncBatchFrame {
    let stamped = publication.changes.iter().enumerate();
    let stamped = stamped.map(|(i, change)| (change, publication.first.plus(i)));
    let readable = stamped.filter(|(change, _)| change.read <= role);
    SyncBatchFrame {
        changes: readable
            .map(|(change, stamp)| PulledChange::published(publication, change, stamp))
            .collect(),
        prev: publication.prev,
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
            r#"{"type":"sync","table_name":"products","record_id":"p1","operation":"create","data":null,"version":1,"server_updated_at":"1970-01-01T00:00:00.000100Z","stamp":100,"prev":7,"room":"1:2"}"#
        );
        assert_eq!(ServerFrame::parse(&frame.to_json()), Some(frame));
    }

    #[test]
    fn a_commit_is_one_frame_that_passes_over_what_the_role_may_not_read() {
        let exact = JsonText::from_text(r#"{"price":1.10}"#.into()).unwrap();
        let hidden = change("a1", JsonText::null(), Role::Manager);
        let publication = publication(vec![hidden.clone(), change("p1", exact, Role::Cashier), hidden]);
        let one = |role| {
            let frame = batch_frame(&publication, role);
            assert_eq!((frame.prev, frame.stamp), (Stamp(7), Stamp(102)));
            let stamps: Vec<_> = frame.changes.iter().map(|change| change.stamp).collect();
            let frame = ServerFrame::SyncBatch(frame);
            assert_eq!(ServerFrame::parse(&frame.to_json()).as_ref(), Some(&frame));
            (frame.to_json(), stamps)
        };
        let (text, stamps) = one(Role::Cashier);
        assert_eq!(stamps, [Stamp(101)]);
        assert_eq!(
            text,
            r#"{"type":"sync_batch","changes":[{"table_name":"products","record_id":"p1","data":{"price":1.10},"version":1,"stamp":101,"server_updated_at":"1970-01-01T00:00:00.000101Z","operation":"create","is_deleted":false,"device_id":"till-1","branch_id":"2"}],"prev":7,"stamp":102,"room":"1:2"}"#
        );
        assert_eq!(one(Role::Manager).1, [Stamp(100), Stamp(101), Stamp(102)]);
    }
}
