//! A commit on its way to a room: from `batch-push` beside its response, and from `change-stream`.

use serde::{Deserialize, Serialize};

use crate::ids::{BranchId, ClientId, DeviceId, Room};
use crate::json::JsonText;
use crate::record::Operation;
use crate::role::Role;
use crate::stamp::Stamp;

/// The changes of one log item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// The room's client.
    pub client_id: ClientId,
    /// The room's branch.
    pub branch_id: BranchId,
    /// The device that made the changes; the room does not send them to it.
    pub device_id: DeviceId,
    /// The room's stamp before the first change.
    pub prev: Stamp,
    /// The stamp of the first change; the others are consecutive.
    pub first: Stamp,
    /// In commit order, never empty.
    pub changes: Vec<PublishedChange>,
}

/// One change of a [`Publication`]; its stamp follows from its position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedChange {
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
    /// The lowest role that may receive it.
    #[serde(default = "cashier", skip_serializing_if = "is_cashier")]
    pub read: Role,
}

fn cashier() -> Role {
    Role::Cashier
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_cashier(role: &Role) -> bool {
    *role == Role::Cashier
}

impl Publication {
    /// The room.
    pub fn room(&self) -> Room {
        Room { client: self.client_id.clone(), branch: self.branch_id.clone() }
    }

    /// Bytes of the data of all changes.
    pub fn data_bytes(&self) -> usize {
        self.changes.iter().map(|change| change.data.as_str().len()).sum()
    }

    /// The stamp of the last change.
    pub fn last(&self) -> Stamp {
        self.first.plus(self.changes.len().saturating_sub(1))
    }
}

/// The body of `POST /internal/publish`: commits of one room in order.
#[derive(Debug, Serialize, Deserialize)]
pub struct PublishRequest {
    /// Publications of one room.
    pub publications: Vec<Publication>,
}
